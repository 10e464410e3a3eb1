// What a request to delete does to an object: gone at once, marked and left to a kubelet, or marked and left to finalizers.
// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination>

import DiscreteEvents
import KubernetesAPI

/// The decision about one deletion request: a pure function of the stored object, the options and the time.
struct Deletion {
    /// The object with its marks of deletion. A pod is marked even when it goes at once, as watchers of the real one see it.
    var marked: APIObject
    /// Nothing holds it: it goes now.
    var isImmediate: Bool

    /// nil: a deletion is under way already and this request changes nothing about it.
    init?(of stored: APIObject, _ options: DeleteOptions, at now: SimulatedTime) throws(APIError) {
        let metadata = stored.metadata
        if case .namespace(let namespace) = stored {
            guard !Deletion.protectedNamespaces.contains(metadata.name) else {
                throw .forbidden(stored.key, "this namespace may not be deleted")
            }
            guard !metadata.isTerminating else { return nil }
            // A time, but no grace period: not even one of zero.
            marked = .namespace(
                namespace.with {
                    $0.isTerminating = true
                    $0.metadata.deletionTimestamp = now.truncatedToSeconds
                })
            isImmediate = namespace.value.finalizers.isEmpty && metadata.finalizers.isEmpty
            return
        }
        let finalizers = Deletion.finalizers(metadata.finalizers, options.propagation, of: stored.kind)
        var changed = finalizers == metadata.finalizers ? stored : stored.withMetadata { $0.finalizers = finalizers }
        guard case .pod(let pod) = stored else {
            isImmediate = finalizers.isEmpty
            if !isImmediate, !metadata.isTerminating {
                changed = Deletion.mark(changed, grace: 0, until: now.truncatedToSeconds)
            }
            marked = changed
            return
        }
        let grace: Int64
        if metadata.isTerminating, let current = metadata.deletionGracePeriodSeconds, current > 0 {
            // A second request can only shorten the grace period, which still counts from the first.
            guard let asked = options.gracePeriodSeconds, max(asked, asked < 0 ? 1 : 0) < current else { return nil }
            grace = asked < 0 ? 1 : asked
            let requested = (metadata.deletionTimestamp ?? now) - .seconds(Int(current))
            marked = changed.withMetadata {
                $0.deletionTimestamp = max(requested + .seconds(Int(grace)), now.truncatedToSeconds)
                $0.deletionGracePeriodSeconds = grace
            }
        } else if metadata.isTerminating {
            grace = 0
            marked = changed
        } else {
            grace = Deletion.gracePeriod(of: pod.value, options)
            marked = Deletion.mark(changed, grace: grace, until: now.truncatedToSeconds + .seconds(Int(grace)))
        }
        isImmediate = grace == 0 && finalizers.isEmpty
    }

    /// The first request: a change of desired state, so the generation rises.
    private static func mark(_ object: APIObject, grace: Int64, until time: SimulatedTime) -> APIObject {
        object.withMetadata {
            $0.deletionTimestamp = time
            $0.deletionGracePeriodSeconds = grace
            if $0.generation > 0 { $0.generation &+= 1 }
        }
    }

    /// Seconds until the object must be gone: only pods that a kubelet has to stop get any.
    private static func gracePeriod(of pod: Pod, _ options: DeleteOptions) -> Int64 {
        guard pod.nodeName != nil, !pod.isTerminal else { return 0 }
        let asked = options.gracePeriodSeconds ?? pod.spec.value.terminationGracePeriodSeconds
        return asked < 0 ? 1 : asked
    }

    /// The finalizers with the one that stands for the propagation: an explicit one replaces what was asked for earlier.
    private static func finalizers(_ present: [String], _ propagation: DeleteOptions.Propagation?, of kind: Kind) -> [String] {
        let earlier = present.first { $0 == Finalizers.orphan || $0 == Finalizers.foregroundDeletion }
        let wanted: String?
        switch propagation {
        case .background?: wanted = nil
        case .foreground?: wanted = Finalizers.foregroundDeletion
        case .orphan?: wanted = Finalizers.orphan
        case nil: wanted = earlier ?? (kind.orphansByDefault ? Finalizers.orphan : nil)
        }
        if wanted == earlier { return present }
        return present.filter { $0 != Finalizers.foregroundDeletion && $0 != Finalizers.orphan } + (wanted.map { [$0] } ?? [])
    }

    private static let protectedNamespaces = ["default", "kube-public", "kube-system"]
}

extension Kind {
    /// Whether dependents outlive objects of the kind unless the request says otherwise: so it is for the two that are older than
    /// garbage collection. (kubectl always says otherwise.)
    fileprivate var orphansByDefault: Bool { self == .job || self == .replicationController }
}

extension APIObject {
    /// Namespaces have finalizers in their spec too.
    var hasSpecFinalizers: Bool {
        if case .namespace(let namespace) = self { !namespace.value.finalizers.isEmpty } else { false }
    }
}
