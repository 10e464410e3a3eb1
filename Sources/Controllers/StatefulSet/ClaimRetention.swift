// Who owns the claims made from `volumeClaimTemplates`: nobody, the set (so that they go with it), or the pod of an ordinal that is no
// longer wanted (so that they go with that pod). The garbage collector does the rest.
// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention> (KEP-1847)

import KubernetesAPI

/// The owner references a claim should have under the set's retention policy.
struct ClaimRetention {
    private let set: ObjectMeta
    private let pod: ObjectMeta
    private let policy: ClaimRetentionPolicy
    /// Whether the pod's ordinal is not wanted any more.
    private let isScaledDown: Bool

    init(_ set: StatefulSet, pod: ObjectMeta) {
        self.set = set.metadata
        self.pod = pod
        policy = set.spec.claimRetention
        isScaledDown = !(set.ordinal(ofPodNamed: pod.name).map(set.ordinals.contains) ?? false)
    }

    /// The references a claim should have instead of its present ones; nil if those are right.
    func correction(of claim: ObjectMeta) -> [OwnerReference]? {
        let present = claim.ownerReferences
        // A claim that another incarnation of set or pod managed is in an unknown state and is left alone.
        if present.contains(where: { isStale($0) }) { return nil }
        let others = present.filter { !isOurs($0) }
        if hasForeignController(claim) { return others.count < present.count ? others : nil }
        var wanted = others
        let goesWithPod = policy.whenScaled == .delete && isScaledDown
        let goesWithSet = policy.whenDeleted == .delete && !goesWithPod
        if goesWithPod { wanted.append(OwnerReference(controller: pod, .pod)) }
        if goesWithSet { wanted.append(OwnerReference(controller: set, .statefulSet)) }
        let isRight =
            present.allSatisfy { !isOurs($0) || $0.controller } && present.contains { $0.uid == pod.uid } == goesWithPod
            && present.contains { $0.uid == set.uid } == goesWithSet
        return isRight ? nil : wanted
    }

    /// Whether something else manages the claim, so that the policy cannot be applied.
    func hasForeignController(_ claim: ObjectMeta) -> Bool {
        guard policy.whenScaled == .delete || policy.whenDeleted == .delete else { return false }
        return claim.ownerReferences.contains { $0.controller && !isOurs($0) }
    }

    /// Whether a claim still belongs to an earlier pod of that name, with which it will go: the new pod cannot have it.
    static func isStale(_ claim: ObjectMeta, forPodNamed name: String) -> Bool {
        claim.ownerReferences.contains { $0.kind == Kind.pod.description && $0.name == name }
    }

    private func isOurs(_ reference: OwnerReference) -> Bool { reference.uid == set.uid || reference.uid == pod.uid }

    private func isStale(_ reference: OwnerReference) -> Bool {
        switch reference.kind {
        case Kind.statefulSet.description: reference.name == set.name && reference.uid != set.uid
        case Kind.pod.description: reference.name == pod.name && reference.uid != pod.uid
        default: false
        }
    }
}
