// Which pods may preempt, and which nodes are worth looking at.

import KubernetesAPI

enum PreemptionEligibility {
    /// Why a pod may not make room for itself now; nil if it may.
    static func refusal(of pod: PodInfo, _ failure: FilterFailure, _ cache: SchedulerCache) -> String? {
        if pod.spec.preemptionPolicy == .never { return "not eligible due to preemptionPolicy=Never." }
        guard let name = pod.pod.value.status.nominatedNodeName, !name.isEmpty, let node = cache.slot(of: name),
            cache.nodes.objects[node] != nil
        else { return nil }
        // A node that no preemption can help any more binds the pod no longer.
        if failure.rejection(of: node) == .unschedulableAndUnresolvable { return nil }
        for number in cache.nodes.pods[node] {
            guard let other = cache.placedPod(number: number)?.info, other.priority < pod.priority else { continue }
            if isLeavingForPreemption(other.pod.value) { return "not eligible due to a terminating pod on the nominated node." }
        }
        return nil
    }

    /// The reason of DisruptionTarget that scheduler preemption gives.
    static let disruptionReason = "PreemptionByScheduler"

    private static func isLeavingForPreemption(_ pod: Pod) -> Bool {
        guard pod.metadata.isTerminating, let condition = pod.status.conditions[.disruptionTarget] else { return false }
        return condition.status == .true && condition.reason == disruptionReason
    }
}

extension FilterFailure {
    /// How a node refused the pod: nodes nobody looked at share a status.
    func rejection(of node: NodeSlot) -> Rejection {
        if let preFilterRejection { return preFilterRejection.rejection }
        return nodes.firstIndex(of: node).map { verdicts[$0].rejection } ?? .unschedulableAndUnresolvable
    }

    /// The nodes that refused the pod in a way that other pods' going may mend.
    func preemptableNodes(_ cluster: ClusterSnapshot) -> [NodeSlot] {
        if let preFilterRejection { return preFilterRejection.rejection == .unschedulable ? cluster.nodes.order : [] }
        return zip(nodes, verdicts).filter { $0.1.rejection == .unschedulable }.map(\.0)
    }
}
