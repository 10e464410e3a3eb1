// An API server that answers late, sometimes not at all, or not at all for a while.
//
// Nothing that was stored is lost. Controllers try again by the back-off of their work queues, kubelets at their next sync, and after
// an outage every watcher lists anew: what it missed shows as the differences.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension Cluster {
    mutating func beginAPIServerFault(_ index: Int) {
        let wereHeard = apiServer.renewsLeases
        apiServer.begin(index)
        gateway.setLatency(apiServer.latency)
        if wereHeard, !apiServer.renewsLeases { for number in 0..<nodeAgent.count { strike(number, .partition) } }
        queue.schedule(.apiServerRecovers(Int32(index)), at: now + apiServer[index].down)
        _ = recorder.operated("FAULT API server: \(apiServer[index].text)", at: now)
    }

    mutating func endAPIServerFault(_ index: Int) {
        let (wasServing, wereHeard) = (apiServer.isServing, apiServer.renewsLeases)
        apiServer.end(index)
        let end = now
        invariants?.evictions.noteDisturbance(at: end)
        gateway.setLatency(apiServer.latency)
        if !wereHeard, apiServer.renewsLeases { for number in 0..<nodeAgent.count { relieve(number, .partition) } }
        let rest = apiServer.isDisturbed ? ", another trouble goes on" : ""
        _ = recorder.operated("API server: the \(apiServer[index].name) is over\(rest)", at: now)
        guard !wasServing, apiServer.isServing else { return }
        // client-go's back-off grows with the outage, up to its limit.
        let backoff = min(configuration.value.timing.watchReconnection, apiServer[index].down)
        for watcher in [Watcher.controllerManager, .scheduler] {
            scheduleList(by: watcher, at: apiServer.reconnect(watcher, within: backoff, at: now))
        }
    }

    /// What becomes of a request that has arrived. nil: it is carried out now, with the answer for the client if that is not the real
    /// one; otherwise all is said and done.
    mutating func admitRequest(_ number: UInt32) -> (isServed: Bool, answer: (error: APIError, after: SimulatedDuration)?) {
        let client = gateway.client(of: number)
        switch apiServer.fate(of: number, from: client, isRest: gateway.isRest(number)) {
        case .served: return (true, nil)
        case .unanswered(let error, let delay): return (true, (error, delay))
        case .throttled(let delay):
            queue.schedule(.requestArrives(number), at: now + delay)
            return (false, nil)
        case .refused(let error, let delay):
            refuse(number, error, after: delay)
            return (false, nil)
        }
    }

    private mutating func refuse(_ number: UInt32, _ error: APIError, after delay: SimulatedDuration) {
        giveNoAnswer(number, gateway.arrive(number), error, after: delay)
    }

    /// A request comes to an error, whether or not it was carried out.
    mutating func giveNoAnswer(_ number: UInt32, _ request: APIRequest, _ error: APIError, after delay: SimulatedDuration) {
        if case .kubelet(let node) = gateway.client(of: number) {
            nodeAgent.undelivered(request, of: Int(node))
            nodeAgent.tryAgain(Int(node), at: now + delay, effects: &kubeletEffects)
        }
        if let arrives = gateway.answer(number, .failure(error), at: now + delay) { queue.schedule(.answerArrives(number), at: arrives) }
    }
}

extension APIServerFault {
    fileprivate var name: String { effect == .outage ? "outage" : "brown-out" }

    fileprivate var text: String {
        guard case .brownout(let factor, let delay, let errors) = effect else { return "\(name) for \(down)" }
        var parts = ["\(name) for \(down)"]
        if factor != 1 { parts.append("requests take \(factor) times as long") }
        if delay > .zero { parts.append("requests take \(delay) more") }
        if errors > 0 { parts.append("\(errors * 100) % of them fail") }
        return parts.joined(separator: ", ")
    }
}
