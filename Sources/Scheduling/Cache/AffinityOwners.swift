// Which affinity terms the pods on a node have, counted: pods of one spec in one namespace are told apart by number only.

/// Which (anti-)affinity terms a pod has and in which namespace, by number; ``AffinityOwnerTable/none`` for pods without terms.
typealias AffinityOwnerNumber = Int32

/// The distinct pairs of affinity terms and namespace of pods, numbered in the order of first appearance.
///
/// Who the terms of a placed pod select does not depend on anything else about that pod.
public struct AffinityOwnerTable: Sendable {
    static let none: AffinityOwnerNumber = -1

    struct Entry: Sendable {
        let terms: PodAffinityTerms
        let namespace: String
    }
    private struct Key: Hashable, Sendable {
        let shape: Int
        let namespace: String
    }
    private var entries: [Entry] = []
    private var numbers: [Key: AffinityOwnerNumber] = [:]

    var count: Int { entries.count }
    subscript(number: AffinityOwnerNumber) -> Entry { entries[Int(number)] }

    mutating func number(of shape: PodShape, namespace: String) -> AffinityOwnerNumber {
        guard !shape.podAffinity.isEmpty else { return AffinityOwnerTable.none }
        let key = Key(shape: shape.number, namespace: namespace)
        if let known = numbers[key] { return known }
        let number = AffinityOwnerNumber(entries.count)
        entries.append(Entry(terms: shape.podAffinity, namespace: namespace))
        numbers[key] = number
        return number
    }
}

/// How many pods of one affinity owner a node has.
struct AffinityOwnerCount: Hashable, Sendable {
    let owner: AffinityOwnerNumber
    var pods: Int32
}

/// The pods with affinity terms on each node. Costs nothing where no pod has any.
public struct PlacedAffinity: Sendable {
    /// By node slot.
    private(set) var ofNode: [[AffinityOwnerCount]] = []
    /// Pods with any affinity terms, and pods with required anti-affinity terms, on all nodes together.
    private(set) var podCount = 0
    private(set) var requiredAntiAffinityPodCount = 0

    mutating func appendNode() { ofNode.append([]) }

    mutating func count(_ owner: AffinityOwnerNumber, _ terms: PodAffinityTerms, on slot: NodeSlot, sign: Int) {
        guard owner >= 0 else { return }
        podCount += sign
        if !terms.requiredAntiAffinity.isEmpty { requiredAntiAffinityPodCount += sign }
        guard let index = ofNode[slot].firstIndex(where: { $0.owner == owner }) else {
            ofNode[slot].append(AffinityOwnerCount(owner: owner, pods: Int32(sign)))
            return
        }
        ofNode[slot][index].pods += Int32(sign)
        if ofNode[slot][index].pods == 0 { ofNode[slot].remove(at: index) }
    }
}
