// Objects of one kind, found by name and listed in a stable order: the shape of the server's store and of every watch cache.

import KubernetesAPI

/// A table of objects addressed by namespace and name.
///
/// Each object keeps one slot for as long as it exists, so a slot number is a cheap handle. Listing goes slot by slot: the
/// order depends only on the sequence of insertions and removals, never on hashing.
public struct ObjectTable: Sendable {
    private var slots: [APIObject?] = []
    private var index: [NamespacedName: Int32] = [:]
    /// Slots left by removed objects, reused last in, first out.
    private var free: [Int32] = []

    public init() {}

    public var count: Int { index.count }
    /// One more than the largest slot ever used.
    public var slotCount: Int { slots.count }

    public func slot(of name: NamespacedName) -> Int? { index[name].map(Int.init) }

    public subscript(slot slot: Int) -> APIObject? { slots[slot] }

    public subscript(name: NamespacedName) -> APIObject? {
        guard let slot = index[name] else { return nil }
        return slots[Int(slot)]
    }

    /// Inserts or replaces; returns the object's slot and the version that was there before.
    @discardableResult
    public mutating func set(_ object: APIObject, as name: NamespacedName) -> (slot: Int, previous: APIObject?) {
        if let slot = index[name] {
            let previous = slots[Int(slot)]
            slots[Int(slot)] = object
            return (Int(slot), previous)
        }
        let slot: Int32
        if let reused = free.popLast() {
            slot = reused
            slots[Int(slot)] = object
        } else {
            slot = Int32(slots.count)
            slots.append(object)
        }
        index[name] = slot
        return (Int(slot), nil)
    }

    /// Puts a new version of an object in its slot.
    package mutating func replace(_ slot: Int, with object: APIObject) {
        precondition(slots[slot] != nil, "only an object that is there has a next version")
        slots[slot] = object
    }

    @discardableResult
    public mutating func remove(_ name: NamespacedName) -> (slot: Int, object: APIObject)? {
        guard let slot = index.removeValue(forKey: name), let object = slots[Int(slot)] else { return nil }
        slots[Int(slot)] = nil
        free.append(slot)
        return (Int(slot), object)
    }

    /// All objects in slot order.
    public var objects: some Sequence<APIObject> { slots.lazy.compactMap { $0 } }

    /// All objects of a type, in slot order.
    public func all<Object: KubernetesObject>(_: Object.Type) -> [Shared<Object>] {
        slots.compactMap { $0.flatMap(Object.cast) }
    }
}

/// One ``ObjectTable`` per kind.
public struct ObjectTables: Sendable {
    @usableFromInline
    var tables: [ObjectTable] = Array(repeating: ObjectTable(), count: Kind.allCases.count)

    public init() {}

    public subscript(kind: Kind) -> ObjectTable {
        get { tables[Int(kind.rawValue)] }
        _modify { yield &tables[Int(kind.rawValue)] }
    }

    public subscript(key: ObjectKey) -> APIObject? { tables[Int(key.kind.rawValue)][key.name] }

    func slot(of key: ObjectKey) -> Int? { tables[Int(key.kind.rawValue)].slot(of: key.name) }
    func object(_ kind: Kind, in slot: Int) -> APIObject? { tables[Int(kind.rawValue)][slot: slot] }

    /// The object of a type and name. Inlinable, because every controller and the scheduler ask some times for each change of a pod.
    @inlinable
    public func get<Object: KubernetesObject>(_: Object.Type, _ name: NamespacedName) -> Shared<Object>? {
        guard let object = tables[Int(Object.kind.rawValue)][name] else { return nil }
        return Object.cast(object)
    }

    /// All objects of a type, in the table's order.
    public func all<Object: KubernetesObject>(_ type: Object.Type) -> [Shared<Object>] {
        tables[Int(Object.kind.rawValue)].all(type)
    }
}
