// What is kept of a run's requests: intervals with their rates and latencies, seconds with their errors, and each pod's share.

import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

/// The requests of a run.
public struct TrafficRecord: Sendable {
    /// The requests of one source that ended in one interval.
    public struct Interval: Sendable {
        public var source: Int
        public var begin: SimulatedTime
        public var end: SimulatedTime
        public var sent: UInt64
        /// By ``RequestResult``'s raw value.
        public var ended: [UInt64]
        public var retries: UInt64
        public var hedges: UInt64
        /// Seconds, of good answers: half of them, 90, 99 and 99.9 % took no longer, and the longest. NaN if there were none.
        public var quantiles: [Double]
        /// Requests that were not over at the end.
        public var underWay: Int
        public var readyEndpoints: Int
        public var terminatingEndpoints: Int

        public func count(_ result: RequestResult) -> UInt64 { ended[Int(result.rawValue)] }
        public var failures: UInt64 { ended.reduce(0, +) - count(.succeeded) }
    }

    /// What became of requests.
    public struct Totals: Sendable {
        /// By ``RequestResult``'s raw value.
        public fileprivate(set) var results = [UInt64](repeating: 0, count: RequestResult.allCases.count)
        /// Of good answers.
        public fileprivate(set) var latency = LatencyHistogram()

        public var ended: UInt64 { results.reduce(0, +) }
        public func count(_ result: RequestResult) -> UInt64 { results[Int(result.rawValue)] }
        public var failures: UInt64 { ended - count(.succeeded) }

        fileprivate mutating func add(_ statistics: RequestStatistics) {
            for result in RequestResult.allCases { results[Int(result.rawValue)] += statistics.count(result) }
            latency.add(statistics.latency)
        }
    }

    /// A source over the whole run.
    public struct Source: Sendable {
        public let name: String
        public let target: TrafficTarget
        /// What it asks an Ingress' controller for; nil: it asks the target itself.
        public let address: IngressAddress?
        /// Whether these are the calls that pods make to serve other requests.
        public let isCall: Bool
        /// By second: requests that ended, and those of them that ended badly.
        public fileprivate(set) var ended: [UInt32] = []
        public fileprivate(set) var failed: [UInt32] = []
        /// By second: requests that were sent in it, and those of them that failed, then or later.
        public fileprivate(set) var sentBySecond: [UInt32] = []
        public internal(set) var failedSent: [UInt32] = []
        public fileprivate(set) var sent: UInt64 = 0
        public fileprivate(set) var totals = Totals()
        /// Of the intervals that began when the warm-up was over; nothing if there is none.
        public fileprivate(set) var settled = Totals()
        /// When the first of these began.
        fileprivate var settledFrom: SimulatedTime?
        /// Of the interval that is not closed yet: what was counted by the last whole second.
        fileprivate var counted: (ended: UInt64, failed: UInt64, sent: UInt64) = (0, 0, 0)
        fileprivate var opened = SimulatedTime.zero

        /// By ``RequestResult``'s raw value, in the whole run.
        public var results: [UInt64] { totals.results }
        /// In the whole run.
        public var latency: LatencyHistogram { totals.latency }
        public func count(_ result: RequestResult) -> UInt64 { totals.count(result) }
        public var failures: UInt64 { totals.failures }
        /// Seconds in which a request was sent that failed, then or later.
        public var errorSeconds: Int { failedSent.count { $0 > 0 } }
        /// Those that began with the first interval after the warm-up, or after it.
        public var settledErrorSeconds: Int {
            settledFrom.map { begin in failedSent.dropFirst(Int(begin.sinceStart.seconds.rounded(.up))).count { $0 > 0 } } ?? 0
        }
    }

    /// A pod that was an endpoint of a Service, or a host outside of the cluster (without a namespace); once for each of its Services.
    public struct Pod: Sendable {
        public var pod: NamespacedName
        public var service: NamespacedName
        /// Attempts that reached it through that Service.
        public var received: UInt64
        /// What it would have received if the attempts at each moment had been split evenly over the endpoints that were ready then.
        public var evenShare: Double
        /// Cpu time that its requests used, whatever the Service.
        public var cpuSeconds: Double
    }

    /// One of the requests of which more than a count is kept.
    public struct Request: Sendable {
        public var source: Int
        /// Which of the source's requests: 0, 1, 2, ...
        public var number: UInt64
        public var started: SimulatedTime
        public var ended: SimulatedTime
        public var result: RequestResult
        public var attempts: Int
        /// The node that it was sent from, or where it came in; nil: none.
        public var client: String?
        /// Who answered it well, and where; nil: nobody, or no node.
        public var pod: NamespacedName?
        public var node: String?
    }

    public static let levels = [0.5, 0.9, 0.99, 0.999]

    public internal(set) var sources: [Source]
    public private(set) var intervals: [Interval] = []
    public internal(set) var pods: [Pod] = []
    /// In the order in which they ended.
    public internal(set) var requests: [Request] = []

    /// When the warm-up of the run is over; nil: it has none.
    private let warmUpEnd: SimulatedTime?

    init(warmUpEnd: SimulatedTime? = nil) {
        sources = []
        self.warmUpEnd = warmUpEnd
    }

    mutating func add(_ name: String, _ target: TrafficTarget, address: IngressAddress? = nil, isCall: Bool, at now: SimulatedTime = .zero)
    {
        var source = Source(name: name, target: target, address: address, isCall: isCall)
        source.opened = now
        // There was nothing in the seconds before.
        let seconds = sources.first?.ended.count ?? 0
        source.ended = Array(repeating: 0, count: seconds)
        source.failed = source.ended
        source.sentBySecond = source.ended
        sources.append(source)
    }

    /// A second is over.
    mutating func count(_ statistics: RequestStatistics, source: Int) {
        let (ended, failed) = TrafficRecord.totals(statistics)
        sources[source].ended.append(UInt32(ended &- sources[source].counted.ended))
        sources[source].failed.append(UInt32(failed &- sources[source].counted.failed))
        sources[source].sentBySecond.append(UInt32(statistics.sent &- sources[source].counted.sent))
        sources[source].counted = (ended, failed, statistics.sent)
    }

    /// An interval is over: its counts begin anew.
    mutating func close(
        _ source: Int, _ statistics: RequestStatistics, underWay: Int, _ endpoints: (ready: Int, terminating: Int), at now: SimulatedTime
    ) {
        let ended = RequestResult.allCases.map { statistics.count($0) }
        // What ended since the last whole second is the next second's.
        let (all, failed) = TrafficRecord.totals(statistics)
        let counted = sources[source].counted
        sources[source].counted = (counted.ended &- all, counted.failed &- failed, counted.sent &- statistics.sent)
        sources[source].sent += statistics.sent
        sources[source].totals.add(statistics)
        if let warmUpEnd, sources[source].opened >= warmUpEnd {
            sources[source].settled.add(statistics)
            sources[source].settledFrom = sources[source].settledFrom ?? sources[source].opened
        }
        guard now > sources[source].opened else { return }
        let latency = statistics.latency
        let quantiles = TrafficRecord.levels.map { latency.quantile(at: $0) } + [latency.count == 0 ? .nan : latency.maximum.seconds]
        intervals.append(
            Interval(
                source: source, begin: sources[source].opened, end: now, sent: statistics.sent, ended: ended, retries: statistics.retries,
                hedges: statistics.hedges, quantiles: quantiles, underWay: underWay, readyEndpoints: endpoints.ready,
                terminatingEndpoints: endpoints.terminating))
        sources[source].opened = now
    }

    private static func totals(_ statistics: RequestStatistics) -> (ended: UInt64, failed: UInt64) {
        let all = RequestResult.allCases.reduce(0) { $0 + statistics.count($1) }
        return (all, all - statistics.count(.succeeded))
    }
}

// MARK: - Questions

extension TrafficRecord {
    /// Requests that failed from one time to another, over all sources but calls, and the seconds in which any did.
    public func failures(from begin: SimulatedTime, until end: SimulatedTime) -> (requests: UInt64, seconds: Int) {
        var total = (requests: UInt64(0), seconds: 0)
        let first = Int(begin.sinceStart.seconds)
        let last = Int(end.sinceStart.seconds.rounded(.up))
        for second in first..<max(first, last) {
            let failed = sources.reduce(UInt64(0)) { $0 + UInt64(!$1.isCall && second < $1.failed.count ? $1.failed[second] : 0) }
            total.requests += failed
            if failed > 0 { total.seconds += 1 }
        }
        return total
    }

    /// The minute of whose requests, by when they were sent, the largest share failed, then or later; nil if none did.
    public func worstMinute(of source: Int) -> (minute: Int, sent: UInt64, failed: UInt64)? {
        var worst: (minute: Int, sent: UInt64, failed: UInt64)?
        let own = sources[source]
        func sum(_ counts: [UInt32], _ minute: Int) -> UInt64 {
            counts[min(minute * 60, counts.count)..<min((minute + 1) * 60, counts.count)].reduce(0) { $0 + UInt64($1) }
        }
        for minute in 0..<(own.failedSent.count + 59) / 60 {
            let failed = sum(own.failedSent, minute)
            if failed == 0 { continue }
            // What was sent since the last whole second is not counted in it yet.
            let sent = max(sum(own.sentBySecond, minute), failed)
            // Compared as fractions, without rounding.
            if let other = worst, failed * other.sent <= other.failed * sent { continue }
            worst = (minute, sent, failed)
        }
        return worst
    }
}

extension RunRecord {
    /// What a failure of nodes cost; nil without traffic.
    public func requestsLost(in failure: RecoveryRecord) -> LostRequests? { traffic == nil ? nil : failure.lost }
}
