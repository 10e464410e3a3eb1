// Conditions: the observations an object's status carries, one per type.

import DiscreteEvents

/// The type of a condition, unique within an object.
public struct ConditionType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    // Pods and nodes.
    public static let ready = ConditionType(rawValue: "Ready")
    // Pods.
    public static let podScheduled = ConditionType(rawValue: "PodScheduled")
    public static let podReadyToStartContainers = ConditionType(rawValue: "PodReadyToStartContainers")
    public static let initialized = ConditionType(rawValue: "Initialized")
    public static let containersReady = ConditionType(rawValue: "ContainersReady")
    public static let disruptionTarget = ConditionType(rawValue: "DisruptionTarget")
    // Nodes.
    public static let memoryPressure = ConditionType(rawValue: "MemoryPressure")
    public static let diskPressure = ConditionType(rawValue: "DiskPressure")
    public static let pidPressure = ConditionType(rawValue: "PIDPressure")
    public static let networkUnavailable = ConditionType(rawValue: "NetworkUnavailable")
    // Workloads.
    public static let available = ConditionType(rawValue: "Available")
    public static let progressing = ConditionType(rawValue: "Progressing")
    public static let replicaFailure = ConditionType(rawValue: "ReplicaFailure")
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
        guard let index = firstIndex(where: { $0.type == new.type }) else {
            append(new)
            return true
        }
        let old = self[index]
        if old.status == new.status, old.reason == new.reason, old.message == new.message { return false }
        var changed = new
        if old.status == new.status { changed.lastTransitionTime = old.lastTransitionTime }
        self[index] = changed
        return true
    }
}
