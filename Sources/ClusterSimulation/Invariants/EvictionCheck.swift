// What the budgets say of one request to the Eviction API, worked out beside the API server from what is stored.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/>

import APIServer
import KubernetesAPI

/// A request to evict a pod that must be refused.
struct ForbiddenEviction {
    let pod: NamespacedName
    let reason: String

    /// nil: the pod may go.
    init?(_ request: APIRequest, in objects: ObjectTables) {
        guard case .evict(let name, _) = request, let pod = objects.get(Pod.self, name), !pod.isTerminating, !pod.isTerminal,
            pod.value.status.phase != .pending
        else { return nil }
        let budgets = objects.all(PodDisruptionBudget.self).filter {
            $0.value.metadata.namespace == name.namespace && $0.value.spec.selector?.matches(pod.value.metadata.labels) == true
        }
        guard let budget = budgets.first?.value else { return nil }
        self.pod = name
        if budgets.count > 1 {
            reason = "more than one budget selects it"
            return
        }
        let status = budget.status
        if !pod.isReady {
            if budget.spec.unhealthyPodEvictionPolicy == .alwaysAllow { return nil }
            if status.desiredHealthy > 0, status.currentHealthy >= status.desiredHealthy { return nil }
        }
        if status.observedGeneration < budget.metadata.generation {
            reason = "budget \(budget.metadata.name) was changed and not looked at since"
        } else if status.disruptionsAllowed <= 0 {
            reason =
                "budget \(budget.metadata.name) needs \(status.desiredHealthy) healthy pods and has \(status.currentHealthy)"
        } else {
            return nil
        }
    }
}
