// What the node monitor writes and says: conditions, pods' readiness, taints, Events.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension NodeMonitor {
    static func unknownConditions(_ node: Node, at now: SimulatedTime) -> [Condition] {
        [ConditionType.ready, .memoryPressure, .diskPressure, .pidPressure].compactMap { type in
            let current = node.status.conditions[type]
            if current?.status == .unknown { return nil }
            return Condition(
                type, .unknown, reason: current == nil ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
                message: current == nil ? "Kubelet never posted node status." : "Kubelet stopped posting node status.",
                lastTransitionTime: now.truncatedToSeconds)
        }
    }

    static func event(aboutNode name: String, _ uid: UID?, _ reason: String, _ message: String) -> KubernetesEvent {
        KubernetesEvent(
            about: "Node", NamespacedName(namespace: "", name: name), uid: uid ?? UID(name), reason: reason,
            message: "Node \(name) event: \(message)", source: ControllerName.nodeLifecycle.eventSource)
    }

    static func event(aboutNode node: Node) -> KubernetesEvent {
        let name = node.metadata.name
        return KubernetesEvent(
            about: "Node", node.metadata.key, uid: node.metadata.uid, reason: "NodeNotReady",
            message: "Node \(name) status is now: NodeNotReady", source: ControllerName.nodeLifecycle.eventSource)
    }

    /// Ready=False for a pod nobody can vouch for any more. An update of the version that was seen: a pod that somebody else (taint
    /// eviction, say) wrote to meanwhile is told in the next pass. It is reported all the same, and then a second time.
    static func tell(_ pod: Shared<Pod>, at now: SimulatedTime) -> PlannedCall {
        let metadata = pod.value.metadata
        let told = pod.with {
            var ready = $0.status.conditions[.ready] ?? Condition(.ready, .false)
            ready.status = .false
            ready.lastTransitionTime = now.truncatedToSeconds
            $0.status.conditions.set(ready)
        }
        var call = PlannedCall(.updateStatus(.pod(told)))
        call.forgives = [.notFound, .conflict]
        call.onSuccess = Shared(
            KubernetesEvent(
                about: "Pod", metadata.key, uid: metadata.uid, reason: "NodeNotReady", message: "Node is not ready",
                severity: .warning, source: ControllerName.nodeLifecycle.eventSource))
        return call
    }

    /// Taints are set first, then taken away, in two requests, each after reading the node: so the rate limit is felt twice.
    static func steps(_ node: String, _ change: TaintChange) -> [[PlannedCall]] {
        func step(add: [Taint], remove: [Taint]) -> [PlannedCall] {
            var call = PlannedCall(.patchNode(node, .taints(add: add, remove: remove)))
            call.reads = 1
            return [call]
        }
        var steps: [[PlannedCall]] = []
        if !change.add.isEmpty { steps.append(step(add: change.add, remove: [])) }
        if !change.remove.isEmpty { steps.append(step(add: [], remove: change.remove)) }
        return steps
    }
}

extension Plan {
    /// The same plan with more Events to record at once.
    func reporting(_ events: [KubernetesEvent]) -> Plan {
        if events.isEmpty { return self }
        var plan = self
        plan.events += events
        return plan
    }
}
