// DynamicResources: devices for pods that claim them. Claims are not part of the simulation: pods without any are none of this
// plugin's business, and those with some wait for claims that never come, as in a cluster where nobody creates them.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/>

import KubernetesAPI

struct DynamicResourcesPlugin: PreEnqueuePlugin, PreFilterPlugin, FilterPlugin, PostFilterPlugin {
    static let name = "DynamicResources"
    var name: String { DynamicResourcesPlugin.name }

    func scope(for pod: PodInfo) -> AnswerScope { DynamicResourcesPlugin.hasClaims(pod.pod) ? .cluster : .nothing }

    private static func hasClaims(_ pod: Shared<Pod>) -> Bool { !pod.value.spec.value.resourceClaims.isEmpty }

    /// A pod is not tried before its claims exist.
    func admits(_ pod: Pod, isPreempting: Bool) -> Bool { pod.spec.value.resourceClaims.isEmpty }

    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome {
        guard DynamicResourcesPlugin.hasClaims(pod.pod) else { return .skip }
        let reason = "pod \"\(pod.pod.value.metadata.key)\": ResourceClaim not created yet"
        return .reject(.unschedulableAndUnresolvable, reasons: [reason])
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? { nil }
    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String { "" }

    func postFilter(_ pod: PodInfo, _ failure: FilterFailure, in session: inout FilterSession) -> PostFilterOutcome {
        // Without what PreFilter notes about the pod the real plugin breaks off, and preemption with it.
        guard session.hasPreFiltered(name) else { return .error(message: "not found") }
        return .reject(message: "no new claims to deallocate")
    }
}
