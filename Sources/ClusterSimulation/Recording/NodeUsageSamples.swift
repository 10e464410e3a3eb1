// What nodes really use, sample by sample: as their kubelets would tell, with what requests take.

import DiscreteEvents

/// What a node used in the time before a moment: a row of `node-usage.csv`.
public struct NodeUsageSample: Sendable {
    public var time: SimulatedTime
    public var node: String
    /// Cores, on average over the last 30 s, or since the sample before if that was later.
    public var cpu: Double
    /// Bytes, at that moment.
    public var memory: Double
}

extension Cluster {
    /// The most time a sample is about; as load-watcher's, and within what is remembered of requests' use.
    private static let longestUsage = SimulatedDuration.seconds(30)

    /// Samples all nodes whose machines run, if that is asked for.
    mutating func sampleNodeUsage() {
        let recording = configuration.value.recording
        guard recording.nodeUsage else { return }
        let time = now
        traffic?.advance(to: time)
        let span = min(recording.interval ?? Cluster.longestUsage, Cluster.longestUsage, configuration.value.metrics.memory)
        for number in 0..<nodeAgent.count {
            guard let usage = usage(ofNode: number, over: span) else { continue }
            recorder.add(NodeUsageSample(time: time, node: nodeAgent.name(of: number), cpu: usage.cores, memory: usage.figures.memory))
        }
    }
}
