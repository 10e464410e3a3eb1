// How the API server is doing: outages and brown-outs that overlap, and what becomes of single requests in them.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What disturbs the API server at present.
struct APIServerHealth: Sendable {
    /// What becomes of a request that reaches the server.
    enum Fate: Sendable {
        case served
        /// It is carried out, but its client hears that it took too long.
        case unanswered(APIError, after: SimulatedDuration)
        case refused(APIError, after: SimulatedDuration)
        /// The server is too busy and says when to come again: clients do so by themselves.
        case throttled(SimulatedDuration)
    }

    /// `Retry-After` of requests that priority and fairness rejects.
    private static let retryAfter = SimulatedDuration.seconds(1)
    /// How often client-go comes again before it gives up.
    private static let mostRetries = 10
    /// What a request to etcd may take before the API server gives up.
    private static let storageTimeout = SimulatedDuration.seconds(10)

    private let seed: UInt64
    private let faults: [APIServerFault]
    /// The faults that are going on, by number.
    private var active: [Int] = []
    /// How many requests of each client were drawn for.
    private var draws: [APIClientID: UInt64] = [:]
    /// How often requests under way were throttled, by the number of the request.
    private var throttled: [UInt32: Int] = [:]
    /// Until when each watcher, whose watch ended, hears nothing.
    private var deafUntil: [SimulatedTime] = Array(repeating: .zero, count: Watcher.allCases.count)

    init(_ faults: [APIServerFault], seed: UInt64) {
        self.faults = faults
        self.seed = seed
    }

    subscript(fault: Int) -> APIServerFault { faults[fault] }
    var indices: Range<Int> { faults.indices }

    var isDisturbed: Bool { !active.isEmpty }
    var isServing: Bool { !active.contains { faults[$0].effect == .outage } }

    /// How long a kubelet waits for the answer to the renewal of its lease (its status update frequency).
    private static let leaseTimeout = SimulatedDuration.seconds(10)

    /// Whether kubelets can renew their leases: not in an outage, nor in a brown-out in which every request fails or takes too long.
    var renewsLeases: Bool { isServing && errors < 1 && latency.delay < APIServerHealth.leaseTimeout }

    mutating func begin(_ fault: Int) { active.append(fault) }
    mutating func end(_ fault: Int) { active.removeAll { $0 == fault } }

    /// By what the latencies of requests are multiplied, and what comes on top.
    var latency: (factor: Double, delay: SimulatedDuration) {
        var result = (factor: 1.0, delay: SimulatedDuration.zero)
        for fault in active {
            guard case .brownout(let factor, let delay, _) = faults[fault].effect else { continue }
            result.factor *= factor
            result.delay += delay
        }
        return result
    }

    private var errors: Double {
        var good = 1.0
        for fault in active { if case .brownout(_, _, let errors) = faults[fault].effect { good *= 1 - errors } }
        return 1 - good
    }

    /// - Parameter isRest: the server goes on with a request it accepted earlier.
    mutating func fate(of number: UInt32, from client: APIClientID, isRest: Bool) -> Fate {
        guard isServing else { return .refused(.unavailable, after: .zero) }
        let errors = errors
        guard errors > 0, !isRest else { return .served }
        var stream = RandomStream(seed: seed, purpose: .requestFails, owner: client.owner)
        stream.index = 2 * draws[client, default: 0]
        draws[client, default: 0] += 1
        guard stream.bernoulli(errors) else {
            throttled[number] = nil
            return .served
        }
        switch stream.uniform(below: 4) {
        case 0: return .refused(.internalError("etcdserver: leader changed"), after: .zero)
        case 1: return .refused(.timeout, after: APIServerHealth.storageTimeout)
        case 2: return .unanswered(.timeout, after: APIServerHealth.storageTimeout)
        default:
            let times = throttled[number, default: 0]
            guard times < APIServerHealth.mostRetries else {
                throttled[number] = nil
                return .refused(.overloaded, after: .zero)
            }
            throttled[number] = times + 1
            return .throttled(APIServerHealth.retryAfter)
        }
    }

    // MARK: Watches

    /// Whether a watcher hears of what was committed.
    func isDeaf(_ watcher: Watcher, at now: SimulatedTime) -> Bool { !isServing || now < deafUntil[Int(watcher.rawValue)] }

    /// A watcher whose watch ended lists everything anew at this time, and sees all there is.
    func lists(_ watcher: Watcher, at now: SimulatedTime) -> Bool { now == deafUntil[Int(watcher.rawValue)] && now > .zero }

    /// The server is back; a watcher tries again after a back-off of its own.
    mutating func reconnect(_ watcher: Watcher, within backoff: SimulatedDuration, at now: SimulatedTime) -> SimulatedTime {
        var stream = RandomStream(seed: seed, purpose: .reconnection, owner: UInt64(watcher.rawValue))
        stream.index = UInt64(now.nanoseconds / 1_000_000_000)
        deafUntil[Int(watcher.rawValue)] = now + backoff * stream.uniform()
        return deafUntil[Int(watcher.rawValue)]
    }
}

extension APIClientID {
    /// A number of its own among all clients.
    fileprivate var owner: UInt64 {
        switch self {
        case .controller(let number): 1 << 40 | UInt64(number)
        case .scheduler: 2 << 40
        case .kubelet(let number): 3 << 40 | UInt64(number)
        case .clusterOperator: 4 << 40
        }
    }
}
