// load-watcher and what feeds it: how schedulers that go by the real load of nodes hear of it, and how old that is.
// <https://github.com/paypal/load-watcher>

import DiscreteEvents
import NodeAgent
import Scheduling

/// Samples of what the nodes use, and the report that load-watcher made of them last.
///
/// A sample is taken of each node every 30 s, as Prometheus' rules do: the mean of its cpu over the last five minutes and its memory. Every
/// minute load-watcher takes the mean and the standard deviation of the samples of the last quarter of an hour, and the latest figures that
/// metrics-server has. The scheduler's plugins fetch its report every 30 s: they go by figures that are half a minute to a minute and a half
/// old.
///
/// Runs only where a plugin asks for it, see ``LoadLedger``.
struct LoadWatcher: Sendable {
    static let interval = SimulatedDuration.seconds(30)
    /// load-watcher asks in every second round.
    private static let roundsPerReport = 2
    /// The samples of five minutes, and of a quarter of an hour.
    private static let samplesOfRate = 10
    private static let samplesOfWindow = 30

    /// Shares of a machine's cores and memory.
    struct Sample: Hashable, Sendable {
        var cpu: Double
        var memory: Double
    }

    /// What is remembered of a node, the latest last; nil: nobody answered.
    private struct History: Sendable {
        /// What cores were used in each interval.
        var used: [Double?] = []
        var samples: [Sample?] = []

        mutating func add(_ sample: Sample?) {
            used.append(sample?.cpu)
            if used.count > LoadWatcher.samplesOfRate { used.removeFirst() }
            samples.append(
                sample.map { sample in
                    let known = used.compactMap { $0 }
                    return Sample(cpu: known.reduce(0, +) / Double(known.count), memory: sample.memory)
                })
            if samples.count > LoadWatcher.samplesOfWindow { samples.removeFirst() }
        }

        var average: MeasuredLoad? {
            let known = samples.compactMap { $0 }
            guard !known.isEmpty else { return nil }
            return MeasuredLoad(cpu: History.share(known.map(\.cpu)), memory: History.share(known.map(\.memory)))
        }

        /// The standard deviation is that of the samples themselves, as Prometheus has it, not of what they stand for.
        private static func share(_ values: [Double]) -> MeasuredLoad.Share {
            let mean = Statistics.mean(values)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            return MeasuredLoad.Share(mean: mean, deviation: variance.squareRoot())
        }
    }

    /// By the number of the node.
    private var histories: [History] = []
    private var rounds = 0
    /// The latest report, and whether the scheduler has fetched it.
    private(set) var report: LoadReport?
    private var isFetched = true
    /// From the first round, in which everybody starts, to the second.
    let phase: SimulatedDuration

    init(seed: UInt64) {
        var stream = RandomStream(seed: seed, purpose: .loadWatcherPhase, owner: 0)
        phase = LoadWatcher.interval * stream.uniform()
    }

    /// A round: `samples` has what each node used since the last one, `latest` what metrics-server says of it.
    mutating func round(_ samples: [Sample?], names: [String], latest: [Sample?], at now: SimulatedTime) {
        while histories.count < samples.count { histories.append(History()) }
        for (number, sample) in samples.enumerated() { histories[number].add(sample) }
        defer { rounds += 1 }
        guard rounds % LoadWatcher.roundsPerReport == 0 else { return }
        isFetched = false
        report = LoadReport(
            time: now,
            entries: samples.indices.map { number in
                let figures = latest[number]
                return LoadReport.Entry(
                    node: names[number],
                    latest: figures.map { MeasuredLoad(cpu: .init(mean: $0.cpu), memory: .init(mean: $0.memory)) },
                    average: histories[number].average)
            })
    }

    /// The report, if it was not fetched before.
    mutating func fetch() -> LoadReport? {
        defer { isFetched = true }
        return isFetched ? nil : report
    }
}

extension Cluster {
    /// Has loads measured from now on if the scheduler goes by them. A scheduler that has just started fetches what is known.
    mutating func beginWatchingLoads() {
        guard scheduler.readsLoads else { return }
        if loadWatcher == nil {
            let watcher = LoadWatcher(seed: configuration.value.seed)
            loadWatcher = watcher
            measureLoads()
            queue.schedule(.loadsWatched, at: now + watcher.phase)
        }
        _ = loadWatcher?.fetch()
        if let report = loadWatcher?.report { scheduler.take(report) }
    }

    /// A round. The scheduler fetches what load-watcher made in the one before.
    mutating func watchLoads() {
        guard scheduler.readsLoads else {
            loadWatcher = nil
            return
        }
        if let report = loadWatcher?.fetch() { scheduler.take(report) }
        measureLoads()
        queue.schedule(.loadsWatched, at: now + LoadWatcher.interval)
    }

    private mutating func measureLoads() {
        let time = now
        traffic?.advance(to: time)
        let numbers = 0..<nodeAgent.count
        let samples = numbers.map { load(ofNode: $0, over: LoadWatcher.interval) }
        let latest = numbers.map { load(ofNode: $0, over: max(configuration.value.metrics.resolution, .seconds(1))) }
        loadWatcher?.round(samples, names: numbers.map { nodeAgent.name(of: $0) }, latest: latest, at: time)
    }

    /// What a node used in the time just past, as shares of what it has; nil: nobody answers for it.
    private func load(ofNode number: Int, over interval: SimulatedDuration) -> LoadWatcher.Sample? {
        guard let (cores, figures) = usage(ofNode: number, over: interval) else { return nil }
        return LoadWatcher.Sample(cpu: min(1, cores / figures.cores), memory: min(1, figures.memory / figures.bytes))
    }

    /// What a node used in the time just past: its cores with what requests took, and all else that its kubelet knows; nil: nobody answers for it.
    func usage(
        ofNode number: Int, over interval: SimulatedDuration
    ) -> (cores: Double, figures: NodeAgent.MachineFigures)? {
        let begin = max(.zero, now - interval)
        guard let figures = nodeAgent.figures(ofMachine: number, from: begin, to: now) else { return nil }
        var cores = figures.cpu
        if let traffic, begin < now {
            for pod in figures.pods { cores += traffic.cpuTime(of: pod, from: begin, to: now) / (now - begin).seconds }
        }
        return (cores, figures)
    }
}

extension RandomPurpose {
    static let loadWatcherPhase = RandomPurpose("load-watcher phase")
}
