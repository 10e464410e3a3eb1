// PersistentVolume binder: gives claims that do not wait for a pod a volume that is there, and frees or deletes the volumes of claims
// that are gone. Making volumes is the work of provisioners, which are not part of the control plane; claims of classes that wait for
// their first consumer are bound by the scheduler.
// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#lifecycle-of-a-volume-and-claim>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are claims and volumes. Nothing is remembered between syncs.
struct ClaimBinder: Reconciler {
    typealias Conclusion = Never
    enum Key: Hashable, Sendable {
        case claim(NamespacedName)
        case volume(NamespacedName)
    }

    /// How often all claims are looked at again (`--pvclaimbinder-sync-period`).
    private static let period = SimulatedDuration.seconds(15)

    private static func nextRound(after now: SimulatedTime) -> SimulatedTime {
        now.roundedDown(toMultipleOf: period) + period
    }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<Key>, at now: SimulatedTime
    ) {
        switch event.object {
        case .persistentVolumeClaim(let claim):
            if event.change == .deleted {
                let volume = claim.value.spec.volumeName
                if !volume.isEmpty { queue.add(.volume(NamespacedName(namespace: "", name: volume))) }
            } else if !claim.value.isFullyBound {
                queue.add(.claim(claim.value.metadata.key))
            }
        case .persistentVolume(let volume):
            guard event.change != .deleted, volume.value.phase == .available else { return }
            // Claims that found nothing before are tried in the next round.
            let next = ClaimBinder.nextRound(after: now)
            for claim in view.tables.all(PersistentVolumeClaim.self) where !claim.value.isFullyBound {
                if claim.value.className == volume.value.spec.storageClassName { queue.add(.claim(claim.value.metadata.key), at: next) }
            }
        default: return
        }
    }

    // MARK: Deciding

    mutating func reconcile(_ key: Key, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        switch key {
        case .claim(let name):
            guard let claim = view.get(PersistentVolumeClaim.self, name), !claim.value.isFullyBound else { return Plan() }
            return plan(for: claim, view, at: now)
        case .volume(let name):
            guard let volume = view.get(PersistentVolume.self, name) else { return Plan() }
            return release(volume, view)
        }
    }

    private func plan(for claim: Shared<PersistentVolumeClaim>, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        let wanted = claim.value.spec.volumeName
        if !wanted.isEmpty {
            // Asked for by name, or half bound.
            let volume = view.get(PersistentVolume.self, NamespacedName(namespace: "", name: wanted))
            guard let volume, volume.value.spec.claimRef == nil || volume.value.isReserved(for: claim.value) else { return Plan() }
            return bind(claim, to: volume)
        }
        let className = claim.value.className
        let storageClass = view.get(StorageClass.self, NamespacedName(namespace: "", name: className))?.value
        if storageClass?.volumeBindingMode == .waitForFirstConsumer { return Plan() }
        if let volume = ClaimBinder.bestVolume(for: claim.value, among: view.tables.all(PersistentVolume.self)) {
            return bind(claim, to: volume)
        }
        var plan = Plan<Never>()
        plan.events = [unboundEvent(claim.value, className, storageClass)]
        plan.again = ClaimBinder.nextRound(after: now)
        return plan
    }

    /// The smallest volume that will do; one that is reserved for the claim goes before all others.
    static func bestVolume(
        for claim: PersistentVolumeClaim, among volumes: [Shared<PersistentVolume>]
    ) -> Shared<PersistentVolume>? {
        var best: (volume: Shared<PersistentVolume>, size: Quantity)?
        for volume in volumes where volume.value.fits(claim) {
            if volume.value.isReserved(for: claim) { return volume }
            guard volume.value.spec.claimRef == nil, volume.value.phase == .available else { continue }
            let size = volume.value.spec.capacity[.storage] ?? .zero
            if let known = best, known.size <= size { continue }
            best = (volume, size)
        }
        return best?.volume
    }

    /// Four writes, as the real controller makes them: the volume's reference to its claim, its phase, then the claim's side.
    private func bind(_ claim: Shared<PersistentVolumeClaim>, to volume: Shared<PersistentVolume>) -> Plan<Never> {
        var plan = Plan<Never>()
        func then(_ request: APIRequest) {
            var call = PlannedCall(request)
            call.followsOwnWrites = true
            plan.then(call)
        }
        var bound = volume.value
        if !bound.isReserved(for: claim.value) { bound.metadata.annotations[VolumeAnnotation.boundByController] = "yes" }
        bound.spec.claimRef = PersistentVolumeSpec.ClaimReference(claim.value.metadata.key, uid: claim.value.metadata.uid)
        if bound != volume.value { then(.update(APIObject(bound))) }
        bound.phase = .bound
        if volume.value.phase != .bound { then(.updateStatus(APIObject(bound))) }
        var owner = claim.value
        if owner.spec.volumeName.isEmpty { owner.metadata.annotations[VolumeAnnotation.boundByController] = "yes" }
        owner.spec.volumeName = bound.metadata.name
        owner.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes"
        then(.update(APIObject(owner)))
        owner.phase = .bound
        then(.updateStatus(APIObject(owner)))
        return plan
    }

    /// A volume whose claim is gone is kept for its data, or goes too.
    private func release(_ volume: Shared<PersistentVolume>, _ view: SharedInformers) -> Plan<Never> {
        guard let reference = volume.value.spec.claimRef, !reference.uid.text.isEmpty,
            view.get(PersistentVolumeClaim.self, reference.name)?.value.metadata.uid != reference.uid
        else { return Plan() }
        var plan = Plan<Never>()
        plan.then(PlannedCall(.updateStatus(.persistentVolume(volume.with { $0.phase = .released }))))
        if volume.value.spec.reclaimPolicy == .delete {
            plan.then(PlannedCall(.delete(ObjectKey(.persistentVolume, volume.value.metadata.key), DeleteOptions())))
        }
        return plan
    }

    private func unboundEvent(_ claim: PersistentVolumeClaim, _ className: String, _ storageClass: StorageClass?) -> KubernetesEvent {
        let (reason, message, severity): (String, String, KubernetesEvent.Severity)
        if className.isEmpty {
            (reason, severity) = ("FailedBinding", .normal)
            message = "no persistent volumes available for this claim and no storage class is set"
        } else if let storageClass {
            (reason, severity) = ("ExternalProvisioning", .normal)
            message =
                "Waiting for a volume to be created either by the external provisioner '\(storageClass.provisioner)' or manually by the "
                + "system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly "
                + "registered."
        } else {
            (reason, severity) = ("ProvisioningFailed", .warning)
            message = "storageclass.storage.k8s.io \"\(className)\" not found"
        }
        return KubernetesEvent(
            about: Kind.persistentVolumeClaim.description, claim.metadata.key, uid: claim.metadata.uid, reason: reason, message: message,
            severity: severity, source: ControllerName.persistentVolumeBinder.eventSource)
    }
}

extension PersistentVolume {
    /// Whether the volume's reference names the claim.
    fileprivate func isReserved(for claim: PersistentVolumeClaim) -> Bool {
        guard let reference = spec.claimRef, reference.name == claim.metadata.key else { return false }
        return reference.uid.text.isEmpty || reference.uid == claim.metadata.uid
    }

    /// Whether the volume is what the claim asks for, whoever has it.
    fileprivate func fits(_ claim: PersistentVolumeClaim) -> Bool {
        (spec.capacity[.storage] ?? .zero) >= claim.requestedStorage && spec.volumeMode == claim.spec.volumeMode
            && spec.storageClassName == claim.className && !metadata.isTerminating
            && (spec.volumeAttributesClassName ?? "") == (claim.spec.volumeAttributesClassName ?? "")
            && claim.spec.accessModes.allSatisfy(spec.accessModes.contains) && (claim.spec.selector?.matches(metadata.labels) ?? true)
    }
}
