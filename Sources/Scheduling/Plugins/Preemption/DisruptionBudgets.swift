// PodDisruptionBudgets as preemption sees them: they are respected where that is possible.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#poddisruptionbudget-is-supported-but-not-guaranteed>

import KubernetesAPI

enum DisruptionBudgets {
    /// Which of the pods could not go, if they went in this order, without taking more from a budget than it allows.
    static func violations(of pods: [PodInfo], _ cluster: ClusterSnapshot) -> [Bool] {
        var budgets = Allowances()
        return pods.map { pod in
            let metadata = pod.pod.value.metadata
            // A pod without labels is in no budget.
            return metadata.labels.isEmpty ? false : budgets.take(for: metadata, cluster)
        }
    }

    /// What is left of the budgets of the namespaces met so far.
    private struct Allowances {
        private struct Budget {
            let selector: Selector
            let disruptedPods: [String]
            var allowed: Int32
        }
        private var namespaces: [(name: String, budgets: [Budget])] = []

        /// Takes one disruption from every budget the pod is in; returns whether one of them had none left.
        mutating func take(for pod: ObjectMeta, _ cluster: ClusterSnapshot) -> Bool {
            let index = indexOfNamespace(pod.namespace, cluster)
            var isViolated = false
            for number in namespaces[index].budgets.indices {
                let budget = namespaces[index].budgets[number]
                // A pod whose eviction was granted already has been taken from the budget.
                guard budget.selector.matches(pod.labels), !budget.disruptedPods.contains(pod.name) else { continue }
                namespaces[index].budgets[number].allowed -= 1
                if budget.allowed <= 0 { isViolated = true }
            }
            return isViolated
        }

        private mutating func indexOfNamespace(_ name: String, _ cluster: ClusterSnapshot) -> Int {
            if let known = namespaces.firstIndex(where: { $0.name == name }) { return known }
            var budgets: [Budget] = []
            for budget in cluster.objects.disruptionBudgets[name] {
                // Budgets without a selector, or with one that cannot be read, hold no pod; here, unlike for evictions, neither
                // do those with an empty selector.
                guard let given = budget.value.spec.selector, let selector = try? given.selector(), !selector.isEmpty else { continue }
                budgets.append(
                    Budget(
                        selector: selector, disruptedPods: budget.value.status.disruptedPods.map(\.name),
                        allowed: budget.value.status.disruptionsAllowed))
            }
            namespaces.append((name, budgets))
            return namespaces.count - 1
        }
    }
}
