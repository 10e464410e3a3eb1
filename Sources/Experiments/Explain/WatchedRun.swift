// A run with everything written down that explanations need.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import Scheduling

/// A run, and the decisions of its scheduler about some pods.
struct WatchedRun: Sendable {
    let record: RunRecord
    let decisions: [NotedDecision]

    /// Simulates a scenario.
    ///
    /// - Parameters:
    ///   - subject: the pods whose decisions are wanted.
    ///   - end: nil: the scenario's.
    ///   - progress: called now and then with the time reached.
    init(
        _ scenario: Scenario, decisionsAbout subject: DecisionNotes.Subject, until end: SimulatedTime? = nil,
        progress: ((SimulatedTime) -> Void)? = nil
    ) throws(ScenarioError) {
        var scenario = scenario
        scenario.configuration.recording.events = true
        scenario.configuration.recording.schedulingAttempts = true
        var cluster = try scenario.makeCluster()
        cluster.noteDecisions(about: subject)
        let end = end ?? .zero + scenario.duration
        let steps: Int64 = 1000
        for step in 1...steps {
            let time = SimulatedTime.zero + SimulatedDuration(nanoseconds: end.sinceStart.nanoseconds / steps * step)
            try scenario.run(&cluster, until: step == steps ? end : time)
            progress?(time)
        }
        decisions = cluster.notedDecisions
        record = cluster.finish()
    }

    /// The attempts to schedule the pods of a name whose decisions were taken down, in order.
    func attempts(about pod: NamespacedName) -> [PodStory.Attempt] {
        let outcomes = record.attempts.filter { $0.pod == pod }
        return decisions.compactMap { note in
            guard note.pod == pod, let outcome = outcomes.first(where: { $0.number == note.attempt && $0.start == note.time })
            else { return nil }
            return PodStory.Attempt(outcome: outcome, decision: note.decision)
        }
    }
}
