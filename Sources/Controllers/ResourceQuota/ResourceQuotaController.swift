// ResourceQuotas: what a namespace uses, counted anew when a quota is new or changed, when something that counts goes, and every
// five minutes. (What comes is charged by the API server as it is created.)
// <https://kubernetes.io/docs/concepts/policy/resource-quotas/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are quotas. Nothing is remembered: all is counted from the cache each time.
struct ResourceQuotaReconciler: Reconciler {
    typealias Conclusion = Never

    /// `--resource-quota-sync-period`.
    let period: SimulatedDuration

    /// Counts, and writes the status if it is not what was found. Against the version that was seen: if the API server has charged
    /// something meanwhile, the count may lack it, and is made again.
    func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        guard let quota = view.get(ResourceQuota.self, key) else { return Plan() }
        let (spec, status) = (quota.value.spec, quota.value.status)
        let counted = QuotaUsage.used(spec.hard, spec.scopes, at: now) { view.objects(ofResource: $0, inNamespace: key.namespace) }
        // What nobody counts keeps the usage that was reported by whoever did.
        var used = ResourceList()
        for name in spec.hard.names { used[name] = counted[name] ?? status.used[name] }
        var plan = Plan<Never>()
        plan.again = now.nextMultiple(of: period)
        if status.hard != spec.hard || status.used != used || (status.used.isEmpty && !used.isEmpty) {
            let updated = quota.with {
                $0.status.hard = spec.hard
                $0.status.used = used
            }
            plan.then(PlannedCall(.updateStatus(.resourceQuota(updated))))
        }
        return plan
    }

    // MARK: What wakes it

    func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>, at now: SimulatedTime
    ) {
        guard view.hasAny(.resourceQuota) else { return }
        if case .resourceQuota(let quota) = event.object, event.change != .deleted {
            // Changes of the status are its own, or the API server's charges.
            let before = previous.flatMap(ResourceQuota.cast)
            if before?.value.spec.hard != quota.value.spec.hard { queue.add(quota.value.metadata.key) }
            return
        }
        guard ResourceQuotaReconciler.givesBack(event, previous, at: now) else { return }
        let namespace = event.object.readMetadata { $0.namespace }
        let resource = QuotaUsage.resource(of: event.object)
        for quota in view.objects(inNamespace: namespace) as [Shared<ResourceQuota>]
        where quota.value.status.hard.names.contains(where: { QuotaUsage.resource(countedAs: $0) == resource }) {
            queue.add(quota.value.metadata.key)
        }
    }

    /// Whether less may be used after an event: something went, a pod ended, a service became one of another type.
    private static func givesBack(_ event: WatchEvent, _ previous: APIObject?, at now: SimulatedTime) -> Bool {
        if event.change == .deleted { return true }
        switch (event.object, previous) {
        case (.pod(let pod), .pod(let old)?):
            if !pod.isTerminal, !pod.isTerminating { return false }
            return PodQuota.isCharged(old.value, at: now) && !PodQuota.isCharged(pod.value, at: now)
        case (.service(let service), .service(let old)?): return service.value.type != old.value.type
        default: return false
        }
    }
}
