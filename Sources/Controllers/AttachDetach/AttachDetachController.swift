// The attach-detach controller: has volumes attached to the nodes whose pods want them, and detached where nobody does any more.
// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/>, KEP-2268 (non-graceful node shutdown)
//
// The real one compares what is wanted with what is there ten times a second. This one remembers which volumes could be found
// different, and passes only when there are any, on the same grid.

import APIServer
import DiscreteEvents
import HeapModule
import KubernetesAPI

/// Keys are requests to send: attachments to make or to delete, nodes to report on.
struct AttachDetachController: Reconciler {
    typealias Conclusion = Never

    enum Work: Hashable, Sendable {
        case attach(volume: String, node: String)
        case detach(volume: String, node: String)
        case report(node: String)
    }

    private struct Wait: Comparable, Sendable {
        let time: SimulatedTime
        let sequence: UInt64
        let volume: Int
        static func < (left: Wait, right: Wait) -> Bool { (left.time, left.sequence) < (right.time, right.sequence) }
        static func == (left: Wait, right: Wait) -> Bool { left.sequence == right.sequence }
    }

    let settings: AttachDetachSettings
    /// A record for every volume that was ever wanted or attached; by unique name.
    var records: [VolumeRecord] = []
    private var numbers: [String: Int] = [:]
    /// By node: the volumes that are wanted or attached there.
    var volumesOfNodes: [String: [Int]] = [:]
    /// By name of the VolumeAttachment: which volume waits for it.
    private var awaited: [String: Int] = [:]
    /// What each pod wants, so that it can be let go of when its claims are gone already.
    private var wishes: [UID: [Int]] = [:]
    private var podsOfClaims: [NamespacedName: [NamespacedName]] = [:]
    /// Volumes to look at in the next pass, and nodes to report on.
    var dirty: [Int] = []
    private var unreported: [String] = []
    private var waits = Heap<Wait>()
    private var sequence: UInt64 = 0
    private var armed: SimulatedTime?
    /// Events to record since the manager last asked.
    var events: [KubernetesEvent] = []

    /// The period of the passes (fixed).
    static let period = SimulatedDuration.milliseconds(100)

    init(_ configuration: ControllerManagerConfiguration) { settings = configuration.attachDetach }

    mutating func takeEvents() -> [KubernetesEvent] {
        defer { events = [] }
        return events
    }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<Work>, at now: SimulatedTime
    ) {
        guard settings.isOn else { return }
        switch event.object {
        case .pod(let pod):
            guard !pod.value.spec.value.volumes.isEmpty, let node = pod.value.nodeName else { return }
            observe(event.change, pod.value, on: node, view)
        case .persistentVolumeClaim(let claim):
            guard event.change != .deleted, claim.value.boundVolume != nil else { return }
            evaluatePods(of: claim.value.metadata.key, view)
        case .persistentVolume(let volume):
            guard event.change != .deleted else { return }
            if let known = attachable(volume.value, view), let number = numbers[known.uniqueName] { records[number].volume = known }
            if let claim = volume.value.spec.claimRef?.name { evaluatePods(of: claim, view) }
        case .node(let node): observe(event.change, node.value, previous: previous.flatMap(Node.cast)?.value, view)
        case .volumeAttachment(let attachment): observe(event.change, attachment.value, at: now)
        default: break
        }
    }

    private mutating func observe(_ change: WatchEvent.Change, _ pod: Pod, on node: String, _ view: SharedInformers) {
        let claims = pod.claimNames
        if claims.isEmpty { return }
        let isKnown = wishes[pod.metadata.uid] != nil
        if change == .deleted {
            letGo(pod, on: node)
            wishes[pod.metadata.uid] = nil
            if isKnown { index(pod, claims, isThere: false) }
            return
        }
        if !isKnown {
            index(pod, claims, isThere: true)
            wishes[pod.metadata.uid] = []
        }
        evaluate(pod, on: node, view)
    }

    private mutating func index(_ pod: Pod, _ claims: [String], isThere: Bool) {
        for name in claims {
            let claim = NamespacedName(namespace: pod.metadata.namespace, name: name)
            podsOfClaims[claim, default: []].removeAll { $0 == pod.metadata.key }
            if isThere { podsOfClaims[claim, default: []].append(pod.metadata.key) }
            if podsOfClaims[claim]?.isEmpty ?? false { podsOfClaims[claim] = nil }
        }
    }

    private mutating func evaluatePods(of claim: NamespacedName, _ view: SharedInformers) {
        for name in podsOfClaims[claim] ?? [] {
            if let pod = view.pod(name)?.value, let node = pod.nodeName { evaluate(pod, on: node, view) }
        }
    }

    /// What a pod wants, as far as its claims are bound: until its containers are gone.
    private mutating func evaluate(_ pod: Pod, on node: String, _ view: SharedInformers) {
        guard wishes[pod.metadata.uid] != nil else { return }
        if pod.needsNoVolumes { return letGo(pod, on: node) }
        guard let machine = view.node(node)?.value, machine.isManagedForVolumes else { return }
        for name in pod.claimNames {
            let key = NamespacedName(namespace: pod.metadata.namespace, name: name)
            guard let bound = view.get(PersistentVolumeClaim.self, key)?.value.boundVolume,
                let volume = view.get(PersistentVolume.self, NamespacedName(namespace: "", name: bound)),
                let attachable = attachable(volume.value, view)
            else { continue }
            want(attachable, on: machine, for: PodReference(name: pod.metadata.key, uid: pod.metadata.uid))
        }
    }

    private mutating func want(_ volume: AttachableVolume, on node: Node, for pod: PodReference) {
        let number = number(of: volume)
        let index = place(number, node)
        guard !records[number].places[index].pods.contains(pod) else { return }
        records[number].places[index].pods.append(pod)
        wishes[pod.uid, default: []].append(number)
        markDirty(number)
    }

    private mutating func letGo(_ pod: Pod, on node: String) {
        guard let wanted = wishes[pod.metadata.uid] else { return }
        wishes[pod.metadata.uid] = []
        for number in wanted {
            guard let index = records[number].index(of: node) else { continue }
            records[number].places[index].pods.removeAll { $0.uid == pod.metadata.uid }
            markDirty(number)
            dropIfUnused(number, node)
        }
    }

    private mutating func observe(_ change: WatchEvent.Change, _ node: Node, previous: Node?, _ view: SharedInformers) {
        let name = node.metadata.name
        let inUse = node.status.volumesInUse
        if change == .added || previous == nil {
            // What a node says is attached is believed: another controller manager, or the one before, did it.
            for volume in node.status.volumesAttached {
                guard let known = AttachableVolume(uniqueName: volume) else { continue }
                let number = number(of: known)
                let index = place(number, node)
                records[number].places[index].attachment = .attached
                records[number].places[index].isReported = true
                markDirty(number)
            }
            // A node object that was made anew says nothing of what is attached to its machine.
            if change == .added, !(volumesOfNodes[name] ?? []).isEmpty { needsReport(name) }
            for pod in view.hasAny(.persistentVolumeClaim) ? view.pods(onNode: name) : [] where wishes[pod.value.metadata.uid] != nil {
                evaluate(pod.value, on: name, view)
            }
        }
        let hasChanged =
            change != .modified || previous == nil || previous?.status.volumesInUse != inUse || previous?.isReady != node.isReady
            || previous?.isOutOfService != node.isOutOfService
        guard hasChanged, let volumes = volumesOfNodes[name] else { return }
        for number in volumes {
            guard let index = records[number].index(of: name) else { continue }
            records[number].places[index].isInUse = inUse.contains(records[number].volume.uniqueName)
            if !records[number].places[index].isWanted { markDirty(number) }
        }
    }

    private mutating func observe(_ change: WatchEvent.Change, _ attachment: VolumeAttachment, at now: SimulatedTime) {
        if change == .deleted, awaited[attachment.metadata.name] == nil { doubt(attachment, at: now) }
        guard let number = awaited[attachment.metadata.name],
            let index = records[number].places.firstIndex(where: { $0.operation?.attachment == attachment.metadata.name }),
            let operation = records[number].places[index].operation
        else { return }
        let isSettled: Bool
        switch operation.kind {
        case .attach: isSettled = attachment.isAttached || attachment.metadata.isTerminating || !attachment.attachError.isEmpty
        case .detach: isSettled = change == .deleted
        }
        if isSettled { settle(number, index, at: now) }
    }

    // MARK: Records

    private func attachable(_ volume: PersistentVolume, _ view: SharedInformers) -> AttachableVolume? {
        volume.attachable { driver in
            view.get(CSIDriver.self, NamespacedName(namespace: "", name: driver))?.value.attachRequired ?? true
        }
    }

    private mutating func number(of volume: AttachableVolume) -> Int {
        if let known = numbers[volume.uniqueName] {
            if !volume.volume.isEmpty { records[known].volume = volume }
            return known
        }
        records.append(VolumeRecord(volume: volume))
        numbers[volume.uniqueName] = records.count - 1
        return records.count - 1
    }

    /// A new place is in use if the node's kubelet says so: it may do so still, or from before the run.
    private mutating func place(_ number: Int, _ node: Node) -> Int {
        let name = node.metadata.name
        if let index = records[number].index(of: name) { return index }
        let isInUse = node.status.volumesInUse.contains(records[number].volume.uniqueName)
        records[number].places.append(VolumeRecord.Place(node: name, isInUse: isInUse))
        volumesOfNodes[name, default: []].append(number)
        return records[number].places.count - 1
    }

    /// Forgets a place where the volume is neither wanted nor attached.
    mutating func dropIfUnused(_ number: Int, _ node: String) {
        guard let index = records[number].index(of: node) else { return }
        let place = records[number].places[index]
        guard !place.isWanted, !place.isOccupied, place.operation == nil else { return }
        records[number].places.remove(at: index)
        volumesOfNodes[node]?.removeAll { $0 == number }
        if volumesOfNodes[node]?.isEmpty ?? false { volumesOfNodes[node] = nil }
    }

    func find(_ volume: String, _ node: String) -> (number: Int, index: Int)? {
        guard let number = numbers[volume], let index = records[number].index(of: node) else { return nil }
        return (number, index)
    }

    mutating func markDirty(_ number: Int) {
        if records[number].isDirty { return }
        records[number].isDirty = true
        dirty.append(number)
    }

    mutating func needsReport(_ node: String) { if !unreported.contains(node) { unreported.append(node) } }

    mutating func look(_ number: Int, at time: SimulatedTime) {
        sequence += 1
        waits.insert(Wait(time: time, sequence: sequence, volume: number))
    }

    mutating func setAwaited(_ attachment: String, for number: Int?) { awaited[attachment] = number }

    // MARK: Time

    /// Asks to be woken for the next pass, or for what is due before.
    mutating func arm(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        if let armed, armed <= now { self.armed = nil }
        var due = waits.min?.time ?? .distantFuture
        if !dirty.isEmpty || !unreported.isEmpty { due = min(due, now.nextMultiple(of: AttachDetachController.period)) }
        if due == .distantFuture { return }
        due = max(due, now)
        if let armed, armed <= due { return }
        armed = due
        effects.wake(at: due, .attachDetach)
    }

    /// Ends the operations that are over at this time and, on the grid, passes over what may be different: detaches first.
    mutating func wake(_ view: SharedInformers, at now: SimulatedTime) -> [Work] {
        while let first = waits.min, first.time <= now {
            waits.removeMin()
            endOperations(of: first.volume, view, at: now)
            if now.roundedDown(toMultipleOf: AttachDetachController.syncPeriod) == now { verify(first.volume, view) }
            markDirty(first.volume)
        }
        guard now.roundedDown(toMultipleOf: AttachDetachController.period) == now else { return [] }
        let volumes = dirty
        dirty = []
        for number in volumes { records[number].isDirty = false }
        var work: [Work] = []
        for number in volumes { detach(number, view, at: now, &work) }
        for number in volumes { attach(number, at: now, &work) }
        let nodes = unreported
        unreported = []
        for node in nodes where view.node(node) != nil { work.append(.report(node: node)) }
        return work
    }

    /// What a node's `volumesAttached` should say.
    func reported(on node: String) -> [String] {
        (volumesOfNodes[node] ?? []).filter { number in
            records[number].index(of: node).map { records[number].places[$0].isReported } ?? false
        }.map { records[$0].volume.uniqueName }
    }
}

extension Node {
    /// Nodes say whether this controller attaches their volumes; the kubelet's default is that it does.
    fileprivate var isManagedForVolumes: Bool { metadata.annotations["volumes.kubernetes.io/controller-managed-attach-detach"] != "false" }

    /// Somebody vouches that the machine is down for good.
    var isOutOfService: Bool { spec.taints.contains { $0.key == Taint.outOfService } }
}

extension Pod {
    /// It is over, or it was deleted and none of its containers runs any more.
    fileprivate var needsNoVolumes: Bool {
        if isTerminal { return true }
        guard metadata.isTerminating else { return false }
        return status.containerStatuses.allSatisfy { status in
            if case .running = status.state { false } else { true }
        }
    }
}
