// The phases a recording starts at: where in the second, the minute and the controllers' periods. No line says them; what the
// lines show fixes them.

import DiscreteEvents
import KubernetesAPI

/// When a recording's time zero is on the simulated clock, and the phases of what runs periodically. They are inputs of the replay:
/// which tick of the clock it was is chance, what came of it is not.
struct TimelineStart {
    /// Simulated time of the recording's time zero.
    let zero: SimulatedTime
    /// Seconds since 1970 at simulated time zero.
    let origin: Int64
    let nodeMonitorPhase: SimulatedDuration
    let podCollectionPhase: SimulatedDuration
    /// When nodes that fell silent had renewed their leases last.
    let renewals: [(node: String, at: SimulatedTime)]

    /// A controller's write shows this long after the tick that made it come.
    private static let reaction = SimulatedDuration.milliseconds(8)
    private static let secondsPerMinute = 60.0

    init(_ recording: TimelineRecording, _ view: TimelineView, snapshotTime: Int64?) {
        let second = TimelineStart.secondOfMinute(recording, view)
        let wallClock = TimelineStart.wallClock(view)
        if let snapshotTime {
            // The start in seconds since the dump's own clock.
            origin = snapshotTime
            let since = wallClock.map { $0 - Double(snapshotTime) } ?? 5
            zero = SimulatedTime(seconds: since.rounded(.down) + (second - second.rounded(.down)))
        } else {
            // Two minutes for the cluster to be there; the origin is a full minute.
            let minute = wallClock.map { (($0 + 0.5 - second) / TimelineStart.secondsPerMinute).rounded() } ?? 29_920_000
            origin = Int64((minute - 2) * TimelineStart.secondsPerMinute)
            zero = SimulatedTime(seconds: 2 * TimelineStart.secondsPerMinute + second)
        }
        let start = zero
        func instant(_ milliseconds: Double) -> SimulatedTime { start + .microseconds(Int(milliseconds * 1000)) }
        let detections = TimelineStart.detections(view)
        let pass = detections.first?.time ?? TimelineStart.firstEvictingTaint(view)
        nodeMonitorPhase = (pass.map { instant($0) - TimelineStart.reaction } ?? .zero).sinceStart
        let collections = view.tracks.flatMap(\.history).filter { $0.value?.string == "True/DeletionByPodGC" }.map(\.time)
        podCollectionPhase = (collections.min().map { instant($0) - TimelineStart.reaction } ?? .zero).sinceStart
        renewals = TimelineStart.renewals(recording, detections).map { ($0.node, instant($0.at)) }
    }

    /// The second of the minute at time zero: as recorded, or whatever fits the API's times, which are whole seconds.
    private static func secondOfMinute(_ recording: TimelineRecording, _ view: TimelineView) -> Double {
        for action in recording.actions { if case .secondOfMinute(let second) = action.action { return second } }
        for transition in view.tracks.lazy.flatMap(\.history) where TimelineFields.isTime(transition.path) {
            guard let time = transition.value?.double else { continue }
            let fraction = time - time.rounded(.down)
            return fraction == 0 ? 0 : 1 - fraction
        }
        return 0
    }

    /// Seconds since 1970 at time zero, from the names of a CronJob's jobs (the minute they are for), within a second.
    private static func wallClock(_ view: TimelineView) -> Double? {
        for track in view.tracks where track.kind == "Job" && !track.isInitial && track.controller?.kind == "CronJob" {
            guard let minute = track.name.split(separator: "-").last.flatMap({ Double($0) }), minute > 20_000_000 else { continue }
            return minute * secondsPerMinute - (track.created / 1000).rounded(.down)
        }
        return nil
    }

    /// When the monitor's pass came that drove pods off a node that was not ready: the taint follows within 0.1 s.
    private static func firstEvictingTaint(_ view: TimelineView) -> Double? {
        let taint = "taintTimes.node.kubernetes.io/not-ready:NoExecute"
        let times = view.tracks.filter { $0.kind == "Node" }.flatMap(\.history).filter { $0.path == taint && $0.value != nil }.map(\.time)
        return times.min().map { $0 - 50 }
    }

    /// Nodes that turned Ready=Unknown.
    private static func detections(_ view: TimelineView) -> [(node: String, time: Double)] {
        var found: [(node: String, time: Double)] = []
        for track in view.tracks where track.kind == "Node" {
            for transition in track.history
            where transition.path == "conds.Ready" && transition.value?.string == "Unknown/NodeStatusUnknown" {
                found.append((track.name, transition.time))
            }
        }
        return found.sorted { $0.time < $1.time }
    }

    /// The last renewals of kubelets that were stopped: such that the pass a grace period before the detection was the first to
    /// see them. At most one renewal period old when the kubelet stopped.
    private static func renewals(
        _ recording: TimelineRecording, _ detections: [(node: String, time: Double)]
    ) -> [(node: String, at: Double)] {
        let (grace, period, longestRenewal) = (50_000.0, 5_000.0, 10_400.0)
        var found: [(node: String, at: Double)] = []
        for action in recording.actions {
            let nodes: [String]
            switch action.action {
            case .stopKubelets(let names): nodes = names
            case .crash(let name): nodes = [name]
            default: continue
            }
            for node in nodes {
                let stopped = Double(action.time)
                guard let detection = detections.first(where: { $0.node == node && $0.time > stopped }) else { continue }
                let earliest = max(detection.time - grace - period, stopped - longestRenewal)
                let latest = min(detection.time - grace - 20, stopped)
                if earliest < latest { found.append((node, (earliest + latest) / 2)) }
            }
        }
        return found
    }
}
