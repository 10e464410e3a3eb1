// What the metrics APIs answered to one look of the autoscaler.
// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#support-for-metrics-apis>

import DiscreteEvents
import KubernetesAPI

/// The answers to the metrics of one autoscaler's spec, made by whoever stands in for the metrics APIs.
package struct MetricsReading: MetricsSource {
    package enum Answer: Sendable {
        case pods(PodMetrics)
        /// The series of one metric, in thousandths.
        case values([Int64])
        /// The API's refusal, in its words.
        case refused(String)
        /// What went wrong after the API had answered.
        case failed(String)
    }

    private var answers: [(source: MetricSource, answer: Answer)] = []

    package init() {}

    package mutating func add(_ answer: Answer, to source: MetricSource) { answers.append((source, answer)) }

    private func answer(_ source: MetricSource) -> Answer {
        // Without any metrics API installed nothing answers.
        answers.first { $0.source == source }?.answer ?? .refused("the server could not find the requested resource")
    }

    package func resourceMetric(_ resource: ResourceName, container: String?) throws(ReplicaCalculationError) -> PodMetrics {
        switch answer(container.map { .containerResource(resource, container: $0) } ?? .resource(resource)) {
        case .pods(let metrics):
            guard !metrics.isEmpty else { throw ReplicaCalculationError("no metrics returned from resource metrics API") }
            return metrics
        case .values: throw ReplicaCalculationError("no metrics returned from resource metrics API")
        case .failed(let why): throw ReplicaCalculationError(why)
        case .refused(let why): throw ReplicaCalculationError("unable to fetch metrics from resource metrics API: \(why)")
        }
    }

    package func podsMetric(_ metric: MetricIdentifier) throws(ReplicaCalculationError) -> PodMetrics {
        switch answer(.pods(metric)) {
        case .pods(let metrics):
            guard !metrics.isEmpty else { throw ReplicaCalculationError("no metrics returned from custom metrics API") }
            return metrics
        case .values: throw ReplicaCalculationError("no metrics returned from custom metrics API")
        case .failed(let why): throw ReplicaCalculationError(why)
        case .refused(let why): throw ReplicaCalculationError("unable to fetch metrics from custom metrics API: \(why)")
        }
    }

    package func objectMetric(
        _ metric: MetricIdentifier, of object: CrossVersionObjectReference
    ) throws(ReplicaCalculationError) -> Int64 {
        switch answer(.object(metric, object)) {
        case .values(let values) where values.count == 1: return values[0]
        case .failed(let why): throw ReplicaCalculationError(why)
        case .refused(let why): throw ReplicaCalculationError("unable to fetch metrics from custom metrics API: \(why)")
        case .values, .pods:
            throw ReplicaCalculationError("unable to fetch metrics from custom metrics API: no metrics known for the object")
        }
    }

    package func externalMetric(_ metric: MetricIdentifier) throws(ReplicaCalculationError) -> [Int64] {
        switch answer(.external(metric)) {
        case .values(let values) where !values.isEmpty: return values
        case .values, .pods: throw ReplicaCalculationError("no metrics returned from external metrics API")
        case .failed(let why): throw ReplicaCalculationError(why)
        case .refused(let why): throw ReplicaCalculationError("unable to fetch metrics from external metrics API: \(why)")
        }
    }
}
