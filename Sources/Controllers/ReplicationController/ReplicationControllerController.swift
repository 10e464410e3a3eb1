// ReplicationControllers: what ReplicaSets replaced. The algorithm is that of ReplicaSets (see ``ReplicaReconciler``); the kind has
// a map of labels for a selector, and no count of terminating pods.
// <https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller/>

import KubernetesAPI

extension ReplicationController: ReplicatedWorkload {
    static var controller: ControllerName { .replicationController }
    static var reportsTerminating: Bool { false }

    var wantedReplicas: Int32 { replicas }
    var podTemplate: PodTemplate { template }

    /// A selector that was left out is the template's labels.
    private var wantedLabels: Labels { selector.isEmpty ? template.labels : selector }

    func selects(_ labels: Labels) -> Bool {
        let wanted = wantedLabels
        return !wanted.isEmpty && wanted.allSatisfy { labels[$0.key] == $0.value }
    }

    func hasSameSelector(as other: ReplicationController) -> Bool { wantedLabels == other.wantedLabels }
}

typealias ReplicationControllerReconciler = ReplicaReconciler<ReplicationController>
