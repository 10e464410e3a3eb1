// One metric of an autoscaler: what it is now, what it asks for, and how that is told in status and events.

import DiscreteEvents
import KubernetesAPI

/// What one metric came to.
struct MetricOutcome: Hashable, Sendable {
    var replicas: Int32
    /// As in "cpu resource utilization (percentage of request) above target".
    var name: String
    var status: MetricStatus
}

/// A metric that could not be evaluated.
struct MetricFailure: Error, Hashable, Sendable {
    /// Of the Event and the condition.
    var reason: String
    /// What is reported as an Event at once.
    var cause: String
    /// The same as it is passed on.
    var description: String

    /// - Parameter context: how often and as what the error is wrapped on its way, outermost first.
    init(_ reason: String, _ cause: String, _ context: String...) {
        self.reason = reason
        self.cause = cause
        description = (context + [cause]).joined(separator: ": ")
    }
}

/// Evaluates metrics for a scale at one moment.
struct MetricEvaluation<Metrics: MetricsSource>: Sendable {
    var calculator: ReplicaCalculator
    var metrics: Metrics
    var namespace: String
    /// `spec.replicas` of the scale.
    var specReplicas: Int32
    /// `status.replicas` of the scale.
    var statusReplicas: Int32

    func evaluate(_ metric: MetricSpec) throws(MetricFailure) -> MetricOutcome {
        switch metric.source {
        case .resource(let name):
            try resource(name, container: nil, metric, reason: "FailedGetResourceMetric", kind: "resource")
        case .containerResource(let name, let container):
            try resource(name, container: container, metric, reason: "FailedGetContainerResourceMetric", kind: "container")
        case .pods(let identifier): try pods(identifier, metric)
        case .object(let identifier, let object): try self.object(identifier, object, metric)
        case .external(let identifier): try external(identifier, metric)
        }
    }

    // MARK: Resources

    private func resource(
        _ name: ResourceName, container: String?, _ metric: MetricSpec, reason: String, kind: String
    ) throws(MetricFailure) -> MetricOutcome {
        let outer = "failed to get \(name) \(kind) metric value"
        // The API's own words come first, then what was asked for.
        func samples() throws(ReplicaCalculationError) -> PodMetrics {
            do {
                return try metrics.resourceMetric(name, container: container)
            } catch {
                throw ReplicaCalculationError("unable to get metrics for resource \(name): \(error)")
            }
        }
        let label = container == nil ? "\(name) resource" : "\(name) container resource"
        if let target = metric.target.averageValue {
            do {
                let proposal = try calculator.replicas(
                    averageValue: target.milliValue, of: name, try samples(), current: specReplicas)
                return MetricOutcome(
                    replicas: proposal.replicas, name: "\(name) resource",
                    status: MetricStatus(metric.source, averageValue: Quantity(milli: proposal.milliUsage)))
            } catch {
                throw MetricFailure(reason, "failed to get \(name) usage: \(error)", outer)
            }
        }
        guard let target = metric.target.averageUtilization else {
            throw MetricFailure(
                reason,
                "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
                outer)
        }
        do {
            let proposal = try calculator.replicas(
                utilization: target, of: name, container: container, try samples(), current: specReplicas)
            return MetricOutcome(
                replicas: proposal.replicas, name: "\(label) utilization (percentage of request)",
                status: MetricStatus(
                    metric.source, averageValue: Quantity(milli: proposal.milliUsage), averageUtilization: proposal.utilization))
        } catch {
            throw MetricFailure(reason, "failed to get \(name) utilization: \(error)", outer)
        }
    }

    // MARK: Custom metrics

    private func pods(_ identifier: MetricIdentifier, _ metric: MetricSpec) throws(MetricFailure) -> MetricOutcome {
        let (reason, outer) = ("FailedGetPodsMetric", "failed to get pods metric value")
        try check(identifier.selector, reason, outer)
        let samples: PodMetrics
        do { samples = try metrics.podsMetric(identifier) } catch {
            throw MetricFailure(reason, "unable to get metric \(identifier.name): \(error)", outer)
        }
        do {
            let proposal = try calculator.replicas(
                averageValue: metric.target.averageValue?.milliValue ?? 0, of: nil, samples, current: specReplicas)
            return MetricOutcome(
                replicas: proposal.replicas, name: "pods metric \(identifier.name)",
                status: MetricStatus(metric.source, averageValue: Quantity(milli: proposal.milliUsage)))
        } catch {
            throw MetricFailure(reason, error.description, outer)
        }
    }

    private func object(
        _ identifier: MetricIdentifier, _ object: CrossVersionObjectReference, _ metric: MetricSpec
    ) throws(MetricFailure) -> MetricOutcome {
        let (reason, outer) = ("FailedGetObjectMetric", "failed to get object metric value")
        try check(identifier.selector, reason, outer)
        func usage() throws(ReplicaCalculationError) -> Int64 {
            do { return try metrics.objectMetric(identifier, of: object) } catch {
                // Kind, namespace, name and error in the places the real message has them.
                throw ReplicaCalculationError(
                    "unable to get metric \(identifier.name): \(object.kind) on \(namespace) \(object.name)/\(error)")
            }
        }
        if metric.target.type == .value, let target = metric.target.value {
            do {
                let proposal = try calculator.replicas(value: target.milliValue, try usage(), current: specReplicas)
                return MetricOutcome(
                    replicas: proposal.replicas, name: "\(object.kind) metric \(identifier.name)",
                    status: MetricStatus(metric.source, value: Quantity(milli: proposal.milliUsage)))
            } catch { throw MetricFailure(reason, error.description, outer) }
        }
        if metric.target.type == .averageValue, let target = metric.target.averageValue {
            do {
                let proposal = calculator.replicas(
                    valuePerPod: target.milliValue, try usage(), statusReplicas: statusReplicas)
                return MetricOutcome(
                    replicas: proposal.replicas, name: "external metric \(identifier.name)(\(identifier.selectorText))",
                    status: MetricStatus(metric.source, averageValue: Quantity(milli: proposal.milliUsage)))
            } catch { throw MetricFailure(reason, error.description, outer, "failed to get \(identifier.name) object metric") }
        }
        throw MetricFailure(
            reason, "invalid object metric source: neither a value target nor an average value target was set", outer)
    }

    private func external(_ identifier: MetricIdentifier, _ metric: MetricSpec) throws(MetricFailure) -> MetricOutcome {
        let reason = "FailedGetExternalMetric"
        let outer = "failed to get \(identifier.name) external metric value"
        let name = "external metric \(identifier.name)(\(identifier.selectorText))"
        func usage() throws(ReplicaCalculationError) -> Int64 {
            do { return try metrics.externalMetric(identifier).reduce(0, &+) } catch {
                throw ReplicaCalculationError(
                    "unable to get external metric \(namespace)/\(identifier.name)/\(identifier.selectorText): \(error)")
            }
        }
        if let target = metric.target.averageValue {
            do {
                let proposal = calculator.replicas(
                    valuePerPod: target.milliValue, try usage(), statusReplicas: statusReplicas)
                return MetricOutcome(
                    replicas: proposal.replicas, name: name,
                    status: MetricStatus(metric.source, averageValue: Quantity(milli: proposal.milliUsage)))
            } catch { throw MetricFailure(reason, error.description, outer, "failed to get \(identifier.name) external metric") }
        }
        if let target = metric.target.value {
            do {
                let proposal = try calculator.replicas(value: target.milliValue, try usage(), current: specReplicas)
                return MetricOutcome(
                    replicas: proposal.replicas, name: name,
                    status: MetricStatus(metric.source, value: Quantity(milli: proposal.milliUsage)))
            } catch { throw MetricFailure(reason, error.description, outer, "failed to get external metric \(identifier.name)") }
        }
        throw MetricFailure(
            reason, "invalid external metric source: neither a value target nor an average value target was set", outer)
    }

    private func check(_ selector: LabelSelector?, _ reason: String, _ outer: String) throws(MetricFailure) {
        do { _ = try selector?.selector() } catch { throw MetricFailure(reason, error.description, outer) }
    }
}

extension MetricIdentifier {
    /// The selector as Go prints the API type, "nil" if there is none.
    fileprivate var selectorText: String { selector?.goText ?? "nil" }
}
