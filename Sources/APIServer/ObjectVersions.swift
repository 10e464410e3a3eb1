// What of an object each kind of write may change, and what counts as a change of its spec.

import KubernetesAPI

extension APIObject {
    /// This object with the status that is stored: what an update of the main resource writes.
    func keepingStatus(of stored: APIObject) -> APIObject {
        switch (self, stored) {
        case (.pod(let new), .pod(let old)):
            .pod(
                new.with {
                    $0.status = old.value.status
                    $0.nodeName = old.value.nodeName
                })
        case (.node(let new), .node(let old)): .node(new.with { $0.status = old.value.status })
        case (.replicaSet(let new), .replicaSet(let old)): .replicaSet(new.with { $0.status = old.value.status })
        case (.deployment(let new), .deployment(let old)): .deployment(new.with { $0.status = old.value.status })
        case (.namespace(let new), .namespace(let old)):
            .namespace(
                new.with {
                    $0.finalizers = old.value.finalizers
                    $0.isTerminating = old.value.isTerminating
                })
        default: self
        }
    }

    /// This (stored) object with the status of another version: what an update of the status subresource writes.
    func takingStatus(of new: APIObject) -> APIObject {
        switch (self, new) {
        case (.pod(let old), .pod(let new)): .pod(old.with { $0.status = new.value.status })
        case (.node(let old), .node(let new)): .node(old.with { $0.status = new.value.status })
        case (.replicaSet(let old), .replicaSet(let new)): .replicaSet(old.with { $0.status = new.value.status })
        case (.deployment(let old), .deployment(let new)):
            // The status subresource of Deployments takes annotations too: that is how the controller writes the revision.
            .deployment(
                old.with {
                    $0.status = new.value.status
                    $0.metadata.annotations = new.value.metadata.annotations
                })
        default: self
        }
    }

    /// Whether `metadata.generation` must rise. A Deployment's rises for annotations too, since it copies them to its ReplicaSets.
    func specDiffers(from other: APIObject) -> Bool {
        switch (self, other) {
        case (.pod(let left), .pod(let right)): left.value.spec != right.value.spec
        case (.node, .node): false
        case (.replicaSet(let left), .replicaSet(let right)): left.value.spec != right.value.spec
        case (.deployment(let left), .deployment(let right)):
            left.value.spec != right.value.spec || left.value.metadata.annotations != right.value.metadata.annotations
        default: false
        }
    }

    /// Whether objects of this kind count their generations.
    var countsGenerations: Bool {
        switch self {
        case .pod, .replicaSet, .deployment, .priorityClass, .unstructured: true
        case .node, .namespace, .event: false
        }
    }

    /// This object as created: what clients cannot set is cleared.
    func withoutStatus() -> APIObject {
        switch self {
        case .pod(let pod): .pod(pod.with { $0.status = PodStatus(phase: .pending) })
        case .replicaSet(let replicaSet): .replicaSet(replicaSet.with { $0.status = ReplicaSetStatus() })
        case .deployment(let deployment): .deployment(deployment.with { $0.status = DeploymentStatus() })
        case .namespace(let namespace):
            .namespace(
                namespace.with {
                    $0.isTerminating = false
                    if !$0.finalizers.contains(Finalizers.kubernetes) { $0.finalizers.append(Finalizers.kubernetes) }
                    $0.metadata.labels["kubernetes.io/metadata.name"] = $0.metadata.name
                })
        case .node, .priorityClass, .event, .unstructured: self
        }
    }
}
