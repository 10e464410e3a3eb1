// What components remember of objects by UID. Simulated API servers number the objects they create, so an array does.

/// A map from UIDs, without hashing where the UIDs are those of a simulated API server: these lie in an array by number. It costs
/// one `Value` for each object that was ever created, which is little beside what is kept of an object anyway.
///
/// Values are looked up, never listed.
public struct UIDMap<Value: Sendable>: Sendable {
    @usableFromInline var numbered: [Value?] = []
    /// UIDs that came from elsewhere, and numbers far ahead of all others.
    @usableFromInline var others: [UID: Value] = [:]

    /// How far a number may lie ahead of the array.
    @inlinable static var reach: Int { 1 << 20 }

    @inlinable
    public init() {}

    @inlinable
    public subscript(uid: UID) -> Value? {
        get {
            if let serial = uid.serial, serial < numbered.count, let value = numbered[serial] { return value }
            return others.isEmpty ? nil : others[uid]
        }
        set {
            guard let serial = uid.serial, serial < numbered.count + UIDMap.reach else {
                others[uid] = newValue
                return
            }
            if !others.isEmpty { others[uid] = nil }
            if serial >= numbered.count {
                guard newValue != nil else { return }
                if serial >= numbered.capacity { numbered.reserveCapacity(max(serial + 1, 2 * numbered.capacity)) }
                while numbered.count <= serial { numbered.append(nil) }
            }
            numbered[serial] = newValue
        }
    }
}
