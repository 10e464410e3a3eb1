// PodDisruptionBudget: how many pods of an application may be down on purpose.

import DiscreteEvents

/// <https://kubernetes.io/docs/tasks/run-application/configure-pdb/>
public struct PodDisruptionBudget: KubernetesObject {
    public static var kind: Kind { .podDisruptionBudget }
    public var metadata: ObjectMeta
    public var spec: PodDisruptionBudgetSpec
    public var status: PodDisruptionBudgetStatus

    public init(
        metadata: ObjectMeta, spec: PodDisruptionBudgetSpec = PodDisruptionBudgetSpec(),
        status: PodDisruptionBudgetStatus = PodDisruptionBudgetStatus()
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    public static func erase(_ object: Shared<PodDisruptionBudget>) -> APIObject { .podDisruptionBudget(object) }
    public static func cast(_ erased: APIObject) -> Shared<PodDisruptionBudget>? {
        if case .podDisruptionBudget(let object) = erased { object } else { nil }
    }
}

public struct PodDisruptionBudgetSpec: Hashable, Sendable {
    public var minAvailable: IntOrPercent?
    public var maxUnavailable: IntOrPercent?
    /// nil: no pods; an empty one: all pods of the namespace.
    public var selector: LabelSelector?
    /// Whether pods that run but are not ready may be evicted at any time (KEP-3017); nil means `IfHealthyBudget`.
    public var unhealthyPodEvictionPolicy: UnhealthyPodEvictionPolicy?

    public enum UnhealthyPodEvictionPolicy: String, Hashable, Sendable {
        case ifHealthyBudget = "IfHealthyBudget"
        case alwaysAllow = "AlwaysAllow"
    }

    public init() {}
}

public struct PodDisruptionBudgetStatus: Hashable, Sendable {
    /// A pod whose eviction was granted, and when.
    public struct DisruptedPod: Hashable, Sendable {
        public var name: String
        public var since: SimulatedTime
        public init(name: String, since: SimulatedTime) {
            self.name = name
            self.since = since
        }
    }
    public var disruptionsAllowed: Int32 = 0
    public var currentHealthy: Int32 = 0
    public var desiredHealthy: Int32 = 0
    public var expectedPods: Int32 = 0
    public var observedGeneration: Int64 = 0
    /// Pods that are on their way out and no longer count, by name in the order given.
    public var disruptedPods: [DisruptedPod] = []
    public var conditions: [Condition] = []

    public init() {}
}

extension ConditionType {
    // Pod disruption budgets.
    public static let disruptionAllowed = ConditionType(rawValue: "DisruptionAllowed")
}
