// What a recording tells of a pod that is not the control plane's doing: which of several equal nodes it got, and when its kubelet
// really did what the annotations asked for.

import DiscreteEvents
import NodeAgent

/// The part of one recorded pod. The fake kubelet was one process on a busy machine: it wrote some 10 to 300 ms late, every pod at
/// its own time. Those times are inputs of the replay, as the annotations are, within bounds.
struct PodPart {
    let node: String?
    private let toRunning: Double?
    private let toReady: Double?
    private let toEnd: Double?
    private let toStop: Double?

    /// How far from what the annotations say a kubelet's write may be to count as its lateness, milliseconds.
    private let bounds: ClosedRange<Double>
    /// The same where the real kubelet's code ran: with a client of five requests a second.
    private static let realKubelet = -300.0...1500.0

    init(_ track: ObjectTrack, _ latencies: TimelineLatencies, lateness: Double) {
        // From a commit to the kubelet, and from the kubelet to the commit of what it writes.
        let ways = latencies.wayToKubelet + latencies.request
        func first(_ path: String, after time: Double = -.infinity, _ isWanted: (String) -> Bool) -> Double? {
            track.history.first { $0.path == path && $0.time >= time && ($0.value?.string).map(isWanted) ?? false }?.time
        }
        node = track.history.first { $0.path == "node" }?.value?.string
        bounds = node.map(TimelineMachines.isReal) ?? false ? PodPart.realKubelet : -Relaxations.reaction...lateness
        let bound = first("node") { _ in true }
        let running = first("phase") { $0 == "Running" }
        let ended = first("phase") { $0 == "Succeeded" || $0 == "Failed" }
        let deleted = track.history.first { $0.path == "deletionTimestamp" }?.time
        let ready = running.flatMap { first("conds.Ready", after: $0) { $0 == "True" } }
        func span(_ from: Double?, _ to: Double?) -> Double? { from.flatMap { from in to.map { $0 - from } } }
        toRunning = span(bound, running).map { $0 - ways }
        toReady = span(running, ready)
        let endsAlone = ended.map { $0 < deleted ?? .infinity } ?? false
        toEnd = endsAlone ? span(running, ended) : nil
        toStop = running == nil || endsAlone ? nil : span(deleted, ended).map { $0 - ways }
    }

    /// Makes the containers behave as recorded.
    /// - Returns: how many of their times are further from what the annotations say than the tolerance of times.
    func adjust(_ behaviour: inout WorkloadBehaviour) -> Int {
        guard !behaviour.neverStarts else { return 0 }
        var taken = [
            adjust(&behaviour.start, to: toRunning), adjust(&behaviour.ready, to: toReady), adjust(&behaviour.stop, to: toStop),
        ]
        if var run = behaviour.run {
            taken.append(adjust(&run, to: toEnd))
            behaviour.run = run
        }
        return taken.count { $0 }
    }

    private func adjust(_ nominal: inout Distribution, to recorded: Double?) -> Bool {
        guard let recorded, case .constant(let seconds) = nominal.family, bounds.contains(recorded - seconds * 1000) else { return false }
        nominal = .constant(.microseconds(Int(max(0, recorded) * 1000)))
        return abs(recorded - seconds * 1000) > Relaxations.tolerance(sinceAction: seconds * 1000)
    }
}
