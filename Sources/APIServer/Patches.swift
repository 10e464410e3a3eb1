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

    /// The kubelet's report over the stored status. It owns all but the conditions of others, the nomination and the QoS class;
    /// a pod that is over stays so, whatever a kubelet that did not hear of it reports.
    private static func merged(_ reported: PodStatus, into stored: PodStatus) -> PodStatus {
        var status = reported
        var conditions = stored.conditions
        let isGone = { (old: Condition) in kubeletConditions.contains(old.type) && reported.conditions.index(of: old.type) == nil }
        if conditions.contains(where: isGone) { conditions.removeAll(where: isGone) }
        for condition in reported.conditions where kubeletConditions.contains(condition.type) {
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
        }
        return node
    }
}

extension OperatorChange {
    /// The next version of `object`. `history`: the ReplicaSets of a Deployment, for a roll-back.
    func applied(to object: APIObject, key: ObjectKey, history: [Shared<ReplicaSet>]) throws(APIError) -> APIObject {
        switch (self, object) {
        case (.scale(let replicas), _) where replicas < 0:
            throw .invalid(key, "spec.replicas: Invalid value: \(replicas): must be greater than or equal to 0")
        case (.scale(let replicas), .deployment(let deployment)):
            return .deployment(deployment.with { $0.spec.replicas = replicas })
        case (.scale(let replicas), .replicaSet(let replicaSet)):
            return .replicaSet(replicaSet.with { $0.spec.replicas = replicas })
        case (.scale(let replicas), .statefulSet(let set)): return .statefulSet(set.with { $0.spec.replicas = replicas })
        case (.scale(let replicas), .replicationController(let controller)):
            return .replicationController(controller.with { $0.replicas = replicas })
        case (.setImage(let container, let image), .deployment(let deployment)):
            let template = try setImage(image, of: container, in: deployment.value.spec.template.spec.value, key)
            return .deployment(deployment.with { $0.spec.template.spec = Shared(template) })
        case (.pause(let paused), .deployment(let deployment)):
            return .deployment(deployment.with { $0.spec.paused = paused })
        case (.rollBack(let wanted), .deployment(let deployment)):
            return .deployment(try rolledBack(deployment, key: key, to: wanted, history: history))
        default:
            throw .invalid(key, "the change does not apply to objects of this kind")
        }
    }

    /// `*` stands for all containers, init containers included.
    private func setImage(_ image: String, of container: String, in spec: PodSpec, _ key: ObjectKey) throws(APIError) -> PodSpec {
        var spec = spec
        var found = false
        for index in spec.containers.indices where container == "*" || spec.containers[index].name == container {
            spec.containers[index].image = image
            found = true
        }
        for index in spec.initContainers.indices where container == "*" || spec.initContainers[index].name == container {
            spec.initContainers[index].image = image
            found = true
        }
        guard found else { throw .invalid(key, "unable to find container named \"\(container)\"") }
        return spec
    }

    /// What `kubectl rollout undo` does: the template of an older ReplicaSet becomes the Deployment's again.
    private func rolledBack(
        _ deployment: Shared<Deployment>, key: ObjectKey, to wanted: Int64?, history: [Shared<ReplicaSet>]
    ) throws(APIError) -> Shared<Deployment> {
        guard !deployment.value.spec.paused else {
            throw .invalid(
                key, "cannot rollback a paused deployment; resume it first with 'kubectl rollout resume deployment/\(key.name.name)'")
        }
        let revisions =
            history.compactMap { set in
                set.value.metadata.annotations[DeploymentAnnotations.revision].flatMap { Int64($0) }.map { (revision: $0, set: set) }
            }.sorted { $0.revision > $1.revision }
        let target: Shared<ReplicaSet>
        if let wanted, wanted > 0 {
            guard let found = revisions.first(where: { $0.revision == wanted }) else {
                throw .invalid(key, "unable to find specified revision \(wanted) in history")
            }
            target = found.set
        } else {
            guard revisions.count > 1 else { throw .invalid(key, "no rollout history found for deployment \"\(key.name.name)\"") }
            target = revisions[1].set
        }
        var template = target.value.spec.template
        template.labels = template.labels.removing(DeploymentAnnotations.podTemplateHash)
        return deployment.with { $0.spec.template = template }
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
