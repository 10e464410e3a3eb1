// The namespace controller: empties a namespace that is being deleted, pods first, and then lets it go.
// <https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/>,
// KEP-5080 (ordered namespace deletion)

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are names of namespaces. All content is deleted group by group: nothing else goes before the last pod is gone, so that
/// what protects a pod (a policy, a quota) outlives it.
struct NamespaceController: Reconciler {
    typealias Conclusion = Never

    /// What is left of a namespace waits this long when only finalizers hold it, as the real controller estimates.
    private static let finalizerEstimateSeconds: Int64 = 15

    /// From an event of a namespace to its processing: other API servers must have seen that it is being deleted.
    let delay: SimulatedDuration
    /// Namespaces a pass has looked at. The first pass writes conditions, and that event brings the namespace back.
    private var begun: Set<UID> = []

    init(delay: SimulatedDuration) { self.delay = delay }

    mutating func reconcile(_ name: String, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        guard case .namespace(let namespace)? = view[ObjectKey(.namespace, name)] else { return Plan() }
        let metadata = namespace.value.metadata
        guard metadata.isTerminating, namespace.value.finalizers.contains(Finalizers.kubernetes) else { return Plan() }
        let isFirst = begun.insert(metadata.uid).inserted
        let content = NamespaceController.content(of: name, view)
        let pods = content.filter { $0.kind == .pod }
        var plan = Plan<Never>(steps: [(pods.isEmpty ? content : pods).map(NamespaceController.deletion)])
        if pods.isEmpty, content.allSatisfy(\.metadata.finalizers.isEmpty) {
            var release = PlannedCall(
                .patchMetadata(ObjectKey(.namespace, name), uid: metadata.uid, .removeFinalizer(Finalizers.kubernetes)))
            release.forgives = .notFound
            plan.then(release)
            begun.remove(metadata.uid)
        } else {
            let estimate = SimulatedDuration.seconds(Int(NamespaceController.estimate(of: content) / 2 + 1))
            plan.again = now + (isFirst ? min(delay, estimate) : estimate)
        }
        return plan
    }

    private static func content(of namespace: String, _ view: SharedInformers) -> [APIObject] {
        Kind.allCases.filter { $0 != .event }.flatMap { kind in
            view.tables[kind].objects.filter { $0.metadata.namespace == namespace }
        }
    }

    private static func deletion(of object: APIObject) -> PlannedCall {
        var call = PlannedCall(.delete(object.key, DeleteOptions()))
        call.forgives = .notFound
        return call
    }

    /// Seconds until the content may be gone: the longest grace period of a pod.
    private static func estimate(of content: [APIObject]) -> Int64 {
        var longest: Int64 = 0
        for object in content {
            if case .pod(let pod) = object { longest = max(longest, pod.value.spec.value.terminationGracePeriodSeconds) }
        }
        return longest > 0 ? longest : finalizerEstimateSeconds
    }
}
