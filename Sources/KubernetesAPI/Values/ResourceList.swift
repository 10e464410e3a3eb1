// Resource names and lists of quantities by name: requests, limits, capacity, quotas.

/// The name of a compute resource (Kubernetes `v1.ResourceName`), such as `cpu` or `nvidia.com/gpu`.
public struct ResourceName: RawRepresentable, Sendable, Hashable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }
    public init(_ name: String) { rawValue = name }
    public init(stringLiteral value: String) { rawValue = value }

    public static let cpu: ResourceName = "cpu"
    public static let memory: ResourceName = "memory"
    public static let ephemeralStorage: ResourceName = "ephemeral-storage"
    public static let pods: ResourceName = "pods"
    public static let storage: ResourceName = "storage"

    public var description: String { rawValue }
    public static func < (left: ResourceName, right: ResourceName) -> Bool { left.rawValue < right.rawValue }

    /// Whether the name is in the default namespace: no slash, or `kubernetes.io/` in it (Kubernetes `IsNativeResource`).
    public var isNative: Bool {
        !rawValue.utf8.contains(UInt8(ascii: "/")) || hasNativePrefix
    }

    /// Whether the name is a resource a device plugin may advertise (Kubernetes `IsExtendedResourceName`): not native, not
    /// a quota's `requests.` name, and valid as a quota name itself.
    public var isExtended: Bool {
        if isNative || rawValue.hasPrefix("requests.") { return false }
        return NameValidation.qualifiedName("requests." + rawValue).isEmpty
    }

    /// Whether the name is that of pre-allocated huge pages, `hugepages-2Mi`.
    public var isHugePages: Bool { rawValue.hasPrefix("hugepages-") }

    /// Whether the name is that of a volume the node can attach a limited number of, `attachable-volumes-…`.
    public var isAttachableVolume: Bool { rawValue.hasPrefix("attachable-volumes-") }

    /// "kubernetes.io/" anywhere in the name, as Kubernetes tests it.
    private var hasNativePrefix: Bool {
        let needle = Array("kubernetes.io/".utf8)
        let bytes = Array(rawValue.utf8)
        guard bytes.count >= needle.count else { return false }
        return (0...(bytes.count - needle.count)).contains { bytes[$0..<($0 + needle.count)].elementsEqual(needle) }
    }
}

/// Quantities by resource name (Kubernetes `v1.ResourceList`): a small array ordered by name.
///
/// Equal lists have the same names with numerically equal quantities.
public struct ResourceList: Sendable, Hashable, RandomAccessCollection, ExpressibleByDictionaryLiteral {
    public typealias Element = (name: ResourceName, quantity: Quantity)

    private struct Entry: Sendable, Hashable {
        let name: ResourceName
        var quantity: Quantity
    }

    private var entries: [Entry] = []

    public init() {}

    /// The quantities given; of a name given twice the last one counts.
    public init(_ pairs: some Sequence<(ResourceName, Quantity)>) {
        for (name, quantity) in pairs { self[name] = quantity }
    }

    public init(dictionaryLiteral elements: (ResourceName, Quantity)...) {
        self.init(elements)
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { entries.count }
    public subscript(position: Int) -> Element { (entries[position].name, entries[position].quantity) }

    /// The quantity of a resource; setting nil removes it.
    public subscript(name: ResourceName) -> Quantity? {
        get { entries.first { $0.name == name }?.quantity }
        set {
            let position = entries.firstIndex { $0.name >= name } ?? entries.count
            let exists = position < entries.count && entries[position].name == name
            switch (newValue, exists) {
            case (let quantity?, true): entries[position].quantity = quantity
            case (let quantity?, false): entries.insert(Entry(name: name, quantity: quantity), at: position)
            case (nil, true): entries.remove(at: position)
            case (nil, false): break
            }
        }
    }

    /// The names in order.
    public var names: [ResourceName] { entries.map(\.name) }

    /// Adds every quantity of `other` to ours.
    public static func += (left: inout ResourceList, right: ResourceList) {
        left.merge(right) { $0 + $1 }
    }

    public static func + (left: ResourceList, right: ResourceList) -> ResourceList {
        var sum = left
        sum += right
        return sum
    }

    /// Takes the larger of both quantities for every name that occurs in either.
    public mutating func formMaximum(_ other: ResourceList) {
        merge(other) { Swift.max($0, $1) }
    }

    /// The larger of both quantities for every name that occurs in either.
    public func maximum(_ other: ResourceList) -> ResourceList {
        var result = self
        result.formMaximum(other)
        return result
    }

    /// Puts in every quantity of `other`, combined with ours where both have the name.
    public mutating func merge(_ other: ResourceList, combine: (Quantity, Quantity) -> Quantity) {
        if entries.isEmpty {
            entries = other.entries
            return
        }
        for entry in other.entries {
            let position = entries.firstIndex { $0.name >= entry.name } ?? entries.count
            if position < entries.count, entries[position].name == entry.name {
                entries[position].quantity = combine(entries[position].quantity, entry.quantity)
            } else {
                entries.insert(entry, at: position)
            }
        }
    }
}

extension ResourceList: CustomStringConvertible {
    /// "cpu=1,memory=2Gi"
    public var description: String { entries.map { "\($0.name)=\($0.quantity)" }.joined(separator: ",") }
}
