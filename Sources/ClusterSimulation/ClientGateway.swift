// The way from a component to the API server and back: client-side rate limits and latencies, for all components alike.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI

/// Requests under way, and the token bucket of each client.
struct ClientGateway: Sendable {
    /// What happens next to a call on its way, and when.
    enum Passage {
        /// A read that comes before it is answered.
        case isRead(SimulatedTime)
        /// It reaches the API server.
        case arrives(SimulatedTime)
    }

    private let timing: ControlPlaneTiming
    /// From sending a request to the server, and back: longer when the server is in trouble.
    private var requestLatency: SimulatedDuration
    private var responseLatency: SimulatedDuration
    // By number: each part of a call is moved in and out on its own, never copied.
    private var clients: [APIClientID] = []
    private var tokens: [UInt64?] = []
    private var requests: [APIRequest?] = []
    private var answers: [APIResult?] = []
    /// Reads still to be made before the call.
    private var reads: [Int] = []
    private var free: [UInt32] = []
    private var controllers: [TokenBucket] = []
    private var scheduler: TokenBucket
    private var kubelets: [TokenBucket] = []

    init(_ timing: ControlPlaneTiming) {
        self.timing = timing
        requestLatency = timing.requestLatency
        responseLatency = timing.responseLatency
        scheduler = TokenBucket(timing.schedulerLimit)
    }

    /// Accepts a call at `now`; returns its number and what comes of it next.
    mutating func send(_ call: APICall, at now: SimulatedTime) -> (number: UInt32, next: Passage) {
        let number: UInt32
        if let reused = free.popLast() {
            number = reused
            clients[Int(number)] = call.client
            tokens[Int(number)] = call.token
            requests[Int(number)] = call.request
            reads[Int(number)] = call.reads
        } else {
            number = UInt32(requests.count)
            clients.append(call.client)
            tokens.append(call.token)
            requests.append(call.request)
            answers.append(nil)
            reads.append(call.reads)
        }
        return (number, proceed(number, at: now))
    }

    /// The call's next read, or the call itself, is sent as soon as the client's limit lets it.
    mutating func proceed(_ number: UInt32, at now: SimulatedTime) -> Passage {
        let leaves = reserve(clients[Int(number)], at: now)
        if reads[Int(number)] == 0 { return .arrives(leaves + requestLatency) }
        reads[Int(number)] -= 1
        return .isRead(leaves + requestLatency + responseLatency)
    }

    private mutating func reserve(_ client: APIClientID, at now: SimulatedTime) -> SimulatedTime {
        switch client {
        case .controller(let id):
            while controllers.count <= Int(id) {
                let name = ControllerName(rawValue: UInt8(controllers.count))
                controllers.append(TokenBucket(name?.clientLimit(timing.controllerLimit) ?? timing.controllerLimit))
            }
            return controllers[Int(id)].reserve(at: now)
        case .scheduler: return scheduler.reserve(at: now)
        case .kubelet(let number):
            while kubelets.count <= Int(number) { kubelets.append(TokenBucket(timing.kubeletLimit)) }
            return kubelets[Int(number)].reserve(at: now)
        case .clusterOperator: return now
        }
    }

    /// Whether no request is under way.
    var isIdle: Bool { free.count == requests.count }

    func client(of number: UInt32) -> APIClientID { clients[Int(number)] }
    func token(of number: UInt32) -> UInt64? { tokens[Int(number)] }

    /// Whether a request is the rest of one that the server accepted earlier.
    func isRest(_ number: UInt32) -> Bool { if case .finishEviction? = requests[Int(number)] { true } else { false } }

    /// The server takes so many times as long for each way, and so much more for each request.
    mutating func setLatency(_ latency: (factor: Double, delay: SimulatedDuration)) {
        requestLatency = timing.requestLatency * latency.factor + latency.delay
        responseLatency = timing.responseLatency * latency.factor
    }

    /// Hands out a request that reached the API server.
    mutating func arrive(_ number: UInt32) -> APIRequest { requests[Int(number)].take()! }

    /// The API server goes on with a request later: `rest` stands for what is left of it.
    mutating func resume(_ number: UInt32, with rest: APIRequest) { requests[Int(number)] = rest }

    /// Keeps the answer for its way back and returns when it arrives; nil (and the number is free again) if nobody waits for it.
    mutating func answer(_ number: UInt32, _ result: APIResult, at now: SimulatedTime) -> SimulatedTime? {
        guard tokens[Int(number)] != nil else {
            free.append(number)
            return nil
        }
        answers[Int(number)] = result
        return now + responseLatency
    }

    /// Hands out an answer that arrived.
    mutating func receive(_ number: UInt32) -> (client: APIClientID, token: UInt64, result: APIResult) {
        free.append(number)
        return (clients[Int(number)], tokens[Int(number)]!, answers[Int(number)].take()!)
    }
}
