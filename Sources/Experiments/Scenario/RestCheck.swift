// Whether a cluster that is expected to be at rest in the end has the time for it: tolerations of lost nodes, back-offs of crashing
// containers and the windows of autoscalers take theirs one after the other.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// Finds faults and actions that are over too late for `converge`.
struct RestCheck {
    /// How long before the end the last of them should be over.
    static let needed = SimulatedDuration.minutes(20)

    /// The end of the last fault or action of the run.
    private let last: SimulatedTime?
    private let end: SimulatedTime

    init(_ configuration: ClusterConfiguration, end: SimulatedTime) {
        self.end = end
        let failures = configuration.faults.filter { $0.begin <= end }.map(\.end)
        let servers = configuration.apiServerFaults.filter { $0.at <= end }.map { $0.at + $0.down }
        let registries = configuration.registryOutages.filter { $0.at <= end }.map { $0.at + ($0.down ?? .zero) }
        let actions = configuration.timeline.map(\.at).filter { $0 <= end }
        last = (failures + servers + registries + actions).max().map { min($0, end) }
    }

    /// What is to be told of an expectation; nil: there is time enough.
    func warning(about expectation: Expectation) -> String? {
        guard case .invariants(converge: true) = expectation.subject, let last, end - last < RestCheck.needed else { return nil }
        let rest = last == end ? "at the end" : "\((end - last).text) before the end"
        return "the last fault or action is over \(rest); a cluster takes up to \(RestCheck.needed.text) to come to rest after it"
    }
}

extension Fault {
    /// When it may begin first; and when it is over, as far as can be told: repairs at random take their time after that.
    fileprivate var begin: SimulatedTime { if case .once(let at, _) = schedule { at } else { .zero } }
    fileprivate var end: SimulatedTime {
        switch schedule {
        case .once(let at, let down):
            if case .reclamation(let reclamation) = effect { at + reclamation.notice } else { at + (down ?? .zero) }
        case .random(_, _, let until): until ?? .distantFuture
        }
    }
}
