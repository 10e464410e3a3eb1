// Coscheduling: all pods of a group are placed, or none.

import DiscreteEvents
import KubernetesAPI
import Scheduling

/// Gang scheduling by PodGroups: a pod that has a node waits there until `minMember` pods of its group have one. Of the scheduler-plugins
/// project, <https://github.com/kubernetes-sigs/scheduler-plugins/tree/master/pkg/coscheduling>.
///
/// - The queue is ordered by priority, then by when the group (or the pod, if it has none) was created. Groups of the same second follow
///   each other in the order in which they were created (the real plugin goes by the names of the pods).
/// - A pod is not tried while its group has too few pods, or, if the group says `minResources`, while the cluster has not so much free. (The
///   real plugin takes that for granted for a while once it was so; here it is looked at each time.)
/// - The first pod of a group that finds a node has the others tried at once.
/// - Waiting ends, for the whole group, when one of its pods has waited as long as the group's `scheduleTimeoutSeconds` or
///   `permitWaitingTimeSeconds` (60) says, or loses its node; and when a pod of the group fits nowhere, unless only
///   `podGroupRejectPercentage` (10) of the group are missing. After that the group is not tried for `podGroupBackoffSeconds` (0).
///
/// Must be the QueueSort plugin of every profile, as every plugin that sorts.
struct CoschedulingPlugin: QueueSortPlugin, PreFilterPlugin, PostFilterPlugin, ReservePlugin, PermitPlugin, EventListeningPlugin {
    static let name = "Coscheduling"
    var name: String { CoschedulingPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { PodGroupLedger.groupName(of: pod.pod.value) == nil ? .nothing : .cluster }

    private let waitingTime: SimulatedDuration
    private let backoff: SimulatedDuration
    private let rejectPercentage: Double

    init(_ arguments: PluginArguments?, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        var fields = try PolicyArguments(arguments, of: Self.name)
        let longest: Int64 = 1_000_000_000
        waitingTime = .seconds(Int(try fields.integer("permitWaitingTimeSeconds", in: 0...longest) ?? 60))
        backoff = .seconds(Int(try fields.integer("podGroupBackoffSeconds", in: 0...longest) ?? 0))
        rejectPercentage = Double(try fields.integer("podGroupRejectPercentage", in: 0...100) ?? 10)
        try fields.finish()
        nodes.keep(PodGroupLedger())
    }

    /// What is known of a pod's group, and its PodGroup if there is one.
    private func group(of pod: PodInfo, in cluster: ClusterSnapshot) -> (group: PodGroupLedger.Group, spec: PodGroupSpec)? {
        guard let ledger = cluster.nodes.ledger(PodGroupLedger.self), let number = ledger.number(of: pod.pod.value),
            let spec = ledger[number].spec
        else { return nil }
        return (ledger[number], spec)
    }

    private func siblings(of pod: PodInfo, among waiting: [PodInfo]) -> [UID] {
        guard let name = PodGroupLedger.groupName(of: pod.pod.value) else { return [] }
        return waiting.lazy.filter { PodGroupLedger.groupName(of: $0.pod.value) == name }.map(\.pod.value.metadata.uid)
    }

    private func rejection(of pods: [UID], _ reason: String) -> WaitingPodEffects {
        var effects = WaitingPodEffects()
        effects.rejected = pods.map { (pod: $0, reason: reason) }
        return effects
    }

    // MARK: QueueSort

    func key(of pod: Pod, timestamp: SimulatedTime, in cluster: ClusterSnapshot) -> QueueKey {
        let priority = -Int64(pod.spec.value.priority ?? 0)
        if let ledger = cluster.nodes.ledger(PodGroupLedger.self), let number = ledger.number(of: pod), ledger[number].spec != nil {
            // Creation is told in whole seconds: there is room for the number behind it.
            return QueueKey(priority, ledger[number].created.truncatedToSeconds.nanoseconds + Int64(number + 1))
        }
        return QueueKey(priority, pod.metadata.creationTimestamp.nanoseconds)
    }

    // MARK: PreFilter

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        guard let (group, spec) = group(of: pod, in: cluster) else { return .proceed(nil) }
        if cluster.nodes.ledger(PodGroupLedger.self)?.isHeldBack(group.name) == true {
            return refusal("podGroup \(group.name) failed recently")
        }
        guard group.members.count >= Int(spec.minMember) else {
            return refusal(
                "pre-filter pod \(pod.pod.value.metadata.name) cannot find enough sibling pods, current pods number: "
                    + "\(group.members.count), minMember of group: \(spec.minMember)")
        }
        guard let wanted = spec.minResources else { return .proceed(nil) }
        let gap = ResourceGap(wanted, pods: Int64(spec.minMember), of: group, in: cluster.nodes)
        return gap.isClosed ? .proceed(nil) : refusal("resource gap: \(gap)")
    }

    /// No preemption helps.
    private func refusal(_ reason: String) -> PreFilterOutcome { .reject(.unschedulableAndUnresolvable, reasons: [reason]) }

    // MARK: PostFilter

    func postFilter(_ pod: PodInfo, _ failure: FilterFailure, in session: inout FilterSession) -> PostFilterOutcome {
        guard let (group, spec) = group(of: pod, in: session.cluster) else { return .reject(message: "can not find pod group") }
        let missing = Int(spec.minMember) - group.placed.count
        guard missing > 0, Double(missing) * 100 > rejectPercentage * Double(spec.minMember) else { return .reject(message: "") }
        var effects = rejection(of: siblings(of: pod, among: session.waiting), "optimistic rejection in PostFilter")
        if group.members.count >= Int(spec.minMember) { effects.note = (PodGroupLedger.note(of: group.name), backoff) }
        let text = "PodGroup \(group.name) gets rejected due to Pod \(pod.pod.value.metadata.name) is unschedulable even after PostFilter"
        return .reject(message: text, effects: effects)
    }

    // MARK: Permit

    func permit(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, waiting: [PodInfo]) -> PermitAnswer {
        guard PodGroupLedger.groupName(of: pod.pod.value) != nil else { return PermitAnswer(.allow) }
        guard let (group, spec) = group(of: pod, in: cluster) else { return PermitAnswer(.refuse("PodGroup not found")) }
        let name = pod.pod.value.metadata.key
        let others = group.placed.count { $0.pod.value.metadata.key != name }
        var effects = WaitingPodEffects()
        if others + 1 >= Int(spec.minMember) {
            effects.allowed = siblings(of: pod, among: waiting)
            return PermitAnswer(.allow, effects: effects)
        }
        if others == 0 { effects.activated = group.members.filter { $0 != name } }
        let own = spec.scheduleTimeoutSeconds.map { SimulatedDuration.seconds(Int($0)) } ?? .zero
        return PermitAnswer(.wait(own > .zero ? own : waitingTime), effects: effects)
    }

    // MARK: Reserve

    func reserve(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> ReserveOutcome { .proceed() }

    func unreserve(_ pod: PodInfo, in cluster: ClusterSnapshot, waiting: [PodInfo]) -> WaitingPodEffects {
        guard group(of: pod, in: cluster) != nil else { return WaitingPodEffects() }
        return rejection(of: siblings(of: pod, among: waiting), "rejection in Unreserve")
    }

    // MARK: Hints

    let events: ClusterEventKinds = [.assignedPodAdd, .podGroupAdd, .podGroupUpdate]

    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool { true }
}
