// The taints a node should have, by its conditions.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-nodes-by-condition>

import DiscreteEvents
import KubernetesAPI

/// Taints to set and to take away; nothing if both are empty.
struct TaintChange: Hashable, Sendable {
    var add: [Taint] = []
    var remove: [Taint] = []
    var isEmpty: Bool { add.isEmpty && remove.isEmpty }
}

enum NodeTaints {
    private static let fromConditions: [(type: ConditionType, status: ConditionStatus, key: String)] = [
        (.ready, .false, Taint.notReady), (.ready, .unknown, Taint.unreachable), (.memoryPressure, .true, Taint.memoryPressure),
        (.diskPressure, .true, Taint.diskPressure), (.networkUnavailable, .true, Taint.networkUnavailable),
        (.pidPressure, .true, Taint.pidPressure),
    ]

    /// What keeps new pods away: NoSchedule taints that mirror conditions and `spec.unschedulable`.
    static func noSchedule(_ node: Node, at now: SimulatedTime) -> TaintChange {
        var wanted: [String] = []
        for condition in node.status.conditions {
            for rule in fromConditions where rule.type == condition.type && rule.status == condition.status { wanted.append(rule.key) }
        }
        if node.spec.unschedulable { wanted.append(Taint.unschedulable) }
        let owned = fromConditions.map(\.key) + [Taint.unschedulable]
        let present = node.spec.taints.filter { $0.effect == .noSchedule && owned.contains($0.key) }
        var change = TaintChange()
        for key in wanted where !present.contains(where: { $0.key == key }) {
            change.add.append(Taint(key: key, effect: .noSchedule, timeAdded: now.truncatedToSeconds))
        }
        change.remove = present.filter { !wanted.contains($0.key) }
        return change
    }

    /// What drives pods off: the NoExecute taint that fits the Ready condition, in place of the other one. Nothing if ready.
    static func noExecute(_ node: Node, ready: ConditionStatus, at now: SimulatedTime) -> TaintChange {
        let (key, opposite) = ready == .false ? (Taint.notReady, Taint.unreachable) : (Taint.unreachable, Taint.notReady)
        guard ready != .true else { return TaintChange() }
        var change = TaintChange()
        let taint = Taint(key: key, effect: .noExecute, timeAdded: now.truncatedToSeconds)
        if !node.spec.taints.contains(where: taint.matches) { change.add = [taint] }
        change.remove = node.spec.taints.filter { $0.effect == .noExecute && $0.key == opposite }
        return change
    }

    /// The NoExecute taints to take off a node that is ready again.
    static func removingNoExecute(_ node: Node) -> TaintChange {
        TaintChange(
            remove: node.spec.taints.filter {
                $0.effect == .noExecute && ($0.key == Taint.notReady || $0.key == Taint.unreachable)
            })
    }
}
