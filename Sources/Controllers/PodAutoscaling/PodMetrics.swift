// Metrics as the autoscaler is given them, and whom it asks.

import DiscreteEvents
import KubernetesAPI

/// What one pod used or reported.
package struct PodMetricSample: Hashable, Sendable {
    /// In thousandths: millicores, thousandths of bytes, thousandths of requests per second, ...
    package var milliValue: Int64
    /// When the sample was taken: the end of its window.
    package var timestamp: SimulatedTime
    /// The time the sample is the average over.
    package var window: SimulatedDuration

    package init(milliValue: Int64, timestamp: SimulatedTime, window: SimulatedDuration) {
        self.milliValue = milliValue
        self.timestamp = timestamp
        self.window = window
    }
}

/// One metric of many pods, by pod name, in the order given.
package struct PodMetrics: Sendable {
    private struct Entry: Sendable {
        let pod: String
        var sample: PodMetricSample
    }
    private var entries: [Entry] = []
    private var positions: [String: Int] = [:]

    package init() {}

    package var count: Int { entries.count }
    package var isEmpty: Bool { entries.isEmpty }

    package subscript(pod: String) -> PodMetricSample? {
        get { positions[pod].map { entries[$0].sample } }
        set {
            switch (newValue, positions[pod]) {
            case (let sample?, let position?): entries[position].sample = sample
            case (let sample?, nil):
                positions[pod] = entries.count
                entries.append(Entry(pod: pod, sample: sample))
            case (nil, _?): remove([pod])
            case (nil, nil): break
            }
        }
    }

    /// Forgets the samples of pods.
    mutating func remove(_ pods: [String]) {
        let unwanted = Set(pods)
        guard !unwanted.isEmpty else { return }
        entries.removeAll { unwanted.contains($0.pod) }
        positions.removeAll(keepingCapacity: true)
        for (position, entry) in entries.enumerated() { positions[entry.pod] = position }
    }

    /// Puts in an assumed value for a pod.
    mutating func assume(_ milliValue: Int64, for pod: String) {
        self[pod] = PodMetricSample(milliValue: milliValue, timestamp: .zero, window: .zero)
    }

    /// The sum of all samples. Sums wrap as Go's do.
    var total: Int64 { entries.reduce(0) { $0 &+ $1.sample.milliValue } }

    /// Sums over the pods whose request is known.
    func totals(of requests: [String: Int64]) -> (usage: Int64, requested: Int64, pods: Int64) {
        var result: (usage: Int64, requested: Int64, pods: Int64) = (0, 0, 0)
        for entry in entries {
            guard let request = requests[entry.pod] else { continue }
            result.usage &+= entry.sample.milliValue
            result.requested &+= request
            result.pods += 1
        }
        return result
    }
}

/// The metrics APIs, asked on behalf of one autoscaler: about the pods its scale selects, in its namespace.
///
/// Refusals are texts of the API, such as "no metrics returned from resource metrics API".
/// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#support-for-metrics-apis>
package protocol MetricsSource: Sendable {
    /// Usage of a resource by each pod, or by one container of each pod.
    func resourceMetric(_ resource: ResourceName, container: String?) throws(ReplicaCalculationError) -> PodMetrics
    /// A custom metric of each pod.
    func podsMetric(_ metric: MetricIdentifier) throws(ReplicaCalculationError) -> PodMetrics
    /// A custom metric of one object, in thousandths.
    func objectMetric(_ metric: MetricIdentifier, of object: CrossVersionObjectReference) throws(ReplicaCalculationError) -> Int64
    /// The series of an external metric, in thousandths.
    func externalMetric(_ metric: MetricIdentifier) throws(ReplicaCalculationError) -> [Int64]
}
