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
    /// Some owners live: only the references to the others go.
    case forgetOwners([UID])
    /// Owners wait for the object, and dependents of its own wait too, so there may be a circle: the owners no longer wait, then
    /// the object goes.
    case unblockAndDelete([OwnerReference])
    /// All dependents are gone: let the object go.
    case removeFinalizer(String)
    /// Dependents block the object: they were queued with it, and the last one's end brings it back.
    case wait
}

struct GarbageCollector: Reconciler {
    typealias Conclusion = Never

    private var owners = OwnerGraph()

    // MARK: What wakes it

    /// The keys to look at after an event, and what is to be reported about it.
    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers
    ) -> (work: [CollectorWork], events: [KubernetesEvent]) {
        let object = event.object
        // Most events: nobody is being deleted, and the owners are as they were.
        if event.change != .deleted, let previous, !object.readMetadata({ $0.isTerminating && !$0.finalizers.isEmpty }),
            previous.readMetadata({ $0.ownerReferences }) == object.readMetadata({ $0.ownerReferences })
        {
            return ([], [])
        }
        if event.change == .deleted { return (observeDeletion(of: object, view), []) }
        owners.observe(object, isFromTheStart: event.time == .zero, view)
        let metadata = object.metadata
        var work: [CollectorWork] = []
        var reports: [KubernetesEvent] = []
        if GarbageCollector.begins(Finalizers.orphan, metadata, previous) {
            work.append(.attemptToOrphan(object.key, metadata.uid))
        } else if GarbageCollector.begins(Finalizers.foregroundDeletion, metadata, previous) {
            work += view.dependents(of: metadata.uid).map { .attemptToDelete($0.key, $0.metadata.uid) }
            work.append(.attemptToDelete(object.key, metadata.uid))
        }
        let old = previous?.readMetadata { $0.ownerReferences } ?? []
        if old != metadata.ownerReferences {
            if metadata.ownerReferences.contains(where: { owners.state(of: $0, dependent: object, view) != .solid }) {
                work.append(.attemptToDelete(object.key, metadata.uid))
                reports = misplacedOwners(of: object, except: old, view)
            }
            if let previous { work += waitingOwners(of: previous, view) }
        }
        return (work, reports)
    }

    /// Its dependents may have lost their last owner, and its owners may have waited for it.
    private mutating func observeDeletion(of object: APIObject, _ view: SharedInformers) -> [CollectorWork] {
        let uid = object.readMetadata { $0.uid }
        owners.forget(uid)
        var work: [CollectorWork] = []
        if view.hasDependents(uid) { work = view.dependents(of: uid).map { .attemptToDelete($0.key, $0.metadata.uid) } }
        return work + waitingOwners(of: object, view)
    }

    /// Whether a version of an object is the first one that is being deleted with a finalizer.
    private static func begins(_ finalizer: String, _ metadata: ObjectMeta, _ previous: APIObject?) -> Bool {
        guard metadata.isTerminating, metadata.finalizers.contains(finalizer) else { return false }
        return !(previous?.readMetadata { $0.isTerminating && $0.finalizers.contains(finalizer) } ?? false)
    }

    private func waitingOwners(of object: APIObject, _ view: SharedInformers) -> [CollectorWork] {
        object.readMetadata { $0.ownerReferences }.compactMap { reference in
            guard let owner = owners.owner(reference, of: object, view),
                owner.readMetadata({ OwnerGraph.isDeletingDependents($0) })
            else { return nil }
            return .attemptToDelete(owner.key, reference.uid)
        }
    }

    /// Reports new references to owners of other namespaces.
    private func misplacedOwners(of object: APIObject, except old: [OwnerReference], _ view: SharedInformers) -> [KubernetesEvent] {
        let metadata = object.metadata
        return metadata.ownerReferences.compactMap { reference in
            guard !old.contains(reference), owners.owner(reference, of: object, view) == nil,
                owners.foreignNamespace(of: reference, dependent: object, view) != nil
            else { return nil }
            return KubernetesEvent(
                about: object.kindName, metadata.key, uid: metadata.uid, reason: "OwnerRefInvalidNamespace",
                message: "ownerRef [\(reference.apiVersion)/\(reference.kind), namespace: \(metadata.namespace), "
                    + "name: \(reference.name), uid: \(reference.uid)] does not exist in namespace \"\(metadata.namespace)\"",
                severity: .warning, source: ControllerName.garbageCollector.eventSource)
        }
    }

    // MARK: Deciding

    func decide(_ object: APIObject, _ view: SharedInformers) -> CollectorDecision {
        let metadata = object.metadata
        if OwnerGraph.isDeletingDependents(metadata) {
            let isBlocked = view.dependents(of: metadata.uid).contains { dependent in
                dependent.readMetadata { $0.ownerReferences }.contains { $0.uid == metadata.uid && $0.blockOwnerDeletion }
            }
            return isBlocked ? .wait : .removeFinalizer(Finalizers.foregroundDeletion)
        }
        if metadata.isTerminating || metadata.ownerReferences.isEmpty { return .leave }
        // A namespaced owner of a cluster-wide object: never deleted, since nobody can say whether the owner lives.
        if metadata.ownerReferences.contains(where: { OwnerGraph.isOutOfScope($0, of: object) }) { return .leave }
        let states = metadata.ownerReferences.map { owners.state(of: $0, dependent: object, view) }
        // The real collector tries such an object again and again, and never decides.
        if states.contains(.unknown) { return .leave }
        if states.contains(.solid) {
            let gone = zip(metadata.ownerReferences, states).filter { $0.1 != .solid }.map(\.0.uid)
            return gone.isEmpty ? .leave : .forgetOwners(gone)
        }
        if states.contains(.waiting), view.hasDependents(metadata.uid) {
            let mayBeCircle = view.dependents(of: metadata.uid).contains { $0.readMetadata { OwnerGraph.isDeletingDependents($0) } }
            let unblocked = metadata.ownerReferences.map { reference in
                var reference = reference
                reference.blockOwnerDeletion = false
                return reference
            }
            return mayBeCircle && unblocked != metadata.ownerReferences ? .unblockAndDelete(unblocked) : .delete(.foreground)
        }
        if metadata.finalizers.contains(Finalizers.orphan) { return .delete(.orphan) }
        return .delete(metadata.finalizers.contains(Finalizers.foregroundDeletion) ? .foreground : .background)
    }

    func reconcile(_ work: CollectorWork, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        switch work {
        case .attemptToOrphan(let key, let uid):
            guard let object = view[key], object.metadata.uid == uid, object.metadata.finalizers.contains(Finalizers.orphan) else {
                return Plan()
            }
            let patches = view.dependents(of: uid).map { GarbageCollector.patch($0.key, $0.metadata.uid, .removeOwners([uid])) }
            var last = GarbageCollector.patch(key, uid, .removeFinalizer(Finalizers.orphan))
            last.reads = 1
            return Plan(steps: [patches, [last]])
        case .attemptToDelete(let key, let uid):
            guard let object = view[key], object.metadata.uid == uid else { return Plan() }
            return plan(for: object, decide(object, view), view)
        }
    }

    /// The requests of a decision. The real collector reads the object itself before it does anything, and the owners it does not
    /// remember as gone.
    private func plan(for object: APIObject, _ decision: CollectorDecision, _ view: SharedInformers) -> Plan<Never> {
        let (key, uid) = (object.key, object.metadata.uid)
        let ownersRead = object.metadata.ownerReferences.count { owners.owner($0, of: object, view) != nil }
        func delete(_ propagation: DeleteOptions.Propagation) -> PlannedCall {
            var call = PlannedCall(.delete(key, DeleteOptions(uid: uid, propagation: propagation)))
            call.forgives = .notFound
            return call
        }
        var steps: [[PlannedCall]]
        switch decision {
        case .leave, .wait: return Plan()
        case .delete(let propagation): steps = [[delete(propagation)]]
        case .forgetOwners(let gone): steps = [[GarbageCollector.patch(key, uid, .removeOwners(gone))]]
        case .unblockAndDelete(let references):
            steps = [[GarbageCollector.patch(key, uid, .ownerReferences(references))], [delete(.foreground)]]
        case .removeFinalizer(let finalizer):
            steps = [[GarbageCollector.patch(key, uid, .removeFinalizer(finalizer))]]
            steps[0][0].reads = 2
            return Plan(steps: steps)
        }
        steps[0][0].reads = 1 + ownersRead
        return Plan(steps: steps)
    }

    private static func patch(_ key: ObjectKey, _ uid: UID, _ patch: MetadataPatch) -> PlannedCall {
        var call = PlannedCall(.patchMetadata(key, uid: uid, patch))
        call.forgives = .notFound
        return call
    }
}
