// The node monitor: notices nodes whose kubelets fell silent, tells their pods, and queues them for their NoExecute taint.
// <https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller>
//
// The real monitor looks at all nodes each five seconds. This one is told when a kubelet's renewals end, computes the pass in
// which that will be noticed, and otherwise looks only at nodes that changed, in the pass after the change: what every pass
// finds is the same, and a quiet cluster costs nothing.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are names of nodes; a pass puts the nodes to look at into the queue, and ends when the last one is done.
struct NodeMonitor: Reconciler {
    /// What follows when a node's conditions were written: its taints and its pods, judged by the node as the pass found it.
    struct Conclusion: Sendable {
        let node: Shared<Node>
        let zone: Int
        /// Whether it was ready until now.
        let wasReady: Bool
    }

    private struct Record: Sendable {
        /// The zone the node was last counted in, and as what.
        var counted: (zone: Int, isReady: Bool)?
        /// When the kubelet sent its last renewal, if it stopped renewing.
        var silentSince: SimulatedTime?
        /// The pass that saw the last sign of life of a silent kubelet.
        var seen: SimulatedTime = .zero
        /// The node joined a cluster that was running, and no pass has seen it yet.
        var isNew = false
        /// Some pods could not be told: try again in the next pass.
        var needsRetry = false
    }

    private struct Zone: Sendable {
        let name: String
        var ready = 0
        var notReady = 0
        /// nil: no node is counted in the zone.
        var state: ZoneState?
        var queue: ZoneTaintQueue
    }

    private let configuration: ControllerManagerConfiguration
    private let rates: EvictionRates
    /// From a renewal's commit to its showing in this process' cache.
    private let watchLatency: SimulatedDuration
    private var records: [String: Record] = [:]
    private var zones: [Zone] = []
    private var zoneNumbers: [String: Int] = [:]
    /// Nodes whose kubelets do not renew, in the order they stopped.
    private var silent: [String] = []
    /// Nodes to look at in the next pass, in the order of their changes.
    private var changed: [String] = []
    private var isChanged: Set<String> = []
    /// Nodes of the running pass that are not done yet.
    private var remaining = 0
    private var passWake: SimulatedTime?
    private var pollWake: SimulatedTime?

    init(_ configuration: ControllerManagerConfiguration, watchLatency: SimulatedDuration) {
        self.configuration = configuration
        self.watchLatency = watchLatency
        rates = configuration.evictionRates
    }

    /// The state of a node's zone as of the last pass.
    func state(ofZone zone: String) -> ZoneState? { zoneNumbers[zone].flatMap { zones[$0].state } }

    /// Region and zone of a node in one key; empty for a node that has neither.
    static func zoneKey(_ node: Node) -> String {
        let (region, zone) = (node.region ?? "", node.zone ?? "")
        return region.isEmpty && zone.isEmpty ? "" : region + ":\0:" + zone
    }

    // MARK: What wakes it

    /// A kubelet sent its last renewal at `time`.
    mutating func heartbeatsStopped(_ node: String, at time: SimulatedTime, _ effects: inout Effects<ControllerTimer>, now: SimulatedTime) {
        if records[node]?.silentSince == nil { silent.append(node) }
        let arrival = time + watchLatency
        records[node, default: Record()].silentSince = time
        records[node]?.seen = arrival.roundedUp(toMultipleOf: configuration.nodeMonitorPeriod, phase: configuration.nodeMonitorPhase)
        wakeForPass(
            at: max(
                now.nextMultiple(of: configuration.nodeMonitorPeriod, phase: configuration.nodeMonitorPhase),
                deadline(of: node, hasReported: true)), &effects)
    }

    /// The kubelet renews again.
    mutating func heartbeatsResumed(_ node: String) {
        records[node]?.silentSince = nil
        silent.removeAll { $0 == node }
    }

    /// A node changed: whether the monitor cares. `isNew`: it joined a cluster that was running.
    mutating func observe(
        _ change: WatchEvent.Change, _ node: Node, previous: Node?, isNew: Bool, at now: SimulatedTime,
        _ effects: inout Effects<ControllerTimer>
    ) {
        guard change == .deleted || NodeMonitor.differ(previous, node) else { return }
        note(node.metadata.name)
        if isNew { records[node.metadata.name, default: Record()].isNew = true }
        let tick = now.nextMultiple(of: configuration.nodeMonitorPeriod, phase: configuration.nodeMonitorPhase)
        if let previous, records[node.metadata.name]?.silentSince != nil,
            previous.status.conditions[.ready]?.status != node.status.conditions[.ready]?.status,
            node.status.conditions[.ready]?.status != .unknown
        {
            // A status that arrives is a sign of life, even from a kubelet that does not renew its lease.
            records[node.metadata.name]?.seen = tick
        }
        wakeForPass(at: tick, &effects)
    }

    private static func differ(_ old: Node?, _ new: Node) -> Bool {
        guard let old else { return true }
        return old.status.conditions[.ready]?.status != new.status.conditions[.ready]?.status
            || old.spec.taints != new.spec.taints || zoneKey(old) != zoneKey(new)
            || old.metadata.labels[Node.excludeDisruptionLabel] != new.metadata.labels[Node.excludeDisruptionLabel]
    }

    private mutating func note(_ node: String) {
        if isChanged.insert(node).inserted { changed.append(node) }
    }

    private mutating func wakeForPass(at time: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        if let passWake, passWake <= time { return }
        passWake = time
        effects.wake(at: time, .nodeMonitor)
    }

    /// The first pass that finds a silent node overdue. The real passes drift by some milliseconds, so the one that comes a
    /// grace period after the last sign of life was seen is (just) late enough.
    private func deadline(of node: String, hasReported: Bool) -> SimulatedTime {
        guard let record = records[node] else { return .distantFuture }
        let grace = hasReported ? configuration.nodeMonitorGracePeriod : configuration.nodeStartupGracePeriod
        return (record.seen + grace).roundedUp(toMultipleOf: configuration.nodeMonitorPeriod, phase: configuration.nodeMonitorPhase)
    }

    // MARK: The pass

    /// The nodes to look at in a pass that begins now; nil if it is not time, or the last pass is not over.
    mutating func beginPass(_ view: SharedInformers, at now: SimulatedTime) -> [String]? {
        guard let wake = passWake, wake <= now else { return nil }
        passWake = nil
        guard remaining == 0 else { return nil }
        for node in silent where isOverdue(node, view, at: now) { note(node) }
        let nodes = changed
        changed.removeAll(keepingCapacity: true)
        isChanged.removeAll(keepingCapacity: true)
        remaining = nodes.count
        return nodes
    }

    private func isOverdue(_ node: String, _ view: SharedInformers, at now: SimulatedTime) -> Bool {
        guard let ready = view.node(node).map({ $0.value.status.conditions[.ready]?.status }) else { return false }
        return ready != .unknown && deadline(of: node, hasReported: ready != nil) <= now
    }

    /// One node of a pass: its conditions, its pods, its taints.
    mutating func reconcile(_ name: String, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        var plan = Plan<Conclusion>()
        guard let shared = view.node(name) else {
            uncount(name)
            if records[name] != nil {
                plan.events.append(NodeMonitor.event(aboutNode: name, nil, "RemovingNode", "Removing Node \(name) from Controller"))
            }
            for index in zones.indices { zones[index].queue.remove(name) }
            if records[name]?.silentSince == nil { records[name] = nil }
            return plan
        }
        let node = shared.value
        let zone = zoneNumber(of: node, at: now)
        if records[name]?.isNew ?? false {
            records[name]?.isNew = false
            plan.events.append(
                NodeMonitor.event(aboutNode: name, node.metadata.uid, "RegisteredNode", "Registered Node \(name) in Controller"))
        }
        guard let observed = node.status.conditions[.ready]?.status else {
            guard records[name]?.silentSince != nil, isOverdue(name, view, at: now) else {
                count(node, zone, nil)
                return plan
            }
            return detection(of: shared, zone, wasReady: false, at: now)
        }
        if records[name]?.silentSince != nil, isOverdue(name, view, at: now) {
            return detection(of: shared, zone, wasReady: observed == .true, at: now)
        }
        count(node, zone, observed)
        return consequences(for: node, zone, observed, tellsPods: (records[name]?.needsRetry ?? false) && observed != .true, view, at: now)
    }

    /// Nobody has heard of the node: that is written first, and all else follows from its success.
    private mutating func detection(of node: Shared<Node>, _ zone: Int, wasReady: Bool, at now: SimulatedTime) -> Plan<Conclusion> {
        count(node.value, zone, .unknown)
        let conditions = NodeMonitor.unknownConditions(node.value, at: now)
        var plan = Plan<Conclusion>()
        plan.then(
            PlannedCall(
                .patchNode(node.value.metadata.name, .conditions(conditions)),
                onSuccess: wasReady ? Shared(NodeMonitor.event(aboutNode: node.value)) : nil))
        plan.conclusion = Conclusion(node: node, zone: zone, wasReady: wasReady)
        return plan
    }

    /// Taints, or a place in the queue for them; and the pods that have to be told, one after the other.
    private mutating func consequences(
        for node: Node, _ zone: Int, _ ready: ConditionStatus, tellsPods: Bool, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion> {
        let name = node.metadata.name
        var plan = Plan<Conclusion>()
        let taints = queueOrTaint(node, zone, ready, at: now)
        if !taints.isEmpty { plan.steps += NodeMonitor.steps(name, taints) }
        if tellsPods {
            for pod in view.pods(onNode: name) where pod.isReady { plan.then(NodeMonitor.tell(pod, at: now)) }
        }
        return plan
    }

    mutating func conclude(
        _ key: String, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        if let conclusion, outcome.error == nil {
            let tells = conclusion.wasReady || (records[key]?.needsRetry ?? false)
            return consequences(for: conclusion.node.value, conclusion.zone, .unknown, tellsPods: tells, view, at: now)
        }
        let isToRetry = outcome.error != nil || outcome.hadConflict
        if records[key] != nil { records[key]?.needsRetry = isToRetry }
        if isToRetry { note(key) }
        remaining -= 1
        return nil
    }

    /// Whether the last node of a pass is done.
    var isPassOver: Bool { remaining == 0 }

    private static func unknownConditions(_ node: Node, at now: SimulatedTime) -> [Condition] {
        [ConditionType.ready, .memoryPressure, .diskPressure, .pidPressure].compactMap { type in
            let current = node.status.conditions[type]
            if current?.status == .unknown { return nil }
            return Condition(
                type, .unknown, reason: current == nil ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
                message: current == nil ? "Kubelet never posted node status." : "Kubelet stopped posting node status.",
                lastTransitionTime: now.truncatedToSeconds)
        }
    }

    private static func event(aboutNode name: String, _ uid: UID?, _ reason: String, _ message: String) -> KubernetesEvent {
        KubernetesEvent(
            about: "Node", NamespacedName(namespace: "", name: name), uid: uid ?? UID(name), reason: reason,
            message: "Node \(name) event: \(message)", source: ControllerName.nodeLifecycle.eventSource)
    }

    private static func event(aboutNode node: Node) -> KubernetesEvent {
        let name = node.metadata.name
        return KubernetesEvent(
            about: "Node", node.metadata.key, uid: node.metadata.uid, reason: "NodeNotReady",
            message: "Node \(name) status is now: NodeNotReady", source: ControllerName.nodeLifecycle.eventSource)
    }

    /// Ready=False for a pod nobody can vouch for any more. An update of the version that was seen: a pod that somebody else (taint
    /// eviction, say) wrote to meanwhile is told in the next pass. It is reported all the same, and then a second time.
    private static func tell(_ pod: Shared<Pod>, at now: SimulatedTime) -> PlannedCall {
        let metadata = pod.value.metadata
        let told = pod.with {
            var ready = $0.status.conditions[.ready] ?? Condition(.ready, .false)
            ready.status = .false
            ready.lastTransitionTime = now.truncatedToSeconds
            $0.status.conditions.set(ready)
        }
        var call = PlannedCall(.updateStatus(.pod(told)))
        call.forgives = [.notFound, .conflict]
        call.onSuccess = Shared(
            KubernetesEvent(
                about: "Pod", metadata.key, uid: metadata.uid, reason: "NodeNotReady", message: "Node is not ready",
                severity: .warning, source: ControllerName.nodeLifecycle.eventSource))
        return call
    }

    /// Taints are set first, then taken away, in two requests.
    static func steps(_ node: String, _ change: TaintChange) -> [[PlannedCall]] {
        var steps: [[PlannedCall]] = []
        if !change.add.isEmpty { steps.append([PlannedCall(.patchNode(node, .taints(add: change.add, remove: [])))]) }
        if !change.remove.isEmpty { steps.append([PlannedCall(.patchNode(node, .taints(add: [], remove: change.remove)))]) }
        return steps
    }

    /// Nodes that are not ready wait in their zone's queue for the NoExecute taint, but one that has the other of the two taints
    /// gets it swapped at once; nodes that are ready lose both.
    private mutating func queueOrTaint(_ node: Node, _ zone: Int, _ ready: ConditionStatus, at now: SimulatedTime) -> TaintChange {
        let name = node.metadata.name
        if ready == .true {
            zones[zone].queue.remove(name)
            return NodeTaints.removingNoExecute(node)
        }
        let change = NodeTaints.noExecute(node, ready: ready, at: now)
        if !change.remove.isEmpty { return change }
        if !change.add.isEmpty { zones[zone].queue.allowAgain(name) }
        zones[zone].queue.add(name)
        return TaintChange()
    }

    // MARK: Zones

    private mutating func zoneNumber(of node: Node, at now: SimulatedTime) -> Int {
        let key = NodeMonitor.zoneKey(node)
        if let number = zoneNumbers[key] { return number }
        zoneNumbers[key] = zones.count
        zones.append(Zone(name: key, queue: ZoneTaintQueue(rate: rates.normal, at: now)))
        return zones.count - 1
    }

    private mutating func uncount(_ name: String) {
        guard let (zone, isReady) = records[name]?.counted else { return }
        if isReady { zones[zone].ready -= 1 } else { zones[zone].notReady -= 1 }
        records[name]?.counted = nil
    }

    private mutating func count(_ node: Node, _ zone: Int, _ ready: ConditionStatus?) {
        let name = node.metadata.name
        uncount(name)
        records[name, default: Record()].counted = nil
        if node.metadata.labels[Node.excludeDisruptionLabel] != nil { return }
        records[name]?.counted = (zone, ready == .true)
        if ready == .true { zones[zone].ready += 1 } else { zones[zone].notReady += 1 }
    }

    /// What the end of a pass decides about zones: new rates, and whether all of the cluster is (or is no more) cut off.
    ///
    /// Returns the nodes to take NoExecute taints off: all of them, when every zone is down, for then it is more likely the
    /// control plane that lost the network.
    mutating func endPass(_ view: SharedInformers, at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) -> [String] {
        var reachable: [String] = []
        let populated = zones.indices.filter { zones[$0].ready + zones[$0].notReady > 0 }
        var newStates: [ZoneState] = zones.map { _ in .initial }
        for zone in populated {
            newStates[zone] = ZoneState.of(
                ready: zones[zone].ready, notReady: zones[zone].notReady, threshold: rates.unhealthyZoneThreshold)
            if zones[zone].state == nil { zones[zone].state = .initial }
        }
        for zone in zones.indices where zones[zone].ready + zones[zone].notReady == 0 { zones[zone].state = nil }
        let allAreDown = populated.allSatisfy { newStates[$0] == .fullDisruption }
        let allWereDown = populated.allSatisfy { zones[$0].state == .fullDisruption }
        if !allAreDown || !allWereDown {
            if allAreDown {
                for node in view.tables.all(Node.self) {
                    reachable.append(node.value.metadata.name)
                    for zone in zones.indices { zones[zone].queue.remove(node.value.metadata.name) }
                }
                for zone in populated { enter(.fullDisruption, zone, rate: 0, at: now) }
                noteUnready(view)
            } else if allWereDown {
                for node in silent { records[node]?.seen = now }
                for zone in populated { enter(newStates[zone], zone, at: now) }
                noteUnready(view)
            } else {
                for zone in populated where zones[zone].state != newStates[zone] { enter(newStates[zone], zone, at: now) }
            }
        }
        wakeAgain(view, at: now, &effects)
        return reachable
    }

    private mutating func enter(_ state: ZoneState, _ zone: Int, rate: Double? = nil, at now: SimulatedTime) {
        let size = zones[zone].ready + zones[zone].notReady
        zones[zone].state = state
        zones[zone].queue.setRate(rate ?? rates.rate(state, zoneSize: size), at: now)
    }

    /// Nodes that are not ready are looked at again: what was decided for them does not hold any more.
    private mutating func noteUnready(_ view: SharedInformers) {
        for node in view.tables.all(Node.self) where !node.value.isReady { note(node.value.metadata.name) }
    }

    private mutating func wakeAgain(_ view: SharedInformers, at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        let tick = now.nextMultiple(of: configuration.nodeMonitorPeriod, phase: configuration.nodeMonitorPhase)
        if !changed.isEmpty { wakeForPass(at: tick, &effects) }
        var earliest: SimulatedTime?
        for node in silent {
            guard let ready = view.node(node).map({ $0.value.status.conditions[.ready]?.status }), ready != .unknown else { continue }
            let time = max(tick, deadline(of: node, hasReported: ready != nil))
            earliest = min(earliest ?? time, time)
        }
        if let earliest { wakeForPass(at: earliest, &effects) }
    }

    // MARK: The queues of nodes to taint

    /// Asks for the next poll at which some node can pass its zone's limiter.
    mutating func wakeForPoll(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        var earliest: SimulatedTime?
        for zone in zones {
            if let pass = zone.queue.nextPass(at: now) { earliest = min(earliest ?? pass, pass) }
        }
        guard let earliest else { return }
        // Not in this very instant: polls and passes that fall together come one after the other.
        let poll = max(
            earliest.roundedUp(toMultipleOf: configuration.nodeTaintPeriod), now.nextMultiple(of: configuration.nodeTaintPeriod))
        if let pollWake, pollWake > now, pollWake <= poll { return }
        pollWake = poll
        effects.wake(at: poll, .taintPoll)
    }

    /// The nodes whose turn it is at a poll.
    mutating func poll(at now: SimulatedTime) -> [String] {
        if let pollWake, pollWake <= now { self.pollWake = nil }
        var nodes: [String] = []
        for index in zones.indices { nodes += zones[index].queue.take(at: now) }
        return nodes
    }
}
