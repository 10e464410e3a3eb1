// EndpointSlices: the addresses behind each Service.
// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct EndpointSliceReconciler: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> { Plan() }
}
