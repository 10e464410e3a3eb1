// Taints repel pods from nodes; tolerations let them stay.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>

import DiscreteEvents

public enum TaintEffect: String, Hashable, Sendable {
    case noSchedule = "NoSchedule"
    case preferNoSchedule = "PreferNoSchedule"
    case noExecute = "NoExecute"
}

public struct Taint: Hashable, Sendable {
    public var key: String
    public var value: String
    public var effect: TaintEffect
    /// Set for NoExecute taints: evictions count from here.
    public var timeAdded: SimulatedTime?

    public init(key: String, value: String = "", effect: TaintEffect, timeAdded: SimulatedTime? = nil) {
        self.key = key
        self.value = value
        self.effect = effect
        self.timeAdded = timeAdded
    }

    /// Taints are the same when key and effect agree, whatever their value.
    public func matches(_ other: Taint) -> Bool { key == other.key && effect == other.effect }

    public static let notReady = "node.kubernetes.io/not-ready"
    public static let unreachable = "node.kubernetes.io/unreachable"
    public static let unschedulable = "node.kubernetes.io/unschedulable"
    public static let memoryPressure = "node.kubernetes.io/memory-pressure"
    public static let diskPressure = "node.kubernetes.io/disk-pressure"
    public static let pidPressure = "node.kubernetes.io/pid-pressure"
    public static let networkUnavailable = "node.kubernetes.io/network-unavailable"
    public static let outOfService = "node.kubernetes.io/out-of-service"
}

public struct Toleration: Hashable, Sendable {
    public enum Operator: String, Hashable, Sendable {
        case exists = "Exists"
        case equal = "Equal"
        case lessThan = "Lt"
        case greaterThan = "Gt"
    }
    /// Empty: every key (with operator Exists).
    public var key: String
    /// nil (the field left out) means Equal.
    public var `operator`: Operator?
    public var value: String
    /// nil: every effect.
    public var effect: TaintEffect?
    /// How long a NoExecute taint is tolerated; nil: for ever; zero or less: not at all.
    public var tolerationSeconds: Int64?

    public init(
        key: String = "", operator: Operator? = nil, value: String = "", effect: TaintEffect? = nil, tolerationSeconds: Int64? = nil
    ) {
        self.key = key
        self.operator = `operator`
        self.value = value
        self.effect = effect
        self.tolerationSeconds = tolerationSeconds
    }

    /// Whether this toleration covers a taint. `Lt` and `Gt` (alpha, off by default in 1.36) cover none.
    public func tolerates(_ taint: Taint) -> Bool {
        if let effect, effect != taint.effect { return false }
        if !key.isEmpty, key != taint.key { return false }
        switch `operator` {
        case .exists: return true
        case .equal, nil: return value == taint.value
        case .lessThan, .greaterThan: return false
        }
    }
}

extension [Toleration] {
    public func tolerate(_ taint: Taint) -> Bool { contains { $0.tolerates(taint) } }
}
