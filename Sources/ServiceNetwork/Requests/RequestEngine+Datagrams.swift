// Requests over UDP: a datagram there, a datagram back, and nobody who looks after them in between.
//
// What is lost is not sent again, nothing tells the client that a pod died with its request, and only the client's own time-out ends its waiting.
// There is no connection, but connection tracking makes one: datagrams from one socket go to the pod that the first one went to, until kube-proxy removes
// the entry, which it does as soon as its rules know the pod no more (TCP connections it leaves alone).

import DiscreteEvents

extension RequestEngine {
    /// Whether an attempt is sent over UDP.
    @inline(__always)
    func isDatagram(_ slot: AttemptSlot) -> Bool { isDatagram(attempts[Int(slot.index)]) }

    @inline(__always)
    func isDatagram(_ attempt: Attempt) -> Bool {
        ports[Int(sources[Int(requests[Int(attempt.request.index)].source)].port)].isUDP
    }

    /// Whether what a client's socket used last is still tracked: kube-proxies remove the entries of endpoints that they know no more.
    mutating func isTracked(_ pod: PodNumber, for request: Request) -> Bool {
        let source = Int(request.source)
        let port = sources[source].port
        guard ports[Int(port)].isUDP, !table.isHeadless(port) else { return true }
        let (route, _) = table.route(to: port, on: request.node, sources[source].source.traffic, from: request.address, at: now)
        guard case .balance(let pods) = route else { return false }
        return pods.contains(pod)
    }
}
