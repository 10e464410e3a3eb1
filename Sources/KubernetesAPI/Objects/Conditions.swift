// Conditions: the observations an object's status carries, one per type.

import DiscreteEvents

/// The type of a condition, unique within an object.
///
/// Conditions are looked up by type all the time, so the usual types have a number by which they are told apart.
public struct ConditionType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    /// 0 for the types that have no number.
    private let number: UInt8

    private init(_ number: UInt8, _ name: String) {
        rawValue = name
        self.number = number
    }

    public init(rawValue: String) {
        for known in ConditionType.numbered where known.rawValue == rawValue {
            self = known
            return
        }
        self.init(0, rawValue)
    }

    public static func == (left: ConditionType, right: ConditionType) -> Bool {
        left.number == right.number && (left.number != 0 || left.rawValue == right.rawValue)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

    private static let numbered = [
        ready, podScheduled, podReadyToStartContainers, initialized, containersReady, disruptionTarget, memoryPressure, diskPressure,
        pidPressure, networkUnavailable, available, progressing, replicaFailure,
    ]

    public var description: String { rawValue }

    // Pods and nodes.
    public static let ready = ConditionType(1, "Ready")
    // Pods.
    public static let podScheduled = ConditionType(2, "PodScheduled")
    public static let podReadyToStartContainers = ConditionType(3, "PodReadyToStartContainers")
    public static let initialized = ConditionType(4, "Initialized")
    public static let containersReady = ConditionType(5, "ContainersReady")
    public static let disruptionTarget = ConditionType(6, "DisruptionTarget")
    // Nodes.
    public static let memoryPressure = ConditionType(7, "MemoryPressure")
    public static let diskPressure = ConditionType(8, "DiskPressure")
    public static let pidPressure = ConditionType(9, "PIDPressure")
    public static let networkUnavailable = ConditionType(10, "NetworkUnavailable")
    // Workloads.
    public static let available = ConditionType(11, "Available")
    public static let progressing = ConditionType(12, "Progressing")
    public static let replicaFailure = ConditionType(13, "ReplicaFailure")
}

public enum ConditionStatus: String, Hashable, Sendable {
    case `true` = "True"
    case `false` = "False"
    case unknown = "Unknown"
}

/// One condition of a Pod, Node, Deployment, ReplicaSet, ...
public struct Condition: Hashable, Sendable {
    public var type: ConditionType
    public var status: ConditionStatus
    public var reason: String
    public var message: String
    /// When `status` last changed.
    public var lastTransitionTime: SimulatedTime
    /// Deployments: when anything of the condition last changed (`lastUpdateTime`); nil for kinds that do not have it.
    public var lastUpdateTime: SimulatedTime?

    public init(
        _ type: ConditionType, _ status: ConditionStatus, reason: String = "", message: String = "",
        lastTransitionTime: SimulatedTime = .zero, lastUpdateTime: SimulatedTime? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.lastTransitionTime = lastTransitionTime
        self.lastUpdateTime = lastUpdateTime
    }
}

extension [Condition] {
    /// The condition of a type, if the object has it.
    public subscript(type: ConditionType) -> Condition? { index(of: type).map { self[$0] } }

    public func isTrue(_ type: ConditionType) -> Bool { index(of: type).map { self[$0].status == .true } ?? false }

    /// The position of the condition of a type.
    public func index(of type: ConditionType) -> Int? {
        for index in indices where self[index].type == type { return index }
        return nil
    }

    /// Sets a condition in place, or appends it; the transition time of an unchanged status is kept.
    ///
    /// Returns false when nothing changed (equal but for times): then no write is needed.
    @discardableResult
    public mutating func set(_ new: Condition) -> Bool {
        guard let index = index(of: new.type) else {
            append(new)
            return true
        }
        if self[index].status == new.status {
            if self[index].reason == new.reason, self[index].message == new.message { return false }
            var changed = new
            changed.lastTransitionTime = self[index].lastTransitionTime
            self[index] = changed
        } else {
            self[index] = new
        }
        return true
    }
}
