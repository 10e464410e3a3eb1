// The namespace controller: empties a namespace that is being deleted, pods first, and then lets it go.
// <https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/>,
// KEP-5080 (ordered namespace deletion)

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are names of namespaces. A pass deletes all content: first the pods, and nothing else before the last of them is gone, so
/// that what protects a pod (a policy, a quota) outlives it. What is left is reported in the namespace's conditions, and the
/// next pass comes when it may be gone.
struct NamespaceController: Reconciler {
    /// A stage of a pass, for when its requests have been answered.
    enum Conclusion: Sendable {
        case pods(Shared<Namespace>, estimate: Int64)
        case content(Shared<Namespace>)
    }

    /// What is left of a namespace waits this long when only finalizers hold it, as the real controller estimates.
    private static let finalizerEstimateSeconds: Int64 = 15

    /// Requests of a pass over everything but pods: a deletion and a list for each of the 30 other namespaced resources that
    /// Kubernetes 1.36 serves by default, one after the other. Most find nothing, but take their time all the same.
    private static let contentRequests = 60

    /// Requests of a pass besides deletions: the namespace as it is now, what resources there are (two), the pods with their grace
    /// periods, and the pods that are left.
    private static let openingRequests = 5

    /// What the API server still had after the deletions of the passes under way.
    private var remaining: [String: RemainingContent] = [:]

    mutating func reconcile(_ name: String, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        remaining[name] = nil
        guard case .namespace(let namespace)? = view[ObjectKey(.namespace, name)],
            let deletion = namespace.value.metadata.deletionTimestamp,
            namespace.value.finalizers.contains(Finalizers.kubernetes)
        else { return Plan() }
        let pods: [Shared<Pod>] = view.objects(inNamespace: name)
        var plan = Plan<Conclusion>(steps: [pods.map { NamespaceController.deletion(of: .pod($0)) }])
        plan.conclusion = .pods(namespace, estimate: NamespaceController.estimate(of: pods, since: deletion, at: now))
        return plan
    }

    /// Seconds until the pods may be gone: the longest grace period of one that runs; 0 when that much time has passed already.
    private static func estimate(of pods: [Shared<Pod>], since deletion: SimulatedTime, at now: SimulatedTime) -> Int64 {
        let longest = pods.lazy.filter { !$0.isTerminal }.map(\.value.spec.value.terminationGracePeriodSeconds).max() ?? 0
        return now - deletion >= .seconds(Int(longest)) ? 0 : longest
    }

    private static func deletion(of object: APIObject) -> PlannedCall {
        var call = PlannedCall(.delete(object.key, DeleteOptions(propagation: .background)))
        call.forgives = .notFound
        return call
    }

    // MARK: What became of it

    mutating func succeeded(_ name: String, _ request: APIRequest, _ object: APIObject?, _ view: SharedInformers) {
        guard case .delete = request, let object else { return }
        remaining[name, default: RemainingContent()].add(object)
    }

    mutating func conclude(
        _ name: String, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        guard let conclusion else { return nil }
        let left = remaining.removeValue(forKey: name) ?? RemainingContent()
        switch conclusion {
        case .pods(let namespace, let estimate):
            if let error = outcome.error {
                return report(namespace, nil, [error.description], again: nil, at: now)
            }
            // What else there is was not counted yet, so nothing is said about it.
            if !left.isEmpty { return wait(for: left, namespace, estimate: estimate, counted: nil, at: now) }
            var plan = Plan<Conclusion>(steps: [NamespaceController.content(of: name, view).map(NamespaceController.deletion)])
            plan.conclusion = .content(namespace)
            return plan
        case .content(let namespace):
            if let error = outcome.error { return report(namespace, left, [error.description], again: nil, at: now) }
            if !left.isEmpty { return wait(for: left, namespace, estimate: 0, counted: left, at: now) }
            var plan = report(namespace, left, [], again: nil, at: now)
            let isReported = !plan.steps.isEmpty
            var release = PlannedCall(
                .patchMetadata(
                    ObjectKey(.namespace, name), uid: namespace.value.metadata.uid, .removeFinalizer(Finalizers.kubernetes)))
            release.forgives = .notFound
            release.reads = isReported ? 0 : NamespaceController.openingRequests + NamespaceController.contentRequests
            plan.then(release)
            return plan
        }
    }

    /// Reports what is left, and comes back after half the estimate. Pods that no grace period and no finalizer holds should be gone:
    /// an error.
    private func wait(
        for left: RemainingContent, _ namespace: Shared<Namespace>, estimate: Int64, counted: RemainingContent?, at now: SimulatedTime
    ) -> Plan<Conclusion> {
        guard estimate > 0 || !left.finalizers.isEmpty else {
            let failure =
                "unexpected items still remain in namespace: \(namespace.value.metadata.name) for gvr: /v1, Resource=pods"
            return report(namespace, counted, [failure], again: nil, at: now)
        }
        let seconds = estimate > 0 ? estimate : NamespaceController.finalizerEstimateSeconds
        return report(namespace, counted, [], again: now + .seconds(Int(seconds / 2 + 1)), at: now)
    }

    /// Writes the conditions, if they changed.
    /// - Parameter again: when to look again; nil with failures: after the back-off.
    private func report(
        _ namespace: Shared<Namespace>, _ remaining: RemainingContent?, _ failures: [String], again: SimulatedTime?, at now: SimulatedTime
    ) -> Plan<Conclusion> {
        var plan = Plan<Conclusion>()
        let conditions = NamespaceConditions.after(remaining, failures: failures, over: namespace.value.conditions, at: now)
        if conditions != namespace.value.conditions {
            var call = PlannedCall(.updateStatus(.namespace(namespace.with { $0.conditions = conditions })))
            call.overwritesOnConflict = true
            call.reads = NamespaceController.openingRequests + (remaining == nil ? 0 : NamespaceController.contentRequests)
            plan.then(call)
        }
        plan.again = again
        plan.retriesAnyway = !failures.isEmpty
        return plan
    }

    // MARK: Content

    /// Everything in a namespace but its pods, owners before what they own: the real order is that of a hash map.
    private static func content(of namespace: String, _ view: SharedInformers) -> [APIObject] {
        order.flatMap { view.objects(of: $0, inNamespace: namespace) }
    }

    private static let order: [Kind] = {
        let first: [Kind] = [.service, .endpointSlice, .cronJob, .job, .deployment, .statefulSet, .daemonSet]
        return first + Kind.allCases.filter { $0.isNamespaced && $0 != .pod && $0 != .event && !first.contains($0) }
    }()
}
