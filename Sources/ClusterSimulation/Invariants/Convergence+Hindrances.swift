// What may be in the way of single pods when all else is at rest: of one that is not ready, and of one that is not made.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension Convergence {
    /// The longest back-off of a container that crashes, and as long again for it to start: what began later may not be ready yet.
    private static let startUp = SimulatedDuration.minutes(10)
    /// The longest back-off of a controller's work queue (1,000 s), and some time for its requests.
    private static let retry = SimulatedDuration.seconds(1100)

    // MARK: Pods that are there

    /// Whether something outside the control plane keeps a pod from being ready: no room, a lost node, containers that fail.
    func isHindered(_ pod: Shared<Pod>) -> Bool {
        guard let node = pod.value.nodeName else {
            return pod.value.status.conditions[.podScheduled]?.status == .false
                || !schedulers.contains(pod.value.spec.value.schedulerName)
        }
        let behaviour = agent.behaviour(of: pod.value).value
        return isDown(node) || !behaviour.isSteady || behaviour.waitsFor.map { !isServed($0) } ?? false
            || hasImpossibleImage(pod.value.spec.value) || isStarting(pod.value) || lacksObjects(pod) || isShutOut(pod, on: node)
            || agent.outgrowsItsDisk(pod.value)
    }

    /// Whether the registry does not have an image.
    private func hasImpossibleImage(_ spec: PodSpec) -> Bool {
        (spec.containers + spec.initContainers).contains { agent.configuration.value.images[$0.image]?.isMissing ?? false }
    }

    /// Whether containers wait to be started again, or were started so lately that they need not be ready; or are over for good.
    private func isStarting(_ pod: Pod) -> Bool {
        let all = pod.status.containerStatuses + pod.status.initContainerStatuses
        return all.contains { status in
            switch status.state {
            case .waiting(let reason):
                ["CrashLoopBackOff", "ErrImageNeverPull", "InvalidImageName"].contains(reason)
                    || status.lastTermination.map { $0.finishedAt + Convergence.startUp > now } ?? false
            case .running(let since): since + Convergence.startUp > now
            case .terminated(let end):
                end.finishedAt + Convergence.startUp > now || end.exitCode != 0 && isNotRestarted(status.name, pod)
            }
        }
    }

    private func isNotRestarted(_ container: String, _ pod: Pod) -> Bool {
        let spec = pod.spec.value
        return spec.restartPolicy == .never
            || (spec.containers + spec.initContainers).contains { $0.name == container && $0.restartPolicy == .never }
    }

    /// Whether a service has a ready endpoint.
    private func isServed(_ service: NamespacedName) -> Bool {
        objects.all(EndpointSlice.self).map(\.value).contains {
            $0.service == service && $0.endpoints.contains { $0.ready ?? true }
        }
    }

    /// Whether a ConfigMap, a Secret or a claim that the pod cannot do without does not exist.
    private func lacksObjects(_ pod: Shared<Pod>) -> Bool {
        let namespace = pod.value.metadata.namespace
        let spec = pod.value.spec.value
        var references = (spec.containers + spec.initContainers).flatMap(\.configuration)
        for volume in spec.volumes { if case .configuration(let wanted) = volume.source { references += wanted } }
        let claims = spec.volumes.compactMap { pod.value.claimName(of: $0) }
        return references.contains { !$0.isOptional && !isThere($0, in: namespace) }
            || claims.contains { objects.get(PersistentVolumeClaim.self, NamespacedName(namespace: namespace, name: $0)) == nil }
    }

    private func isThere(_ reference: ConfigurationReference, in namespace: String) -> Bool {
        let name = NamespacedName(namespace: namespace, name: reference.name)
        let keys =
            switch reference.source {
            case .configMap: objects.get(ConfigMap.self, name)?.value.keys
            case .secret: objects.get(Secret.self, name)?.value.keys
            }
        guard let keys else { return false }
        return reference.keys.allSatisfy { keys.contains($0) }
    }

    /// Whether another node has a volume of the pod's that one node alone may have: nothing takes it from there while it is used.
    private func isShutOut(_ pod: Shared<Pod>, on node: String) -> Bool {
        let namespace = pod.value.metadata.namespace
        let volumes = pod.value.spec.value.volumes.compactMap { pod.value.claimName(of: $0) }.compactMap { claim in
            objects.get(PersistentVolumeClaim.self, NamespacedName(namespace: namespace, name: claim))?.value.spec.volumeName
        }
        return volumes.contains { name in
            let volume = objects.get(PersistentVolume.self, NamespacedName(namespace: "", name: name))?.value
            guard volume?.attachable(by: { _ in true })?.allowsSeveralNodes == false else { return false }
            return objects.all(VolumeAttachment.self).contains {
                $0.value.persistentVolumeName == name && $0.value.nodeName != node && $0.value.isAttached
            }
        }
    }

    /// Whether a pod is ready and only has to stay so for a while: a controller whose back-off ran out late (a quota refused its pods,
    /// up to 1,000 s ago) has just made it.
    func isRipening(_ pod: Shared<Pod>, _ minReadySeconds: Int32) -> Bool {
        pod.isActive && pod.isReady && !pod.isAvailable(minReadySeconds: minReadySeconds, at: now)
    }

    /// Whether a pod of a workload that is not available has a reason.
    func isExcused(_ pod: Shared<Pod>, _ minReadySeconds: Int32) -> Bool {
        pod.isTerminating || isHindered(pod) || isRipening(pod, minReadySeconds)
    }

    // MARK: Pods that are not there

    /// Whether the API server refuses a pod of a template - asked of a copy of it, so for whatever reason it really has - or may have
    /// done so at the last try: what a quota has let go since then its controller notices only after its back-off.
    func refusesPods(of template: PodTemplate, for owner: ObjectMeta) -> Bool {
        var metadata = ObjectMeta(name: "", namespace: owner.namespace, labels: template.labels, annotations: template.annotations)
        metadata.generateName = owner.name + "-"
        var trial = api
        if case .failure = trial.execute(.create(.pod(Shared(Pod(metadata: metadata, spec: template.spec)))), at: now) { return true }
        return quotas.lastRelief(in: owner.namespace).map { $0 + Convergence.retry > now } ?? false
    }
}

extension WorkloadBehaviour {
    /// Whether the containers become ready and stay so.
    fileprivate var isSteady: Bool {
        crash == nil && hang == nil && run == nil && !neverStarts && !postStartFails && ready.mean < 3600
    }
}
