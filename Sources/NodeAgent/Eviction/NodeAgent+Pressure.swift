// Pressure as the node's object shows it: conditions, from which the node controller makes taints, and their Events.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    /// The kubelet's words for a condition of pressure that holds or does not.
    static func pressure(_ type: ConditionType, _ holds: Bool, at now: SimulatedTime) -> Condition {
        let (reason, message) =
            switch (type, holds) {
            case (.memoryPressure, true): ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available")
            case (.memoryPressure, false): ("KubeletHasSufficientMemory", "kubelet has sufficient memory available")
            case (.diskPressure, true): ("KubeletHasDiskPressure", "kubelet has disk pressure")
            case (.diskPressure, false): ("KubeletHasNoDiskPressure", "kubelet has no disk pressure")
            case (_, true): ("KubeletHasInsufficientPID", "kubelet has insufficient PID available")
            case (_, false): ("KubeletHasSufficientPID", "kubelet has sufficient PID available")
            }
        return Condition(type, holds ? .true : .false, reason: reason, message: message, lastTransitionTime: now.truncatedToSeconds)
    }

    /// The reason of the Event about such a change.
    private static func reason(_ type: ConditionType, _ holds: Bool) -> String {
        switch (type, holds) {
        case (.memoryPressure, true): "NodeHasInsufficientMemory"
        case (.memoryPressure, false): "NodeHasSufficientMemory"
        case (.diskPressure, true): "NodeHasDiskPressure"
        case (.diskPressure, false): "NodeHasNoDiskPressure"
        case (_, true): "NodeHasInsufficientPID"
        case (_, false): "NodeHasSufficientPID"
        }
    }

    /// The kubelet reports its node's status: what changed of its conditions of pressure.
    mutating func reportPressure(on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        let usage = kubelets[number].usage
        var changed: [Condition] = []
        for type in [ConditionType.memoryPressure, .diskPressure, .pidPressure] {
            let holds = usage.eviction.conditions.contains(type)
            guard holds != usage.reported.contains(type) else { continue }
            changed.append(NodeAgent.pressure(type, holds, at: now))
            let reason = NodeAgent.reason(type, holds)
            record(
                aboutNode: number, reason, "Node \(kubelets[number].name) status is now: \(reason)", at: now, effects: &effects)
        }
        kubelets[number].usage.reported = usage.eviction.conditions
        guard !changed.isEmpty else { return }
        effects.call(kubelets[number].client, .patchNode(kubelets[number].name, .conditions(changed)))
    }
}
