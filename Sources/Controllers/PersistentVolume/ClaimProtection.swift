// Claims in use are not deleted: a finalizer, put on at creation, holds them until no pod that could run uses them any more.
// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are claims that are being deleted.
struct ClaimProtection: Reconciler {
    typealias Conclusion = Never

    /// Claims that wait for pods to go. Few, so a plain list.
    private var waiting: [NamespacedName] = []

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>, at now: SimulatedTime
    ) {
        switch event.object {
        case .persistentVolumeClaim(let claim):
            guard claim.value.metadata.isTerminating else { return }
            let key = claim.value.metadata.key
            waiting.removeAll { $0 == key }
            guard event.change != .deleted, claim.value.metadata.finalizers.contains(Finalizers.claimProtection) else { return }
            waiting.append(key)
            queue.add(key)
        case .pod(let pod):
            guard !waiting.isEmpty, event.change == .deleted || pod.isTerminal else { return }
            for key in waiting where pod.value.uses(key) { queue.add(key) }
        default: return
        }
    }

    mutating func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        guard let claim = view.get(PersistentVolumeClaim.self, key)?.value.metadata, claim.isTerminating,
            claim.finalizers.contains(Finalizers.claimProtection)
        else { return Plan() }
        let pods: [Shared<Pod>] = view.objects(inNamespace: key.namespace)
        // A pod without a node will not start any more: no kubelet takes one whose claim is being deleted.
        let isUsed = pods.contains { $0.value.nodeName != nil && !$0.isTerminal && $0.value.uses(key) }
        if isUsed { return Plan() }
        var call = PlannedCall(
            .patchMetadata(ObjectKey(.persistentVolumeClaim, key), uid: claim.uid, .removeFinalizer(Finalizers.claimProtection)))
        call.forgives = .notFound
        return Plan(steps: [[call]])
    }
}

extension Pod {
    fileprivate func uses(_ claim: NamespacedName) -> Bool {
        guard metadata.namespace == claim.namespace else { return false }
        return spec.value.volumes.contains { volume in
            switch volume.source {
            case .persistentVolumeClaim(let name, _): name == claim.name
            case .ephemeral: metadata.name + "-" + volume.name == claim.name
            default: false
            }
        }
    }
}
