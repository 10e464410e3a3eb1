// Immutable values that many objects share: the pod template of a Deployment is one value, however many thousand pods
// were made from it. A fork of the cluster copies references to these, never their contents.

/// An immutable, reference-counted box around a value. Two boxes are equal when they are the same box or hold equal values.
///
/// Everything the API server stores and every watch cache holds is a `Shared` object: a write makes a new box, readers keep
/// the version they have, as with the pointers in the informers of the real components.
@dynamicMemberLookup
public final class Shared<Value: Sendable>: Sendable {
    public let value: Value

    @inlinable
    public init(_ value: Value) { self.value = value }

    @inlinable
    public subscript<Member>(dynamicMember path: KeyPath<Value, Member>) -> Member { value[keyPath: path] }

    /// A new box around a changed copy of the value.
    @inlinable
    public func with(_ change: (inout Value) -> Void) -> Shared<Value> {
        var copy = value
        change(&copy)
        return Shared(copy)
    }
}

extension Shared: Equatable where Value: Equatable {
    @inlinable
    public static func == (left: Shared, right: Shared) -> Bool { left === right || left.value == right.value }
}

extension Shared: Hashable where Value: Hashable {
    @inlinable
    public func hash(into hasher: inout Hasher) { value.hash(into: &hasher) }
}
