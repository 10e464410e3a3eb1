// The metrics pipeline's settings, and the metrics that come from elsewhere.

import DiscreteEvents
import KubernetesAPI
import NodeAgent

/// How metrics come from containers to the metrics API.
/// <https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/>
public struct MetricsConfiguration: Hashable, Sendable {
    /// Whether anything serves the resource metrics API; nil: unless an autoscaler of the snapshot says that nothing does.
    public var servesResourceMetrics: Bool?
    /// metrics-server's `--metric-resolution`: how often it asks all kubelets. Zero: no pipeline; the API tells what ready pods use at
    /// the moment of the question.
    public var resolution = SimulatedDuration.seconds(15)
    /// The kubelet's `housekeeping-interval`: how often it takes each container's figures, counted from the container's start.
    public var housekeepingInterval = SimulatedDuration.seconds(10)
    /// From the beginning of a round of questions to the figures' being served.
    public var scrapeLatency = SimulatedDuration.milliseconds(200)
    /// The age from which a container's first figures are believed (`freshContainerMinMetricsResolution`): its use is then counted from
    /// its start.
    public var freshContainerAge = SimulatedDuration.seconds(10)
    /// The window told with the figures of an API without pipeline.
    public var immediateWindow = SimulatedDuration.seconds(15)

    public init() {}
}

/// A metric that does not come from the kubelets: an application's own, an object's, or one from outside the cluster.
public struct CustomMetric: Hashable, Sendable {
    public enum Subject: Hashable, Sendable {
        /// From outside the cluster; an autoscaler's selector picks series by these labels.
        case external(labels: Labels)
        /// Of one object.
        case object(kind: String, NamespacedName)
        /// Of each pod.
        case pods(namespace: String?, LabelSelector)
    }
    public var name: String
    public var subject: Subject
    public var load: ResourceLoad

    public init(_ name: String, _ subject: Subject, _ load: ResourceLoad) {
        self.name = name
        self.subject = subject
        self.load = load
    }
}

/// The load on some pods is another from now on.
public struct LoadChange: Hashable, Sendable, CustomStringConvertible {
    public enum Value: Hashable, Sendable {
        /// In equal parts on the ready pods; base units.
        case total(Double)
        /// On each pod.
        case each(Double)
        /// The metrics API knows nothing of these pods.
        case unknown
    }
    /// nil: every namespace.
    public var namespace: String?
    public var selector: LabelSelector
    public var resource: ResourceName
    public var value: Value

    public init(
        namespace: String? = nil, selector: LabelSelector = LabelSelector(matchLabels: [:]), resource: ResourceName = .cpu, _ value: Value
    ) {
        self.namespace = namespace
        self.selector = selector
        self.resource = resource
        self.value = value
    }

    public var description: String {
        let subject =
            "pods of " + (namespace ?? "all namespaces")
            + (selector.isEmpty ? "" : " with " + ((try? selector.selector())?.description ?? ""))
        switch value {
        case .total(let value): return "\(resource) load of \(subject): \(value) in all"
        case .each(let value): return "\(resource) load of \(subject): \(value) each"
        case .unknown: return "\(resource) load of \(subject): unknown"
        }
    }
}
