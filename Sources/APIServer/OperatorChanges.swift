// What kubectl's commands do to the objects they are given: pure functions from the stored version to the next.
// <https://kubernetes.io/docs/reference/kubectl/>

import DiscreteEvents
import KubernetesAPI

/// The earlier versions of a workload's template: a Deployment's ReplicaSets, the revisions of a StatefulSet or DaemonSet.
struct RolloutHistory {
    private(set) var versions: [(revision: Int64, template: PodTemplate)] = []

    init() {}

    init(of owner: APIObject, in objects: ObjectTables) {
        let uid = owner.metadata.uid
        switch owner {
        case .deployment:
            for set in objects.all(ReplicaSet.self) where set.value.metadata.controllerUID == uid {
                let revision = set.value.metadata.annotations[DeploymentAnnotations.revision].flatMap { Int64($0) }
                if let revision { versions.append((revision, set.value.spec.template)) }
            }
        case .statefulSet, .daemonSet:
            for revision in objects.all(ControllerRevision.self) where revision.value.metadata.controllerUID == uid {
                if let template = revision.value.template { versions.append((revision.value.revision, template)) }
            }
        default: break
        }
        versions.sort { $0.revision > $1.revision }
    }
}

extension OperatorChange {
    /// The next version of `object`. `history`: for a roll-back.
    func applied(
        to object: APIObject, key: ObjectKey, history: RolloutHistory, at now: SimulatedTime
    ) throws(APIError) -> APIObject {
        switch (self, object) {
        case (.scale(let replicas), _): return try scaled(object, key, to: replicas)
        case (.setImage(let container, let image), .deployment), (.setImage(let container, let image), .replicaSet),
            (.setImage(let container, let image), .replicationController), (.setImage(let container, let image), .statefulSet),
            (.setImage(let container, let image), .daemonSet):
            guard var template = object.podTemplate else { break }
            template.spec = Shared(try setImage(image, of: container, in: template.spec.value, key))
            return object.withPodTemplate(template)
        case (.pause(let paused), .deployment(let deployment)):
            return .deployment(deployment.with { $0.spec.paused = paused })
        case (.rollBack, .deployment(let deployment)) where deployment.value.spec.paused:
            throw .invalid(
                key, "cannot rollback a paused deployment; resume it first with 'kubectl rollout resume deployment/\(key.name.name)'")
        case (.rollBack(let wanted), .deployment), (.rollBack(let wanted), .statefulSet), (.rollBack(let wanted), .daemonSet):
            var template = try rolledBack(object, key, to: wanted, history)
            template.labels = template.labels.removing(DeploymentAnnotations.podTemplateHash)
            return object.withPodTemplate(template)
        case (.restart, .deployment(let deployment)) where deployment.value.spec.paused:
            throw .invalid(key, "can't restart paused deployment (run rollout resume first)")
        case (.restart, .deployment), (.restart, .statefulSet), (.restart, .daemonSet):
            guard var template = object.podTemplate else { break }
            // On the clock of the run, which begins at its first second.
            template.annotations[WorkloadAnnotations.restartedAt] = RFC3339.text(now.nanoseconds)
            return object.withPodTemplate(template)
        default: break
        }
        throw .invalid(key, "the change does not apply to objects of this kind")
    }

    private func scaled(_ object: APIObject, _ key: ObjectKey, to replicas: Int32) throws(APIError) -> APIObject {
        guard replicas >= 0 else {
            throw .invalid(key, "spec.replicas: Invalid value: \(replicas): must be greater than or equal to 0")
        }
        switch object {
        case .deployment(let deployment): return .deployment(deployment.with { $0.spec.replicas = replicas })
        case .replicaSet(let set): return .replicaSet(set.with { $0.spec.replicas = replicas })
        case .statefulSet(let set): return .statefulSet(set.with { $0.spec.replicas = replicas })
        case .replicationController(let controller): return .replicationController(controller.with { $0.replicas = replicas })
        default: throw .invalid(key, "the change does not apply to objects of this kind")
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

    /// What `kubectl rollout undo` does: the template of an older version becomes the workload's again.
    private func rolledBack(
        _ object: APIObject, _ key: ObjectKey, to wanted: Int64?, _ history: RolloutHistory
    ) throws(APIError) -> PodTemplate {
        if let wanted, wanted > 0 {
            guard let found = history.versions.first(where: { $0.revision == wanted }) else {
                throw .invalid(key, "unable to find specified revision \(wanted) in history")
            }
            return found.template
        }
        guard history.versions.count > 1 else {
            if case .deployment = object { throw .invalid(key, "no rollout history found for deployment \"\(key.name.name)\"") }
            throw .invalid(key, "no last revision to roll back to")
        }
        return history.versions[1].template
    }
}

extension APIObject {
    /// The template of a workload that keeps pods running.
    fileprivate var podTemplate: PodTemplate? {
        switch self {
        case .deployment(let object): object.value.spec.template
        case .replicaSet(let object): object.value.spec.template
        case .replicationController(let object): object.value.template
        case .statefulSet(let object): object.value.spec.template
        case .daemonSet(let object): object.value.spec.template
        default: nil
        }
    }

    fileprivate func withPodTemplate(_ template: PodTemplate) -> APIObject {
        switch self {
        case .deployment(let object): .deployment(object.with { $0.spec.template = template })
        case .replicaSet(let object): .replicaSet(object.with { $0.spec.template = template })
        case .replicationController(let object): .replicationController(object.with { $0.template = template })
        case .statefulSet(let object): .statefulSet(object.with { $0.spec.template = template })
        case .daemonSet(let object): .daemonSet(object.with { $0.spec.template = template })
        default: self
        }
    }
}

/// Annotations that kubectl sets on templates.
public enum WorkloadAnnotations {
    /// `kubectl rollout restart`: another time is another template.
    public static let restartedAt = "kubectl.kubernetes.io/restartedAt"
}
