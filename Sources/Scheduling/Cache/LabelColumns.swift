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
        return number
    }

    mutating func set(_ node: Node?, at slot: NodeSlot) {
        guard let node else {
            valueOfNode[slot] = -1
            return
        }
        guard let key else {
            valueOfNode[slot] = number(of: node.metadata.name)
            return
        }
        valueOfNode[slot] = node.metadata.labels[key].map { number(of: $0) } ?? -1
    }
}
