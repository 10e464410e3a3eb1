// Node IPAM: a range of pod addresses for each node that joins, cut from the cluster's.
// <https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/> (`--allocate-node-cidrs`)

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are names of nodes. What is remembered: the ranges that are taken, also those on their way to their node.
///
/// Nodes that are there from the start are believed: one without a range is served by a network that does without.
struct NodeAddressAllocator: Reconciler {
    /// The range that a plan gives to its node.
    struct Conclusion: Sendable {
        let range: AddressRange
    }

    private let isEnabled: Bool
    private var ranges: NodeRangeSet
    /// Nodes that joined and wait for their range.
    private var waiting: Set<String> = []

    init(_ configuration: ControllerManagerConfiguration) {
        let range = configuration.clusterRange(forNodes: 1)
        isEnabled = configuration.allocateNodeCIDRs
        ranges = NodeRangeSet(range, prefix: max(configuration.nodeCIDRMaskSize, range.prefix))
    }

    mutating func reconcile(_ name: String, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        guard waiting.contains(name), let node = view.node(name) else { return Plan() }
        guard node.value.spec.podRange == nil else {
            waiting.remove(name)
            return Plan()
        }
        guard let range = ranges.allocate() else {
            var plan = Plan<Conclusion>()
            plan.events = [NodeAddressAllocator.event(about: node.value, "CIDRNotAvailable")]
            plan.retriesAnyway = true
            return plan
        }
        var plan = Plan<Conclusion>(steps: [[PlannedCall(.patchNode(name, .podRange(range)))]])
        plan.conclusion = Conclusion(range: range)
        return plan
    }

    /// A range that could not be given goes back.
    mutating func conclude(
        _ name: String, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        guard let conclusion else { return nil }
        guard let error = outcome.error else {
            waiting.remove(name)
            return nil
        }
        ranges.release(conclusion.range)
        var plan = Plan<Conclusion>()
        plan.failure = error
        if let node = view.node(name) { plan.events = [NodeAddressAllocator.event(about: node.value, "CIDRAssignmentFailed")] }
        return plan
    }

    private static func event(about node: Node, _ status: String) -> KubernetesEvent {
        KubernetesEvent(
            about: "Node", node.metadata.key, uid: node.metadata.uid, reason: status,
            message: "Node \(node.metadata.name) status is now: \(status)", source: ControllerName.nodeIPAM.eventSource)
    }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<String>, at now: SimulatedTime
    ) {
        guard isEnabled, case .node(let node) = event.object else { return }
        let name = node.value.metadata.name
        if event.change == .deleted {
            waiting.remove(name)
            if let range = node.value.spec.podRange { ranges.release(range) }
        } else if let range = node.value.spec.podRange {
            ranges.occupy(range)
        } else if event.change == .added, event.time > .zero {
            waiting.insert(name)
            queue.add(name)
        }
    }
}
