// The PersistentVolume controller: brings claims and volumes together, and says what became of those whose partner is gone.
// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Remembers nothing but its own last writes. Claims that find no volume are looked at again every resync period.
struct VolumeBinder: Reconciler {
    typealias Conclusion = Never

    enum Work: Hashable, Sendable {
        case claim(NamespacedName)
        case volume(String)

        /// Volumes are in no namespace, so the names of both kinds are apart.
        fileprivate var name: NamespacedName {
            switch self {
            case .claim(let name): name
            case .volume(let name): NamespacedName(namespace: "", name: name)
            }
        }

        fileprivate init(_ name: NamespacedName) { self = name.namespace.isEmpty ? .volume(name.name) : .claim(name) }
    }

    /// `--pvclaimbinder-sync-period`.
    private let resyncPeriod: SimulatedDuration
    private var ownWrites = OwnWrites()

    init(resyncPeriod: SimulatedDuration) { self.resyncPeriod = resyncPeriod }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<Work>, at now: SimulatedTime
    ) {
        for name in ownWrites.released(by: view.resourceVersion) { queue.add(Work(name)) }
        switch event.object {
        case .persistentVolumeClaim(let claim):
            let volume = claim.value.spec.volumeName
            if event.change == .deleted {
                ownWrites.forget(claim.value.metadata.key)
                if !volume.isEmpty { queue.add(.volume(volume)) }
            } else {
                queue.add(.claim(claim.value.metadata.key))
            }
        case .persistentVolume(let volume):
            if event.change == .deleted { ownWrites.forget(Work.volume(volume.value.metadata.name).name) }
            queue.add(.volume(volume.value.metadata.name))
            // The claim a volume is kept for, or was bound to, decides what the volume is now.
            if let claim = volume.value.spec.claimRef?.name, view.get(PersistentVolumeClaim.self, claim) != nil { queue.add(.claim(claim)) }
        default: break
        }
    }

    mutating func reconcile(_ work: Work, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        if ownWrites.mustWait(work.name, cacheVersion: view.resourceVersion) { return Plan() }
        var plan = decide(work, view, at: now)
        // What fails is not tried again before the next resync, which looks at everything.
        if !plan.steps.isEmpty {
            plan.again = nextResync(after: now)
            plan.looksAgainAnyway = true
        }
        return plan
    }

    private func nextResync(after now: SimulatedTime) -> SimulatedTime {
        let period = resyncPeriod.nanoseconds
        return .zero + .nanoseconds((now.nanoseconds / period + 1) * period)
    }

    private func decide(_ work: Work, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        switch work {
        case .claim(let name):
            guard let claim = view.get(PersistentVolumeClaim.self, name), !claim.value.metadata.isTerminating else { return Plan() }
            return claim.value.metadata.annotations.has(VolumeAnnotation.bindCompleted)
                ? plan(forBound: claim, view) : plan(forUnbound: claim, view, at: now)
        case .volume(let name):
            guard let volume = view.get(PersistentVolume.self, NamespacedName(namespace: "", name: name)) else { return Plan() }
            return VolumeBinder.phase(of: volume.value, view).map { VolumeBinder.setPhase($0, of: volume) } ?? Plan()
        }
    }

    mutating func conclude(
        _ work: Work, _ conclusion: Never?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Never>? {
        ownWrites.note(outcome, of: work.name)
        return nil
    }

    // MARK: Claims

    private func plan(
        forUnbound claim: Shared<PersistentVolumeClaim>, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Never> {
        let name = claim.value.spec.volumeName
        if name.isEmpty {
            let storageClass = view.get(StorageClass.self, NamespacedName(namespace: "", name: claim.value.className))
            let isDelayed =
                storageClass?.value.volumeBindingMode == .waitForFirstConsumer
                && !claim.value.metadata.annotations.has(VolumeAnnotation.selectedNode)
            if let volume = VolumeBinder.bestMatch(for: claim.value, keptOnly: isDelayed, view) {
                return VolumeBinder.bind(volume, claim)
            }
            return wait(of: claim, storageClass, isDelayed: isDelayed, view, at: now)
        }
        // The user, or a provisioner, named the volume.
        guard let volume = view.get(PersistentVolume.self, NamespacedName(namespace: "", name: name)),
            volume.value.spec.claimRef == nil || volume.value.isKept(for: claim.value)
        else { return Plan() }
        return VolumeBinder.bind(volume, claim)
    }

    /// Nothing will do: says so, asks the class's provisioner if there is one, and looks again at the next resync.
    private func wait(
        of claim: Shared<PersistentVolumeClaim>, _ storageClass: Shared<StorageClass>?, isDelayed: Bool, _ view: SharedInformers,
        at now: SimulatedTime
    ) -> Plan<Never> {
        var plan = Plan<Never>()
        plan.again = nextResync(after: now)
        func report(_ reason: String, _ message: String, _ severity: KubernetesEvent.Severity = .normal) {
            plan.events.append(VolumeBinder.event(about: claim.value, reason, message, severity))
        }
        if isDelayed {
            report("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
        } else if let storageClass {
            let provisioner = storageClass.value.provisioner
            if provisioner == StorageClass.noProvisioner {
                report("ProvisioningFailed", "no volume plugin matched name: \(provisioner)", .warning)
                return plan
            }
            if claim.value.metadata.annotations[VolumeAnnotation.storageProvisioner] != provisioner {
                let asking = claim.with {
                    $0.metadata.annotations[VolumeAnnotation.betaStorageProvisioner] = provisioner
                    $0.metadata.annotations[VolumeAnnotation.storageProvisioner] = provisioner
                }
                plan.then(PlannedCall(.update(.persistentVolumeClaim(asking))))
            }
            report(
                "ExternalProvisioning",
                "Waiting for a volume to be created either by the external provisioner '\(provisioner)' or manually by the system "
                    + "administrator. If volume creation is delayed, please verify that the provisioner is running and correctly "
                    + "registered.")
        } else if claim.value.className.isEmpty {
            report("FailedBinding", "no persistent volumes available for this claim and no storage class is set")
        } else {
            let message = "storageclass.storage.k8s.io \"\(claim.value.className)\" not found"
            report("ProvisioningFailed", message, .warning)
        }
        return plan
    }

    private func plan(forBound claim: Shared<PersistentVolumeClaim>, _ view: SharedInformers) -> Plan<Never> {
        let name = claim.value.spec.volumeName
        if name.isEmpty {
            return VolumeBinder.lose(claim, "ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
        }
        guard let volume = view.get(PersistentVolume.self, NamespacedName(namespace: "", name: name)) else {
            return VolumeBinder.lose(claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
        }
        guard volume.value.spec.claimRef == nil || volume.value.spec.claimRef?.uid == claim.value.metadata.uid else {
            return VolumeBinder.lose(
                claim, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly")
        }
        return VolumeBinder.bind(volume, claim)
    }

    private static func lose(_ claim: Shared<PersistentVolumeClaim>, _ reason: String, _ message: String) -> Plan<Never> {
        if claim.value.phase == .lost { return Plan() }
        var call = PlannedCall(.updateStatus(.persistentVolumeClaim(claim.with { $0.phase = .lost })))
        call.onSuccess = Shared(event(about: claim.value, reason, message, .warning))
        return Plan(steps: [[call]])
    }

    /// The volume kept for the claim, else the smallest that will do; of equal ones the first by name.
    static func bestMatch(
        for claim: PersistentVolumeClaim, keptOnly: Bool, _ view: SharedInformers
    ) -> Shared<PersistentVolume>? {
        var best: (volume: Shared<PersistentVolume>, size: Quantity)?
        for volume in view.tables.all(PersistentVolume.self) where volume.value.spec.storageClassName == claim.className {
            switch volume.value.use(for: claim) {
            case .kept: return volume
            case .free(let size) where !keptOnly:
                if let known = best,
                    (known.size, known.volume.value.metadata.name) <= (size, volume.value.metadata.name)
                {
                    continue
                }
                best = (volume, size)
            default: continue
            }
        }
        return best?.volume
    }

    /// The four writes that bind, as far as they are needed: the volume's reference and phase, the claim's reference and phase.
    static func bind(_ volume: Shared<PersistentVolume>, _ claim: Shared<PersistentVolumeClaim>) -> Plan<Never> {
        var plan = Plan<Never>()
        func then(_ request: APIRequest) {
            var call = PlannedCall(request)
            call.followsOwnWrites = true
            plan.then(call)
        }
        var bound = volume.value
        if !bound.isKept(for: claim.value) { bound.metadata.annotations[VolumeAnnotation.boundByController] = "yes" }
        bound.spec.claimRef = PersistentVolumeSpec.ClaimReference(claim.value.metadata.key, uid: claim.value.metadata.uid)
        if bound != volume.value { then(.update(APIObject(bound))) }
        if bound.phase != .bound {
            bound.phase = .bound
            then(.updateStatus(APIObject(bound)))
        }
        var owning = claim.value
        if owning.spec.volumeName.isEmpty { owning.metadata.annotations[VolumeAnnotation.boundByController] = "yes" }
        owning.spec.volumeName = bound.metadata.name
        owning.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes"
        if owning != claim.value { then(.update(APIObject(owning))) }
        if owning.phase != .bound {
            owning.phase = .bound
            then(.updateStatus(APIObject(owning)))
        }
        return plan
    }

    // MARK: Volumes

    /// The phase a volume should have; nil: it is its claim's turn.
    static func phase(of volume: PersistentVolume, _ view: SharedInformers) -> PersistentVolume.Phase? {
        guard let reference = volume.spec.claimRef, !reference.uid.text.isEmpty else { return .available }
        guard let claim = view.get(PersistentVolumeClaim.self, reference.name), claim.value.metadata.uid == reference.uid else {
            // A volume that was just made has a reference to a claim the cache may not have.
            return volume.phase == .pending || volume.phase == .available ? nil : .released
        }
        return claim.value.spec.volumeName == volume.metadata.name ? .bound : nil
    }

    private static func setPhase(_ phase: PersistentVolume.Phase, of volume: Shared<PersistentVolume>) -> Plan<Never> {
        if volume.value.phase == phase { return Plan() }
        return Plan(steps: [[PlannedCall(.updateStatus(.persistentVolume(volume.with { $0.phase = phase })))]])
    }

    private static func event(
        about claim: PersistentVolumeClaim, _ reason: String, _ message: String, _ severity: KubernetesEvent.Severity
    ) -> KubernetesEvent {
        KubernetesEvent(
            about: "PersistentVolumeClaim", claim.metadata.key, uid: claim.metadata.uid, reason: reason, message: message,
            severity: severity, source: ControllerName.persistentVolume.eventSource)
    }
}
