// Node labels by key: for every key some pod or plugin asks about, one small number a node.

import KubernetesAPI

/// The values of one label key over all nodes. Values are numbered in the order of first appearance, so that selectors
/// compare numbers and topologies can be counted in arrays.
public struct LabelColumn: Sendable {
    /// The key; nil for the pseudo-label that is the node's own name (field `metadata.name`).
    public let key: String?
    /// The number of each node's value by slot, −1 where the node has no such label.
    public internal(set) var valueOfNode: [Int32]
    public private(set) var values: [String] = []
    private var numbers: [String: Int32] = [:]
    /// The values as integers, for operators Gt and Lt; nil where the text is no base-10 integer.
    private(set) var integers: [Int64?] = []
    /// How many nodes have each value.
    private(set) var nodeCounts: [Int32] = []
    /// The number of the empty text, −1 as long as no node or selector has it.
    private(set) var emptyValue: Int32 = -1

    init(key: String?, slots: Int) {
        self.key = key
        valueOfNode = Array(repeating: -1, count: slots)
    }

    mutating func number(of value: String) -> Int32 {
        if let known = numbers[value] { return known }
        let number = Int32(values.count)
        numbers[value] = number
        values.append(value)
        integers.append(Int64(value))
        nodeCounts.append(0)
        if value.isEmpty { emptyValue = number }
        return number
    }

    mutating func set(_ node: Node?, at slot: NodeSlot) {
        let former = valueOfNode[slot]
        let value = node.flatMap { key == nil ? $0.metadata.name : $0.metadata.labels[key ?? ""] }.map { number(of: $0) } ?? -1
        guard value != former else { return }
        if former >= 0 { nodeCounts[Int(former)] -= 1 }
        if value >= 0 { nodeCounts[Int(value)] += 1 }
        valueOfNode[slot] = value
    }
}
