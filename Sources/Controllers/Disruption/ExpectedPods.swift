// How many pods an application should have: the scales of the controllers its pods belong to.
// <https://kubernetes.io/docs/tasks/run-application/configure-pdb/#arbitrary-controllers-and-selectors>

import APIServer
import KubernetesAPI

/// Why the number of pods a budget reckons with could not be told, in the controller's words.
struct ExpectedPodsError: Error, Hashable, CustomStringConvertible {
    let description: String
}

/// What a budget asks of its pods.
struct ExpectedPods: Hashable {
    /// How many pods there should be.
    private(set) var expected: Int32 = 0
    /// How many of them must be healthy.
    private(set) var desiredHealthy: Int32 = 0
    /// Pods without a controller, which no scale accounts for.
    private(set) var hasUnmanagedPods = false

    /// - Parameter tally: of the pods the budget selects, ended ones included.
    init(_ spec: PodDisruptionBudgetSpec, _ tally: BudgetTally, _ view: SharedInformers) throws(ExpectedPodsError) {
        if let maxUnavailable = spec.maxUnavailable {
            (expected, hasUnmanagedPods) = try ExpectedPods.scale(of: tally, view)
            desiredHealthy = max(0, expected &- (try ExpectedPods.scaled(maxUnavailable, expected)))
        } else if case .int(let count)? = spec.minAvailable {
            expected = Int32(tally.total)
            desiredHealthy = count
        } else if let share = spec.minAvailable {
            (expected, hasUnmanagedPods) = try ExpectedPods.scale(of: tally, view)
            desiredHealthy = try ExpectedPods.scaled(share, expected)
        }
    }

    /// Both fields round up: 40 % of 6 pods are 3, whichever way they are counted.
    private static func scaled(_ value: IntOrPercent, _ total: Int32) throws(ExpectedPodsError) -> Int32 {
        do {
            return Int32(truncatingIfNeeded: try value.scaled(total: Int(total), roundUp: true))
        } catch { throw ExpectedPodsError(description: error.description) }
    }

    /// The sum of the scales of all controllers that own one of the pods.
    private static func scale(
        of tally: BudgetTally, _ view: SharedInformers
    ) throws(ExpectedPodsError) -> (replicas: Int32, hasUnmanagedPods: Bool) {
        var scales: [(uid: UID, replicas: Int32)] = []
        for share in tally.shares {
            guard let scale = try scale(of: share.owner, in: share.namespace, view) else {
                let pod = view.pods(controlledBy: share.owner.uid).first?.value.metadata.name ?? ""
                throw ExpectedPodsError(description: "found no controllers for pod \(GoText.quoted(pod))")
            }
            // Two ReplicaSets of one Deployment are one application.
            if let known = scales.firstIndex(where: { $0.uid == scale.uid }) { scales[known] = scale } else { scales.append(scale) }
        }
        return (scales.reduce(0) { $0 &+ $1.replicas }, tally.unmanaged > 0)
    }

    /// The scale a controller has; nil if it is gone.
    private static func scale(
        of owner: OwnerReference, in namespace: String, _ view: SharedInformers
    ) throws(ExpectedPodsError) -> (uid: UID, replicas: Int32)? {
        let name = NamespacedName(namespace: namespace, name: owner.name)
        switch owner.kind {
        case "ReplicaSet":
            guard let set = view.replicaSet(name)?.value, set.metadata.uid == owner.uid else { return nil }
            // A ReplicaSet of a Deployment shrinks and grows in a rollout; the Deployment's number is the one that is wanted.
            if let parent = set.metadata.controllerReference, parent.kind == "Deployment",
                let deployment = view.deployment(NamespacedName(namespace: namespace, name: parent.name))?.value,
                deployment.metadata.uid == parent.uid
            {
                return (deployment.metadata.uid, deployment.spec.replicas)
            }
            return (set.metadata.uid, set.spec.replicas)
        case "ReplicationController":
            guard let controller = view.get(ReplicationController.self, name)?.value, controller.metadata.uid == owner.uid else {
                return nil
            }
            return (controller.metadata.uid, controller.replicas)
        case "StatefulSet":
            guard let set = view.get(StatefulSet.self, name)?.value, set.metadata.uid == owner.uid else { return nil }
            return (set.metadata.uid, set.spec.replicas)
        default:
            guard let kind = Kind.allCases.first(where: { $0.description == owner.kind }), kind != .unstructured else {
                throw ExpectedPodsError(
                    description: "no matches for kind \(GoText.quoted(owner.kind)) in version \(GoText.quoted(owner.apiVersion))")
            }
            throw ExpectedPodsError(description: "\(kind.resource) does not implement the scale subresource")
        }
    }
}
