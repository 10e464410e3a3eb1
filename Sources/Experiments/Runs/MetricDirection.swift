// Which way a figure of summary.csv should go, so that a comparison can name who does better.

/// Whether less or more of a figure is better for whoever runs the cluster.
public enum MetricDirection: Hashable, Sendable {
    case lower
    case higher
    /// A matter of what is wanted (packed or even?), or of what the scenario brings with it.
    case neither

    /// That of a metric of summary.csv.
    public init(of metric: String) {
        if MetricDirection.lowerIsBetter.contains(metric) || MetricDirection.isWait(metric) {
            self = .lower
        } else if metric.hasPrefix("allocated_") {
            self = .higher
        } else if metric.hasPrefix("requests_") {
            self = MetricDirection.ofRequests(metric)
        } else {
            self = .neither
        }
    }

    private static let lowerIsBetter = [
        "pods_unscheduled_at_end", "pods_unscheduled_peak", "pods_failed", "pods_preempted", "restarts", "failures_not_recovered",
        "detection_mean", "detection_maximum", "recovery_mean", "recovery_maximum", "evicted_pods", "replica_seconds_missing",
        "node_seconds_not_ready",
    ]

    private static func isWait(_ metric: String) -> Bool { metric.hasPrefix("schedule_wait_") || metric.hasPrefix("pod_start_") }

    /// The name of the source stands in the middle; it has no underscores.
    private static func ofRequests(_ metric: String) -> MetricDirection {
        if metric.hasSuffix("_availability") { return .higher }
        return metric.hasSuffix("_failed") || metric.hasSuffix("_error_seconds") || metric.contains("_latency_") ? .lower : .neither
    }
}
