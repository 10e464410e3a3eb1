// Writes taints: NoSchedule at once when conditions change, NoExecute when the zone's queue or the monitor says so.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What is to be done about a node's taints; decided from the cache when a worker takes it up.
enum NodeTaintWork: Hashable, Sendable {
    case mirrorConditions(String)
    case driveOff(String)
    case welcomeBack(String)
}

struct NodeTainter: Reconciler {
    typealias Conclusion = Never

    func reconcile(_ work: NodeTaintWork, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        switch work {
        case .mirrorConditions(let name):
            guard let node = view.node(name) else { return Plan() }
            return Plan(steps: NodeMonitor.steps(name, NodeTaints.noSchedule(node.value, at: now)))
        case .driveOff(let name):
            guard let node = view.node(name), let ready = node.value.status.conditions[.ready]?.status else { return Plan() }
            return Plan(steps: NodeMonitor.steps(name, NodeTaints.noExecute(node.value, ready: ready, at: now)))
        case .welcomeBack(let name):
            guard let node = view.node(name) else { return Plan() }
            return Plan(steps: NodeMonitor.steps(name, NodeTaints.removingNoExecute(node.value)))
        }
    }
}
