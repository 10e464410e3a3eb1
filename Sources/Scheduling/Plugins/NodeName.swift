// NodeName: a pod that names its node fits only there.

import KubernetesAPI

struct NodeNamePlugin: FilterPlugin, EventListeningPlugin {
    static let name = "NodeName"
    var name: String { NodeNamePlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { (pod.pod.value.nodeName ?? "").isEmpty ? .nothing : .cluster }

    func filter(_ pod: PodInfo, batch: inout FilterBatch, in cluster: ClusterSnapshot, state: PluginState?) {
        guard let wanted = pod.pod.value.nodeName, !wanted.isEmpty else { return }
        for index in batch.indices where batch.isOpen(index) && cluster.nodes.names[batch.nodes[index]] != wanted {
            batch.reject(index, .unschedulableAndUnresolvable)
        }
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        guard let wanted = pod.pod.value.nodeName, !wanted.isEmpty, cluster.nodes.names[node] != wanted else { return nil }
        return NodeRefusal(.unschedulableAndUnresolvable)
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String {
        "node(s) didn't match the requested node name"
    }

    let events: ClusterEventKinds = [.nodeAdd, .nodeTaints]
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool { true }
}
