// Node IPAM: a range of pod addresses for each node.
// <https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct NodeAddressAllocator: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: String, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
