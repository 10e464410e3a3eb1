// Whether the caches of controllers, scheduler, kubelets and kube-proxies hold what the API server holds, when nothing is on its way to
// them.

import APIServer
import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

extension Cluster {
    /// Compares what changed since the last time in all caches with the store. Nothing is under way now.
    mutating func compareCaches() {
        guard invariants?.hasTouched ?? false, let touched = invariants?.takeTouched() else { return }
        for key in touched.objects {
            let stored = api.objects[key]
            if controllerManager.informers[key] != stored { reportStale("the controllers' cache", key) }
            compareScheduler(stored, key)
            if !nodeAgent.agrees(with: stored, key) { reportStale("what kubelets look up", key) }
            if case .pod(let pod)? = stored { compareKubelet(pod, key) }
            if let traffic { compareNetwork(traffic, stored, key) }
        }
        for uid in touched.pods { comparePlace(of: uid) }
    }

    private mutating func reportStale(_ place: String, _ key: ObjectKey) {
        let now = now
        invariants?.report(.cachesCurrent, "\(place) holds another version of \(key) than the API server", about: key, at: now)
    }

    /// Nodes, what plugins look up, and the queue of waiting pods.
    private mutating func compareScheduler(_ stored: APIObject?, _ key: ObjectKey) {
        if case .node(let node)? = stored, let slot = scheduler.cache.slot(of: key.name.name), scheduler.cache.nodes.objects[slot] != node {
            reportStale("the scheduler's cache", key)
        }
        if !scheduler.cache.snapshot.objects.agree(with: stored, key) { reportStale("the scheduler's cache", key) }
        let now = now
        guard key.kind == .pod, let problem = scheduler.queueProblem(of: key.name, stored.flatMap(Pod.cast)) else { return }
        invariants?.report(.cachesCurrent, "\(key) \(problem)", about: key, at: now)
    }

    /// On which node the scheduler counts a pod, and which kubelet takes care of it.
    private mutating func comparePlace(of uid: UID) {
        let now = now
        guard let (node, exists) = invariants?.place(of: uid) else { return }
        let counted = scheduler.cache.placedPod(uid)
        // One that is about to be bound is counted already.
        if node == nil, exists, counted?.isAssumed ?? true { return }
        // One that was deleted before that is let go when its binding is found impossible.
        if !exists, scheduler.preparesBinding(of: uid) {
            invariants?.lookAgain(at: uid)
            return
        }
        let countedOn = counted.map { scheduler.cache.nodes.names[$0.node] }
        if countedOn != node {
            let (seen, real) = (countedOn ?? "no node", node ?? "no node")
            invariants?.report(.cachesCurrent, "the scheduler counts pod \(uid) on \(seen); it is on \(real)", at: now)
        }
        if !exists, let number = nodeAgent.nodeKnowing(uid), nodeAgent.isWatching(number) {
            invariants?.report(
                .cachesCurrent, "the kubelet of \(nodeAgent.name(of: number)) takes care of pod \(uid), which is gone", at: now)
        }
    }

    private mutating func compareKubelet(_ pod: Shared<Pod>, _ key: ObjectKey) {
        let now = now
        guard let name = pod.value.nodeName, !pod.isTerminal, let number = nodeAgent.number(of: name), nodeAgent.isWatching(number),
            nodeAgent.nodeKnowing(pod.value.metadata.uid) != number
        else { return }
        invariants?.report(.cachesCurrent, "the kubelet of \(name) does not know its \(key)", about: key, at: now)
    }

    /// What all kube-proxies and the DNS server go by, each with a lag of its own, and whether each of them hears of it at all.
    private mutating func compareNetwork(_ traffic: Traffic, _ stored: APIObject?, _ key: ObjectKey) {
        if !traffic.agrees(with: stored, key) { reportStale("what kube-proxies and the DNS server go by", key) }
        guard key.kind == .endpointSlice || key.kind == .service else { return }
        let deaf = (0..<traffic.nodeCount).first { traffic.engine.isCutOff(NodeNumber($0)) && !faults[node: $0].isCutOff }
        guard let deaf else { return }
        let now = now
        invariants?.report(
            .cachesCurrent, "the kube-proxy of \(nodeAgent.name(of: deaf)) does not hear of \(key), and nothing cuts it off", about: key,
            at: now)
    }
}
