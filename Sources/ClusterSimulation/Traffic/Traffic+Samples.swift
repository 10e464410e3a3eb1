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

    /// From now on every request is recorded when it is sent and when it ends.
    mutating func recordEveryRequest() {
        engine.recordsStarts = true
        engine.recordsOutcomes = true
        engine.outcomeInterval = 1
    }

    /// What was recorded of requests since the last call: those sent, and those that ended.
    mutating func takeRequests() -> (sent: [SentRequest], ended: [TrafficRecord.Request]) {
        let sent = engine.takeStarts().map { start in
            SentRequest(source: Int(start.source), number: start.number, time: start.time, client: name(ofNode: start.client))
        }
        defer { record.requests.removeAll(keepingCapacity: true) }
        return (sent, record.requests)
    }

    private func name(ofNode node: NodeNumber) -> String? { node < 0 ? nil : engine.network.nodes[Int(node)].name }
}

/// A request when it is sent.
package struct SentRequest: Sendable {
    /// Which source it is of, as in ``TrafficRecord/sources``.
    package var source: Int
    /// Which of the source's requests: 0, 1, 2, ...
    package var number: UInt64
    package var time: SimulatedTime
    /// The node that it is sent from, or where it comes in; nil: none.
    package var client: String?
}

extension Cluster {
    /// From now on every request is recorded when it is sent and when it ends, whatever the recording's options say.
    package mutating func recordEveryRequest() { traffic?.recordEveryRequest() }

    /// What was recorded of requests since the last call: those sent, and those that ended.
    package mutating func takeRequests() -> (sent: [SentRequest], ended: [TrafficRecord.Request]) {
        traffic?.takeRequests() ?? ([], [])
    }

    /// What sources of traffic are called, by their numbers.
    package var trafficSources: [String] { traffic?.record.sources.map(\.name) ?? [] }
}
