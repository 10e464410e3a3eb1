// Disruption budgets that keep drains from their end, and what to change where that is plain.

import APIServer
import ClusterSimulation
import KubernetesAPI

extension PodDisruptionBudget {
    func selects(_ pod: Pod) -> Bool {
        metadata.namespace == pod.metadata.namespace && spec.selector?.matches(pod.metadata.labels) == true
    }

    /// Why it never lets a pod go, even with all of them healthy, and what would change that; nil if it does let one go.
    var neverAllows: String? {
        guard status.expectedPods > 0, status.desiredHealthy >= status.expectedPods else { return nil }
        let pods = status.expectedPods == 1 ? "its only pod" : "any of its \(status.expectedPods) pods"
        let (cause, remedy) =
            switch (spec.minAvailable, spec.maxUnavailable) {
            case (let least?, _): ("minAvailable \(least)", "lower it, or run more replicas")
            case (nil, let most?): ("maxUnavailable \(most)", "raise it")
            case (nil, nil): ("neither minAvailable nor maxUnavailable", "set one")
            }
        return "never lets \(pods) go (\(cause)): \(remedy), or drains can never go on"
    }
}

extension Cluster {
    /// What keeps a node from being emptied: the budgets of the pods that are still on it, and why those are at their limit.
    func budgetsBlocking(_ node: String, _ needs: [WorkloadNeed]) -> [String] {
        let budgets = api.objects.all(PodDisruptionBudget.self).map(\.value)
        var answers: [String] = []
        for pod in api.objects.all(Pod.self) where pod.value.nodeName == node && !pod.isTerminal && !pod.isTerminating {
            let own = budgets.filter { $0.selects(pod.value) }
            if own.count > 1 {
                let names = own.map { "\($0.metadata.key)" }.joined(separator: " and ")
                add("\(pod.workloadName) has more than one PodDisruptionBudget, \(names): the Eviction API refuses that; leave one")
            } else if let budget = own.first, budget.status.disruptionsAllowed == 0 {
                add(text(of: budget, blocking: pod.workloadName, needs))
            }
        }
        func add(_ text: String) { if !answers.contains(text) { answers.append(text) } }
        return answers
    }

    private func text(of budget: PodDisruptionBudget, blocking workload: String, _ needs: [WorkloadNeed]) -> String {
        let name = "PodDisruptionBudget \(budget.metadata.key)"
        if let never = budget.neverAllows { return "\(workload) stays: \(name) \(never)" }
        let status = budget.status
        let lacking = shortfalls(of: needs.filter { $0.workload == workload })
        return "\(workload) stays: \(name) needs \(status.desiredHealthy) healthy pods and has \(status.currentHealthy)"
            + lacking.map { "; \($0)" }.joined()
    }
}
