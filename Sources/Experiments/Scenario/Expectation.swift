// What must hold in a run: expectations make a scenario a test.

import DiscreteEvents
import KubernetesAPI

/// One expectation of a scenario.
public struct Expectation: Hashable, Sendable {
    public enum PodState: String, Hashable, Sendable, CaseIterable { case pending, unscheduled, running, ready, failed }
    public enum NodeState: String, Hashable, Sendable, CaseIterable { case ready, used, total }
    /// Jobs that were created and are not finished, that completed, that failed.
    public enum JobState: String, Hashable, Sendable, CaseIterable { case active, complete, failed }
    public enum Statistic: String, Hashable, Sendable, CaseIterable { case mean, p50, p90, p99, maximum }

    public enum RequestFigure: String, Hashable, Sendable, CaseIterable {
        case availability, failed, errorSeconds, p50, p90, p99, p999, maximum

        var isTime: Bool { self != .availability && self != .failed }
        /// Whether it is looked at in whole intervals of measurement.
        var isLatency: Bool { isTime && self != .errorSeconds }
    }

    public enum Subject: Hashable, Sendable {
        /// Available replicas of a workload, at every moment.
        case available(ObjectKey)
        /// The replicas a workload wants, at every moment.
        case replicas(ObjectKey)
        /// A condition of an object, at every moment; a nil reason is any. The bound is not used.
        case condition(ObjectKey, ConditionType, ConditionStatus, reason: String?)
        /// Jobs by state, at every moment: all, or those of a CronJob.
        case jobs(JobState, of: NamespacedName?)
        /// Seconds from each failure to full recovery.
        case recovery
        /// Seconds from each failure to the last of its nodes turning NotReady.
        case detection
        case pods(PodState)
        case nodes(NodeState)
        /// Pods that never got a node, at the end.
        case unschedulable
        /// Pods that had to make room for others, by the end.
        case preempted
        case restarts
        /// Mean over nodes of requested / allocatable, at every measurement.
        case utilisation(ResourceName)
        /// Seconds from creation to readiness.
        case podStart(Statistic)
        /// Requests of a source, or of all: over the whole time, or (latencies, in seconds) in every interval of measurement.
        case requests(RequestFigure, of: String?)
        /// No invariant is broken; `converge`: and in the end all is at rest. The bound is not used.
        case invariants(converge: Bool)

        /// Whether the value is a time, given in seconds.
        var isTime: Bool {
            switch self {
            case .recovery, .detection, .podStart: true
            case .requests(let figure, _): figure.isTime
            default: false
            }
        }
    }

    /// At least one of the limits is there; times in seconds.
    public struct Bound: Hashable, Sendable {
        public var atLeast: Double?
        public var atMost: Double?
        public var equals: Double?

        public init(atLeast: Double? = nil, atMost: Double? = nil, equals: Double? = nil) {
            self.atLeast = atLeast
            self.atMost = atMost
            self.equals = equals
        }

        public func holds(for value: Double) -> Bool {
            if let atLeast, value < atLeast { return false }
            if let atMost, value > atMost { return false }
            if let equals, value != equals { return false }
            return true
        }

        /// How far outside a value is; 0 inside.
        func excess(of value: Double) -> Double {
            var excess = 0.0
            if let atLeast { excess = max(excess, atLeast - value) }
            if let atMost { excess = max(excess, value - atMost) }
            if let equals { excess = max(excess, (value - equals).magnitude) }
            return excess
        }
    }

    public var subject: Subject
    public var bound: Bound
    public var from: SimulatedTime?
    public var until: SimulatedTime?
    /// `FILE:LINE` of the scenario.
    public var position: String

    public init(_ subject: Subject, _ bound: Bound, from: SimulatedTime? = nil, until: SimulatedTime? = nil, position: String = "") {
        self.subject = subject
        self.bound = bound
        self.from = from
        self.until = until
        self.position = position
    }
}

extension Expectation: CustomStringConvertible {
    public var description: String {
        var text = subject.description + (limits.isEmpty ? "" : " " + limits)
        if let from, from == until {
            text += " at " + from.sinceStart.text
        } else {
            if let from { text += " from " + from.sinceStart.text }
            if let until { text += " until " + until.sinceStart.text }
        }
        return text
    }

    /// "at least 6 and at most 9"
    private var limits: String {
        switch subject {
        case .condition, .invariants: return ""
        default: break
        }
        var parts: [String] = []
        if let limit = bound.atLeast { parts.append("at least " + text(of: limit)) }
        if let limit = bound.atMost { parts.append("at most " + text(of: limit)) }
        if let limit = bound.equals { parts.append("exactly " + text(of: limit)) }
        return parts.joined(separator: " and ")
    }

    /// A value of the subject as a person reads it.
    func text(of value: Double) -> String {
        if subject.isTime { return SimulatedDuration(seconds: value).text }
        if case .utilisation = subject { return Presentation.percent(value) }
        // A share of 0.99998 is not the same as one of 1.
        if case .requests(.availability, _) = subject { return Presentation.number(value * 100) + " %" }
        return Presentation.number(value)
    }
}

extension Expectation.Subject: CustomStringConvertible {
    public var description: String {
        switch self {
        case .available(let key): "available replicas of \(key)"
        case .replicas(let key): "wanted replicas of \(key)"
        case .condition(let key, let type, let status, let reason):
            "condition \(type) of \(key) \(status.rawValue)" + (reason.map { " (\($0))" } ?? "")
        case .jobs(let state, let owner): "jobs \(state.rawValue)" + (owner.map { " of CronJob \($0)" } ?? "")
        case .recovery: "recovery from every failure"
        case .detection: "detection of every failure"
        case .pods(let state): "pods \(state.rawValue)"
        case .nodes(.ready): "nodes ready"
        case .nodes(.used): "nodes in use"
        case .nodes(.total): "nodes"
        case .unschedulable: "pods without a node in the end"
        case .preempted: "pods preempted"
        case .restarts: "restarts of containers"
        case .utilisation(let resource): "utilisation of \(resource)"
        case .podStart(.mean): "mean time from creation to readiness of pods"
        case .podStart(.maximum): "longest time from creation to readiness of pods"
        case .requests(let figure, let source): figure.description + (source.map { " of \($0)" } ?? "")
        case .invariants(let converge): converge ? "all invariants, and rest in the end" : "all invariants"
        case .podStart(let quantile): "\(quantile.rawValue) of the time from creation to readiness of pods"
        }
    }
}

extension Expectation.RequestFigure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .availability: "share of good requests"
        case .failed: "failed requests"
        case .errorSeconds: "seconds with failed requests"
        case .maximum: "longest latency of requests"
        case .p50, .p90, .p99, .p999: "\(rawValue) of the latency of requests"
        }
    }
}
