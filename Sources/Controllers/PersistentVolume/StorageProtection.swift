// Storage object in use protection: a claim that a pod uses, or a volume that is bound, stays until it is not any more.
// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Takes the finalizers that the API server gave claims and volumes off again, when those are deleted and nobody uses them.
struct StorageProtection: Reconciler {
    typealias Conclusion = Never

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<ObjectKey>, at now: SimulatedTime
    ) {
        switch event.object {
        case .persistentVolumeClaim(let claim):
            if event.change != .deleted, claim.value.metadata.isTerminating { queue.add(event.object.key) }
        case .persistentVolume(let volume):
            if event.change != .deleted, volume.value.metadata.isTerminating { queue.add(event.object.key) }
        case .pod(let pod):
            guard view.hasAny(.persistentVolumeClaim), event.change == .deleted else { return }
            for name in pod.value.claimNames {
                let key = ObjectKey(.persistentVolumeClaim, NamespacedName(namespace: pod.value.metadata.namespace, name: name))
                if view[key]?.metadata.isTerminating ?? false { queue.add(key) }
            }
        default: break
        }
    }

    mutating func reconcile(_ key: ObjectKey, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        guard let object = view[key] else { return Plan() }
        let metadata = object.metadata
        let finalizer: String
        switch object {
        case .persistentVolumeClaim:
            finalizer = Finalizers.claimProtection
            if StorageProtection.isUsed(claim: key.name, view) { return Plan() }
        case .persistentVolume(let volume):
            finalizer = Finalizers.volumeProtection
            if volume.value.phase == .bound { return Plan() }
        default: return Plan()
        }
        guard metadata.isTerminating, metadata.finalizers.contains(finalizer) else { return Plan() }
        var call = PlannedCall(.patchMetadata(key, uid: metadata.uid, .removeFinalizer(finalizer)))
        call.forgives = .notFound
        return Plan(steps: [[call]])
    }

    /// Pods without a node do not count: no kubelet starts a pod whose claim is being deleted.
    private static func isUsed(claim: NamespacedName, _ view: SharedInformers) -> Bool {
        let pods: [Shared<Pod>] = view.objects(inNamespace: claim.namespace)
        return pods.contains { $0.value.nodeName != nil && $0.value.claimNames.contains(claim.name) }
    }
}

extension Pod {
    /// The claims of the pod's volumes.
    var claimNames: [String] { spec.value.volumes.compactMap { claimName(of: $0) } }
}
