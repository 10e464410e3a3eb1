// The metrics pipeline's settings.

import DiscreteEvents

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

    /// Figures of the past are asked for at most so much later.
    var memory: SimulatedDuration { (resolution + housekeepingInterval) * 2 + scrapeLatency + immediateWindow }

    public init() {}
}
