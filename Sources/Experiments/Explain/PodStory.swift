// The life of one pod in a run, and why the scheduler decided about it as it did.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import Scheduling

/// A pod's life, gathered from a run that is done again.
public struct PodStory: Sendable {
    /// A decision of the scheduler, with the attempt it led to.
    public struct Attempt: Sendable {
        public let outcome: SchedulingAttempt
        /// Every verdict and every score, as the scheduler saw them.
        public let decision: Decision
    }

    public let scenario: Scenario
    /// As the API had it in the end, or when the pod was gone.
    public let pod: PodRecord
    /// Which of the pods of this name it is, from 1, and how many there were.
    public let incarnation: (number: Int, count: Int)
    public let attempts: [Attempt]
    /// The attempt that is asked about: the latest begun by then. nil: none was.
    public let explained: Attempt?
    /// What Kubernetes reported about it, in order.
    public let events: [(time: SimulatedTime, event: Shared<KubernetesEvent>)]
    /// What became of its node's readiness while it was there.
    public let nodeChanges: [ConditionChange]

    /// Does the run again and watches a pod.
    ///
    /// - Parameters:
    ///   - time: the moment that is asked about; nil: the end.
    ///   - progress: called now and then with the time reached.
    /// - Throws: `ScenarioError` if there is no pod of that name (at that time).
    public init(
        of name: NamespacedName, in run: RepeatableRun, at time: SimulatedTime? = nil, progress: ((SimulatedTime) -> Void)? = nil
    ) throws(ScenarioError) {
        if let time, time < .zero || time > .zero + run.scenario.duration {
            throw ScenarioError(["--at: \(time.sinceStart.text) is outside of the run, which takes \(run.scenario.duration.text)"])
        }
        let watched = try WatchedRun(run.scenario, decisionsAbout: .pod(name), progress: progress)
        let pods = watched.record.pods.filter { $0.name == name }
        guard !pods.isEmpty else { throw ScenarioError(["no pod \(name) in this run" + PodStory.suggestion(name, watched.record)]) }
        guard let index = pods.lastIndex(where: { $0.created <= time ?? .distantFuture }) else {
            throw ScenarioError(["there is no pod \(name) at \(time?.clock ?? ""): the first was created at \(pods[0].created.clock)"])
        }
        let end = index + 1 < pods.count ? pods[index + 1].created : .distantFuture
        let life = pods[index].created..<end
        scenario = run.scenario
        pod = pods[index]
        incarnation = (index + 1, pods.count)
        attempts = watched.attempts(about: name).filter { life.contains($0.outcome.start) }
        explained = attempts.last { $0.outcome.start <= time ?? .distantFuture }
        events = watched.record.events.filter { entry in
            let event = entry.event.value
            return event.involvedKind == Kind.pod.description && event.involved == name && life.contains(entry.time)
        }
        let (pod, gone) = (pods[index], pods[index].deleted ?? .distantFuture)
        nodeChanges = watched.record.conditions.filter { change in
            guard let scheduled = pod.scheduled, change.object.kind == .node, change.condition.type == .ready else { return false }
            return change.object.name.name == pod.node && change.time >= scheduled && change.time <= gone
        }
    }

    /// Names that may have been meant.
    private static func suggestion(_ name: NamespacedName, _ record: RunRecord) -> String {
        var similar: [String] = []
        for pod in record.pods where pod.name.name == name.name || pod.name.description.contains(name.name) {
            let text = pod.name.description
            if !similar.contains(text) { similar.append(text) }
            if similar.count == 4 { break }
        }
        return similar.isEmpty ? "" : "; there is " + similar.prefix(3).joined(separator: ", ") + (similar.count > 3 ? ", ..." : "")
    }
}
