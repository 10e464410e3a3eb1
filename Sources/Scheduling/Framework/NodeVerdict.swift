// The answer of the Filter phase for one node, small enough that thousands of them are a flat array.

/// How a plugin refuses.
public enum Rejection: Hashable, Sendable {
    /// Removing other pods might help: preemption looks at such nodes.
    case unschedulable
    /// Nothing but a change of the node or the pod helps.
    case unschedulableAndUnresolvable

    /// The code's name in the scheduler's API.
    public var codeName: String {
        switch self {
        case .unschedulable: "Unschedulable"
        case .unschedulableAndUnresolvable: "UnschedulableAndUnresolvable"
        }
    }
}

/// Feasible, or which plugin of the profile refused the node for which of its reasons.
///
/// Reasons are numbers that only the plugin gives a meaning to (``FilterPlugin/reason(_:for:in:)``); texts are made when a
/// message is wanted, not for every node. All in 64 bits: 55 reasons, the code, the plugin's number plus one.
public struct NodeVerdict: Hashable, Sendable {
    private var bits: UInt64

    private static let reasonCount = 55
    private static let reasonMask: UInt64 = (1 << 55) - 1
    private static let unresolvableBit: UInt64 = 1 << 55
    private static let pluginShift: UInt64 = 56

    public static let feasible = NodeVerdict(bits: 0)

    private init(bits: UInt64) { self.bits = bits }

    /// - Parameter reasons: a set of reason numbers as a bit mask, not empty.
    init(plugin: Int, reasons: UInt64, _ rejection: Rejection) {
        precondition(plugin >= 0 && plugin < SchedulingProfile.maximumPlugins, "plugin number out of range")
        bits = (UInt64(plugin + 1) << NodeVerdict.pluginShift) | (reasons & NodeVerdict.reasonMask)
        if rejection == .unschedulableAndUnresolvable { bits |= NodeVerdict.unresolvableBit }
    }

    /// The verdict as one number, for tables that keep either a verdict or a score.
    var storage: Int64 { Int64(bitPattern: bits) }
    init(storage: Int64) { bits = UInt64(bitPattern: storage) }

    public var isFeasible: Bool { bits == 0 }

    /// The number of the plugin within its profile that refused; nil for a feasible node.
    public var plugin: Int? { bits == 0 ? nil : Int(bits >> NodeVerdict.pluginShift) - 1 }

    public var rejection: Rejection { bits & NodeVerdict.unresolvableBit != 0 ? .unschedulableAndUnresolvable : .unschedulable }

    /// The reason numbers in ascending order.
    public var reasons: [Int] { (0..<NodeVerdict.reasonCount).filter { bits & (1 << UInt64($0)) != 0 } }

    var reasonMask: UInt64 { bits & NodeVerdict.reasonMask }

    /// The bit of a reason number; numbers beyond the last share its bit.
    static func bit(_ reason: Int) -> UInt64 { 1 << UInt64(min(reason, reasonCount - 1)) }
}

/// A stretch of the node list under examination, with the verdicts so far: what Filter plugins work on.
public struct FilterBatch: Sendable {
    /// The nodes, as slots of the ``NodeTable``.
    public internal(set) var nodes: [NodeSlot] = []
    public internal(set) var verdicts: [NodeVerdict] = []
    /// The plugin that is being asked.
    var plugin = 0

    /// Indices of all nodes of the batch; those refused by an earlier plugin need no answer.
    public var indices: Range<Int> { 0..<nodes.count }

    /// Whether no plugin has refused the node yet.
    public func isOpen(_ index: Int) -> Bool { verdicts[index].isFeasible }

    /// Refuses a node for one reason.
    public mutating func reject(_ index: Int, reason: Int = 0, _ rejection: Rejection) {
        verdicts[index] = NodeVerdict(plugin: plugin, reasons: NodeVerdict.bit(reason), rejection)
    }

    /// Refuses a node for several reasons, given as a bit mask of their numbers.
    public mutating func reject(_ index: Int, reasons: UInt64, _ rejection: Rejection) {
        verdicts[index] = NodeVerdict(plugin: plugin, reasons: reasons, rejection)
    }

    mutating func reset() {
        nodes.removeAll(keepingCapacity: true)
        verdicts.removeAll(keepingCapacity: true)
    }
}
