// What a failure of nodes costs those who send requests, counted by cause where a request tells it.

import DiscreteEvents
import ServiceNetwork

/// Requests that a failure lost.
public struct LostRequests: Hashable, Sendable {
    public private(set) var requests: UInt64 = 0
    /// The seconds in which they were sent, ascending.
    private var seconds: [Int] = []

    /// Seconds in which any of them was sent.
    public var errorSeconds: Int { seconds.count }

    mutating func count(sentAt time: SimulatedTime) {
        requests += 1
        let second = time.countedSecond
        // Mostly the last one.
        var place = seconds.count
        while place > 0, seconds[place - 1] > second { place -= 1 }
        if place == 0 || seconds[place - 1] != second { seconds.insert(second, at: place) }
    }
}

/// Whom a failure of nodes can harm.
struct FailureReach: Hashable, Sendable {
    /// The nodes that it hits, those that something else keeps down already too; ascending.
    private let nodes: [NodeNumber]
    /// The sources whose requests need something on these nodes: see ``Traffic/reach(of:cutOff:)``.
    let sources: [Int]

    init(nodes: [NodeNumber] = [], sources: [Int] = []) {
        self.nodes = nodes.sorted()
        self.sources = sources
    }

    func contains(_ node: NodeNumber) -> Bool {
        var (low, high) = (0, nodes.count)
        while low < high {
            let middle = (low + high) / 2
            if nodes[middle] < node { low = middle + 1 } else { high = middle }
        }
        return low < nodes.count && nodes[low] == node
    }

    /// Whether any of some nodes is one that it hits.
    func containsAny(of others: Set<NodeNumber>) -> Bool { nodes.contains { others.contains($0) } }
}

extension RecoveryRecord {
    /// Whether the failure lost a request.
    ///
    /// One that failed at a machine (``FailureSite``) is lost to the failures that hit this machine, if it was under way at any moment before the machine was back and all
    /// was whole again. Where no machine is to blame - no endpoint was left, those that were left had too much to do - it is lost if it needs the failed nodes and
    /// was sent between the failure and the recovery.
    func loses(_ request: FailedRequest) -> Bool {
        guard request.site.isKnown else {
            return reach.sources.contains(Int(request.source)) && request.started >= failed
                && request.started <= recovered ?? .distantFuture
        }
        return (reach.contains(request.site.pod) || reach.contains(request.site.client)) && request.ended >= failed
            && request.started <= harmless
    }

    /// From when on it harms nobody any more.
    private var harmless: SimulatedTime {
        guard let recovered, let returned else { return .distantFuture }
        return max(recovered, returned)
    }
}

extension [RecoveryRecord] {
    /// Books requests that failed to all failures that lost them.
    mutating func book(_ requests: [FailedRequest]) {
        guard let first = requests.map(\.started).min() else { return }
        // Sites that are nobody's are negative, and so no failure's.
        let sites = Set(requests.flatMap { [$0.site.pod, $0.site.client] })
        for row in indices where self[row].canLose(requestsSince: first, at: sites) {
            for request in requests where self[row].loses(request) { self[row].lost.count(sentAt: request.started) }
        }
    }
}

extension RecoveryRecord {
    /// Whether it may have lost requests that were sent from a time on and failed at some machines, or none. Once all is whole again only its
    /// own machines lose any: those that never come back for ever, but hardly anybody asks them.
    fileprivate func canLose(requestsSince time: SimulatedTime, at sites: Set<NodeNumber>) -> Bool {
        if harmless < time { return false }
        return recovered.map { $0 >= time } ?? true || reach.containsAny(of: sites)
    }
}

extension Cluster {
    /// Books the requests that failed since the last call.
    mutating func bookLostRequests() {
        guard let failed = traffic?.takeFailures() else { return }
        recorder.lost(failed)
    }
}
