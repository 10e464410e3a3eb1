// What a StatefulSet's controller does in one sync: a pure decision on the set, its pods, its revisions and the claims that exist.
// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// One sync: replicas first, then the pods there are too many of, then one pod of an old revision.
///
/// With OrderedReady the first step that has to be waited for ends the sync; with Parallel all steps are taken, in batches of 1, 2, 4
/// and so on. A rolling update replaces one pod at a time under both policies (`maxUnavailable` is behind a gate that is off).
struct StatefulSetSync {
    private let set: StatefulSet
    private let current: TemplateRevision
    private let update: TemplateRevision
    private let view: SharedInformers
    private let now: SimulatedTime

    /// By index: the pod of that replica, nil if there is none.
    private var replicas: [Shared<Pod>?]
    /// Pods whose ordinals are out of range, the highest first.
    private var condemned: [Shared<Pod>]
    /// The first pod that is not available: scaling down may remove it, but no other pod while it is there.
    private var firstUnavailable: Shared<Pod>?

    /// Requests in steps.
    private(set) var steps: [[PlannedCall]] = []
    private(set) var events: [KubernetesEvent] = []
    private(set) var status = StatefulSetStatus()
    /// Whether the last step deletes a pod that the status does not count as current any more.
    private(set) var replacesPod = false
    /// A claim that a pod needs and that is on its way out: the sync has to be tried again.
    private var leavingClaim: NamespacedName?
    var failure: APIError? { leavingClaim.map { .conflict(ObjectKey(.persistentVolumeClaim, $0)) } }

    /// OrderedReady: whether each step waits for the one before.
    private var isOrdered: Bool { self.set.spec.podManagementPolicy == .orderedReady }
    /// Replicas looked after at once by Parallel.
    private static let largestBatch = 500

    init(
        _ set: StatefulSet, pods: [Shared<Pod>], current: TemplateRevision, update: TemplateRevision, collisions: Int32,
        _ view: SharedInformers, at now: SimulatedTime
    ) {
        self.set = set
        self.current = current
        self.update = update
        self.view = view
        self.now = now
        let ordinals = set.ordinals
        replicas = Array(repeating: nil, count: ordinals.count)
        var outside: [(ordinal: Int, pod: Shared<Pod>)] = []
        for pod in pods {
            guard let ordinal = set.ordinal(ofPodNamed: pod.value.metadata.name) else { continue }
            if ordinals.contains(ordinal) {
                replicas[ordinal - ordinals.lowerBound] = pod
            } else {
                outside.append((ordinal, pod))
            }
        }
        outside.sort { $0.ordinal > $1.ordinal }
        condemned = outside.map(\.pod)
        noteStatus(collisions)
        if set.metadata.isTerminating {
            completeUpdate()
            return
        }
        let missing = replicas.firstIndex { $0 == nil }
        let unavailable = replicas.firstIndex { $0.map { !isAvailable($0) || $0.isTerminating } ?? false }
        if missing == nil || unavailable ?? .max < missing ?? .max {
            firstUnavailable = unavailable.flatMap { replicas[$0] } ?? condemned.last { !isAvailable($0) || $0.isTerminating }
        }
        if runReplicas(), runCondemned() { runUpdate() }
        completeUpdate()
    }

    private mutating func noteStatus(_ collisions: Int32) {
        status = set.status
        status.observedGeneration = set.metadata.generation
        status.currentRevision = current.name
        status.updateRevision = update.name
        status.collisionCount = collisions
        status.replicas = 0
        status.readyReplicas = 0
        status.availableReplicas = 0
        status.currentReplicas = 0
        status.updatedReplicas = 0
        for pod in replicas.lazy.compactMap({ $0 }) + condemned {
            status.replicas += 1
            if isReady(pod) { status.readyReplicas += 1 }
            if isAvailable(pod) { status.availableReplicas += 1 }
            if pod.isTerminating { continue }
            let revision = revision(of: pod)
            if revision == current.name { status.currentReplicas += 1 }
            if revision == update.name { status.updatedReplicas += 1 }
        }
    }

    /// An update is over when all replicas there should be are ready at the new revision.
    private mutating func completeUpdate() {
        guard case .rollingUpdate = set.spec.updateStrategy, status.updatedReplicas == set.spec.replicas,
            status.readyReplicas == set.spec.replicas, status.replicas == set.spec.replicas
        else { return }
        status.currentReplicas = status.updatedReplicas
        status.currentRevision = status.updateRevision
    }

    // MARK: Replicas

    /// Requests about one replica, in the order they must be made.
    private struct ReplicaWork {
        var claims: [PlannedCall] = []
        var pod: [PlannedCall] = []
        /// Changes of ownership of the claims of a pod that is made.
        var owners: [PlannedCall] = []
    }

    /// Returns whether the sync goes on.
    private mutating func runReplicas() -> Bool {
        if isOrdered {
            for index in replicas.indices {
                var work = ReplicaWork()
                let goesOn = process(index, &work)
                append(work)
                if !goesOn || leavingClaim != nil { return false }
            }
            return true
        }
        var start = 0
        var size = 1
        while start < replicas.count {
            let end = min(start + size, replicas.count)
            var work = ReplicaWork()
            for index in start..<end { _ = process(index, &work) }
            append(work)
            if leavingClaim != nil { return false }
            start = end
            size = min(2 * size, StatefulSetSync.largestBatch)
        }
        return true
    }

    /// Returns whether replicas after this one may be looked at under OrderedReady.
    private mutating func process(_ index: Int, _ work: inout ReplicaWork) -> Bool {
        let ordinal = set.ordinals.lowerBound + index
        guard let pod = replicas[index] else {
            if hasStaleClaim(ordinal) { return false }
            guard createClaims(ordinal, &work) else {
                if let leavingClaim {
                    events.append(event("FailedCreate", "Create", ordinal, failed: "pvc \(leavingClaim.name) is being deleted"))
                }
                return false
            }
            let pod = set.pod(ordinal, revision(forNew: ordinal))
            work.pod.append(creation(of: pod, ordinal))
            // Claims that are made just now are given an owner when the pod is seen.
            work.owners += claimCorrections(for: pod)
            return false
        }
        if pod.isTerminal {
            // Its successor is made when it is gone.
            if !pod.isTerminating { work.pod.append(deletion(of: pod)) }
            return false
        }
        if pod.value.status.phase == .pending {
            guard createClaims(ordinal, &work) else { return false }
            work.claims += claimCorrections(for: pod)
            if isOrdered { return false }
        }
        guard !isOrdered || (!pod.isTerminating && isAvailable(pod)) else { return false }
        // Those of a pending pod were just made.
        let corrections = pod.value.status.phase == .pending ? [] : claimCorrections(for: pod)
        work.claims += corrections
        if !set.hasIdentity(pod) || !corrections.isEmpty {
            var call = PlannedCall(.update(.pod(set.givingIdentity(to: pod, ordinal))))
            call.onSuccess = Shared(event("SuccessfulUpdate", "Update", ordinal))
            call.onFailure = Shared(event("FailedUpdate", "Update", ordinal, failed: ""))
            work.pod.append(call)
        }
        return true
    }

    private func creation(of pod: Shared<Pod>, _ ordinal: Int) -> PlannedCall {
        var call = PlannedCall(.create(.pod(pod)))
        call.onSuccess = Shared(event("SuccessfulCreate", "Create", ordinal))
        call.onFailure = Shared(event("FailedCreate", "Create", ordinal, failed: ""))
        call.isSilentIfExisting = true
        return call
    }

    /// Ordinals below the partition keep the revision they had.
    private func revision(forNew ordinal: Int) -> TemplateRevision {
        guard case .rollingUpdate(let partition) = set.spec.updateStrategy else { return update }
        return ordinal < set.ordinals.lowerBound + Int(partition) ? current : update
    }

    private func deletion(of pod: Shared<Pod>) -> PlannedCall {
        let name = pod.value.metadata.name
        var call = PlannedCall(.delete(ObjectKey(.pod, pod.value.metadata.key), DeleteOptions()))
        call.onSuccess = Shared(event("SuccessfulDelete", "Delete", podNamed: name))
        call.onFailure = Shared(event("FailedDelete", "Delete", podNamed: name, failed: ""))
        return call
    }

    // MARK: Claims

    /// Adds the creation of the claims a pod lacks; false if one is on its way out, so that the pod has to wait.
    private mutating func createClaims(_ ordinal: Int, _ work: inout ReplicaWork) -> Bool {
        var isComplete = true
        for template in set.spec.volumeClaimTemplates {
            let key = set.claimKey(template, ordinal)
            if let present = view.get(PersistentVolumeClaim.self, key) {
                guard present.value.metadata.isTerminating else { continue }
                leavingClaim = key
                isComplete = false
                continue
            }
            let pod = set.podName(ordinal)
            var call = PlannedCall(.create(APIObject(set.claim(template, ordinal))))
            call.onSuccess = Shared(
                event("SuccessfulCreate", text: "Create Claim \(key.name) Pod \(pod) in StatefulSet \(set.metadata.name) success"))
            call.onFailure = Shared(
                event(
                    "FailedCreate", text: "Create Claim \(key.name) for Pod \(pod) in StatefulSet \(set.metadata.name) failed error: ",
                    .warning))
            call.isSilentIfExisting = true
            work.claims.append(call)
        }
        return isComplete
    }

    private func hasStaleClaim(_ ordinal: Int) -> Bool {
        guard set.spec.claimRetention.whenScaled == .delete else { return false }
        return set.spec.volumeClaimTemplates.contains { template in
            view.get(PersistentVolumeClaim.self, set.claimKey(template, ordinal)).map {
                ClaimRetention.isStale($0.value.metadata, forPodNamed: set.podName(ordinal))
            } ?? false
        }
    }

    /// The changes of ownership that the retention policy asks for.
    private mutating func claimCorrections(for pod: Shared<Pod>) -> [PlannedCall] {
        guard !set.spec.volumeClaimTemplates.isEmpty, let ordinal = set.ordinal(ofPodNamed: pod.value.metadata.name) else { return [] }
        let retention = ClaimRetention(set, pod: pod.value.metadata)
        var calls: [PlannedCall] = []
        for template in set.spec.volumeClaimTemplates {
            guard let claim = view.get(PersistentVolumeClaim.self, set.claimKey(template, ordinal))?.value.metadata,
                let references = retention.correction(of: claim)
            else { continue }
            if retention.hasForeignController(claim) {
                events.append(
                    event(
                        "ConflictingController",
                        text: "PersistentVolumeClaim \(claim.name) has a conflicting OwnerReference that acts as a managing controller, "
                            + "the retention policy is ignored for this claim", .warning))
            }
            calls.append(
                PlannedCall(
                    .patchMetadata(ObjectKey(.persistentVolumeClaim, claim.key), uid: claim.uid, .ownerReferences(references))))
        }
        return calls
    }

    // MARK: Scaling down

    /// Returns whether the sync goes on.
    private mutating func runCondemned() -> Bool {
        for pod in condemned { append(claimCorrections(for: pod)) }
        if isOrdered {
            guard let pod = condemned.first else { return true }
            if !pod.isTerminating, isAvailable(pod) || pod === firstUnavailable { append([deletion(of: pod)]) }
            return false
        }
        var start = 0
        var size = 1
        while start < condemned.count {
            let end = min(start + size, condemned.count)
            append(condemned[start..<end].filter { !$0.isTerminating }.map { deletion(of: $0) })
            start = end
            size = min(2 * size, StatefulSetSync.largestBatch)
        }
        return true
    }

    // MARK: Updating

    /// Deletes the pod of the highest ordinal that has an old revision, unless a pod above it is not available.
    private mutating func runUpdate() {
        guard case .rollingUpdate(let partition) = set.spec.updateStrategy else { return }
        for index in replicas.indices.reversed() where index >= Int(partition) {
            // One that was just made, at the new revision: it is not available yet.
            guard let pod = replicas[index] else { return }
            if revision(of: pod) != update.name, !pod.isTerminating {
                append([deletion(of: pod)])
                replacesPod = true
                status.currentReplicas -= 1
                return
            }
            if pod.isTerminating || !isAvailable(pod) { return }
        }
    }

    // MARK: Pods

    private func revision(of pod: Shared<Pod>) -> String { pod.value.metadata.labels[RevisionLabels.pod] ?? "" }
    private func isReady(_ pod: Shared<Pod>) -> Bool { pod.value.status.phase == .running && pod.isReady }
    private func isAvailable(_ pod: Shared<Pod>) -> Bool {
        pod.value.status.phase == .running && pod.isAvailable(minReadySeconds: set.spec.minReadySeconds, at: now)
    }

    // MARK: Requests and events

    private mutating func append(_ work: ReplicaWork) {
        append(work.claims)
        append(work.pod)
        append(work.owners)
    }

    private mutating func append(_ step: [PlannedCall]) { if !step.isEmpty { steps.append(step) } }

    private func event(_ reason: String, _ verb: String, _ ordinal: Int, failed: String? = nil) -> KubernetesEvent {
        event(reason, verb, podNamed: set.podName(ordinal), failed: failed)
    }

    private func event(_ reason: String, _ verb: String, podNamed name: String, failed: String? = nil) -> KubernetesEvent {
        let outcome = failed.map { "failed error: " + $0 } ?? "successful"
        return event(
            reason, text: "\(verb) Pod \(name) in StatefulSet \(set.metadata.name) \(outcome)", failed == nil ? .normal : .warning)
    }

    private func event(_ reason: String, text: String, _ severity: KubernetesEvent.Severity = .normal) -> KubernetesEvent {
        KubernetesEvent(
            about: Kind.statefulSet.description, set.metadata.key, uid: set.metadata.uid, reason: reason, message: text,
            severity: severity, source: ControllerName.statefulSet.eventSource)
    }
}
