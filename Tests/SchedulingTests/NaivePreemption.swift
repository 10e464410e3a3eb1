// Preemption written down from its description, pod list by pod list: slow and obvious, to hold the real implementation against.

import DiscreteEvents
import KubernetesAPI

@testable import Scheduling

struct NaivePreemption {
    let nodes: [Node]
    let pods: [Pod]
    /// Pending pods with a nominated node.
    let nominated: [Pod]
    let budgets: [PodDisruptionBudget]

    struct Candidate: Equatable {
        var node: String
        var victims: [Pod]
        var violations: Int
    }

    /// Whether the pod fits a node on which only these run, whether those nominated there come or not.
    private func fits(_ pod: Pod, _ node: Node, _ running: [Pod]) -> Bool {
        let others = nominated.filter {
            $0.status.nominatedNodeName == node.metadata.name && priority($0) >= priority(pod) && $0.metadata.uid != pod.metadata.uid
        }.map { placed($0, on: node) }
        return NaiveScheduler(nodes: nodes, pods: running + others).fits(pod, node)
            && NaiveScheduler(nodes: nodes, pods: running).fits(pod, node)
    }

    private func placed(_ pod: Pod, on node: Node) -> Pod {
        var pod = pod
        pod.nodeName = node.metadata.name
        return pod
    }

    private func priority(_ pod: Pod) -> Int32 { pod.spec.value.priority ?? 0 }

    private func isMoreImportant(_ left: Pod, _ right: Pod) -> Bool {
        if priority(left) != priority(right) { return priority(left) > priority(right) }
        return (left.status.startTime ?? .distantFuture) < (right.status.startTime ?? .distantFuture)
    }

    /// Names of the nodes on which the pod fits as things are.
    func feasible(_ pod: Pod) -> [String] {
        nodes.filter { node in fits(pod, node, pods.filter { $0.nodeName == node.metadata.name }) }.map(\.metadata.name)
    }

    /// What making room takes on each of these nodes on which it works.
    func candidates(_ pod: Pod, on names: [String]) -> [Candidate] {
        nodes.filter { names.contains($0.metadata.name) }.compactMap { candidate(pod, $0) }
    }

    private func candidate(_ pod: Pod, _ node: Node) -> Candidate? {
        let here = pods.filter { $0.nodeName == node.metadata.name }
        var running = here.filter { priority($0) >= priority(pod) }
        let removed = here.filter { priority($0) < priority(pod) }.sorted(by: isMoreImportant)
        guard !removed.isEmpty, fits(pod, node, running) else { return nil }
        var left = budgets.map { Int($0.status.disruptionsAllowed) }
        var violating: [UID] = []
        for victim in removed {
            for (index, budget) in budgets.enumerated() {
                guard budget.metadata.namespace == victim.metadata.namespace, let selector = budget.spec.selector, !selector.isEmpty,
                    !victim.metadata.labels.isEmpty, selector.matches(victim.metadata.labels)
                else { continue }
                left[index] -= 1
                if left[index] < 0, !violating.contains(victim.metadata.uid) { violating.append(victim.metadata.uid) }
            }
        }
        var result = Candidate(node: node.metadata.name, victims: [], violations: 0)
        let first = removed.filter { violating.contains($0.metadata.uid) }
        for victim in first + removed.filter({ !violating.contains($0.metadata.uid) }) {
            if fits(pod, node, running + [victim]) {
                running.append(victim)
            } else {
                result.victims.append(victim)
                if violating.contains(victim.metadata.uid) { result.violations += 1 }
            }
        }
        result.victims.sort(by: isMoreImportant)
        return result
    }

    /// The names of the nodes no criterion can tell apart.
    func best(_ candidates: [Candidate]) -> [String] {
        var left = candidates
        func keep<Value: Comparable>(smallest value: (Candidate) -> Value) {
            let smallest = left.map(value).min()
            left = left.filter { value($0) == smallest }
        }
        keep { $0.violations }
        keep { $0.victims.map(priority).max() ?? 0 }
        keep { $0.victims.reduce(0) { $0 + Int64(priority($1)) + 2_147_483_648 } }
        keep { $0.victims.count }
        keep { candidate in
            let top = candidate.victims.map(priority).max()
            let starts = candidate.victims.filter { priority($0) == top }.map { $0.status.startTime ?? .distantFuture }
            return -(starts.min() ?? .distantFuture).nanoseconds
        }
        return left.map(\.node).sorted()
    }
}
