// What happened to the snapshot, step by step: whoever remembers answers about nodes learns here which of them to ask again.

/// One change of one node: a pod came or went, or the node itself is another.
public struct SnapshotChange: Hashable, Sendable {
    public let slot: Int32
    /// The class of the pod that came or went; −1: the node object changed.
    public let podClass: PodClassNumber
    /// 1 for a pod that came, −1 for one that went, 0 for the node.
    public let sign: Int32
}

/// The latest changes, numbered from the beginning of time; old ones are forgotten.
public struct ChangeLog: Sendable {
    /// The number of the oldest change kept.
    public private(set) var start = 0
    private var changes: [SnapshotChange] = []

    /// One more than the number of the latest change.
    public var end: Int { start + changes.count }

    /// A change that is still kept, by its number.
    public subscript(number: Int) -> SnapshotChange { changes[number - start] }

    /// How many changes are kept at least.
    private let kept: Int

    init(kept: Int = 16_384) { self.kept = kept }

    mutating func append(_ change: SnapshotChange) {
        if changes.count >= 2 * kept {
            let dropped = changes.count - kept
            changes.removeFirst(dropped)
            start += dropped
        }
        changes.append(change)
    }
}

/// What pods of one kind have in common for other pods' scheduling, as a number.
public typealias PodClassNumber = Int32

/// The distinct combinations of spec, namespace and labels of pods, and whether they are being deleted: all that the scheduling of
/// other pods looks at.
public struct PodClassTable: Sendable {
    private struct Key: Hashable, Sendable {
        let shape: Int
        let labelSet: LabelSetNumber
        let isTerminating: Bool
    }
    public struct Entry: Sendable {
        public let shape: PodShape
        public let labelSet: LabelSetNumber
        public let isTerminating: Bool
    }
    private var entries: [Entry] = []
    private var numbers: [Key: PodClassNumber] = [:]

    public var count: Int { entries.count }
    public subscript(number: PodClassNumber) -> Entry { entries[Int(number)] }

    mutating func number(of pod: PodInfo) -> PodClassNumber {
        let key = Key(shape: pod.shape.number, labelSet: pod.labelSet, isTerminating: pod.pod.isTerminating)
        if let known = numbers[key] { return known }
        let number = PodClassNumber(entries.count)
        entries.append(Entry(shape: pod.shape, labelSet: pod.labelSet, isTerminating: key.isTerminating))
        numbers[key] = number
        return number
    }
}
