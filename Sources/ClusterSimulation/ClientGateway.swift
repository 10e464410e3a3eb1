// The way from a component to the API server and back: client-side rate limits and latencies, for all components alike.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI

/// Requests under way, and the token bucket of each client.
struct ClientGateway: Sendable {
    private let timing: ControlPlaneTiming
    // By number: each part of a call is moved in and out on its own, never copied.
    private var clients: [APIClientID] = []
    private var tokens: [UInt64?] = []
    private var requests: [APIRequest?] = []
    private var answers: [APIResult?] = []
    private var free: [UInt32] = []
    private var controllers: [TokenBucket] = []
    private var scheduler: TokenBucket
    private var kubelets: [TokenBucket] = []

    init(_ timing: ControlPlaneTiming) {
        self.timing = timing
        scheduler = TokenBucket(timing.schedulerLimit)
    }

    /// Accepts a call at `now`; returns its number and when it reaches the API server.
    mutating func send(_ call: APICall, at now: SimulatedTime) -> (number: UInt32, arrives: SimulatedTime) {
        var leaves = reserve(call.client, at: now)
        for _ in 0..<call.reads { leaves = max(leaves, reserve(call.client, at: now)) + timing.requestLatency + timing.responseLatency }
        let number: UInt32
        if let reused = free.popLast() {
            number = reused
            clients[Int(number)] = call.client
            tokens[Int(number)] = call.token
            requests[Int(number)] = call.request
        } else {
            number = UInt32(requests.count)
            clients.append(call.client)
            tokens.append(call.token)
            requests.append(call.request)
            answers.append(nil)
        }
        return (number, leaves + timing.requestLatency)
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

    /// Hands out a request that reached the API server.
    mutating func arrive(_ number: UInt32) -> APIRequest { requests[Int(number)].take()! }

    /// Keeps the answer for its way back and returns when it arrives; nil (and the number is free again) if nobody waits for it.
    mutating func answer(_ number: UInt32, _ result: APIResult, at now: SimulatedTime) -> SimulatedTime? {
        guard tokens[Int(number)] != nil else {
            free.append(number)
            return nil
        }
        answers[Int(number)] = result
        return now + timing.responseLatency
    }

    /// Hands out an answer that arrived.
    mutating func receive(_ number: UInt32) -> (client: APIClientID, token: UInt64, result: APIResult) {
        free.append(number)
        return (clients[Int(number)], tokens[Int(number)]!, answers[Int(number)].take()!)
    }
}
