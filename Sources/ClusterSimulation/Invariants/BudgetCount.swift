// What a disruption budget's status should say, counted from the stored objects, beside the controller that counts by difference.
// <https://kubernetes.io/docs/tasks/run-application/configure-pdb/>

import APIServer
import KubernetesAPI

/// The pods of a budget, how many there should be, and how many of them must be healthy.
struct BudgetCount {
    /// All that the budget selects, whatever their phase.
    let pods: [Shared<Pod>]
    let expected: Int
    let desired: Int
    /// What says how many pods there should be, and the controllers that own them, by their UIDs; none where that does not count.
    let workloads: [UID]
    let owners: [UID]
    var healthy: Int { pods.count { $0.isReady && !$0.isTerminating } }

    /// nil: it cannot be told, and such a budget lets no pod go.
    init?(of budget: PodDisruptionBudget, in objects: ObjectTables) {
        guard let selector = try? budget.spec.selector?.selector() else { return nil }
        pods = objects.all(Pod.self).filter {
            $0.value.metadata.namespace == budget.metadata.namespace && selector.matches($0.value.metadata.labels)
        }
        if budget.spec.maxUnavailable == nil, case .int(let least)? = budget.spec.minAvailable {
            (expected, desired) = (pods.count, Int(least))
            (workloads, owners) = ([], [])
            return
        }
        var (workloads, owners): ([UID], [UID]) = ([], [])
        var sum = 0
        for pod in pods {
            guard let owner = pod.value.metadata.controllerReference, !owners.contains(owner.uid) else { continue }
            owners.append(owner.uid)
            guard let (uid, replicas) = BudgetCount.scale(of: owner, in: budget.metadata.namespace, objects) else { return nil }
            // Two ReplicaSets of one Deployment are one application.
            if workloads.contains(uid) { continue }
            workloads.append(uid)
            sum += replicas
        }
        (self.workloads, self.owners) = (workloads, owners)
        expected = sum
        // Both fields round up.
        if let most = budget.spec.maxUnavailable {
            guard let share = try? most.scaled(total: sum, roundUp: true) else { return nil }
            desired = max(0, sum - share)
        } else if let least = budget.spec.minAvailable {
            guard let share = try? least.scaled(total: sum, roundUp: true) else { return nil }
            desired = share
        } else {
            return nil
        }
    }

    /// The replicas of the controller of a pod; those of a Deployment for its ReplicaSets.
    private static func scale(of owner: OwnerReference, in namespace: String, _ objects: ObjectTables) -> (UID, Int)? {
        let name = NamespacedName(namespace: namespace, name: owner.name)
        switch owner.kind {
        case "ReplicaSet":
            guard let set = objects.get(ReplicaSet.self, name)?.value, set.metadata.uid == owner.uid else { return nil }
            if let parent = set.metadata.controllerReference, parent.kind == "Deployment",
                let deployment = objects.get(Deployment.self, NamespacedName(namespace: namespace, name: parent.name))?.value,
                deployment.metadata.uid == parent.uid
            {
                return (deployment.metadata.uid, Int(deployment.spec.replicas))
            }
            return (set.metadata.uid, Int(set.spec.replicas))
        case "ReplicationController":
            guard let set = objects.get(ReplicationController.self, name)?.value, set.metadata.uid == owner.uid else { return nil }
            return (set.metadata.uid, Int(set.replicas))
        case "StatefulSet":
            guard let set = objects.get(StatefulSet.self, name)?.value, set.metadata.uid == owner.uid else { return nil }
            return (set.metadata.uid, Int(set.spec.replicas))
        default: return nil
        }
    }
}
