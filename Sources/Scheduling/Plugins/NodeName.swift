// NodeName: a pod that names its node fits only there.

import KubernetesAPI

struct NodeNamePlugin: FilterPlugin, EventListeningPlugin {
    static let name = "NodeName"
    var name: String { NodeNamePlugin.name }

    func filter(_ pod: PodInfo, batch: inout FilterBatch, in nodes: NodeTable, state: PluginState?) {
        guard let wanted = pod.pod.value.nodeName, !wanted.isEmpty else { return }
        for index in batch.indices where batch.isOpen(index) && nodes.names[batch.nodes[index]] != wanted {
            batch.reject(index, .unschedulableAndUnresolvable)
        }
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in nodes: NodeTable, state: PluginState?) -> NodeRefusal? {
        guard let wanted = pod.pod.value.nodeName, !wanted.isEmpty, nodes.names[node] != wanted else { return nil }
        return NodeRefusal(.unschedulableAndUnresolvable)
    }

    func reason(_ number: Int, for pod: PodInfo, in nodes: NodeTable) -> String {
        "node(s) didn't match the requested node name"
    }

    let events: ClusterEventKinds = [.nodeAdd, .nodeTaints]
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, nodes: NodeTable) -> Bool { true }
}
