// The seam at which a test plants a bug, to see that the invariants find it. No run but such a test has one.

import APIServer
import DiscreteEvents

/// A bug in the way between components and the API server.
package protocol Saboteur: Sendable {
    /// Carries out something else than what was asked; nil leaves the request to the API server.
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult?
    /// Whether a watcher gets to see an event.
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool
    /// Whether kube-proxies, the DNS server and Ingress controllers hear of an event.
    func reachesNetwork(_ event: WatchEvent) -> Bool
}

extension Saboteur {
    package func reachesNetwork(_ event: WatchEvent) -> Bool { true }
}
