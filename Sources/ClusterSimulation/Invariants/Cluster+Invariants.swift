// How the cluster lets itself be watched: around requests, after events, and whenever nothing is under way.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension Cluster {
    /// The first invariant that did not hold, if the run is watched (``ClusterConfiguration/checksInvariants``) and there is one. The
    /// run stands still from then on.
    public var violation: InvariantViolation? { invariants?.violation }

    /// An event of the simulator was handled.
    mutating func checkInvariants() {
        let now = now
        invariants?.count(at: now)
        if let stopped = invariants?.stopped {
            for pod in stopped {
                let metadata = pod.value.metadata
                guard let number = nodeAgent.nodeRunning(metadata.uid, at: now) else { continue }
                invariants?.report(
                    .removedWhileRunning,
                    "pod \(metadata.key) was declared gone while its containers run on \(nodeAgent.name(of: number))",
                    about: ObjectKey(.pod, metadata.key), at: now)
            }
        }
        invariants?.settle(api.objects, at: now)
        if gateway.isIdle, api.watchLog.isEmpty { compareCaches() }
    }

    /// Compares what changed since the last time in all caches with the store. Nothing is under way now.
    private mutating func compareCaches() {
        let now = now
        guard invariants?.hasTouched ?? false, let touched = invariants?.takeTouched() else { return }
        for key in touched.objects {
            let stored = api.objects[key]
            if controllerManager.informers[key] != stored {
                invariants?.report(
                    .cachesCurrent, "the controllers' cache holds another version of \(key) than the API server", about: key, at: now)
            }
            if case .node(let node)? = stored, let slot = scheduler.cache.slot(of: key.name.name),
                scheduler.cache.nodes.objects[slot] != node
            {
                invariants?.report(
                    .cachesCurrent, "the scheduler's cache holds another version of \(key) than the API server", about: key, at: now)
            }
            if case .pod(let pod)? = stored { compareKubelet(pod, key) }
        }
        for uid in touched.pods {
            guard let (node, exists) = invariants?.place(of: uid) else { return }
            let counted = scheduler.cache.placedPod(uid)
            // One that is about to be bound is counted already.
            if node == nil, exists, counted?.isAssumed ?? true { continue }
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
    }

    private mutating func compareKubelet(_ pod: Shared<Pod>, _ key: ObjectKey) {
        let now = now
        guard let name = pod.value.nodeName, !pod.isTerminal, let number = nodeAgent.number(of: name), nodeAgent.isWatching(number),
            nodeAgent.nodeKnowing(pod.value.metadata.uid) != number
        else { return }
        invariants?.report(.cachesCurrent, "the kubelet of \(name) does not know its \(key)", about: key, at: now)
    }

    /// Runs to a time by which all faults have been over for long, and demands that everything has come to rest there.
    public mutating func runToRest(until end: SimulatedTime) {
        run(until: max(now, end - Cluster.rest))
        let before = eventCount
        run(until: end)
        guard violation == nil else { return }
        let now = now
        let events = eventCount - before
        let most = Cluster.mostEventsAtRest + 100 * api.objects[.pod].count
        if events > most {
            invariants?.report(.controllersRest, "\(events) events of the simulator in the last five minutes", at: now)
        }
        if let found = settled().unconverged { invariants?.report(found) }
    }

    /// The cluster a little later, when nothing is under way: a fork, for the run itself ends here.
    private func settled() -> Cluster {
        var fork = self
        let latest = now + .minutes(1)
        while let next = fork.nextEventTime, next < fork.now + Cluster.quiet, fork.now < latest { fork.run(until: next) }
        return fork
    }

    private var unconverged: InvariantViolation? {
        var judge = Convergence(of: self)
        return violation ?? judge.firstViolation()
    }

    /// Longer than any answer is on its way.
    private static let quiet = SimulatedDuration.milliseconds(300)

    private static let rest = SimulatedDuration.minutes(5)
    /// What autoscalers, CronJobs and scheduling retries may come to in that time.
    private static let mostEventsAtRest = 10_000
}
