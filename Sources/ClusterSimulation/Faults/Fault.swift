// What can break in a scenario: nodes, the network between them and the control plane, and the API server.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent

/// Which nodes a fault or an action is about.
public enum NodeSelection: Hashable, Sendable {
    case all
    case node(String)
    case zone(String)
    case labels(LabelSelector)
}

/// Something that breaks on nodes.
public struct Fault: Hashable, Sendable {
    public enum Effect: Hashable, Sendable {
        /// The machine stops: containers die; when it returns they are started again.
        case crash
        /// Only the kubelet stops: no heartbeats, no status, no new pods; containers run on.
        case kubeletStop
        /// The node and the control plane cannot reach each other: the kubelet runs on, reaches nobody and hears nothing.
        case partition
        /// The provider takes the machine back, for good, after a notice.
        case reclamation(Reclamation)
        /// Something outside of pods takes so much of the machine, which works on as far as it can: a full disk, a runaway daemon.
        case load(OutsideLoad)
    }
    public enum Schedule: Hashable, Sendable {
        /// All selected nodes together, at one time; `down` nil: for good.
        case once(at: SimulatedTime, down: SimulatedDuration?)
        /// Each selected node for itself, again and again: times to failure and to repair in seconds. `until`: no failure begins later.
        case random(timeToFailure: Distribution, timeToRepair: Distribution, until: SimulatedTime? = nil)
    }
    public var nodes: NodeSelection
    public var effect: Effect
    public var schedule: Schedule
    /// A label whose values divide the nodes into groups (racks, zones) that fail together; nil: with a random schedule each node fails for
    /// itself.
    public var commonTo: String?
    /// Of a partition: whether it also keeps the pods of these nodes and those of all others from each other.
    public var cutsPods = false
    /// With which probability a failure of several nodes hits each of them.
    public var probability = 1.0

    public init(nodes: NodeSelection, effect: Effect = .crash, schedule: Schedule) {
        self.nodes = nodes
        self.effect = effect
        self.schedule = schedule
    }
}

/// How a provider takes spot machines back, and what comes in their place.
public struct Reclamation: Hashable, Sendable {
    /// From the notice to the end of the machine.
    public var notice: SimulatedDuration
    /// Whether something on the node heeds the notice: it cordons the node and drains it, as the providers' termination handlers do.
    public var isHandled: Bool
    /// Seconds from the end of the machine until a new one of its kind joins; nil: none does.
    public var replacement: Distribution?

    public init(notice: SimulatedDuration = .minutes(2), isHandled: Bool = true, replacement: Distribution? = nil) {
        self.notice = notice
        self.isHandled = isHandled
        self.replacement = replacement
    }
}

/// A time in which the API server does not work as it should.
public struct APIServerFault: Hashable, Sendable {
    public enum Effect: Hashable, Sendable {
        /// Nothing is answered, and watches end. Nothing that was stored is lost.
        case outage
        /// Answers take longer (`latencyFactor` times as long, and `delay` more), and a share of the requests fails.
        case brownout(latencyFactor: Double, delay: SimulatedDuration, errors: Double)
    }
    public var effect: Effect
    public var at: SimulatedTime
    public var down: SimulatedDuration

    public init(_ effect: Effect, at: SimulatedTime, down: SimulatedDuration) {
        self.effect = effect
        self.at = at
        self.down = down
    }
}

/// A time in which the image registry answers nobody: pulls fail.
public struct RegistryOutage: Hashable, Sendable {
    public var at: SimulatedTime
    /// nil: for good.
    public var down: SimulatedDuration?

    public init(at: SimulatedTime, down: SimulatedDuration? = nil) {
        self.at = at
        self.down = down
    }
}

extension NodeSelection {
    package func contains(_ node: Node) -> Bool {
        switch self {
        case .all: true
        case .node(let name): node.metadata.name == name
        case .zone(let zone): node.zone == zone
        case .labels(let selector): selector.matches(node.metadata.labels)
        }
    }

    /// How `recoveries.csv` names what failed.
    var subject: String {
        switch self {
        case .all: "nodes/all"
        case .node(let name): "node/" + name
        case .zone(let zone): "zone/" + zone
        case .labels(let selector): "nodes/" + ((try? selector.selector())?.description ?? "")
        }
    }
}
