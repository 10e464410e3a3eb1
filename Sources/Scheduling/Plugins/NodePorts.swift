// NodePorts: a pod fits where the host ports it wants are free.

import KubernetesAPI

struct NodePortsPlugin: PreFilterPlugin, FilterPlugin, EventListeningPlugin {
    static let name = "NodePorts"
    var name: String { NodePortsPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { pod.shape.hostPorts.isEmpty ? .nothing : .node }

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        pod.shape.hostPorts.isEmpty ? .skip : .proceed(nil)
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        NodePortsPlugin.conflict(pod.shape.hostPorts, cluster.nodes.ports[node]) ? NodeRefusal(.unschedulable) : nil
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String {
        "node(s) didn't have free ports for the requested pod ports"
    }

    private static func conflict(_ wanted: [HostPort], _ used: [HostPort]) -> Bool {
        for port in used where wanted.contains(where: { $0.conflicts(with: port) }) { return true }
        return false
    }

    let events: ClusterEventKinds = [.assignedPodDelete, .nodeAdd, .nodeTaints]

    /// Any new node or change of taints; the end of a bound pod that had a conflicting port.
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        guard event.kind == .assignedPodDelete else { return true }
        guard let deleted = event.oldPod, deleted.nodeName != nil else { return false }
        return NodePortsPlugin.conflict(pod.shape.hostPorts, PodShape.hostPorts(of: deleted.spec.value))
    }
}
