// The scheduler's own picture of the cluster: nodes and assigned pods as watched, plus the pods it has just placed and not
// yet seen bound ("assumed"), whose room is taken at once.

import KubernetesAPI

/// Nodes, the pods on them, and assumptions. An assumed pod never expires by itself, as in Kubernetes since 1.26: it is
/// confirmed by the watch, or forgotten when binding fails.
package struct SchedulerCache: Sendable {
    package private(set) var nodes: NodeTable
    private var order = NodeOrder()
    private var slotOfName: [String: NodeSlot] = [:]
    /// Free rows; those freed since the last ``refreshOrder()`` wait in `freed`, so that the list never names a row twice.
    private var free: [NodeSlot] = []
    private var freed: [NodeSlot] = []
    /// Rows that were in the node list as last made, and whether that list is out of date.
    private var isListed: [Bool] = []
    private var orderIsStale = false
    private var listedCount = 0

    /// A pod that is counted on a node.
    package struct PlacedPod: Sendable {
        package var info: PodInfo
        package var node: NodeSlot
        package var isAssumed: Bool
        fileprivate var position: Int32
    }
    private var placed: [PlacedPod?] = []
    private var freePods: [Int32] = []
    private var podOfUID: [UID: Int32] = [:]
    private var shapes = ShapeTable()

    /// - Parameter nodes: an empty table, in which plugins may have numbered resources and labels already.
    package init(nodes: NodeTable = NodeTable()) { self.nodes = nodes }

    package var nodeCount: Int { order.count }
    package var podCount: Int { podOfUID.count }

    package mutating func info(_ pod: Shared<Pod>) -> PodInfo {
        PodInfo(pod: pod, shape: shapes.shape(of: pod.value.spec, nodes: &nodes))
    }

    package func slot(of name: String) -> NodeSlot? { slotOfName[name] }
    package func placedPod(_ uid: UID) -> PlacedPod? { podOfUID[uid].flatMap { placed[Int($0)] } }
    /// A pod by its number in ``NodeTable/pods``.
    package func placedPod(number: Int32) -> PlacedPod? { placed[Int(number)] }

    // MARK: Nodes

    package mutating func setNode(_ node: Shared<Node>) {
        let slot = row(named: node.value.metadata.name)
        if let old = nodes.objects[slot] {
            order.update(node.value, from: old.value)
        } else {
            order.add(node.value)
            if !isListed[slot] { orderIsStale = true }
        }
        nodes.setNode(node, at: slot)
    }

    package mutating func removeNode(_ name: String) {
        guard let slot = slotOfName[name], let old = nodes.objects[slot] else { return }
        order.remove(old.value)
        nodes.setNode(nil, at: slot)
        releaseIfEmpty(slot)
    }

    private mutating func row(named name: String) -> NodeSlot {
        if let known = slotOfName[name] { return known }
        // A node deleted and added again before the list was made anew takes its old row.
        if let index = freed.firstIndex(where: { nodes.names[$0] == name }) {
            let slot = freed.remove(at: index)
            slotOfName[name] = slot
            return slot
        }
        let slot: NodeSlot
        if let reused = free.popLast() {
            slot = reused
            nodes.names[slot] = name
        } else {
            slot = nodes.appendRow(name: name)
            isListed.append(false)
        }
        slotOfName[name] = slot
        return slot
    }

    private mutating func releaseIfEmpty(_ slot: NodeSlot) {
        guard nodes.objects[slot] == nil, nodes.pods[slot].isEmpty else { return }
        slotOfName[nodes.names[slot]] = nil
        if isListed[slot] { freed.append(slot) } else { free.append(slot) }
    }

    /// Brings the node list up to date at the start of a scheduling cycle.
    ///
    /// As in the real scheduler's snapshot, the list is made anew only when nodes came or went since the last time: a node
    /// that merely moved to another zone keeps its old place until then.
    package mutating func refreshOrder() {
        guard orderIsStale || listedCount > order.count else { return }
        for slot in nodes.order { isListed[slot] = false }
        nodes.order = order.names.compactMap { slotOfName[$0] }
        for slot in nodes.order { isListed[slot] = true }
        listedCount = nodes.order.count
        orderIsStale = false
        free.append(contentsOf: freed)
        freed.removeAll()
    }

    // MARK: Pods

    /// A pod was bound, or a bound pod changed. Confirms an assumption, or corrects it when the pod went elsewhere.
    package mutating func setPod(_ pod: Shared<Pod>) {
        guard let nodeName = pod.value.nodeName else { return }
        let info = info(pod)
        if let number = podOfUID[pod.value.metadata.uid], let known = placed[Int(number)] {
            if nodes.names[known.node] == nodeName, known.info.shape === info.shape {
                placed[Int(number)]?.info.pod = pod
                placed[Int(number)]?.isAssumed = false
                return
            }
            unplace(number)
        }
        place(info, on: row(named: nodeName), isAssumed: false)
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

    /// Takes an assumption back. Returns false if the pod was confirmed (or is gone) already.
    @discardableResult
    package mutating func forget(_ uid: UID) -> Bool {
        guard let number = podOfUID[uid], placed[Int(number)]?.isAssumed == true else { return false }
        unplace(number)
        return true
    }

    private mutating func place(_ info: PodInfo, on slot: NodeSlot, isAssumed: Bool) {
        let record = PlacedPod(info: info, node: slot, isAssumed: isAssumed, position: Int32(nodes.pods[slot].count))
        let number: Int32
        if let reused = freePods.popLast() {
            number = reused
            placed[Int(number)] = record
        } else {
            number = Int32(placed.count)
            placed.append(record)
        }
        podOfUID[info.pod.value.metadata.uid] = number
        nodes.pods[slot].append(number)
        nodes.account(info.shape, on: slot, sign: 1)
    }

    private mutating func unplace(_ number: Int32) {
        guard let record = placed[Int(number)] else { return }
        let slot = record.node
        // The last pod of the node takes the place of the one that leaves.
        let last = nodes.pods[slot].removeLast()
        if last != number {
            nodes.pods[slot][Int(record.position)] = last
            placed[Int(last)]?.position = record.position
        }
        nodes.account(record.info.shape, on: slot, sign: -1)
        placed[Int(number)] = nil
        freePods.append(number)
        podOfUID[record.info.pod.value.metadata.uid] = nil
        releaseIfEmpty(slot)
    }
}
