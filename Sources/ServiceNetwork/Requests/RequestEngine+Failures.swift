// Where requests fail: at a machine that may have failed itself, or for reasons that lie elsewhere.

import DiscreteEvents

/// The nodes at which a request failed, if it failed because of what is on them; negative: none of the cluster's.
public struct FailureSite: Hashable, Sendable {
    /// The node of the pod that did not answer, broke the connection or refused it.
    public var pod: NodeNumber
    /// The node where the request was sent from or came in, if packets between that and the pod were lost, or it was dead.
    public var client: NodeNumber

    /// No pod was there to be asked, those that were had too much to do, or rules kept the client out.
    public static let unknown = FailureSite(pod: -1, client: -1)

    public init(pod: NodeNumber, client: NodeNumber = -1) {
        self.pod = pod
        self.client = client
    }

    public var isKnown: Bool { pod >= 0 || client >= 0 }
}

/// A request that failed.
public struct FailedRequest: Hashable, Sendable {
    public var source: SourceNumber
    public var started: SimulatedTime
    public var ended: SimulatedTime
    public var site: FailureSite

    public init(source: SourceNumber, started: SimulatedTime, ended: SimulatedTime, site: FailureSite) {
        self.source = source
        self.started = started
        self.ended = ended
        self.site = site
    }
}

extension RequestEngine {
    /// Notes where an attempt failed.
    mutating func blame(_ attempt: Attempt, _ result: RequestResult) {
        let place = Int(attempt.request.index)
        // The call that failed has told already.
        if result == .failed { return }
        requests[place].failureSite = site(of: attempt, result, requests[place])
    }

    private func site(of attempt: Attempt, _ result: RequestResult, _ request: Request) -> FailureSite {
        if attempt.isLost || (result == .timedOut && hasLostEntry(attempt)) { return FailureSite(pod: -1, client: attempt.node) }
        guard attempt.pod >= 0 else { return .unknown }
        let node = pods[Int(attempt.pod)].node
        switch result {
        case .refused, .reset: return FailureSite(pod: node)
        // One that is only slow is no failure of its machine.
        case .timedOut where attempt.stage.isSilent && !isDenied(request, attempt.pod, from: attempt.node):
            return FailureSite(pod: node, client: attempt.node)
        case .timedOut, .overloaded, .failed, .succeeded: return .unknown
        }
    }

    /// A request is over, and failed.
    mutating func countFailure(_ request: Request) {
        let source = Int(request.source)
        sources[source].countFailure(sentAt: request.started)
        guard recordsFailures, !sources[source].isOnDemand else { return }
        failures.append(FailedRequest(source: request.source, started: request.started, ended: now, site: request.failureSite))
    }
}
