// NodeDeclaredFeatures: a pod that needs an optional feature of the kubelet goes only where the kubelet declares it (KEP-5328).
// <https://kubernetes.io/docs/concepts/scheduling-eviction/node-declared-features/>

import KubernetesAPI

struct NodeDeclaredFeaturesPlugin: PreFilterPlugin, FilterPlugin, EventListeningPlugin {
    static let name = "NodeDeclaredFeatures"
    var name: String { NodeDeclaredFeaturesPlugin.name }

    func scope(for pod: PodInfo) -> AnswerScope {
        NodeDeclaredFeaturesPlugin.requirements(of: pod.shape.spec.value).isEmpty ? .nothing : .node
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String {
        "node(s) didn't match Pod's required features"
    }

    /// The features a pod cannot do without.
    private static func requirements(of spec: PodSpec) -> [String] {
        var features: [String] = []
        let restartsAll = { (container: Container) in container.restartRules.contains { $0.action == RestartRule.restartAllContainers } }
        if spec.containers.contains(where: restartsAll) || spec.initContainers.contains(where: restartsAll) {
            features.append("RestartAllContainersOnContainerExits")
        }
        if spec.hostNetwork, spec.hostUsers == false { features.append("UserNamespacesHostNetworkSupport") }
        return features
    }

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        let required = NodeDeclaredFeaturesPlugin.requirements(of: pod.shape.spec.value)
        return required.isEmpty ? .skip : .proceed(required)
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        let required = state as? [String] ?? NodeDeclaredFeaturesPlugin.requirements(of: pod.shape.spec.value)
        let declared = cluster.nodes.objects[node]?.value.status.declaredFeatures ?? []
        return required.allSatisfy(declared.contains) ? nil : NodeRefusal(.unschedulableAndUnresolvable)
    }

    // MARK: Hints

    let events: ClusterEventKinds = [.nodeAdd, .nodeDeclaredFeatures, .nodeTaints, .podOther]

    /// Any new node, any change of what a node declares, any change of taints; a change of the pod itself that changes what it needs.
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        guard event.kind == .podOther else { return true }
        guard let new = event.pod, let old = event.oldPod, new.metadata.uid == pod.pod.value.metadata.uid else { return false }
        return NodeDeclaredFeaturesPlugin.requirements(of: new.spec.value)
            != NodeDeclaredFeaturesPlugin.requirements(of: old.spec.value)
    }
}
