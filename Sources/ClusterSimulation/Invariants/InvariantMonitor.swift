// Watches a cluster from outside, commit by commit, and notices the first moment at which an invariant does not hold.
//
// It keeps books of its own, by difference, so that the cost of a check follows what changed. It never looks into a component to
// learn what should be; what a component holds is only compared with what the API server holds.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI

/// The invariants that can be told from commits alone; ``Cluster`` asks it about requests and caches too.
struct InvariantMonitor: Sendable {
    /// What a pod takes of a node, in the scheduler's units, and itself.
    private typealias Charge = [(name: ResourceName, amount: Int64)]

    private struct SeenPod: Sendable {
        var node: String?
        /// Counted on its node.
        var holds = false
    }

    private struct NodeBook: Sendable {
        var allocatable: ResourceList?
        var taken: [ResourceName: Int64] = [:]
    }

    /// The first violation; nothing is looked for after it.
    private(set) var violation: InvariantViolation?
    private var pods: [UID: SeenPod] = [:]
    private var nodes: [String: NodeBook] = [:]
    /// By identity of the spec, which is kept alive here: pods of a template share it.
    private var charges: [ObjectIdentifier: (spec: Shared<PodSpec>, charge: Charge)] = [:]
    /// Who asked for what is being written.
    private var author: (client: APIClientID, request: APIRequest)?
    private var isMaintenance = false
    /// Pods whose kubelet says, in the event that is handled, that their containers are gone: to be compared with the containers.
    private(set) var stopped: [Shared<Pod>] = []
    /// Objects with a deletion time and nothing visible that holds them; to be looked at when the event is over.
    private var unheld: [(key: ObjectKey, uid: UID)] = []
    /// What changed since caches were compared last; pods by UID too, for a name may be another pod's by then.
    private var touched: [ObjectKey] = []
    private var touchedPods: [UID] = []
    private var isTouched: Set<ObjectKey> = []
    /// nil: nobody attaches volumes.
    private var volumes: AttachmentBook?
    private(set) var quotas = QuotaBook()
    var evictions = EvictionBook()
    private(set) var identities = IdentityBook()
    /// Nodes that a maintenance cordoned and nobody made schedulable since, in the order in which that happened.
    private(set) var cordonedForMaintenance: [String] = []
    private var instant = SimulatedTime.zero
    private var eventsOfInstant = 0
    /// Events of the simulator at one instant, at most.
    static let mostEventsAtOnce = 100_000

    /// - Parameter attachesVolumes: whether pods wait until their volumes are attached.
    init(attachesVolumes: Bool) { if attachesVolumes { volumes = AttachmentBook() } }

    mutating func report(_ invariant: Invariant, _ detail: String, about object: ObjectKey? = nil, at now: SimulatedTime) {
        if violation == nil { violation = InvariantViolation(time: now, invariant: invariant, detail: detail, object: object) }
    }

    mutating func report(_ found: InvariantViolation) { if violation == nil { violation = found } }

    // MARK: Time

    /// An event of the simulator is handled.
    mutating func count(at now: SimulatedTime) {
        if now != instant {
            instant = now
            eventsOfInstant = 0
        }
        eventsOfInstant += 1
        if eventsOfInstant > InvariantMonitor.mostEventsAtOnce {
            report(.timeAdvances, "more than \(InvariantMonitor.mostEventsAtOnce) events at one instant", at: now)
        }
    }

    // MARK: Commits

    /// What is written from here on was asked for by a client; by the operator perhaps for a maintenance.
    mutating func begin(_ request: APIRequest, by client: APIClientID, forMaintenance: Bool) {
        author = (client, request)
        isMaintenance = forMaintenance
    }

    mutating func observe(_ event: WatchEvent) {
        if case .event = event.object { return }
        let now = event.time
        let key = event.object.key
        if isTouched.insert(key).inserted { touched.append(key) }
        observeDeletion(event, key)
        evictions.observe(event)
        if let (invariant, detail) = volumes?.observe(event) { report(invariant, detail, about: key, at: now) }
        if let detail = quotas.observe(event) { report(.quotaRespected, detail, about: key, at: now) }
        switch event.object {
        case .pod(let pod):
            observe(pod, event)
            identities.observe(pod, event, byForce: isByForce)
        case .node(let node):
            observeCordon(of: node.value, event)
            nodes[node.value.metadata.name, default: NodeBook()].allocatable =
                event.change == .deleted ? nil : node.value.status.allocatable
        case .resourceQuota(let quota) where event.change == .modified:
            guard case .resourceQuota(let old)? = event.previous, !(author?.request.reportsStatus ?? true) else { break }
            for (name, limit) in quota.value.status.hard {
                guard let used = quota.value.status.used[name], used > limit, old.value.status.used[name].map({ $0 < used }) ?? true
                else { continue }
                report(.quotaRespected, "quota \(key.name): \(name) used \(used) of \(limit)", about: key, at: now)
            }
        default: break
        }
    }

    /// Whether somebody else than its kubelet takes a pod away at once.
    private var isByForce: Bool {
        guard let author, author.request.isForced else { return false }
        if case .kubelet = author.client { return false }
        return true
    }

    private mutating func observeCordon(of node: Node, _ event: WatchEvent) {
        let name = node.metadata.name
        let isCordoned = event.change != .deleted && node.spec.unschedulable
        let wasCordoned = event.previous.flatMap(Node.cast)?.value.spec.unschedulable ?? false
        if !isCordoned {
            cordonedForMaintenance.removeAll { $0 == name }
        } else if !wasCordoned, isMaintenance {
            cordonedForMaintenance.append(name)
        }
    }

    /// Forgets the pods of an identity that are over, by their UIDs.
    mutating func settleIdentity(_ name: NamespacedName, alive: (UID) -> Bool) { identities.keep(name, where: alive) }

    private mutating func observeDeletion(_ event: WatchEvent, _ key: ObjectKey) {
        let (isTerminating, finalizers, grace, uid) = event.object.readMetadata {
            ($0.isTerminating, $0.finalizers, $0.deletionGracePeriodSeconds ?? 0, $0.uid)
        }
        if event.change == .deleted {
            if !finalizers.isEmpty {
                let names = finalizers.joined(separator: ", ")
                report(.deletionsHeld, "\(key) was removed although \(names) held it", about: key, at: event.time)
            }
            return
        }
        guard isTerminating, finalizers.isEmpty else { return }
        if case .namespace(let namespace) = event.object, !namespace.value.finalizers.isEmpty { return }
        if case .pod = event.object, grace > 0 { return }
        unheld.append((key, uid))
    }

    /// The writes of an event are all made: what is marked for deletion and held by nothing must be gone.
    mutating func settle(_ objects: ObjectTables, at now: SimulatedTime) {
        stopped.removeAll(keepingCapacity: true)
        author = nil
        isMaintenance = false
        guard !unheld.isEmpty else { return }
        for (key, uid) in unheld {
            guard let metadata = objects[key]?.metadata, metadata.uid == uid, metadata.isTerminating, metadata.finalizers.isEmpty else {
                continue
            }
            if key.kind == .pod, (metadata.deletionGracePeriodSeconds ?? 0) > 0 { continue }
            report(.deletionsHeld, "\(key) is being deleted, nothing holds it, and it is still there", about: key, at: now)
        }
        unheld.removeAll(keepingCapacity: true)
    }

    private mutating func observe(_ pod: Shared<Pod>, _ event: WatchEvent) {
        let uid = pod.value.metadata.uid
        var seen = pods[uid] ?? SeenPod()
        touchedPods.append(uid)
        observeEnd(of: pod, event)
        if let before = seen.node, before != pod.value.nodeName {
            report(
                .boundOnce, "pod \(pod.value.metadata.key) was on \(before) and is on \(pod.value.nodeName ?? "no node")",
                about: event.object.key, at: event.time)
        }
        seen.node = pod.value.nodeName
        let holds = event.change != .deleted && pod.value.nodeName != nil && !pod.isTerminal
        if holds != seen.holds, let node = pod.value.nodeName {
            seen.holds = holds
            account(charge(of: pod.value.spec), on: node, sign: holds ? 1 : -1)
            // What a snapshot brings is as it is.
            if holds, event.time > .zero { checkRoom(on: node, for: pod, at: event.time) }
        }
        if event.change == .deleted { pods[uid] = nil } else { pods[uid] = seen }
    }

    /// The containers of a pod are declared gone: by its kubelet, or by somebody who may do so by force.
    private mutating func observeEnd(of pod: Shared<Pod>, _ event: WatchEvent) {
        func isDeclaredGone(_ pod: Shared<Pod>) -> Bool { pod.isTerminating && pod.value.metadata.deletionGracePeriodSeconds == 0 }
        guard let node = pod.value.nodeName, !pod.isTerminal, isDeclaredGone(pod),
            !(event.previous.flatMap(Pod.cast).map(isDeclaredGone) ?? false), let author,
            pod.value.spec.value.terminationGracePeriodSeconds > 0
        else { return }
        switch author.client {
        case .kubelet: stopped.append(pod)
        case .clusterOperator where author.request.isForced: break
        // Its node is gone for good, or declared so.
        case .controller(ControllerName.podGarbageCollector.rawValue) where author.request.isForced: break
        default:
            report(
                .removedWhileRunning,
                "\(author.client) took away pod \(pod.value.metadata.key) on \(node) before its kubelet had stopped it",
                about: event.object.key, at: event.time)
        }
    }

    private mutating func account(_ charge: Charge, on node: String, sign: Int64) {
        // User's numbers may be absurd: they wrap.
        for (name, amount) in charge { nodes[node, default: NodeBook()].taken[name, default: 0] &+= sign &* amount }
    }

    private mutating func checkRoom(on node: String, for pod: Shared<Pod>, at now: SimulatedTime) {
        guard let book = nodes[node], let room = book.allocatable else { return }
        for (name, _) in charge(of: pod.value.spec) {
            let taken = book.taken[name] ?? 0
            let offered = room[name].map { InvariantMonitor.amount($0, of: name) } ?? 0
            guard taken > offered else { continue }
            report(
                .nodeOverAllocatable,
                "node \(node) has \(InvariantMonitor.text(offered, of: name)) of \(name), its pods ask for "
                    + "\(InvariantMonitor.text(taken, of: name)) since "
                    + "\(pod.value.metadata.key) was bound",
                about: ObjectKey(.pod, pod.value.metadata.key), at: now)
            return
        }
    }

    private mutating func charge(of spec: Shared<PodSpec>) -> Charge {
        let identity = ObjectIdentifier(spec)
        if let known = charges[identity] { return known.charge }
        var charge: Charge = spec.value.effectiveRequests.map { ($0.name, InvariantMonitor.amount($0.quantity, of: $0.name)) }
            .filter { $0.1 > 0 }
        charge.append((.pods, 1))
        charges[identity] = (spec, charge)
        return charge
    }

    /// Thousandths of cpu, whole units of all else: thousandths of bytes would end at 8 PiB.
    private static func amount(_ quantity: Quantity, of name: ResourceName) -> Int64 {
        name == .cpu ? quantity.milliValue : quantity.value
    }

    private static func text(_ amount: Int64, of name: ResourceName) -> Quantity {
        name == .cpu ? Quantity(milli: amount) : Quantity(amount, format: name == .memory ? .binarySI : .decimalSI)
    }

    // MARK: Caches

    /// What changed since the last call, to be compared in all caches.
    mutating func takeTouched() -> (objects: [ObjectKey], pods: [UID]) {
        defer {
            touched = []
            touchedPods = []
            isTouched.removeAll(keepingCapacity: true)
        }
        return (touched, touchedPods)
    }

    var hasTouched: Bool { !touched.isEmpty }

    /// What is compared of a pod may be looked at too early.
    mutating func lookAgain(at pod: UID) { touchedPods.append(pod) }
}

extension InvariantMonitor {
    /// Where the scheduler should count a pod: nil for one that holds nothing of a node.
    func place(of pod: UID) -> (node: String?, exists: Bool) {
        guard let seen = pods[pod] else { return (nil, false) }
        return (seen.holds ? seen.node : nil, true)
    }
}

extension APIRequest {
    /// A deletion that does not wait for the kubelet.
    fileprivate var isForced: Bool {
        switch self {
        case .delete(_, let options): options.gracePeriodSeconds == 0
        case .evict(_, let options), .finishEviction(_, _, let options, _): options.gracePeriodSeconds == 0
        default: false
        }
    }

    /// A status that is told, not something the API server lets in.
    fileprivate var reportsStatus: Bool { if case .updateStatus = self { true } else { false } }
}
