// What the scheduler knows about nodes and what runs on them, as parallel arrays: the data every plugin reads.

import KubernetesAPI

/// The place of a node in a ``NodeTable``: stays the same for as long as the node exists.
public typealias NodeSlot = Int

/// What a node offers and what its pods ask for, of the resources that have fields of their own.
public struct NodeResources: Hashable, Sendable {
    public var allocatableMilliCPU: Int64 = 0
    public var allocatableMemory: Int64 = 0
    public var allocatableEphemeralStorage: Int64 = 0
    public var allowedPods: Int64 = 0
    /// Sums of the pods' exact requests.
    public var requestedMilliCPU: Int64 = 0
    public var requestedMemory: Int64 = 0
    public var requestedEphemeralStorage: Int64 = 0
    /// Sums in which a container without a request counts with a default, so that scores see it.
    public var nonZeroMilliCPU: Int64 = 0
    public var nonZeroMemory: Int64 = 0
    public var podCount: Int64 = 0
}

/// Exact sums of what a node's pods ask for: 64-bit amounts of any number of pods.
private struct RequestSums: Sendable {
    private var milliCPU: Int128 = 0
    private var memory: Int128 = 0
    private var ephemeralStorage: Int128 = 0
    private var nonZeroMilliCPU: Int128 = 0
    private var nonZeroMemory: Int128 = 0

    mutating func add(_ shape: PodShape, sign: Int128) {
        milliCPU += sign * Int128(shape.requests.milliCPU)
        memory += sign * Int128(shape.requests.memory)
        ephemeralStorage += sign * Int128(shape.requests.ephemeralStorage)
        nonZeroMilliCPU += sign * Int128(shape.nonZeroMilliCPU)
        nonZeroMemory += sign * Int128(shape.nonZeroMemory)
    }

    func show(in row: inout NodeResources) {
        row.requestedMilliCPU = Int64(clamping: milliCPU)
        row.requestedMemory = Int64(clamping: memory)
        row.requestedEphemeralStorage = Int64(clamping: ephemeralStorage)
        row.nonZeroMilliCPU = Int64(clamping: nonZeroMilliCPU)
        row.nonZeroMemory = Int64(clamping: nonZeroMemory)
    }
}

/// A host port a pod wants or has. An empty address stands for all.
public struct HostPort: Hashable, Sendable {
    public var address: String
    public var transport: TransportProtocol
    public var port: Int32

    public static let anyAddress = "0.0.0.0"

    /// The same protocol and port, and addresses that are equal or one of which is all.
    public func conflicts(with other: HostPort) -> Bool {
        port == other.port && transport == other.transport
            && (address == other.address || address == HostPort.anyAddress || other.address == HostPort.anyAddress)
    }
}

/// All nodes with their accounts. Rows are node slots, columns the arrays below.
///
/// Plugins read it; only ``SchedulerCache`` writes it. Rows of deleted nodes have no node object and appear in no list.
public struct NodeTable: Sendable {
    /// The node object; nil for free rows, and for nodes that are gone while pods are still counted on them.
    public internal(set) var objects: [Shared<Node>?] = []
    public internal(set) var names: [String] = []
    public internal(set) var resources: [NodeResources] = []
    /// `spec.unschedulable`.
    public internal(set) var unschedulable: [Bool] = []
    /// The number of the node's list of taints in ``taintSets``; 0 is the empty list.
    public internal(set) var taintSet: [Int32] = []
    /// Host ports in use.
    public internal(set) var ports: [[HostPort]] = []
    /// The pods on the node, as numbers of the cache's pod table.
    public internal(set) var pods: [[Int32]] = []
    /// The pods with affinity terms on the node.
    public internal(set) var affinity = PlacedAffinity()
    /// Raised by every change of the row: what was computed for a node holds as long as its generation does.
    public internal(set) var generation: [UInt64] = []

    /// The distinct lists of taints of all nodes, without the times of addition.
    public internal(set) var taintSets: [[Taint]] = [[]]
    private var taintSetNumbers: [[Taint]: Int32] = [[]: 0]
    public internal(set) var scalarResources = ScalarResources()
    public internal(set) var images = ImageTable()
    /// One column for each label key in use, in order of first use.
    public internal(set) var columns: [LabelColumn] = []
    private var columnOfKey: [String: Int] = [:]
    private var nameColumn: Int?

    /// Allocatable and requested amounts of scalar resources: row-major, `scalarStride` a node.
    private var scalarAllocatable: [Int64] = []
    private var scalarRequested: [Int128] = []
    /// The exact sums behind the `requested` and `nonZero` fields of ``resources``: those stop at `Int64.max`, and come back from it
    /// when pods leave.
    private var sums: [RequestSums] = []
    private var scalarStride = 0
    private var latestGeneration: UInt64 = 0
    /// What plugins keep count of.
    private var ledgers: [any NodeLedger] = []

    /// The slots of all existing nodes in the order of the node list.
    public private(set) var order: [NodeSlot] = []
    /// The index of each node in ``order``, by slot; −1 for rows that are not in it.
    public private(set) var position: [Int32] = []
    /// Raised whenever ``order`` is made anew.
    public private(set) var orderVersion: UInt64 = 0

    /// An empty table.
    public init() {}

    mutating func setOrder(_ slots: [NodeSlot]) {
        for slot in order { position[slot] = -1 }
        order = slots
        for (index, slot) in order.enumerated() { position[slot] = Int32(index) }
        orderVersion += 1
    }

    var slotCount: Int { objects.count }

    // MARK: Scalar resources

    public func allocatable(_ resource: Int, on slot: NodeSlot) -> Int64 {
        resource < scalarStride ? scalarAllocatable[slot * scalarStride + resource] : 0
    }

    public func requested(_ resource: Int, on slot: NodeSlot) -> Int64 {
        resource < scalarStride ? Int64(clamping: scalarRequested[slot * scalarStride + resource]) : 0
    }

    /// A resource as the accounts of this table know it, for plugins that are made from its name.
    public mutating func reference(to name: ResourceName) -> ResourceReference { ResourceReference(name, &scalarResources) }

    /// Makes room for all resources that have numbers by now.
    private mutating func widenScalars() {
        guard scalarResources.count > scalarStride else { return }
        let stride = (scalarResources.count + 3) / 4 * 4
        var allocatable = Array(repeating: Int64(0), count: slotCount * stride)
        var requested = Array(repeating: Int128(0), count: slotCount * stride)
        for slot in 0..<slotCount {
            for resource in 0..<scalarStride {
                allocatable[slot * stride + resource] = scalarAllocatable[slot * scalarStride + resource]
                requested[slot * stride + resource] = scalarRequested[slot * scalarStride + resource]
            }
        }
        (scalarAllocatable, scalarRequested, scalarStride) = (allocatable, requested, stride)
    }

    // MARK: Rows

    /// Appends an empty row.
    mutating func appendRow(name: String) -> NodeSlot {
        let slot = objects.count
        objects.append(nil)
        names.append(name)
        resources.append(NodeResources())
        sums.append(RequestSums())
        unschedulable.append(false)
        taintSet.append(0)
        ports.append([])
        pods.append([])
        affinity.appendNode()
        generation.append(0)
        position.append(-1)
        scalarAllocatable.append(contentsOf: repeatElement(0, count: scalarStride))
        scalarRequested.append(contentsOf: repeatElement(0, count: scalarStride))
        for index in columns.indices { columns[index].valueOfNode.append(-1) }
        images.appendNode()
        for index in ledgers.indices { ledgers[index].appendNode() }
        return slot
    }

    /// Sets or clears (nil) the node of a row; its accounts stay.
    mutating func setNode(_ node: Shared<Node>?, at slot: NodeSlot) {
        objects[slot] = node
        let value = node?.value
        var row = resources[slot]
        row.allocatableMilliCPU = 0
        row.allocatableMemory = 0
        row.allocatableEphemeralStorage = 0
        row.allowedPods = 0
        for resource in 0..<scalarStride { scalarAllocatable[slot * scalarStride + resource] = 0 }
        if let value {
            let amounts = ResourceAmounts(value.status.allocatable, &scalarResources)
            widenScalars()
            row.allocatableMilliCPU = amounts.milliCPU
            row.allocatableMemory = amounts.memory
            row.allocatableEphemeralStorage = amounts.ephemeralStorage
            row.allowedPods = ResourceAmounts.units(value.status.allocatable[.pods])
            for scalar in amounts.scalars { scalarAllocatable[slot * scalarStride + scalar.resource] = scalar.amount }
        }
        resources[slot] = row
        unschedulable[slot] = value?.spec.unschedulable ?? false
        taintSet[slot] = taintSetNumber(value?.spec.taints ?? [])
        for index in columns.indices { columns[index].set(value, at: slot) }
        images.setImages(value?.status.images ?? [], of: slot)
        for index in ledgers.indices { ledgers[index].setNode(value, at: slot) }
        touch(slot)
    }

    private mutating func taintSetNumber(_ taints: [Taint]) -> Int32 {
        let plain = taints.map { Taint(key: $0.key, value: $0.value, effect: $0.effect) }
        if let known = taintSetNumbers[plain] { return known }
        let number = Int32(taintSets.count)
        taintSets.append(plain)
        taintSetNumbers[plain] = number
        return number
    }

    /// Something about the row, or the pods on it, changed.
    mutating func touch(_ slot: NodeSlot) {
        latestGeneration += 1
        generation[slot] = latestGeneration
    }

    /// Counts a pod on a node (`sign` 1) or no longer (−1).
    mutating func account(_ pod: PodInfo, on slot: NodeSlot, sign: Int64) {
        let shape = pod.shape
        widenScalars()
        sums[slot].add(shape, sign: Int128(sign))
        sums[slot].show(in: &resources[slot])
        resources[slot].podCount += sign
        for scalar in shape.requests.scalars {
            scalarRequested[slot * scalarStride + scalar.resource] += Int128(sign) * Int128(scalar.amount)
        }
        for port in shape.hostPorts {
            if sign > 0 {
                ports[slot].append(port)
            } else if let index = ports[slot].firstIndex(of: port) {
                ports[slot].remove(at: index)
            }
        }
        affinity.count(pod.affinityOwner, shape.podAffinity, on: slot, sign: Int(sign))
        for index in ledgers.indices { ledgers[index].count(pod, on: slot, sign: Int(sign)) }
        touch(slot)
    }

    // MARK: Ledgers

    var hasLedgers: Bool { !ledgers.isEmpty }

    /// Has a ledger kept from now on; one for all plugins that want it. For factories of plugins, which are given an empty table.
    public mutating func keep<Ledger: NodeLedger>(_ ledger: Ledger) {
        if self.ledger(Ledger.self) == nil { ledgers.append(ledger) }
    }

    /// The ledger of a type; nil if no plugin has it kept.
    public func ledger<Ledger: NodeLedger>(_: Ledger.Type) -> Ledger? {
        for ledger in ledgers { if let found = ledger as? Ledger { return found } }
        return nil
    }

    /// Tells the ledgers of an object.
    mutating func show(_ object: APIObject, isGone: Bool) {
        for index in ledgers.indices { ledgers[index].observe(object, isGone: isGone) }
    }

    mutating func setNote(_ text: String, _ stands: Bool) {
        for index in ledgers.indices { ledgers[index].setNote(text, stands) }
    }

    /// Changes the ledger of a type, if it is kept.
    mutating func changeLedger<Ledger: NodeLedger>(_: Ledger.Type, _ change: (inout Ledger) -> Void) {
        for index in ledgers.indices {
            guard var ledger = ledgers[index] as? Ledger else { continue }
            change(&ledger)
            ledgers[index] = ledger
            return
        }
    }

    /// A pod on the node is replaced by another version of it that asks for the same.
    mutating func recount(from old: PodInfo, to new: PodInfo, on slot: NodeSlot) {
        for index in ledgers.indices {
            ledgers[index].count(old, on: slot, sign: -1)
            ledgers[index].count(new, on: slot, sign: 1)
        }
        touch(slot)
    }

    // MARK: Labels

    /// The column of a label key, made from all nodes if nobody asked for it before.
    mutating func column(of key: String) -> Int {
        if let known = columnOfKey[key] { return known }
        let index = appendColumn(LabelColumn(key: key, slots: slotCount))
        columnOfKey[key] = index
        return index
    }

    /// The column of the nodes' names.
    mutating func columnOfNames() -> Int {
        if let known = nameColumn { return known }
        let index = appendColumn(LabelColumn(key: nil, slots: slotCount))
        nameColumn = index
        return index
    }

    private mutating func appendColumn(_ column: LabelColumn) -> Int {
        var column = column
        for slot in 0..<slotCount { column.set(objects[slot]?.value, at: slot) }
        columns.append(column)
        return columns.count - 1
    }

    /// The number of a value in a column, for selectors that name it before any node has it.
    mutating func number(of value: String, in column: Int) -> Int32 { columns[column].number(of: value) }
}
