// What the autoscaler remembers of an object between two looks: recommendations, and how much it changed when.
// The lists are in the controller's memory, not in the API: a restart forgets them.

import DiscreteEvents
import KubernetesAPI

/// The past of one autoscaler.
package struct ScalingMemory: Hashable, Sendable {
    struct Recommendation: Hashable, Sendable {
        var replicas: Int32
        var time: SimulatedTime
    }
    /// A change of the scale; `change` is positive in either direction.
    struct ScaleEvent: Hashable, Sendable {
        var change: Int32
        var time: SimulatedTime
        /// Older than any policy of its direction looks back: its place may be taken.
        var isOutdated = false
    }
    private(set) var recommendations: [Recommendation] = []
    private var added: [ScaleEvent] = []
    private var removed: [ScaleEvent] = []

    package init() {}

    /// The size the workload had when the autoscaler first saw it counts as a recommendation.
    mutating func begin(replicas: Int32, at now: SimulatedTime) {
        if recommendations.isEmpty { recommendations.append(Recommendation(replicas: replicas, time: now)) }
    }

    /// Adds a recommendation, in the place of the last one nobody needs any more if there is one.
    mutating func record(_ replicas: Int32, at now: SimulatedTime, replacing index: Int?) {
        let new = Recommendation(replicas: replicas, time: now)
        if let index { recommendations[index] = new } else { recommendations.append(new) }
    }

    /// Adds a change that was made. Without `behavior` nobody asks for it.
    mutating func recordChange(from old: Int32, to new: Int32, _ behavior: HorizontalPodAutoscalerBehavior?, at now: SimulatedTime) {
        guard let behavior else { return }
        if new > old {
            ScalingMemory.record(new - old, in: &added, behavior.scaleUp, at: now)
        } else {
            ScalingMemory.record(old - new, in: &removed, behavior.scaleDown, at: now)
        }
    }

    private static func record(_ change: Int32, in events: inout [ScaleEvent], _ rules: ScalingRules?, at now: SimulatedTime) {
        let longest = rules?.policies?.map(\.periodSeconds).max() ?? 0
        let cutoff = now - .seconds(Int(max(longest, 0)))
        for index in events.indices where events[index].time < cutoff { events[index].isOutdated = true }
        let new = ScaleEvent(change: change, time: now)
        if let place = events.lastIndex(where: \.isOutdated) { events[place] = new } else { events.append(new) }
    }

    /// How many replicas there were when the last `period` seconds began.
    func replicas(atStartOf period: Int32, current: Int32, now: SimulatedTime) -> Int32 {
        let cutoff = now - .seconds(Int(period))
        func sum(_ events: [ScaleEvent]) -> Int32 { events.reduce(0) { $1.time > cutoff ? $0 &+ $1.change : $0 } }
        return current &- sum(added) &+ sum(removed)
    }
}
