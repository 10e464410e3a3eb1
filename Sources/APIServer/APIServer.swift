// The API server: the only component that touches the store. Everything else meets here.

import DiscreteEvents
import KubernetesAPI

/// The typed store with resource versions, admission, graceful deletion, and the log that watches read.
///
/// A request is executed at one instant; the latencies before and after it belong to the clients (``ClientGateway``).
public struct APIServer: Sendable {
    package private(set) var objects = ObjectTables()
    package var watchLog = WatchLog()
    private(set) var admission: Admission
    private var validation = WriteValidation()
    private var services: ServiceAllocator
    private var names: GeneratedNames
    /// What was applied last to objects that `kubectl apply` manages.
    private var lastApplied: [ObjectKey: AppliedMetadata] = [:]
    /// Where the pods stand: who asks for one names its UID too, and that is found faster than its name.
    private var podSlots = UIDMap<Int32>()
    /// The version of the latest write.
    package internal(set) var resourceVersion: UInt64 = 0
    private var created: UInt64 = 0
    /// `--event-ttl`.
    private let eventTimeToLive: SimulatedDuration

    /// - Parameters:
    ///   - serviceNetwork: the addresses and ports services get.
    ///   - eventTimeToLive: how long an Event that was not repeated is kept.
    public init(
        seed: UInt64, serviceNetwork: ServiceNetworkConfiguration = ServiceNetworkConfiguration(),
        eventTimeToLive: SimulatedDuration = .hours(1)
    ) {
        self.eventTimeToLive = eventTimeToLive
        admission = Admission()
        services = ServiceAllocator(serviceNetwork, seed: seed)
        names = GeneratedNames(seed: seed)
    }

    // MARK: Requests

    /// Carries out a request at time `now` and logs what watchers will see.
    package mutating func execute(_ request: APIRequest, at now: SimulatedTime) -> APIResult {
        do throws(APIError) {
            switch request {
            case .create(let object): return .success(try create(object, at: now))
            case .update(let object): return .success(try update(object, .main, at: now))
            case .updateStatus(let object): return .success(try update(object, .status, at: now))
            case .patchPod(let name, let uid, let patch):
                let key = ObjectKey(.pod, name)
                let (slot, pod) = try existingPod(key, uid: uid)
                return .success(commit(patch.applied(to: pod.value), over: pod, in: slot, at: now))
            case .patchNode(let name, let patch):
                let node = try existing(Node.self, ObjectKey(.node, name), uid: nil)
                return .success(commit(.node(Shared(patch.applied(to: node.value))), over: .node(node), at: now))
            case .patchMetadata(let key, let uid, let patch):
                return .success(try patchMetadata(key, uid: uid, patch, at: now))
            case .bind(let name, let uid, let node, let annotations):
                return .success(try bind(name, uid: uid, node: node, annotations, at: now))
            case .delete(let key, let options): return .success(try delete(key, options, at: now))
            case .evict, .finishEviction: return .success(try evict(request, at: now))
            case .operate(let key, let change): return .success(try operate(key, change, at: now))
            case .readMetrics: return .success(nil)
            case .record(let event):
                // A repeated Event is written over the first one; if that has expired since, it is made anew, its count going on.
                let isKept = event.value.count > 1 && event.value.sinceLast <= eventTimeToLive
                let change: WatchEvent.Change = isKept ? .modified : .added
                try requireActiveNamespace(of: event.value)
                watchLog.append(WatchEvent(change, .event(event), time: now))
                return .success(nil)
            }
        } catch { return .failure(error) }
    }

    /// Puts an object of a snapshot into the store as it is: no admission, its UID and times kept.
    package mutating func restore(_ object: APIObject, at now: SimulatedTime) throws(APIError) {
        let key = object.key
        guard objects[key] == nil else { throw .alreadyExists(key) }
        resourceVersion += 1
        created += 1
        let version = resourceVersion
        let serial = created
        let stored = object.withMetadata {
            $0.resourceVersion = version
            if $0.uid.text.isEmpty { $0.uid = UID(serial: serial) }
        }
        add(stored, as: key, at: now)
    }

    /// Puts in what the cluster made for itself before the run began. Its UID follows from its name, so that objects created later
    /// have the same UIDs as without it. Nothing if there is such an object.
    package mutating func establish(_ object: APIObject, at now: SimulatedTime) {
        let key = object.key
        guard objects[key] == nil else { return }
        resourceVersion += 1
        let version = resourceVersion
        let stored = object.withMetadata {
            $0.resourceVersion = version
            $0.uid = UID(serial: 1 << 47 | stableHash("\(object.kindName)/\($0.namespace)/\($0.name)") >> 17)
        }
        add(stored, as: key, at: now)
    }

    private mutating func add(_ object: APIObject, as key: ObjectKey, at now: SimulatedTime) {
        admission.observe(object)
        services.observe(object, replacing: nil)
        let slot = objects[key.kind].set(object, as: key.name).slot
        if case .pod(let pod) = object { podSlots[pod.value.metadata.uid] = Int32(slot) }
        log(WatchEvent(.added, object, time: now), slot)
    }

    private mutating func log(_ event: WatchEvent, _ slot: Int) {
        var event = event
        event.slot = slot
        watchLog.append(event)
    }

    func existing<Object: KubernetesObject>(
        _: Object.Type, _ key: ObjectKey, uid: UID?
    ) throws(APIError) -> Shared<Object> {
        guard let object = objects[key].flatMap(Object.cast) else { throw .notFound(key) }
        if let uid, object.value.metadata.uid != uid {
            throw .preconditionFailed(key, expected: uid, found: object.value.metadata.uid)
        }
        return object
    }

    /// The same with the slot of the pod in its table, so that it need not be looked up a second time.
    func existingPod(_ key: ObjectKey, uid: UID) throws(APIError) -> (slot: Int, pod: Shared<Pod>) {
        if let slot = podSlots[uid], case .pod(let pod)? = objects.object(.pod, in: Int(slot)),
            pod.value.metadata.name == key.name.name, pod.value.metadata.namespace == key.name.namespace
        {
            return (Int(slot), pod)
        }
        guard let slot = objects.slot(of: key), case .pod(let pod)? = objects.object(.pod, in: slot) else { throw .notFound(key) }
        guard pod.value.metadata.uid == uid else { throw .preconditionFailed(key, expected: uid, found: pod.value.metadata.uid) }
        return (slot, pod)
    }

    // MARK: Create and update

    private mutating func create(_ new: APIObject, at now: SimulatedTime) throws(APIError) -> APIObject {
        let named = try nameAndStamp(new, at: now)
        var object = named.object.preparedForCreation()
        let key = object.key
        object = try admit(object)
        try validation.check(object)
        try admission.check(object)
        object = try services.allocate(for: object, replacing: nil)
        object = try charge(object, at: now)
        // Only the store finds out that the name is taken, after the quotas were charged: the controller puts that right.
        guard named.isFree || objects.slot(of: key) == nil else { throw .alreadyExists(key) }
        resourceVersion += 1
        created += 1
        add(object, as: key, at: now)
        return object
    }

    /// The plugins that look at a new object before it is validated; some change it.
    private mutating func admit(_ object: APIObject) throws(APIError) -> APIObject {
        try requireActiveNamespace(of: object.key)
        let admitted = try admission.admit(object)
        if case .pod(let pod) = admitted {
            try requireRuntimeClass(of: pod)
            try requireServiceAccount(of: pod.value)
        }
        return admitted
    }

    /// A new object with what only the API server sets: no status, the fields of the system, and a name where it shall be generated.
    /// `isFree`: no object of that name is stored.
    private mutating func nameAndStamp(_ new: APIObject, at now: SimulatedTime) throws(APIError) -> (object: APIObject, isFree: Bool) {
        let object = new.withoutStatus()
        let prefix = object.readMetadata { $0.name.isEmpty ? $0.generateName : "" }
        var name: String?
        var isFree = false
        if !prefix.isEmpty {
            let namespace = object.readMetadata(\.namespace)
            // As the API server does since 1.32: a generated name that is taken is drawn again, up to seven times.
            for _ in 0..<8 {
                let drawn = names.next(prefix: prefix, namespace: namespace)
                name = drawn
                isFree = objects.slot(of: ObjectKey(object.kind, namespace: namespace, drawn)) == nil
                if isFree { break }
            }
        }
        let version = resourceVersion + 1
        let uid = UID(serial: created + 1)
        let generation: Int64 = object.countsGenerations ? 1 : 0
        let stamped = object.withMetadata {
            if let name { $0.name = name }
            $0.uid = uid
            $0.resourceVersion = version
            $0.generation = generation
            $0.creationTimestamp = now.truncatedToSeconds
            $0.deletionTimestamp = nil
            $0.deletionGracePeriodSeconds = nil
        }
        return (stamped, isFree)
    }

    private enum Subresource { case main, status }

    private mutating func update(_ object: APIObject, _ part: Subresource, at now: SimulatedTime) throws(APIError) -> APIObject? {
        let key = object.key
        guard let stored = objects[key] else { throw .notFound(key) }
        let metadata = object.metadata
        if metadata.resourceVersion != 0, metadata.resourceVersion != stored.metadata.resourceVersion { throw .conflict(key) }
        if !metadata.uid.text.isEmpty, metadata.uid != stored.metadata.uid {
            throw .preconditionFailed(key, expected: metadata.uid, found: stored.metadata.uid)
        }
        guard part == .main else {
            if case .job(let new) = object, case .job(let old) = stored,
                let problem = Job.problem(of: new.value.status, over: old.value.status)
            {
                throw .invalid(key, problem)
            }
            return commit(stored.takingStatus(of: object), over: stored, countsGeneration: false, at: now)
        }
        return try replace(stored, with: object.keepingStatus(of: stored), at: now)
    }

    /// Checks a new version of an object and stores it.
    private mutating func replace(_ stored: APIObject, with object: APIObject, at now: SimulatedTime) throws(APIError) -> APIObject? {
        let object = object.keepingAllocated(of: stored)
        try validation.checkChange(to: object, from: stored)
        let allocated = try services.allocate(for: object, replacing: stored)
        if APIServer.mayUseMore(allocated) {
            try admission.check(allocated)
            if admission.hasQuotas { try charge(allocated, replacing: stored, at: now) }
        }
        return commit(allocated, over: stored, at: now)
    }

    /// Stores a new version of an object, unless it equals the stored one; finishes its deletion when its last finalizer went.
    mutating func commit(
        _ object: APIObject, over stored: APIObject, countsGeneration: Bool = true, at now: SimulatedTime
    ) -> APIObject? {
        let old = stored.metadata
        let object = object.withTemplateGeneration(after: stored)
        let specChanged = countsGeneration && object.specDiffers(from: stored)
        var new = object.withMetadata {
            // What clients cannot change.
            $0.uid = old.uid
            $0.creationTimestamp = old.creationTimestamp
            $0.deletionTimestamp = old.deletionTimestamp
            $0.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds
            $0.resourceVersion = old.resourceVersion
            $0.generation = old.generation &+ (specChanged ? 1 : 0)
        }
        if new == stored { return stored }
        let metadata = new.metadata
        if metadata.isTerminating, metadata.finalizers.isEmpty, !new.hasSpecFinalizers,
            (metadata.deletionGracePeriodSeconds ?? 0) == 0, !old.finalizers.isEmpty || stored.hasSpecFinalizers
        {
            remove(new, previous: stored, at: now)
            return nil
        }
        resourceVersion += 1
        let version = resourceVersion
        new = new.withMetadata { $0.resourceVersion = version }
        store(new, previous: stored, at: now)
        return new
    }

    /// The same for a pod whose metadata did not change: the most frequent write, with one allocation.
    mutating func commit(_ pod: consuming Pod, over stored: Shared<Pod>, in slot: Int, at now: SimulatedTime) -> APIObject? {
        if pod == stored.value { return .pod(stored) }
        resourceVersion += 1
        pod.metadata.resourceVersion = resourceVersion
        let object = APIObject.pod(Shared(pod))
        objects[.pod].replace(slot, with: object)
        log(WatchEvent(.modified, object, previous: .pod(stored), time: now), slot)
        return object
    }

    mutating func store(_ object: APIObject, previous: APIObject, at now: SimulatedTime) {
        let key = object.key
        admission.observe(object)
        services.observe(object, replacing: previous)
        let slot = objects[key.kind].set(object, as: key.name).slot
        log(WatchEvent(.modified, object, previous: previous, time: now), slot)
    }

    private mutating func remove(_ object: APIObject, previous: APIObject, at now: SimulatedTime) {
        let key = object.key
        resourceVersion += 1
        let version = resourceVersion
        let removed = objects[key.kind].remove(key.name)
        if case .pod(let pod) = object { podSlots[pod.value.metadata.uid] = nil }
        lastApplied[key] = nil
        admission.forget(object)
        services.forget(object)
        var event = WatchEvent(.deleted, object.withMetadata { $0.resourceVersion = version }, previous: previous, time: now)
        event.slot = removed?.slot
        watchLog.append(event)
    }

    private mutating func patchMetadata(
        _ key: ObjectKey, uid: UID, _ patch: MetadataPatch, at now: SimulatedTime
    ) throws(APIError) -> APIObject? {
        guard let stored = objects[key] else { throw .notFound(key) }
        let found = stored.metadata.uid
        guard found == uid else { throw .preconditionFailed(key, expected: uid, found: found) }
        if case .removeFinalizer(Finalizers.kubernetes) = patch, case .namespace(let namespace) = stored {
            let finalized = namespace.with { $0.finalizers.removeAll { $0 == Finalizers.kubernetes } }
            return commit(.namespace(finalized), over: stored, at: now)
        }
        let changed = stored.withMetadata {
            switch patch {
            case .removeFinalizer(let name): $0.finalizers.removeAll { $0 == name }
            case .ownerReferences(let references): $0.ownerReferences = references
            case .removeOwners(let owners): $0.ownerReferences.removeAll { owners.contains($0.uid) }
            case .labels(let labels): $0.labels = labels
            case .adoption(let references, let finalizer):
                $0.ownerReferences = references
                if !$0.finalizers.contains(finalizer) { $0.finalizers.append(finalizer) }
            case .release(let references, let finalizer):
                $0.ownerReferences = references
                $0.finalizers.removeAll { $0 == finalizer }
            }
        }
        return commit(changed, over: stored, at: now)
    }

    private mutating func bind(
        _ name: NamespacedName, uid: UID, node: String, _ annotations: Labels, at now: SimulatedTime
    ) throws(APIError) -> APIObject? {
        let key = ObjectKey(.pod, name)
        let (slot, stored) = try existingPod(key, uid: uid)
        var pod = stored.value
        if pod.metadata.isTerminating {
            throw .bindingConflict(key, "pod \(name.name) is being deleted, cannot be assigned to a host")
        }
        if let bound = pod.nodeName {
            throw .bindingConflict(key, "pod \(name.name) is already assigned to node \"\(bound)\"")
        }
        guard pod.spec.value.schedulingGates.isEmpty else {
            throw .bindingConflict(key, "pod \(name.name) has non-empty .spec.schedulingGates")
        }
        pod.nodeName = node
        if !annotations.isEmpty { pod.metadata.annotations.merge(annotations) }
        pod.status.conditions.set(Condition(.podScheduled, .true, lastTransitionTime: now.truncatedToSeconds))
        pod.status.nominatedNodeName = nil
        return commit(pod, over: stored, in: slot, at: now)
    }

    // MARK: Deletion

    mutating func delete(_ key: ObjectKey, _ options: DeleteOptions, at now: SimulatedTime) throws(APIError) -> APIObject? {
        guard let stored = objects[key] else { throw .notFound(key) }
        let metadata = stored.metadata
        if let uid = options.uid, uid != metadata.uid {
            throw .preconditionFailed(key, expected: uid, found: metadata.uid)
        }
        guard let plan = try Deletion(of: stored, options, at: now) else { return stored }
        if plan.marked != stored {
            resourceVersion += 1
            let version = resourceVersion
            let marked = plan.marked.withMetadata { $0.resourceVersion = version }
            store(marked, previous: stored, at: now)
            guard plan.isImmediate else { return marked }
            remove(marked, previous: marked, at: now)
            return nil
        }
        guard plan.isImmediate else { return stored }
        remove(stored, previous: stored, at: now)
        return nil
    }

    // MARK: Operator's changes

    private mutating func operate(_ key: ObjectKey, _ change: OperatorChange, at now: SimulatedTime) throws(APIError) -> APIObject? {
        if case .apply(let object) = change {
            let result: APIObject?
            if let stored = objects[key] {
                let admitted = try admission.admitUpdate(object)
                result = try replace(stored, with: admitted.applied(over: stored, last: lastApplied[key]), at: now)
            } else {
                result = try create(object, at: now)
            }
            lastApplied[key] = AppliedMetadata(object)
            return result
        }
        guard let stored = objects[key] else { throw .notFound(key) }
        var history = RolloutHistory()
        if case .rollBack = change { history = RolloutHistory(of: stored, in: objects) }
        return try replace(stored, with: change.applied(to: stored, key: key, history: history, at: now), at: now)
    }
}
