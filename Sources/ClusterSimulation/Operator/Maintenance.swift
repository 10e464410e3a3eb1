// Maintenance that goes from node to node: cordon, drain, reboot, uncordon, next. So nodes get their new kernels and kubelets.
// <https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/>

import DiscreteEvents
import KubernetesAPI

/// What is done to each node, and to how many at a time.
public struct MaintenancePlan: Hashable, Sendable {
    public var nodes: NodeSelection
    /// How many nodes are out of service at a time, at most.
    public var maxUnavailable: Int
    /// How long a node's reboot takes.
    public var reboot: SimulatedDuration
    public var drain: DrainOptions

    public init(
        nodes: NodeSelection, maxUnavailable: Int = 1, reboot: SimulatedDuration = .minutes(3), drain: DrainOptions = DrainOptions()
    ) {
        self.nodes = nodes
        self.maxUnavailable = maxUnavailable
        self.reboot = reboot
        self.drain = drain
    }
}

/// One run of maintenance: which nodes are still to come, and where those are that it is about.
struct Maintenance: Sendable {
    private enum Stage: Sendable {
        case draining, rebooting, returning
    }

    let plan: MaintenancePlan
    let operation: Int
    /// The nodes, by name, in the order of their turns.
    private let nodes: [String]
    private var next = 0
    private var current: [(node: String, stage: Stage)] = []
    private(set) var failures: [String] = []

    init(_ plan: MaintenancePlan, nodes: [String], operation: Int) {
        self.plan = plan
        self.nodes = nodes
        self.operation = operation
    }

    var isOver: Bool { next == nodes.count && current.isEmpty }

    /// Takes as many nodes as may be out of service now; they are to be drained.
    mutating func takeNodes() -> [String] {
        var taken: [String] = []
        while next < nodes.count, current.count < plan.maxUnavailable {
            taken.append(nodes[next])
            current.append((nodes[next], .draining))
            next += 1
        }
        return taken
    }

    /// A drain has ended. Returns whether the node is rebooted: one that could not be emptied is left as it was.
    mutating func drained(_ node: String, error: String?) -> Bool {
        guard let index = current.firstIndex(where: { $0.node == node && $0.stage == .draining }) else { return false }
        guard let error else {
            current[index].stage = .rebooting
            return true
        }
        failures.append(error)
        current.remove(at: index)
        return false
    }

    /// The machine is up again; its node has yet to become Ready.
    mutating func rebooted(_ node: String) {
        guard let index = current.firstIndex(where: { $0.node == node && $0.stage == .rebooting }) else { return }
        current[index].stage = .returning
    }

    /// Whether the maintenance is busy with a node.
    func isAbout(_ node: String) -> Bool { current.contains { $0.node == node } }

    /// Whether a node is awaited.
    func awaits(_ node: String) -> Bool { current.contains { $0.node == node && $0.stage == .returning } }

    /// The node is Ready: its turn is over.
    mutating func isReady(_ node: String) { current.removeAll { $0.node == node && $0.stage == .returning } }
}
