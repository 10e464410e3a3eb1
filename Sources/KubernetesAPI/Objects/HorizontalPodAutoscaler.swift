// HorizontalPodAutoscaler (autoscaling/v2): which metrics say how many replicas a workload needs, and how fast it may change.

import DiscreteEvents

/// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/>
public struct HorizontalPodAutoscaler: KubernetesObject {
    public static var kind: Kind { .horizontalPodAutoscaler }
    public var metadata: ObjectMeta
    public var spec: HorizontalPodAutoscalerSpec
    public var status: HorizontalPodAutoscalerStatus

    public init(
        metadata: ObjectMeta, spec: HorizontalPodAutoscalerSpec = HorizontalPodAutoscalerSpec(),
        status: HorizontalPodAutoscalerStatus = HorizontalPodAutoscalerStatus()
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    public static func erase(_ object: Shared<HorizontalPodAutoscaler>) -> APIObject { .horizontalPodAutoscaler(object) }
    public static func cast(_ erased: APIObject) -> Shared<HorizontalPodAutoscaler>? {
        if case .horizontalPodAutoscaler(let object) = erased { object } else { nil }
    }
}

public struct HorizontalPodAutoscalerSpec: Hashable, Sendable {
    public var scaleTargetRef = CrossVersionObjectReference()
    /// Replicas the workload never falls below; nil means 1.
    public var minReplicas: Int32?
    public var maxReplicas: Int32 = 0
    /// What is measured. Each metric makes a proposal; the largest counts.
    public var metrics: [MetricSpec] = []
    /// nil: the controller's own rules (a window of five minutes for going down, at most doubling when going up).
    public var behavior: HorizontalPodAutoscalerBehavior?

    public init() {}
}

/// An object of any kind in the autoscaler's own namespace.
public struct CrossVersionObjectReference: Hashable, Sendable {
    public var kind: String
    public var name: String
    public var apiVersion: String

    public init(kind: String = "", name: String = "", apiVersion: String = "") {
        self.kind = kind
        self.name = name
        self.apiVersion = apiVersion
    }
}

/// The name of a custom or external metric, and which of its series are meant.
public struct MetricIdentifier: Hashable, Sendable {
    public var name: String
    public var selector: LabelSelector?

    public init(name: String = "", selector: LabelSelector? = nil) {
        self.name = name
        self.selector = selector
    }
}

/// Where a metric comes from.
public enum MetricSource: Hashable, Sendable {
    /// Usage of a resource by the pods, from the resource metrics API.
    case resource(ResourceName)
    /// The same of one container of each pod.
    case containerResource(ResourceName, container: String)
    /// A custom metric with a value per pod.
    case pods(MetricIdentifier)
    /// A custom metric of one object.
    case object(MetricIdentifier, CrossVersionObjectReference)
    /// A metric from outside the cluster; its series are summed.
    case external(MetricIdentifier)

    /// `type` as manifests spell it.
    public var type: String {
        switch self {
        case .resource: "Resource"
        case .containerResource: "ContainerResource"
        case .pods: "Pods"
        case .object: "Object"
        case .external: "External"
        }
    }
}

/// What a metric should be.
public struct MetricTarget: Hashable, Sendable {
    public enum TargetType: String, Hashable, Sendable {
        case utilization = "Utilization"
        case value = "Value"
        case averageValue = "AverageValue"
    }
    public var type: TargetType?
    public var value: Quantity?
    public var averageValue: Quantity?
    /// Percent of the pods' requests.
    public var averageUtilization: Int32?

    public init() {}
}

public struct MetricSpec: Hashable, Sendable {
    public var source: MetricSource
    public var target: MetricTarget

    public init(_ source: MetricSource, _ target: MetricTarget) {
        self.source = source
        self.target = target
    }
}

/// `behavior`: how fast the number of replicas may change in either direction.
/// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior>
public struct HorizontalPodAutoscalerBehavior: Hashable, Sendable {
    public var scaleUp: ScalingRules?
    public var scaleDown: ScalingRules?

    public init(scaleUp: ScalingRules? = nil, scaleDown: ScalingRules? = nil) {
        self.scaleUp = scaleUp
        self.scaleDown = scaleDown
    }
}

/// The rules of one direction (Kubernetes `HPAScalingRules`).
public struct ScalingRules: Hashable, Sendable {
    /// Which of several policies counts.
    public enum PolicySelect: String, Hashable, Sendable {
        /// The one that allows the largest change.
        case max = "Max"
        /// The one that allows the smallest change.
        case min = "Min"
        /// None: no change in this direction.
        case disabled = "Disabled"
    }
    /// How long recommendations are looked back at; nil: the controller's own window.
    public var stabilizationWindowSeconds: Int32?
    public var selectPolicy: PolicySelect?
    public var policies: [ScalingPolicy]?
    /// Deviation from the target, as a fraction of it, that causes no change; nil: the controller's own (KEP-4951).
    public var tolerance: Quantity?

    public init() {}
}

/// A change allowed in a period (Kubernetes `HPAScalingPolicy`).
public struct ScalingPolicy: Hashable, Sendable {
    public enum PolicyType: String, Hashable, Sendable {
        case pods = "Pods"
        case percent = "Percent"
    }
    public var type: PolicyType
    /// Pods, or percent of the replicas at the start of the period.
    public var value: Int32
    public var periodSeconds: Int32

    public init(_ type: PolicyType, _ value: Int32, periodSeconds: Int32) {
        self.type = type
        self.value = value
        self.periodSeconds = periodSeconds
    }
}

public struct HorizontalPodAutoscalerStatus: Hashable, Sendable {
    public var observedGeneration: Int64?
    public var lastScaleTime: SimulatedTime?
    public var currentReplicas: Int32 = 0
    public var desiredReplicas: Int32 = 0
    /// One entry a metric of the spec; nil where none could be had (the API shows an entry with an empty type).
    public var currentMetrics: [MetricStatus?] = []
    public var conditions: [Condition] = []

    public init() {}
}

/// The value of a metric when it was last looked at.
public struct MetricStatus: Hashable, Sendable {
    public var source: MetricSource
    public var value: Quantity?
    public var averageValue: Quantity?
    /// Percent of the pods' requests.
    public var averageUtilization: Int32?

    public init(_ source: MetricSource, value: Quantity? = nil, averageValue: Quantity? = nil, averageUtilization: Int32? = nil) {
        self.source = source
        self.value = value
        self.averageValue = averageValue
        self.averageUtilization = averageUtilization
    }
}

extension ConditionType {
    // Horizontal pod autoscalers.
    public static let ableToScale = ConditionType(rawValue: "AbleToScale")
    public static let scalingActive = ConditionType(rawValue: "ScalingActive")
    public static let scalingLimited = ConditionType(rawValue: "ScalingLimited")
}
