// What containers find when they call a service: whether anybody answers behind it. For workloads that wait for another service.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// The ready endpoints of the services somebody waits for, as the nodes have heard of them. All nodes hear at the same lag.
struct ServiceDirectory: Sendable {
    /// Ready endpoints by service.
    private var ready: [NamespacedName: Int] = [:]

    func isReady(_ service: NamespacedName) -> Bool { ready[service, default: 0] > 0 }

    /// A slice changed (nil: was or is not there). Returns the service if it has its first ready endpoint by that.
    mutating func observe(_ slice: EndpointSlice?, before: EndpointSlice?) -> NamespacedName? {
        guard let service = (slice ?? before)?.service else { return nil }
        let change = (slice?.readyCount ?? 0) - (before?.readyCount ?? 0)
        if change == 0 { return nil }
        let old = ready[service, default: 0]
        ready[service] = old + change
        return old == 0 ? service : nil
    }
}

extension EndpointSlice {
    fileprivate var readyCount: Int { endpoints.count { $0.ready ?? true } }
}
