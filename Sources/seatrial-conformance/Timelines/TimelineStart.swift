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
            // The start in seconds since the dump's own clock: with the fraction that the API's whole seconds show, at the CronJob's minute
            // or just before its job came.
            origin = snapshotTime
            let fraction = second - second.rounded(.down)
            let since = wallClock.map { ($0 - Double(snapshotTime) - fraction).rounded(.up) } ?? 5
            zero = SimulatedTime(seconds: max(0, since) + fraction)
        } else {
            // Two minutes for the cluster to be there; the origin is a full minute.
            let minute = wallClock.map { (($0.rounded(.up) + 0.5 - second) / TimelineStart.secondsPerMinute).rounded() } ?? 29_920_000
            origin = Int64((minute - 2) * TimelineStart.secondsPerMinute)
            zero = SimulatedTime(seconds: 2 * TimelineStart.secondsPerMinute + second)
        }
        let start = zero
        func instant(_ milliseconds: Double) -> SimulatedTime { start + .microseconds(Int(milliseconds * 1000)) }
        let detections = TimelineStart.detections(view)
        let pass = detections.first?.time ?? TimelineStart.otherPass(view)
        nodeMonitorPhase = (pass.map { instant($0) - TimelineStart.reaction } ?? .zero).sinceStart
        let collections = view.tracks.flatMap(TimelineStart.collections)
        let collection = collections.min() ?? TimelineStart.forcedDeletion(view) ?? TimelineStart.firstCollection(recording, view)
        // Where nothing was collected, the pass before the end comes too early for what is not collected yet.
        podCollectionPhase = (instant(collection ?? view.lastTime + 7000) - TimelineStart.reaction).sinceStart
        renewals = TimelineStart.renewals(recording, detections).map { ($0.node, instant($0.at)) }
    }

    /// When pod garbage collection took a pod: the condition says so, or the pod failed while its containers went on.
    private static func collections(_ track: ObjectTrack) -> [Double] {
        guard track.kind == "Pod" else { return [] }
        let isDeleted = { (time: Double) in track.history.contains { $0.path == "deletionTimestamp" && $0.time < time } }
        let isEnding = { (time: Double) in track.history.contains { $0.path == "containers" && $0.time == time } }
        return track.history.filter { transition in
            if transition.value?.string == "True/DeletionByPodGC" { return true }
            return transition.path == "phase" && transition.value?.string == "Failed" && isDeleted(transition.time)
                && !isEnding(transition.time)
        }.map(\.time)
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

    /// Seconds since 1970 at time zero, from the names of a CronJob's jobs (the minute they are for), at most a second early: such a
    /// job comes some milliseconds after its minute.
    private static func wallClock(_ view: TimelineView) -> Double? {
        for track in view.tracks where track.kind == "Job" && !track.isInitial && track.controller?.kind == "CronJob" {
            guard let minute = track.name.split(separator: "-").last.flatMap({ Double($0) }), minute > 20_000_000 else { continue }
            return minute * secondsPerMinute - track.created / 1000
        }
        return nil
    }

    /// When pod garbage collection first wrote: a pod that failed though nobody stopped its containers.
    private static func firstCollection(_ recording: TimelineRecording, _ view: TimelineView) -> Double? {
        var first: Double?
        for track in view.tracks where track.kind == "Pod" {
            for change in track.history where change.path == "phase" && change.value?.string == "Failed" {
                let isReported = track.history.contains { $0.path == "containers" && $0.time == change.time }
                let isPatched = recording.actions.contains { action in
                    guard case .patch("Pod", _, _, status: true) = action.action else { return false }
                    return (0...500).contains(change.time - Double(action.time))
                }
                if !isReported, !isPatched { first = min(first ?? change.time, change.time) }
            }
        }
        return first
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

    /// A pass of the node monitor that found no silent node: it queued one that said itself that it is not ready (the queue was
    /// looked at within a tenth of a second), or noticed that one is gone.
    private static func otherPass(_ view: TimelineView) -> Double? {
        let taints = view.tracks.lazy.filter { $0.kind == "Node" }.flatMap(\.history).filter {
            $0.path == "taintTimes.node.kubernetes.io/not-ready:NoExecute" && $0.value != nil
        }
        let removals = view.events.filter { $0.reason == "RemovingNode" }
        return (taints.map { $0.time - 50 } + removals.map(\.time)).min()
    }

    /// A pass of pod garbage collection on a node that was declared out of service: the first pod made Failed after that.
    private static func forcedDeletion(_ view: TimelineView) -> Double? {
        let declared = view.tracks.lazy.filter { $0.kind == "Node" }.flatMap(\.history).first {
            $0.path == "taints" && ($0.value.map { "\($0)".contains("out-of-service") } ?? false)
        }
        guard let declared else { return nil }
        let failed = view.tracks.lazy.filter { $0.kind == "Pod" }.flatMap(\.history).filter {
            $0.path == "phase" && $0.value?.string == "Failed" && $0.time > declared.time
        }
        return failed.map(\.time).min()
    }

    /// The last renewals of kubelets that were stopped: such that the pass a grace period before the detection was the first to
    /// see them. At most one renewal period old when the kubelet stopped.
    private static func renewals(
        _ recording: TimelineRecording, _ detections: [(node: String, time: Double)]
    ) -> [(node: String, at: Double)] {
        let (grace, period, longestRenewal, margin) = (50_000.0, 5_000.0, 10_400.0, 20.0)
        var found: [(node: String, at: Double)] = []
        for action in recording.actions {
            let nodes: [String]
            switch action.action {
            case .stopKubelets(let names): nodes = names
            default: continue
            }
            let stopped = Double(action.time)
            let noticed = nodes.compactMap { node in detections.first { $0.node == node && $0.time > stopped } }.sorted {
                $0.time < $1.time
            }
            // A pass takes its time, and the next begins a period after its end: quiet ones before the first, late ones after it.
            var passes: [Double] = []
            for (index, detection) in noticed.enumerated() where index == 0 || detection.time - noticed[index - 1].time > 0.98 * period {
                passes.append(detection.time)
            }
            for (node, time) in noticed {
                guard let pass = passes.lastIndex(where: { $0 <= time }) else { continue }
                let tooEarly = pass == 0 ? passes[0] - period : passes[pass - 1]
                var seen = passes[0] - grace
                while seen + grace <= passes[pass] {
                    let (earliest, latest) = (max(seen - period, stopped - longestRenewal), min(seen - margin, stopped))
                    if seen + grace > tooEarly, earliest < latest {
                        found.append((node, (earliest + latest) / 2))
                        break
                    }
                    seen += period
                }
            }
        }
        return found
    }
}
