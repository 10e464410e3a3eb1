// How the cluster lets itself be watched: around requests, after events, and when it should be at rest.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension Cluster {
    /// The first invariant that did not hold, if the run is watched (``ClusterConfiguration/checksInvariants``) and there is one. The
    /// run stands still from then on.
    public var violation: InvariantViolation? { invariants?.violation }

    /// An event of the simulator was handled. Returns whether all holds still.
    mutating func checkInvariants() -> Bool {
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
        if invariants?.identities.contested.isEmpty == false { checkIdentities() }
        invariants?.settle(api.objects, at: now)
        if isIdle { compareCaches() }
        return invariants?.violation == nil
    }

    /// A request has reached the API server: what it writes is its client's.
    mutating func noteAuthor(of number: UInt32, _ request: APIRequest) {
        guard invariants != nil else { return }
        let client = gateway.client(of: number)
        var isMaintenance = false
        if case .clusterOperator = client, let token = gateway.token(of: number) { isMaintenance = isForMaintenance(token) }
        invariants?.begin(request, by: client, forMaintenance: isMaintenance)
    }

    /// An eviction that budgets have a say in was let through.
    mutating func noteGranted(_ eviction: EvictionCheck) {
        let now = now
        invariants?.evictions.grant(eviction.uid, at: now)
        guard let objection = eviction.objection else { return }
        invariants?.report(
            .budgetRespected, "pod \(eviction.pod) was evicted although \(objection)", about: ObjectKey(.pod, eviction.pod), at: now)
    }

    /// Whether the containers of several pods of one identity run.
    private mutating func checkIdentities() {
        let now = now
        for name in invariants?.identities.contested ?? [] {
            let bearers = invariants?.identities.bearers(of: name) ?? []
            let running = bearers.compactMap { nodeAgent.nodeRunning($0, at: now) }.map { nodeAgent.name(of: $0) }
            if running.count > 1 {
                invariants?.report(
                    .identityOnce, "containers of \(running.count) pods \(name) run, on \(running.joined(separator: " and "))",
                    about: ObjectKey(.pod, name), at: now)
            }
            let stored = api.objects.get(Pod.self, name)?.value.metadata.uid
            let known = bearers.filter { $0 == stored || nodeAgent.nodeKnowing($0) != nil }
            invariants?.settleIdentity(name) { known.contains($0) }
        }
    }

    /// Nodes that a maintenance which is over for them cordoned, and that are cordoned still.
    var leftByMaintenance: [String] {
        (invariants?.cordonedForMaintenance ?? []).filter { name in !maintenances.contains { $0.isAbout(name) } }
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

    /// Goes on for a while, whether or not an invariant is broken: to see what becomes of it.
    package mutating func runOnUnwatched(for duration: SimulatedDuration) {
        invariants = nil
        run(until: now + duration)
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
