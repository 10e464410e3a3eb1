// Garbage collection: an object goes when all its owners are gone.
// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What the collector has to look at.
enum CollectorWork: Hashable, Sendable {
    /// An object that may have lost its owners, or waits for its dependents.
    case attemptToDelete(ObjectKey, UID)
    /// An object that is deleted without its dependents: they forget it first.
    case attemptToOrphan(ObjectKey, UID)
}

/// What the collector does about one object, decided from the owners and dependents in the cache.
enum CollectorDecision: Hashable, Sendable {
    case leave
    case delete(DeleteOptions.Propagation)
    /// Keep the object, with these references only.
    case keep(references: [OwnerReference])
    /// All dependents are gone: let the object go.
    case removeFinalizer(String)
    /// Dependents block the object: they were queued with it, and the last one's end brings it back.
    case wait
}

struct GarbageCollector: Reconciler {
    typealias Conclusion = Never

    /// UIDs of owners that were deleted. An owner the cache never held is not judged: it may be of a kind, or in a part of the
    /// cluster, that is not simulated.
    private var absentOwners: Set<UID> = []

    // MARK: What wakes it

    /// The keys to look at after an event.
    mutating func observe(
        _ change: WatchEvent.Change, _ object: APIObject, previous: APIObject?, _ view: SharedInformers
    ) -> [CollectorWork] {
        // Most events: nobody is being deleted, and the owners are as they were.
        if change != .deleted, let previous, !object.readMetadata({ $0.isTerminating && !$0.finalizers.isEmpty }),
            previous.readMetadata({ $0.ownerReferences }) == object.readMetadata({ $0.ownerReferences })
        {
            return []
        }
        let metadata = object.metadata
        if change == .deleted {
            var work: [CollectorWork] = []
            if view.hasDependents(metadata.uid) {
                work = view.dependents(of: metadata.uid).map { .attemptToDelete($0.key, $0.metadata.uid) }
            }
            if object.kind != .pod || !work.isEmpty { absentOwners.insert(metadata.uid) }
            // Owners that wait for this dependent.
            return work + waitingOwners(of: metadata, object, view)
        }
        var work: [CollectorWork] = []
        if metadata.isTerminating, !metadata.finalizers.isEmpty {
            if metadata.finalizers.contains(Finalizers.orphan) {
                work.append(.attemptToOrphan(object.key, metadata.uid))
            } else if metadata.finalizers.contains(Finalizers.foregroundDeletion) {
                work += view.dependents(of: metadata.uid).map { .attemptToDelete($0.key, $0.metadata.uid) }
                work.append(.attemptToDelete(object.key, metadata.uid))
            }
        }
        if !metadata.ownerReferences.isEmpty, previous?.metadata.ownerReferences != metadata.ownerReferences,
            metadata.ownerReferences.contains(where: { state(of: $0, dependent: object, view) != .solid })
        {
            work.append(.attemptToDelete(object.key, metadata.uid))
        }
        if let old = previous?.metadata, old.ownerReferences != metadata.ownerReferences {
            work += waitingOwners(of: old, object, view)
        }
        return work
    }

    private func waitingOwners(of metadata: ObjectMeta, _ object: APIObject, _ view: SharedInformers) -> [CollectorWork] {
        metadata.ownerReferences.compactMap { reference in
            guard state(of: reference, dependent: object, view) == .waiting, let owner = owner(reference, of: object, view) else {
                return nil
            }
            return .attemptToDelete(owner.key, reference.uid)
        }
    }

    // MARK: Owners

    private enum OwnerState { case solid, dangling, waiting }

    private func owner(_ reference: OwnerReference, of dependent: APIObject, _ view: SharedInformers) -> APIObject? {
        let namespace = dependent.metadata.namespace
        let kind = Kind.allCases.first { $0 != .unstructured && $0.description == reference.kind }
        let found: APIObject?
        if let kind {
            found = view[ObjectKey(kind, namespace: kind.isNamespaced ? namespace : "", reference.name)]
        } else {
            let name = reference.kind + "/" + reference.name
            found = view[ObjectKey(.unstructured, namespace: namespace, name)] ?? view[ObjectKey(.unstructured, name)]
        }
        return found?.metadata.uid == reference.uid ? found : nil
    }

    private func state(of reference: OwnerReference, dependent: APIObject, _ view: SharedInformers) -> OwnerState {
        guard let owner = owner(reference, of: dependent, view) else {
            return absentOwners.contains(reference.uid) ? .dangling : .solid
        }
        let metadata = owner.metadata
        return metadata.isTerminating && metadata.finalizers.contains(Finalizers.foregroundDeletion) ? .waiting : .solid
    }

    // MARK: Deciding

    func decide(_ object: APIObject, _ view: SharedInformers) -> CollectorDecision {
        let metadata = object.metadata
        let waitsForDependents = metadata.isTerminating && metadata.finalizers.contains(Finalizers.foregroundDeletion)
        if metadata.isTerminating, !waitsForDependents { return .leave }
        if waitsForDependents {
            let blocking = view.dependents(of: metadata.uid).filter { dependent in
                dependent.metadata.ownerReferences.contains { $0.uid == metadata.uid && $0.blockOwnerDeletion }
            }
            if blocking.isEmpty { return .removeFinalizer(Finalizers.foregroundDeletion) }
            return .wait
        }
        if metadata.ownerReferences.isEmpty { return .leave }
        let states = metadata.ownerReferences.map { state(of: $0, dependent: object, view) }
        if states.contains(.solid) {
            let solid = zip(metadata.ownerReferences, states).filter { $0.1 == .solid }.map(\.0)
            return solid.count == states.count ? .leave : .keep(references: solid)
        }
        if states.contains(.waiting), view.hasDependents(metadata.uid) {
            if view.dependents(of: metadata.uid).contains(where: { isDeletingDependents($0.metadata) }) {
                // A circle of owners that wait for each other: nobody blocks anybody any more.
                let unblocked = metadata.ownerReferences.map { reference in
                    var reference = reference
                    reference.blockOwnerDeletion = false
                    return reference
                }
                if unblocked != metadata.ownerReferences { return .keep(references: unblocked) }
            }
            return .delete(.foreground)
        }
        if metadata.finalizers.contains(Finalizers.orphan) { return .delete(.orphan) }
        return .delete(metadata.finalizers.contains(Finalizers.foregroundDeletion) ? .foreground : .background)
    }

    private func isDeletingDependents(_ metadata: ObjectMeta) -> Bool {
        metadata.isTerminating && metadata.finalizers.contains(Finalizers.foregroundDeletion)
    }

    func reconcile(_ work: CollectorWork, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        switch work {
        case .attemptToOrphan(let key, let uid):
            guard let object = view[key], object.metadata.uid == uid, object.metadata.finalizers.contains(Finalizers.orphan) else {
                return Plan()
            }
            let patches = view.dependents(of: uid).map { dependent in
                let metadata = dependent.metadata
                return GarbageCollector.patch(
                    dependent.key, metadata.uid, .ownerReferences(metadata.ownerReferences.filter { $0.uid != uid }))
            }
            return Plan(steps: [patches, [GarbageCollector.patch(key, uid, .removeFinalizer(Finalizers.orphan))]])
        case .attemptToDelete(let key, let uid):
            guard let object = view[key], object.metadata.uid == uid else { return Plan() }
            return plan(for: object, decide(object, view))
        }
    }

    private func plan(for object: APIObject, _ decision: CollectorDecision) -> Plan<Never> {
        let (key, uid) = (object.key, object.metadata.uid)
        switch decision {
        case .leave, .wait: return Plan()
        case .delete(let propagation):
            var call = PlannedCall(.delete(key, DeleteOptions(uid: uid, propagation: propagation)))
            call.forgives = .notFound
            return Plan(steps: [[call]])
        case .keep(let references): return Plan(steps: [[GarbageCollector.patch(key, uid, .ownerReferences(references))]])
        case .removeFinalizer(let finalizer): return Plan(steps: [[GarbageCollector.patch(key, uid, .removeFinalizer(finalizer))]])
        }
    }

    private static func patch(_ key: ObjectKey, _ uid: UID, _ patch: MetadataPatch) -> PlannedCall {
        var call = PlannedCall(.patchMetadata(key, uid: uid, patch))
        call.forgives = .notFound
        return call
    }
}
