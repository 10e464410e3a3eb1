// Kubelets that cannot reach the API server: cut off by the network, or because nobody answers there.
//
// The kubelet runs on: it restarts containers and takes no notice of what it cannot hear. Its lease goes stale, the node controller
// evicts, and the pods run on as duplicates of their replacements until the kubelet lists its pods again.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension Cluster {
    /// The way between a kubelet and the API server is free again. Both ends find out in their own time: the lease is renewed at the
    /// kubelet's next turn, and a watch that was lost is tried again after a back-off (client-go's reflector: up to 30 s, jittered).
    mutating func reconnect(_ number: Int) {
        let reports = nodeAgent.nextRenewal(number, after: now)
        var stream = RandomStream(
            seed: configuration.value.seed, purpose: .reconnection, owner: nodeAgent.name(of: number))
        stream.index = UInt64(now.nanoseconds / 1_000_000_000)
        let relists = now + configuration.value.timing.watchReconnection * stream.uniform()
        faults[node: number].reportsAt = reports
        faults[node: number].relistsAt = relists
        queue.schedule(.kubeletReports(Int32(number)), at: reports)
        queue.schedule(.kubeletRelists(Int32(number)), at: relists)
    }

    /// A kubelet renews its lease and reports its node's status, and what else it could not tell.
    mutating func kubeletReports(_ number: Int) {
        guard faults[node: number].reportsAt == now else { return }
        faults[node: number].reportsAt = nil
        nodeAgent.reportAgain(number, at: now, effects: &kubeletEffects)
        controllerManager.heartbeatsResumed(node: nodeAgent.name(of: number), at: now, effects: &controllerEffects)
        if !maintenances.isEmpty { awaitReady(nodeAgent.name(of: number)) }
    }

    /// A kubelet lists its pods anew: what it missed shows as the differences.
    mutating func kubeletRelists(_ number: Int) {
        guard faults[node: number].relistsAt == now else { return }
        faults[node: number].relistsAt = nil
        nodeAgent.relist(number, pods: boundPods(of: nodeAgent.name(of: number)), at: now, effects: &kubeletEffects)
    }

    /// Sends what kubelets ask for; what those ask that reach nobody is kept by them.
    mutating func sendKubeletCalls() {
        for call in kubeletEffects.calls {
            if case .kubelet(let number) = call.client, faults[node: Int(number)].isMute {
                nodeAgent.undelivered(call.request, of: Int(number))
            } else {
                send(call)
            }
        }
    }
}
