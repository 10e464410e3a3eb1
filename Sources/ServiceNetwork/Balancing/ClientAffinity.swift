// `sessionAffinity: ClientIP`: which endpoints a node remembers for which clients.

import DiscreteEvents

/// What one node remembers of the clients of one Service port.
///
/// Both packet filters remember per endpoint which clients it had last, refresh that with every new connection, and ask the endpoints in their
/// order: after an endpoint's return a client may be remembered by two, and the first wins. In iptables mode (`xt_recent`) an endpoint's list
/// holds 100 clients, and another one displaces the one not seen for longest: busy Services lose affinity. In nftables mode (a set with time-outs)
/// there is room for all.
public struct ClientAffinity: Hashable, Sendable {
    /// `ip_list_tot`, the module's default.
    public static let recentListLimit = 100

    private let limit: Int?
    /// By endpoint number.
    private var lists: [ClientList] = []

    /// - Parameter limit: how many clients an endpoint's list holds; nil: all.
    public init(limit: Int?) {
        self.limit = limit
    }

    /// The first of the endpoints that remembers the client.
    /// - Parameter timeout: how long a client is remembered after its last connection, by the rules of the moment.
    public func endpoint(for client: UInt32, among pods: [Int32], within timeout: SimulatedDuration, at now: SimulatedTime) -> Int32? {
        pods.first { pod in
            guard Int(pod) < lists.count, let seen = lists[Int(pod)].lastSeen(client) else { return false }
            return now - seen < timeout
        }
    }

    /// A connection of the client went to the endpoint.
    public mutating func remember(_ client: UInt32, at pod: Int32, _ now: SimulatedTime) {
        while lists.count <= Int(pod) { lists.append(ClientList()) }
        lists[Int(pod)].see(client, at: now, limit: limit)
    }

    /// The clients of one endpoint.
    private struct ClientList: Hashable, Sendable {
        private var seen: [UInt32: SimulatedTime] = [:]
        /// Only with a limit: the clients in `seen`, to find the one not seen for longest.
        private var clients: [UInt32] = []

        func lastSeen(_ client: UInt32) -> SimulatedTime? { seen[client] }

        mutating func see(_ client: UInt32, at now: SimulatedTime, limit: Int?) {
            let isNew = seen.updateValue(now, forKey: client) == nil
            guard isNew, let limit else { return }
            clients.append(client)
            if clients.count <= limit { return }
            var oldest = 0
            for place in clients.indices where (seen[clients[place]] ?? .zero) < (seen[clients[oldest]] ?? .zero) { oldest = place }
            seen[clients[oldest]] = nil
            clients.remove(at: oldest)
        }
    }
}
