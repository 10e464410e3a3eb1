// NodeUnschedulable: a cordoned node takes no pod that does not tolerate being unschedulable.

import KubernetesAPI

struct NodeUnschedulablePlugin: FilterPlugin, EventListeningPlugin {
    static let name = "NodeUnschedulable"
    var name: String { NodeUnschedulablePlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .node }

    private static let taint = Taint(key: Taint.unschedulable, effect: .noSchedule)

    func filter(_ pod: PodInfo, batch: inout FilterBatch, in cluster: ClusterSnapshot, state: PluginState?) {
        for index in batch.indices where cluster.nodes.unschedulable[batch.nodes[index]] && batch.isOpen(index) {
            if !pod.shape.tolerations.tolerate(NodeUnschedulablePlugin.taint) {
                batch.reject(index, .unschedulableAndUnresolvable)
            }
        }
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        guard cluster.nodes.unschedulable[node], !pod.shape.tolerations.tolerate(NodeUnschedulablePlugin.taint) else { return nil }
        return NodeRefusal(.unschedulableAndUnresolvable)
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String { "node(s) were unschedulable" }

    let events: ClusterEventKinds = [.nodeAdd, .nodeTaints, .podTolerations]

    /// A new or uncordoned node that is not cordoned, or tolerations of the pod itself that now cover the cordon.
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        switch event.kind {
        case .podTolerations:
            guard let changed = event.pod, changed.metadata.uid == pod.pod.value.metadata.uid else { return false }
            return changed.spec.value.tolerations.tolerate(NodeUnschedulablePlugin.taint)
        case .nodeAdd: return event.node?.spec.unschedulable == false
        default:
            return event.oldNode?.spec.unschedulable == true && event.node?.spec.unschedulable == false
        }
    }
}
