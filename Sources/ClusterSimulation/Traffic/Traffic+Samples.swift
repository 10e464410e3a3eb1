// Single requests, every so many-th of them, for those who want to look closely.

import DiscreteEvents
import ServiceNetwork

extension Traffic {
    /// Takes over what the engine kept of requests that ended.
    mutating func collectSamples() {
        guard engine.recordsOutcomes else { return }
        for outcome in engine.takeOutcomes() {
            let pod = outcome.pod >= 0 ? servers.pods[servers[outcome.pod].pod].reference.key : nil
            record.requests.append(
                TrafficRecord.Request(
                    source: Int(outcome.source), number: outcome.number, started: outcome.started, ended: outcome.ended,
                    result: outcome.result, attempts: outcome.attempts, client: name(ofNode: outcome.client), pod: pod,
                    node: outcome.pod >= 0 ? name(ofNode: engine.node(of: outcome.pod)) : nil))
        }
    }

    private func name(ofNode node: NodeNumber) -> String? { node < 0 ? nil : engine.network.nodes[Int(node)].name }
}
