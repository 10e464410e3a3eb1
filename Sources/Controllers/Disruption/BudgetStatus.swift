// What a budget's status says of its pods: a pure function of the budget, the pods and the time.
// <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/>

import APIServer
import DiscreteEvents
import KubernetesAPI

struct BudgetStatus {
    /// How long a pod whose eviction was granted may stay before the controller no longer believes that it goes.
    static let deletionTimeout = SimulatedDuration.minutes(2)

    private(set) var status: PodDisruptionBudgetStatus
    /// Pods that were to go and did not.
    private(set) var notDeleted: [Shared<Pod>] = []
    /// When the next of the disrupted pods is given up; nil if there is none.
    private(set) var recheck: SimulatedTime?

    /// - Parameter disrupted: the budget's pods whose eviction was granted and that are still there, not being deleted.
    init(
        of budget: PodDisruptionBudget, _ tally: BudgetTally, disrupted pods: [Shared<Pod>], _ expected: ExpectedPods,
        at now: SimulatedTime
    ) {
        status = budget.status
        var disrupted: [PodDisruptionBudgetStatus.DisruptedPod] = []
        var healthy = tally.healthy
        for pod in pods {
            guard let entry = budget.status.disruptedPods.first(where: { $0.name == pod.value.metadata.name }) else { continue }
            let expiry = entry.since + BudgetStatus.deletionTimeout
            if expiry < now {
                notDeleted.append(pod)
                continue
            }
            disrupted.append(entry)
            recheck = min(recheck ?? expiry, expiry)
            if expiry > now, BudgetTally.isHealthy(pod) { healthy -= 1 }
        }
        status.currentHealthy = Int32(healthy)
        status.desiredHealthy = expected.desiredHealthy
        status.expectedPods = expected.expected
        // A budget that selects no pods allows nothing: its first pods would be gone before the controller counted them.
        status.disruptionsAllowed = expected.expected <= 0 ? 0 : max(0, status.currentHealthy &- status.desiredHealthy)
        // The order of the map does not matter; what was there keeps its place, so that nothing is written for nothing.
        status.disruptedPods = budget.status.disruptedPods.filter { disrupted.contains($0) }
        status.observedGeneration = budget.metadata.generation
        status.noteAllowance(at: now)
    }

    /// The status after a sync that failed: nothing may go, and the condition says why.
    static func failed(_ status: PodDisruptionBudgetStatus, _ error: String, at now: SimulatedTime) -> PodDisruptionBudgetStatus {
        var status = status
        status.disruptionsAllowed = 0
        status.conditions.set(
            Condition(.disruptionAllowed, .false, reason: "SyncFailed", message: error, lastTransitionTime: now.truncatedToSeconds))
        return status
    }
}
