// How each kind of change alters an object: pure functions from the stored version to the next.

import DiscreteEvents
import KubernetesAPI

extension PodPatch {
    func applied(to pod: Pod) -> Pod {
        var pod = pod
        switch self {
        case .kubeletStatus(let reported):
            pod.status = PodPatch.merged(reported.value, into: pod.status)
        case .conditions(let conditions):
            for condition in conditions { pod.status.conditions.set(condition) }
        case .schedulingFailure(let condition, let nominated):
            pod.status.conditions.set(condition)
            if let nominated { pod.status.nominatedNodeName = nominated }
        case .nominatedNode(let node): pod.status.nominatedNodeName = node
        case .phase(let phase, let reason, let message, let condition):
            pod.status.phase = phase
            if !reason.isEmpty { pod.status.reason = reason }
            if !message.isEmpty { pod.status.message = message }
            if let condition { pod.status.conditions.set(condition) }
        }
        return pod
    }

    private static let kubeletConditions: [ConditionType] = [
        .ready, .containersReady, .initialized, .podReadyToStartContainers,
    ]

    /// The one condition that kubelets share with others: they set it where they end a pod themselves.
    private static func isOwnDisruption(_ condition: Condition) -> Bool {
        condition.type == .disruptionTarget && condition.reason == "TerminationByKubelet"
    }

    /// The kubelet's report over the stored status. It owns all but the conditions of others, the nomination and the QoS class;
    /// a pod that is over stays so, whatever a kubelet that did not hear of it reports.
    private static func merged(_ reported: PodStatus, into stored: PodStatus) -> PodStatus {
        var status = reported
        var conditions = stored.conditions
        let isGone = { (old: Condition) in kubeletConditions.contains(old.type) && reported.conditions.index(of: old.type) == nil }
        if conditions.contains(where: isGone) { conditions.removeAll(where: isGone) }
        for condition in reported.conditions where kubeletConditions.contains(condition.type) || isOwnDisruption(condition) {
            if let index = conditions.index(of: condition.type) {
                conditions[index] = condition
            } else {
                conditions.append(condition)
            }
        }
        status.conditions = conditions
        status.nominatedNodeName = stored.nominatedNodeName
        status.qosClass = stored.qosClass
        if stored.phase == .succeeded || stored.phase == .failed {
            status.phase = stored.phase
            status.reason = stored.reason
            status.message = stored.message
        }
        return status
    }
}

extension NodePatch {
    func applied(to node: Node) -> Node {
        var node = node
        switch self {
        case .conditions(let conditions):
            for condition in conditions { node.status.conditions.set(condition) }
        case .taints(let added, let removed):
            node.spec.taints.removeAll { taint in removed.contains { $0.matches(taint) } }
            for taint in added {
                if let index = node.spec.taints.firstIndex(where: { $0.matches(taint) }) {
                    node.spec.taints[index] = taint
                } else {
                    node.spec.taints.append(taint)
                }
            }
        case .unschedulable(let unschedulable): node.spec.unschedulable = unschedulable
        case .status(let reported):
            var status = reported
            status.conditions = node.status.conditions
            for condition in reported.conditions { status.conditions.set(condition) }
            node.status = status
        case .podRange(let range): node.spec.setPodRange(range)
        case .volumesAttached(let volumes): node.status.volumesAttached = volumes
        case .volumesInUse(let volumes): node.status.volumesInUse = volumes
        case .images(let images): node.status.images = images
        }
        return node
    }
}

/// Labels and annotations the Deployment controller keeps on ReplicaSets.
public enum DeploymentAnnotations {
    public static let revision = "deployment.kubernetes.io/revision"
    public static let revisionHistory = "deployment.kubernetes.io/revision-history"
    public static let desiredReplicas = "deployment.kubernetes.io/desired-replicas"
    public static let maxReplicas = "deployment.kubernetes.io/max-replicas"
    /// A label, on ReplicaSets and their pods.
    public static let podTemplateHash = "pod-template-hash"
}
