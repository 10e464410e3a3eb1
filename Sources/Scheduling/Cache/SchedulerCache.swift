// The scheduler's own picture of the cluster: nodes and assigned pods as watched, plus the pods it has just placed and not
// yet seen bound ("assumed"), whose room is taken at once.

import KubernetesAPI

/// Nodes, the pods on them, and assumptions. An assumed pod never expires by itself, as in Kubernetes since 1.26: it is
/// confirmed by the watch, or forgotten when binding fails.
package struct SchedulerCache: Sendable {
    package internal(set) var snapshot: ClusterSnapshot
    private var order = NodeOrder()
    private var slotOfName: [String: NodeSlot] = [:]
    /// Free rows; those freed since the last ``refreshOrder()`` wait in `freed`, so that the list never names a row twice.
    private var free: [NodeSlot] = []
    private var freed: [NodeSlot] = []
    /// Rows that were in the node list as last made, and whether that list is out of date.
    private var isListed: [Bool] = []
    private var orderIsStale = false
    private var listedCount = 0

    private var freePods: [Int32] = []
    private var podOfUID = UIDMap<Int32>()
    private var shapes = ShapeTable()

    /// - Parameter nodes: an empty table, in which plugins may have numbered resources and labels already.
    package init(nodes: NodeTable = NodeTable(), changes: ChangeLog = ChangeLog(), seed: UInt64 = 0) {
        snapshot = ClusterSnapshot(nodes: nodes, changes: changes)
        snapshot.seed = seed
    }

    package var nodes: NodeTable { @inline(__always) _read { yield snapshot.nodes } }
    package var nodeCount: Int { order.count }
    package var shapeCount: Int { shapes.count }
    package var podCount: Int { snapshot.pods.count - freePods.count }

    package mutating func info(_ pod: Shared<Pod>) -> PodInfo {
        let shape = shapes.shape(of: pod.value.spec, nodes: &snapshot.nodes)
        return PodInfo(
            pod: pod, shape: shape, labelSet: snapshot.labelSets.number(of: pod.value.metadata),
            affinityOwner: snapshot.affinityOwners.number(of: shape, namespace: pod.value.metadata.namespace))
    }

    package func slot(of name: String) -> NodeSlot? { slotOfName[name] }
    package func placedPod(_ uid: UID) -> PlacedPod? { podOfUID[uid].flatMap { snapshot.pods[Int($0)] } }
    /// A pod by its number in ``NodeTable/pods``.
    package func placedPod(number: Int32) -> PlacedPod? { snapshot.pods[Int(number)] }

    // MARK: Other objects

    package mutating func set(_ object: APIObject) { snapshot.objects.set(object) }
    package mutating func remove(_ object: APIObject) { snapshot.objects.remove(object) }
    /// Goes by versions of volumes and claims that the API server has not confirmed yet.
    package mutating func assume(_ objects: [APIObject]) { for object in objects { snapshot.objects.assume(object) } }
    /// Goes by the API server's versions again.
    package mutating func forget(_ objects: [APIObject]) { for object in objects { snapshot.objects.forget(object) } }

    /// Tells what plugins keep count of that an object was seen.
    mutating func show(_ object: APIObject, isGone: Bool) { snapshot.nodes.show(object, isGone: isGone) }
    mutating func setNote(_ text: String, _ stands: Bool) { snapshot.nodes.setNote(text, stands) }

    // MARK: Nodes

    package mutating func setNode(_ node: Shared<Node>) {
        let slot = row(named: node.value.metadata.name)
        if let old = snapshot.nodes.objects[slot] {
            order.update(node.value, from: old.value)
        } else {
            order.add(node.value)
            if !isListed[slot] { orderIsStale = true }
        }
        setObject(node, at: slot)
    }

    package mutating func removeNode(_ name: String) {
        guard let slot = slotOfName[name], let old = snapshot.nodes.objects[slot] else { return }
        order.remove(old.value)
        setObject(nil, at: slot)
        releaseIfEmpty(slot)
    }

    private mutating func setObject(_ node: Shared<Node>?, at slot: NodeSlot) {
        snapshot.nodes.setNode(node, at: slot)
        snapshot.changes.append(SnapshotChange(slot: Int32(slot), podClass: -1, sign: 0))
    }

    /// Something is known of a node that was not known before.
    mutating func touch(_ slot: NodeSlot) {
        snapshot.nodes.touch(slot)
        snapshot.changes.append(SnapshotChange(slot: Int32(slot), podClass: -1, sign: 0))
    }

    private mutating func row(named name: String) -> NodeSlot {
        if let known = slotOfName[name] { return known }
        // A node deleted and added again before the list was made anew takes its old row.
        if let index = freed.firstIndex(where: { snapshot.nodes.names[$0] == name }) {
            let slot = freed.remove(at: index)
            slotOfName[name] = slot
            return slot
        }
        let slot: NodeSlot
        if let reused = free.popLast() {
            slot = reused
            snapshot.nodes.names[slot] = name
        } else {
            slot = snapshot.nodes.appendRow(name: name)
            isListed.append(false)
        }
        slotOfName[name] = slot
        return slot
    }

    private mutating func releaseIfEmpty(_ slot: NodeSlot) {
        guard snapshot.nodes.objects[slot] == nil, snapshot.nodes.pods[slot].isEmpty else { return }
        slotOfName[snapshot.nodes.names[slot]] = nil
        if isListed[slot] { freed.append(slot) } else { free.append(slot) }
    }

    /// Brings the node list up to date at the start of a scheduling cycle.
    ///
    /// As in the real scheduler's snapshot, the list is made anew only when nodes came or went since the last time: a node
    /// that merely moved to another zone keeps its old place until then.
    package mutating func refreshOrder() {
        guard orderIsStale || listedCount > order.count else { return }
        for slot in snapshot.nodes.order { isListed[slot] = false }
        snapshot.nodes.setOrder(order.names.compactMap { slotOfName[$0] })
        for slot in snapshot.nodes.order { isListed[slot] = true }
        listedCount = snapshot.nodes.order.count
        orderIsStale = false
        free.append(contentsOf: freed)
        freed.removeAll()
    }

    // MARK: Pods

    /// A pod was bound, or a bound pod changed. Confirms an assumption, or corrects it when the pod went elsewhere.
    package mutating func setPod(_ pod: Shared<Pod>) {
        guard let nodeName = pod.value.nodeName else { return }
        if let number = podOfUID[pod.value.metadata.uid], let known = snapshot.pods[Int(number)] {
            if snapshot.nodes.names[known.node] == nodeName, known.info.isSameForScheduling(as: pod) {
                // What preemption compares, though no plugin does.
                if known.info.pod.value.status.startTime != pod.value.status.startTime { snapshot.nodes.touch(known.node) }
                setVersion(pod, of: number, known)
                snapshot.pods[Int(number)]?.isAssumed = false
                return
            }
            unplace(number)
        }
        place(info(pod), on: row(named: nodeName), isAssumed: false)
    }

    package mutating func removePod(_ uid: UID) {
        guard let number = podOfUID[uid] else { return }
        unplace(number)
    }

    /// Counts a pod on the node chosen for it before the API server has heard of it.
    package mutating func assume(_ info: PodInfo, on slot: NodeSlot) {
        guard podOfUID[info.pod.value.metadata.uid] == nil else { return }
        place(info, on: slot, isAssumed: true)
    }

    /// The same by the node's name, which may have gone meanwhile. nil if the pod is counted somewhere already.
    package mutating func assume(_ info: PodInfo, onNodeNamed name: String) -> NodeSlot? {
        guard podOfUID[info.pod.value.metadata.uid] == nil else { return nil }
        let slot = row(named: name)
        place(info, on: slot, isAssumed: true)
        return slot
    }

    /// Puts annotations on a pod that is assumed: what plugins keep count of goes by them at once.
    mutating func annotate(_ pod: Shared<Pod>, with annotations: Labels) {
        guard let number = podOfUID[pod.value.metadata.uid], let known = snapshot.pods[Int(number)] else { return }
        setVersion(pod.with { $0.metadata.annotations.merge(annotations) }, of: number, known)
    }

    /// Another version of a placed pod, equal as far as spec and labels go.
    private mutating func setVersion(_ pod: Shared<Pod>, of number: Int32, _ known: PlacedPod) {
        snapshot.pods[Int(number)]?.info.pod = pod
        guard snapshot.nodes.hasLedgers, known.info.pod.value.metadata.annotations != pod.value.metadata.annotations,
            let info = snapshot.pods[Int(number)]?.info
        else { return }
        snapshot.nodes.recount(from: known.info, to: info, on: known.node)
        snapshot.changes.append(SnapshotChange(slot: Int32(known.node), podClass: -1, sign: 0))
    }

    /// Takes an assumption back. Returns false if the pod was confirmed (or is gone) already.
    @discardableResult
    package mutating func forget(_ uid: UID) -> Bool {
        guard let number = podOfUID[uid], snapshot.pods[Int(number)]?.isAssumed == true else { return false }
        unplace(number)
        return true
    }

    private mutating func place(_ info: PodInfo, on slot: NodeSlot, isAssumed: Bool) {
        let podClass = snapshot.podClasses.number(of: info)
        while snapshot.podsOfClass.count < snapshot.podClasses.count { snapshot.podsOfClass.append([]) }
        var record = PlacedPod(
            info: info, node: slot, isAssumed: isAssumed, podClass: podClass, position: Int32(snapshot.nodes.pods[slot].count))
        record.positionInClass = Int32(snapshot.podsOfClass[Int(podClass)].count)
        let number: Int32
        if let reused = freePods.popLast() {
            number = reused
            snapshot.pods[Int(number)] = record
        } else {
            number = Int32(snapshot.pods.count)
            snapshot.pods.append(record)
        }
        podOfUID[info.pod.value.metadata.uid] = number
        snapshot.nodes.pods[slot].append(number)
        snapshot.podsOfClass[Int(podClass)].append(number)
        snapshot.priorities.add(info.priority)
        snapshot.nodes.account(info, on: slot, sign: 1)
        snapshot.claimUses.count(info, sign: 1)
        snapshot.changes.append(SnapshotChange(slot: Int32(slot), podClass: podClass, sign: 1))
    }

    private mutating func unplace(_ number: Int32) {
        guard let record = snapshot.pods[Int(number)] else { return }
        let slot = record.node
        // The last pod of the node takes the place of the one that leaves.
        let last = snapshot.nodes.pods[slot].removeLast()
        if last != number {
            snapshot.nodes.pods[slot][Int(record.position)] = last
            snapshot.pods[Int(last)]?.position = record.position
        }
        let lastOfClass = snapshot.podsOfClass[Int(record.podClass)].removeLast()
        if lastOfClass != number {
            snapshot.podsOfClass[Int(record.podClass)][Int(record.positionInClass)] = lastOfClass
            snapshot.pods[Int(lastOfClass)]?.positionInClass = record.positionInClass
        }
        snapshot.nodes.account(record.info, on: slot, sign: -1)
        snapshot.claimUses.count(record.info, sign: -1)
        snapshot.changes.append(SnapshotChange(slot: Int32(slot), podClass: record.podClass, sign: -1))
        snapshot.pods[Int(number)] = nil
        snapshot.priorities.remove(record.info.priority)
        freePods.append(number)
        podOfUID[record.info.pod.value.metadata.uid] = nil
        releaseIfEmpty(slot)
    }
}
