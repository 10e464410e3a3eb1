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
                    $0.nodeName = $0.nodeName ?? old.value.nodeName
                })
        case (.node(let new), .node(let old)): .node(new.with { $0.status = old.value.status })
        case (.replicaSet(let new), .replicaSet(let old)): .replicaSet(new.with { $0.status = old.value.status })
        case (.deployment(let new), .deployment(let old)): .deployment(new.with { $0.status = old.value.status })
        case (.namespace(let new), .namespace(let old)):
            .namespace(
                new.with {
                    $0.finalizers = old.value.finalizers
                    $0.isTerminating = old.value.isTerminating
                    $0.conditions = old.value.conditions
                })
        case (.persistentVolume(let new), .persistentVolume(let old)): .persistentVolume(new.with { $0.phase = old.value.phase })
        case (.persistentVolumeClaim(let new), .persistentVolumeClaim(let old)):
            .persistentVolumeClaim(new.with { $0.phase = old.value.phase })
        case (.statefulSet(let new), .statefulSet(let old)): .statefulSet(new.with { $0.status = old.value.status })
        case (.replicationController(let new), .replicationController(let old)):
            .replicationController(new.with { $0.status = old.value.status })
        case (.podDisruptionBudget(let new), .podDisruptionBudget(let old)):
            .podDisruptionBudget(new.with { $0.status = old.value.status })
        case (.job(let new), .job(let old)): .job(new.with { $0.status = old.value.status })
        case (.cronJob(let new), .cronJob(let old)): .cronJob(new.with { $0.status = old.value.status })
        case (.daemonSet(let new), .daemonSet(let old)): .daemonSet(new.with { $0.status = old.value.status })
        case (.horizontalPodAutoscaler(let new), .horizontalPodAutoscaler(let old)):
            .horizontalPodAutoscaler(new.with { $0.status = old.value.status })
        case (.resourceQuota(let new), .resourceQuota(let old)): .resourceQuota(new.with { $0.status = old.value.status })
        case (.volumeAttachment(let new), .volumeAttachment(let old)):
            .volumeAttachment(new.with { $0 = $0.withStatus(of: old.value) })
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
        case (.namespace(let old), .namespace(let new)): .namespace(old.with { $0.conditions = new.value.conditions })
        case (.persistentVolume(let old), .persistentVolume(let new)): .persistentVolume(old.with { $0.phase = new.value.phase })
        case (.persistentVolumeClaim(let old), .persistentVolumeClaim(let new)):
            .persistentVolumeClaim(old.with { $0.phase = new.value.phase })
        case (.statefulSet(let old), .statefulSet(let new)): .statefulSet(old.with { $0.status = new.value.status })
        case (.replicationController(let old), .replicationController(let new)):
            .replicationController(old.with { $0.status = new.value.status })
        case (.podDisruptionBudget(let old), .podDisruptionBudget(let new)):
            .podDisruptionBudget(old.with { $0.status = new.value.status })
        case (.job(let old), .job(let new)): .job(old.with { $0.status = new.value.status })
        case (.cronJob(let old), .cronJob(let new)): .cronJob(old.with { $0.status = new.value.status })
        case (.daemonSet(let old), .daemonSet(let new)): .daemonSet(old.with { $0.status = new.value.status })
        case (.horizontalPodAutoscaler(let old), .horizontalPodAutoscaler(let new)):
            .horizontalPodAutoscaler(old.with { $0.status = new.value.status })
        case (.resourceQuota(let old), .resourceQuota(let new)): .resourceQuota(old.with { $0.status = new.value.status })
        case (.volumeAttachment(let old), .volumeAttachment(let new)):
            .volumeAttachment(old.with { $0 = $0.withStatus(of: new.value) })
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
        case (.statefulSet(let left), .statefulSet(let right)): left.value.spec != right.value.spec
        case (.replicationController(let left), .replicationController(let right)):
            left.value.replicas != right.value.replicas || left.value.selector != right.value.selector
                || left.value.template != right.value.template
        case (.podDisruptionBudget(let left), .podDisruptionBudget(let right)): left.value.spec != right.value.spec
        case (.job(let left), .job(let right)): left.value.spec != right.value.spec
        case (.cronJob(let left), .cronJob(let right)): left.value.spec != right.value.spec
        case (.daemonSet(let left), .daemonSet(let right)): left.value.spec != right.value.spec
        case (.endpointSlice(let left), .endpointSlice(let right)):
            left.value.endpoints != right.value.endpoints || left.value.ports != right.value.ports
        case (.ingress(let left), .ingress(let right)): left.value.withMetadata(of: right.value) != right.value
        case (.networkPolicy(let left), .networkPolicy(let right)): left.value.withMetadata(of: right.value) != right.value
        case (.unstructured(let left), .unstructured(let right)): left.value.podGroup != right.value.podGroup
        case (.csiDriver(let left), .csiDriver(let right)): left.value.storageCapacity != right.value.storageCapacity
        default: false
        }
    }

    /// Whether objects of this kind count their generations.
    var countsGenerations: Bool {
        switch self {
        case .pod, .replicaSet, .deployment, .priorityClass, .statefulSet, .replicationController, .podDisruptionBudget, .csiDriver,
            .job, .cronJob, .daemonSet, .endpointSlice, .ingress, .networkPolicy, .unstructured:
            true
        case .node, .namespace, .event, .persistentVolume, .persistentVolumeClaim, .storageClass, .csiNode, .csiStorageCapacity,
            .volumeAttachment, .service, .controllerRevision, .horizontalPodAutoscaler, .resourceQuota, .limitRange, .serviceAccount,
            .configMap, .secret, .endpoints:
            false
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
                    $0.conditions = []
                    if !$0.finalizers.contains(Finalizers.kubernetes) { $0.finalizers.append(Finalizers.kubernetes) }
                    $0.metadata.labels["kubernetes.io/metadata.name"] = $0.metadata.name
                })
        case .persistentVolume(let volume): .persistentVolume(volume.with { $0.phase = .pending })
        case .persistentVolumeClaim(let claim): .persistentVolumeClaim(claim.with { $0.phase = .pending })
        case .statefulSet(let set): .statefulSet(set.with { $0.status = StatefulSetStatus() })
        case .replicationController(let controller): .replicationController(controller.with { $0.status = ReplicaSetStatus() })
        case .podDisruptionBudget(let budget): .podDisruptionBudget(budget.with { $0.status = PodDisruptionBudgetStatus() })
        case .volumeAttachment(let attachment):
            .volumeAttachment(attachment.with { $0 = $0.withStatus(of: VolumeAttachment(metadata: $0.metadata)) })
        case .job(let object): .job(object.with { $0.status = JobStatus() })
        case .cronJob(let object): .cronJob(object.with { $0.status = CronJobStatus() })
        case .daemonSet(let object): .daemonSet(object.with { $0.status = DaemonSetStatus() })
        case .horizontalPodAutoscaler(let object): .horizontalPodAutoscaler(object.with { $0.status = HorizontalPodAutoscalerStatus() })
        case .resourceQuota(let object): .resourceQuota(object.with { $0.status = ResourceQuotaStatus() })
        case .node, .priorityClass, .event, .storageClass, .csiNode, .csiDriver, .csiStorageCapacity, .service, .controllerRevision,
            .endpointSlice, .limitRange, .serviceAccount, .configMap, .secret, .ingress, .networkPolicy, .endpoints,
            .unstructured:
            self
        }
    }
}

extension KubernetesObject {
    /// The same object with the metadata of another: what differs then is the rest.
    fileprivate func withMetadata(of other: Self) -> Self {
        var copy = self
        copy.metadata = other.metadata
        return copy
    }
}
