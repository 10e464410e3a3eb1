// Which pods are a workload's: those it owns and still selects, and orphans it selects, which it adopts.
// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents>

import APIServer
import KubernetesAPI

/// The pods of a workload, and the requests that make it so: adopting orphans that match, releasing pods that do not match any more.
struct PodClaim {
    private(set) var pods: [Shared<Pod>]
    /// Changes of owner references, all at once.
    private(set) var calls: [PlannedCall] = []
    /// Whether orphans were looked for in vain: then there is no need to look again before one appears.
    private(set) var foundNoOrphans = false

    /// - Parameters:
    ///   - adopts: whether to look for orphans, which is a scan of the namespace's pods without a controller.
    ///   - claimsEnded: whether pods that have ended are worth adopting, and they and those being deleted worth releasing.
    init(
        of owner: ObjectMeta, as reference: @autoclosure () -> OwnerReference, adopts: Bool, claimsEnded: Bool, _ view: SharedInformers,
        matches: (Shared<Pod>) -> Bool
    ) {
        pods = view.pods(controlledBy: owner.uid)
        var released: [Shared<Pod>] = []
        if pods.contains(where: { !matches($0) }) {
            if !owner.isTerminating { released = pods.filter { !matches($0) && (claimsEnded || $0.isActive) } }
            pods.removeAll { !matches($0) }
        }
        calls = released.map { pod in
            PodClaim.ownerPatch(pod, pod.value.metadata.ownerReferences.filter { $0.uid != owner.uid })
        }
        guard adopts, !owner.isTerminating else { return }
        let adopted = view.orphanedPods(inNamespace: owner.namespace).filter {
            matches($0) && !$0.isTerminating && (claimsEnded || !$0.isTerminal)
        }
        foundNoOrphans = adopted.isEmpty
        if adopted.isEmpty { return }
        let reference = reference()
        calls += adopted.map { PodClaim.ownerPatch($0, $0.value.metadata.ownerReferences + [reference]) }
        pods += adopted
    }

    private static func ownerPatch(_ pod: Shared<Pod>, _ references: [OwnerReference]) -> PlannedCall {
        var call = PlannedCall(
            .patchMetadata(ObjectKey(.pod, pod.value.metadata.key), uid: pod.value.metadata.uid, .ownerReferences(references)))
        call.forgives = .notFound
        return call
    }
}

extension OwnerReference {
    /// The reference by which a workload controls what it made.
    init(controller owner: ObjectMeta, _ kind: Kind) {
        self.init(
            apiVersion: kind.apiVersion, kind: kind.description, name: owner.name, uid: owner.uid, controller: true,
            blockOwnerDeletion: true)
    }
}

extension Shared where Value == Pod {
    /// Whether a controller's sync sees no difference to another version of the pod. Most updates (bound, container started, image
    /// pulled) change nothing a controller counts; skipping them changes no request.
    func looksSame(as old: Shared<Pod>?) -> Bool {
        guard let old else { return false }
        return old.isTerminal == isTerminal && old.isTerminating == isTerminating
            && Shared.haveSameReadiness(old.value.status.conditions, value.status.conditions)
            && old.value.metadata.labels == value.metadata.labels
    }

    private static func haveSameReadiness(_ old: [Condition], _ new: [Condition]) -> Bool {
        guard let left = old.index(of: .ready), let right = new.index(of: .ready) else {
            return old.index(of: .ready) == nil && new.index(of: .ready) == nil
        }
        return old[left].status == new[right].status && old[left].lastTransitionTime == new[right].lastTransitionTime
    }
}
