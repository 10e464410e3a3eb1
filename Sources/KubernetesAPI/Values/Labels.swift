// Labels and annotations: small maps from string to string, ordered by key.

/// A map from string to string, ordered by key: labels, annotations, `nodeSelector` and other string maps of the API.
///
/// An array in key order, because nearly all have fewer than ten entries, are read far more often than written, and must
/// be iterated in the same order on every run. Copying is free until one copy is changed.
public struct Labels: Sendable, Hashable, RandomAccessCollection, ExpressibleByDictionaryLiteral {
    public typealias Element = (key: String, value: String)

    private struct Entry: Sendable, Hashable {
        let key: String
        var value: String
    }

    private var entries: [Entry] = []

    public init() {}

    /// The pairs given, in any order; of a key given twice the last value counts.
    public init(_ pairs: some Sequence<(String, String)>) {
        entries.reserveCapacity(pairs.underestimatedCount)
        for (key, value) in pairs { append(key, value) }
    }

    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { entries.count }
    public subscript(position: Int) -> Element { (entries[position].key, entries[position].value) }

    /// The value of a key; setting nil removes it.
    public subscript(key: String) -> String? {
        get {
            for entry in entries where entry.key == key { return entry.value }
            return nil
        }
        set {
            let position = insertionPoint(key)
            let exists = position < entries.count && entries[position].key == key
            switch (newValue, exists) {
            case (let value?, true): entries[position].value = value
            case (let value?, false): entries.insert(Entry(key: key, value: value), at: position)
            case (nil, true): entries.remove(at: position)
            case (nil, false): break
            }
        }
    }

    /// Whether there is a value for the key.
    public func has(_ key: String) -> Bool {
        for entry in entries where entry.key == key { return true }
        return false
    }

    /// The keys in order.
    public var keys: [String] { entries.map(\.key) }

    /// Puts in every pair of `other`, which wins where both have the key.
    public mutating func merge(_ other: Labels) {
        if entries.isEmpty {
            entries = other.entries
        } else {
            for entry in other.entries { self[entry.key] = entry.value }
        }
    }

    /// Both together; `other` wins where both have the key.
    public func merging(_ other: Labels) -> Labels {
        var result = self
        result.merge(other)
        return result
    }

    /// The same without a key.
    public func removing(_ key: String) -> Labels {
        var result = self
        result[key] = nil
        return result
    }

    /// Whether both have the same pairs, whatever either of them has under `key`.
    public func equals(_ other: Labels, ignoring key: String) -> Bool {
        var (own, others) = (0, 0)
        while true {
            if own < entries.count, entries[own].key == key { own += 1 }
            if others < other.entries.count, other.entries[others].key == key { others += 1 }
            guard own < entries.count, others < other.entries.count else {
                return own == entries.count && others == other.entries.count
            }
            if entries[own] != other.entries[others] { return false }
            own += 1
            others += 1
        }
    }

    mutating func reserveCapacity(_ count: Int) { entries.reserveCapacity(count) }

    /// Adds a pair; cheap when keys come in order, as they do in what `kubectl get` prints.
    mutating func append(_ key: String, _ value: String) {
        if let last = entries.last, last.key >= key {
            self[key] = value
        } else {
            entries.append(Entry(key: key, value: value))
        }
    }

    /// The first position whose key is not before `key` (binary search).
    private func insertionPoint(_ key: String) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Labels: CustomStringConvertible {
    /// "app=web,tier=front", as `kubectl --show-labels` prints them.
    public var description: String { entries.map { "\($0.key)=\($0.value)" }.joined(separator: ",") }
}
