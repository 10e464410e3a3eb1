// The figures of a whole run: summary.csv, and what comparisons compare.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// One figure of a run.
public struct Metric: Hashable, Sendable {
    public var name: String
    /// nil: there was nothing to measure.
    public var value: Double?
    public var unit: String
}

public struct RunSummary: Hashable, Sendable {
    /// Always the same metrics in the same order for equal clusters.
    public private(set) var metrics: [Metric] = []

    public subscript(name: String) -> Double? { metrics.first { $0.name == name }?.value ?? nil }

    /// Figures that were read back.
    init(_ metrics: [Metric]) { self.metrics = metrics }

    /// Sums up a run that ended at `end`.
    ///
    /// - Parameter warmUp: what is left out of means over time and of the most nodes in use, and, if it has an end, of waits, of replicas missing and
    ///   of requests; counts of what happened are of the whole run.
    public init(_ record: RunRecord, end: SimulatedTime, warmUp: WarmUp? = nil) {
        add("simulated_time", end.sinceStart.seconds, "s")
        addPods(record, end)
        addTimes(record, from: warmUp?.end)
        addRecoveries(record)
        addAvailability(record, end, from: warmUp?.end)
        addUtilisation(record, end, warmUp)
        addNodes(record)
        if let traffic = record.traffic { addRequests(traffic, settledOnly: warmUp?.end != nil) }
        for curve in record.allocations {
            for point in curve.measure.points {
                add("allocated_\(curve.measure.resource)_at_\(point)", curve.allocated(atPercent: point), "%")
            }
        }
        add("scheduling_attempts", Double(record.pods.reduce(0) { $0 + $1.attempts }), "1")
        add("simulator_events", Double(record.handledEvents), "1")
    }

    /// Some of the metrics, in the order of their names here.
    func keeping(only names: [String]) -> RunSummary {
        var result = self
        result.metrics = names.compactMap { name in metrics.first { $0.name == name } }
        return result
    }

    private mutating func add(_ name: String, _ value: Double?, _ unit: String) {
        metrics.append(Metric(name: name, value: value, unit: unit))
    }

    private mutating func addPods(_ record: RunRecord, _ end: SimulatedTime) {
        add("pods_from_snapshot", Double(record.pods.count { $0.isFromSnapshot }), "pods")
        add("pods_created", Double(record.pods.count { !$0.isFromSnapshot }), "pods")
        add("pods_scheduled", Double(record.pods.count { $0.wasScheduledInRun }), "pods")
        add("pods_unscheduled_at_end", Double(record.pods.count { $0.waitsForNode }), "pods")
        add("pods_unscheduled_peak", record.mostUnscheduled(until: end), "pods")
        add("pods_succeeded", Double(record.pods.count { $0.phase == .succeeded }), "pods")
        add("pods_failed", Double(record.pods.count { $0.phase == .failed }), "pods")
        add("pods_preempted", Double(record.pods.count { $0.wasPreempted }), "pods")
        add("pods_deleted", Double(record.pods.count { $0.deleted != nil }), "pods")
        add("restarts", Double(record.pods.reduce(0) { $0 + $1.restarts }), "1")
    }

    private mutating func addTimes(_ record: RunRecord, from begin: SimulatedTime?) {
        // Pods of a snapshot were created and placed before the run began.
        let own = record.pods.filter { !$0.isFromSnapshot && $0.created >= begin ?? .zero }
        let waits = own.compactMap { pod in pod.scheduled.map { ($0 - pod.created).seconds } }
        let starts = own.compactMap { pod in pod.ready.map { ($0 - pod.created).seconds } }
        for (name, times) in [("schedule_wait", waits), ("pod_start", starts)] {
            for statistic in Expectation.Statistic.allCases {
                add("\(name)_\(statistic.rawValue)", RunSummary.statistic(statistic, of: times), "s")
            }
        }
    }

    private mutating func addRecoveries(_ record: RunRecord) {
        let failures = record.recoveries
        let detections = failures.compactMap { $0.timeToDetection?.seconds }
        let recoveries = failures.compactMap { failure in failure.recovered.map { ($0 - failure.failed).seconds } }
        add("failures", Double(failures.count), "1")
        add("failures_not_recovered", Double(failures.count { $0.recovered == nil }), "1")
        add("detection_mean", RunSummary.statistic(.mean, of: detections), "s")
        add("detection_maximum", detections.max(), "s")
        add("recovery_mean", RunSummary.statistic(.mean, of: recoveries), "s")
        add("recovery_maximum", recoveries.max(), "s")
        add("evicted_pods", Double(failures.reduce(0) { $0 + $1.evictedPods }), "pods")
    }

    /// The integral over time of what workloads lack: desired minus available replicas.
    private mutating func addAvailability(_ record: RunRecord, _ end: SimulatedTime, from begin: SimulatedTime?) {
        func seconds(_ missing: Int, from start: SimulatedTime, to end: SimulatedTime) -> Double {
            let start = begin.map { max(start, $0) } ?? start
            return end > start ? Double(missing) * (end - start).seconds : 0
        }
        var places: [ObjectKey: Int] = [:]
        var last: [(time: SimulatedTime, missing: Int)] = []
        var replicaSeconds = 0.0
        for change in record.availability {
            let missing = max(0, change.desired - change.available)
            if let place = places[change.workload] {
                replicaSeconds += seconds(last[place].missing, from: last[place].time, to: change.time)
                last[place] = (change.time, missing)
            } else {
                places[change.workload] = last.count
                last.append((change.time, missing))
            }
        }
        for entry in last { replicaSeconds += seconds(entry.missing, from: entry.time, to: end) }
        add("replica_seconds_missing", replicaSeconds, "s")
    }

    private mutating func addUtilisation(_ record: RunRecord, _ end: SimulatedTime, _ warmUp: WarmUp?) {
        func next(_ index: Int) -> SimulatedTime { index + 1 < record.samples.count ? record.samples[index + 1].time : end }
        for resource in ResultWriter.resources(of: record.samples) {
            var (shares, imbalances, used) = (StepSeries(), StepSeries(), StepSeries())
            for (index, sample) in record.samples.enumerated() {
                let (begin, end) = (sample.time, next(index))
                guard end > begin, let entry = sample.resources.first(where: { $0.name == resource }) else { continue }
                guard entry.utilisation.isFinite else { continue }
                shares.add(entry.utilisation, from: begin, until: end)
                imbalances.add(entry.imbalance.isFinite ? entry.imbalance : 0, from: begin, until: end)
                if let share = entry.usedUtilisation { used.add(share, from: begin, until: end) }
            }
            add("utilisation_\(resource)_mean", shares.mean(after: warmUp), "1")
            add("imbalance_\(resource)_mean", imbalances.mean(after: warmUp), "1")
            add("used_nodes_utilisation_\(resource)_mean", used.mean(after: warmUp), "1")
        }
        var nodes = StepSeries()
        for (index, sample) in record.samples.enumerated() { nodes.add(Double(sample.usedNodes), from: sample.time, until: next(index)) }
        add("nodes_used_mean", nodes.mean(after: warmUp), "nodes")
        add("nodes_used_peak", nodes.maximum(after: warmUp), "nodes")
    }

    private mutating func addNodes(_ record: RunRecord) {
        add("nodes", Double(record.nodes.count), "nodes")
        add("node_failures", Double(record.nodes.reduce(0) { $0 + $1.failures }), "1")
        add("node_seconds_not_ready", record.nodes.reduce(0) { $0 + $1.notReadyTime.seconds }, "s")
    }

    /// The requests of each source; calls are part of those.
    ///
    /// - Parameter settledOnly: those of the warm-up are left out.
    private mutating func addRequests(_ traffic: TrafficRecord, settledOnly: Bool) {
        for source in traffic.sources where !source.isCall {
            let totals = settledOnly ? source.settled : source.totals
            let ended = totals.ended
            add("requests_\(source.name)", Double(ended), "requests")
            add("requests_\(source.name)_failed", Double(totals.failures), "requests")
            add("requests_\(source.name)_availability", ended > 0 ? Double(totals.count(.succeeded)) / Double(ended) : nil, "1")
            add("requests_\(source.name)_error_seconds", Double(settledOnly ? source.settledErrorSeconds : source.errorSeconds), "s")
            let latency = totals.latency
            func latencyOf(_ name: String, _ seconds: Double) {
                add("requests_\(source.name)_latency_\(name)", latency.count > 0 ? seconds : nil, "s")
            }
            latencyOf("mean", latency.mean)
            for (name, level) in zip(["p50", "p90", "p99", "p999"], TrafficRecord.levels) { latencyOf(name, latency.quantile(at: level)) }
            latencyOf("maximum", latency.maximum.seconds)
        }
    }

    /// A figure of some values; quantiles are the least value that at least this share of them does not exceed.
    static func statistic(_ statistic: Expectation.Statistic, of values: [Double]) -> Double? {
        if values.isEmpty { return nil }
        func quantile(_ share: Double) -> Double {
            let sorted = values.sorted()
            return sorted[min(sorted.count - 1, max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1))]
        }
        switch statistic {
        case .mean: return values.reduce(0, +) / Double(values.count)
        case .p50: return quantile(0.5)
        case .p90: return quantile(0.9)
        case .p99: return quantile(0.99)
        case .maximum: return values.max()
        }
    }
}
