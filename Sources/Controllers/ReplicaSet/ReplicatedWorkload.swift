// What the one algorithm that keeps a number of equal pods alive has to know of its two kinds: ReplicaSets and
// ReplicationControllers, as in Kubernetes, where the second kind's controller is the first's behind an adapter.

import KubernetesAPI

/// A kind whose objects keep a number of equal pods alive.
protocol ReplicatedWorkload: KubernetesObject {
    static var controller: ControllerName { get }
    /// Whether the kind's status has `terminatingReplicas`.
    static var reportsTerminating: Bool { get }

    var wantedReplicas: Int32 { get }
    var minReadySeconds: Int32 { get }
    var podTemplate: PodTemplate { get }
    var status: ReplicaSetStatus { get set }

    /// Whether pods with these labels are this object's, or would be if nobody owned them.
    func selects(_ labels: Labels) -> Bool
    /// Whether another version selects the same pods.
    func hasSameSelector(as other: Self) -> Bool
}

extension ReplicaSet: ReplicatedWorkload {
    static var controller: ControllerName { .replicaSet }
    static var reportsTerminating: Bool { true }

    var wantedReplicas: Int32 { spec.replicas }
    var minReadySeconds: Int32 { spec.minReadySeconds }
    var podTemplate: PodTemplate { spec.template }

    func selects(_ labels: Labels) -> Bool { spec.selector.matches(labels) }
    func hasSameSelector(as other: ReplicaSet) -> Bool { spec.selector == other.spec.selector }
}

typealias ReplicaSetReconciler = ReplicaReconciler<ReplicaSet>
