// TaintToleration: no pod goes where it does not tolerate the taints; the fewer soft taints it does not tolerate, the better.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>

import KubernetesAPI

struct TaintTolerationPlugin: FilterPlugin, ScorePlugin, EventListeningPlugin {
    static let name = "TaintToleration"
    var name: String { TaintTolerationPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .node }

    func filter(_ pod: PodInfo, batch: inout FilterBatch, in cluster: ClusterSnapshot, state: PluginState?) {
        let taintSets = cluster.nodes.taintSet
        // Neighbours in the list mostly have the same taints.
        var lastSet: Int32 = 0
        var lastIsTolerated = true
        for index in batch.indices {
            let set = taintSets[batch.nodes[index]]
            guard set != 0, batch.isOpen(index) else { continue }
            if set != lastSet {
                lastSet = set
                lastIsTolerated = TaintTolerationPlugin.tolerates(pod.shape.tolerations, cluster.nodes.taintSets[Int(set)])
            }
            if !lastIsTolerated { batch.reject(index, .unschedulableAndUnresolvable) }
        }
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        guard !TaintTolerationPlugin.tolerates(pod.shape.tolerations, cluster.nodes.taintSets[Int(cluster.nodes.taintSet[node])]) else {
            return nil
        }
        return NodeRefusal(.unschedulableAndUnresolvable)
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String { "node(s) had untolerated taint(s)" }

    /// Whether every taint that forbids is covered.
    static func tolerates(_ tolerations: [Toleration], _ taints: [Taint]) -> Bool {
        for taint in taints where taint.effect != .preferNoSchedule && !tolerations.tolerate(taint) { return false }
        return true
    }

    /// The number of PreferNoSchedule taints not covered.
    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        let taintSets = cluster.nodes.taintSet
        for index in feasible.indices {
            let set = taintSets[feasible[index]]
            guard set != 0 else { continue }
            var count: Int64 = 0
            for taint in cluster.nodes.taintSets[Int(set)]
            where taint.effect == .preferNoSchedule && !pod.shape.preferNoScheduleTolerations.tolerate(taint) {
                count += 1
            }
            scores[index] = count
        }
    }

    var normalises: Bool { true }
    func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?) {
        NodeScore.normaliseByMaximum(&scores, reversed: true)
    }

    let events: ClusterEventKinds = [.nodeAdd, .nodeTaints, .podTolerations]

    /// Any change of the pod's own tolerations; a node added with tolerated taints, or whose taints became so.
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        if event.kind == .podTolerations { return event.pod?.metadata.uid == pod.pod.value.metadata.uid }
        guard let node = event.node else { return false }
        let tolerations = pod.shape.tolerations
        guard TaintTolerationPlugin.tolerates(tolerations, node.spec.taints) else { return false }
        guard let old = event.oldNode else { return true }
        return !TaintTolerationPlugin.tolerates(tolerations, old.spec.taints)
    }
}
