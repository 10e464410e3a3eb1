// Which nodes a load balancer sends clients from outside to: those that its health checks believe to be healthy.

import DiscreteEvents

/// How a load balancer checks nodes.
///
/// The defaults are those with which Kubernetes' Google cloud provider sets up the checks of a Service of type LoadBalancer; other providers' are
/// similar (AWS: every 10 s, 2 to 6 of them).
public struct HealthCheckConfiguration: Hashable, Sendable {
    public var interval = SimulatedDuration.seconds(8)
    /// After which a check without an answer has failed.
    public var timeout = SimulatedDuration.seconds(1)
    /// So many checks in a row must fail before a node gets no more connections.
    public var unhealthyThreshold = 3
    /// And so many must succeed before it gets some again.
    public var healthyThreshold = 1

    public init() {}
}

/// A balancer's view of the nodes for one Service.
///
/// A check is no event: when a node's health changes, the check that will settle it is computed, on the node's own grid of checks.
struct LoadBalancerRotation: Sendable {
    private struct Entry: Sendable {
        var isIn: Bool
        var isHealthy: Bool
        /// When the balancer will have noticed; nil: it sees things as they are.
        var verdict: SimulatedTime?
        /// Whether it is among ``undecided``.
        var isListed = false
    }
    private let configuration: HealthCheckConfiguration
    /// Where each node's grid of checks begins.
    private let phases: RandomStream
    private var entries: [Entry] = []
    /// The nodes about which it may be going to change its mind: few, so that neither a change nor a decision costs a look at all nodes.
    private var undecided: [Int] = []
    /// How many nodes are healthy in its eyes.
    private(set) var healthyCount = 0

    init(_ configuration: HealthCheckConfiguration, seed: UInt64, of source: String) {
        self.configuration = configuration
        phases = RandomStream(seed: seed, purpose: .healthChecks, owner: source)
    }

    /// Takes in how all nodes do now. What the balancer sees first, it believes at once.
    /// - Returns: when it will next change its mind, as far as that is settled.
    mutating func update(_ health: [Bool], at now: SimulatedTime) -> SimulatedTime? {
        let isFirst = entries.isEmpty
        for (node, isHealthy) in health.enumerated() {
            if node == entries.count {
                let isIn = isFirst && isHealthy
                entries.append(Entry(isIn: isIn, isHealthy: isIn))
                if isIn { healthyCount += 1 }
            }
            update(node, isHealthy, at: now)
        }
        _ = decide(at: now)
        return nextDecision
    }

    /// Takes in how a node does now that it knows already.
    mutating func update(_ node: Int, _ isHealthy: Bool, at now: SimulatedTime) {
        guard entries[node].isHealthy != isHealthy else { return }
        entries[node].isHealthy = isHealthy
        entries[node].verdict = isHealthy == entries[node].isIn ? nil : verdict(isHealthy, on: node, after: now)
        if entries[node].verdict == nil || entries[node].isListed { return }
        entries[node].isListed = true
        undecided.append(node)
    }

    /// Changes its mind where it is time for that.
    /// - Returns: the nodes about which it did.
    mutating func decide(at now: SimulatedTime) -> [Int] {
        var decided: [Int] = []
        for node in undecided {
            if let verdict = entries[node].verdict, verdict <= now {
                entries[node].isIn = entries[node].isHealthy
                entries[node].verdict = nil
                healthyCount += entries[node].isIn ? 1 : -1
                decided.append(node)
            }
            if entries[node].verdict == nil { entries[node].isListed = false }
        }
        undecided.removeAll { !entries[$0].isListed }
        return decided
    }

    /// When it will next change its mind, as far as that is settled.
    var nextDecision: SimulatedTime? { undecided.compactMap { entries[$0].verdict }.min() }

    /// Whether it believes a node to be healthy.
    func isIn(_ node: Int) -> Bool { entries[node].isIn }

    /// The nodes that get connections. If none is healthy, all do: a balancer that cannot tell does not make things worse.
    var members: [Int] {
        healthyCount == 0 ? Array(entries.indices) : entries.indices.filter { entries[$0].isIn }
    }

    /// When enough checks in a row have told of a change.
    private func verdict(_ isHealthy: Bool, on node: Int, after time: SimulatedTime) -> SimulatedTime {
        let share = Double(phases.draw(at: UInt64(node)) >> 11) * 0x1p-53
        let phase = configuration.interval * share
        let passed = (time - SimulatedTime.zero - phase).nanoseconds
        let step = configuration.interval.nanoseconds
        // The first check not before the change.
        let number = passed <= 0 ? 0 : (passed + step - 1) / step
        let first = SimulatedTime.zero + phase + SimulatedDuration(nanoseconds: number * step)
        let threshold = isHealthy ? configuration.healthyThreshold : configuration.unhealthyThreshold
        return first + SimulatedDuration(nanoseconds: Int64(threshold - 1) * step) + (isHealthy ? .zero : configuration.timeout)
    }
}

extension RandomPurpose {
    static let healthChecks = RandomPurpose("phase of a load balancer's health checks")
}
