// What the budgets say of one request to the Eviction API, worked out beside the API server: from the status of the budget, as the real
// API server does, and from the pods themselves, for the status may be wrong.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// A request to evict a pod that budgets have a say in.
struct EvictionCheck {
    let pod: NamespacedName
    let uid: UID
    /// Why it must be refused; nil: the pod may go.
    let objection: String?

    /// nil: no budget is asked, for none selects the pod, or it does not run, or is going already: it disrupts nobody.
    init?(_ request: APIRequest, in objects: ObjectTables, _ book: EvictionBook, at now: SimulatedTime) {
        guard case .evict(let name, _) = request, let pod = objects.get(Pod.self, name), !pod.isTerminating, !pod.isTerminal,
            pod.value.status.phase != .pending
        else { return nil }
        let budgets = objects.all(PodDisruptionBudget.self).filter {
            $0.value.metadata.namespace == name.namespace && $0.value.spec.selector?.matches(pod.value.metadata.labels) == true
        }
        guard let budget = budgets.first?.value else { return nil }
        self.pod = name
        uid = pod.value.metadata.uid
        if budgets.count > 1 {
            objection = "more than one budget selects it"
        } else if pod.isReady || budget.spec.unhealthyPodEvictionPolicy != .alwaysAllow {
            objection = EvictionCheck.objection(to: pod, budget) ?? book.objection(to: pod, budget, in: objects, at: now)
        } else {
            objection = nil
        }
    }

    /// What the budget's status has against it.
    private static func objection(to pod: Shared<Pod>, _ budget: PodDisruptionBudget) -> String? {
        let status = budget.status
        if !pod.isReady, status.desiredHealthy > 0, status.currentHealthy >= status.desiredHealthy { return nil }
        if status.observedGeneration < budget.metadata.generation {
            return "budget \(budget.metadata.name) was changed and not looked at since"
        }
        guard status.disruptionsAllowed <= 0 else { return nil }
        return "budget \(budget.metadata.name) needs \(status.desiredHealthy) healthy pods and has \(status.currentHealthy)"
    }
}
