// How fast the recorded control plane reacted: the simulator's latencies in the replay.

import APIServer
import DiscreteEvents

/// The recordings were made on a shared machine, some under more load than others. The scheduler's binding of a new pod is one watch
/// event, one decision and one request; the kubelet's first word about it is another. Their medians set the latencies of all.
struct TimelineLatencies {
    /// From a pod's creation to its binding, milliseconds.
    private let reaction: Double
    /// From its binding to its kubelet's first status.
    let kubelet: Double

    private static let bounds = 6.0...24.0

    init(_ view: TimelineView) {
        var reactions: [Double] = []
        var statuses: [Double] = []
        for track in view.tracks where track.kind == "Pod" && !track.isInitial {
            guard let bound = track.history.first(where: { $0.path == "node" })?.time, bound > track.created else { continue }
            reactions.append(bound - track.created)
            if let first = track.history.first(where: { $0.path == "containers" })?.time { statuses.append(first - bound) }
        }
        reaction = TimelineLatencies.median(reactions)
        kubelet = TimelineLatencies.median(statuses)
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.isEmpty ? bounds.lowerBound : sorted[sorted.count / 4]
        return min(max(middle, bounds.lowerBound), bounds.upperBound)
    }

    /// To and from the API server, and to its watchers, who learn of a write when its author does.
    var timing: ControlPlaneTiming {
        var timing = ControlPlaneTiming()
        func milliseconds(_ value: Double) -> SimulatedDuration { .microseconds(Int(value * 1000)) }
        timing.requestLatency = milliseconds(request)
        timing.responseLatency = milliseconds(request)
        timing.controllerManagerWatchLatency = milliseconds(reaction / 2)
        timing.schedulerWatchLatency = milliseconds(reaction / 2)
        timing.kubeletWatchLatency = milliseconds(wayToKubelet)
        return timing
    }

    /// From sending a request to its commit.
    var request: Double { reaction / 2 }
    /// From a commit to the kubelet concerned.
    var wayToKubelet: Double { max(2, kubelet - request) }
}
