// Everything a cluster's run depends on, as one value. Scenario files are read into this; tests build it directly.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Scheduling

/// What a run starts from and what happens in it.
public struct ClusterConfiguration: Sendable {
    public var seed: UInt64
    public var timing: ControlPlaneTiming
    /// The addresses and node ports of services.
    public var serviceNetwork: ServiceNetworkConfiguration
    public var scheduler: SchedulerConfiguration
    /// How the scheduler comes to its decisions; they are the same either way.
    public var schedulerPath: SchedulerPath
    public var controllerManager: ControllerManagerConfiguration
    public var nodeAgent: NodeAgentConfiguration
    public var metrics: MetricsConfiguration
    /// Metrics that do not come from the kubelets.
    public var customMetrics: [CustomMetric]
    /// Nodes that exist and are Ready at the start.
    public var nodes: [Node]
    /// Objects of a running cluster, taken over as they are: UIDs, times, status; bound pods keep running where they are.
    /// Nodes among them are not repeated in `nodes`.
    public var snapshot: [APIObject]
    /// Objects an operator applies at the start, in this order.
    public var objects: [APIObject]
    /// How containers behave; the first rule that matches a pod counts, then `defaultBehaviour`.
    public var behaviours: [BehaviourRule]
    public var defaultBehaviour: WorkloadBehaviour
    public var faults: [Fault]
    public var registryOutages: [RegistryOutage]
    public var timeline: [TimelineEntry]
    /// Objects that come and go at given times, as a trace recorded them. Sorted by `createAt`.
    public var trace: [TraceEntry]
    public var recording: RecordingOptions

    public init(seed: UInt64 = 1) {
        self.seed = seed
        timing = ControlPlaneTiming()
        serviceNetwork = ServiceNetworkConfiguration()
        scheduler = SchedulerConfiguration()
        schedulerPath = .memoised
        controllerManager = ControllerManagerConfiguration()
        nodeAgent = NodeAgentConfiguration()
        metrics = MetricsConfiguration()
        customMetrics = []
        nodes = []
        snapshot = []
        objects = []
        behaviours = []
        defaultBehaviour = WorkloadBehaviour()
        faults = []
        registryOutages = []
        timeline = []
        trace = []
        recording = RecordingOptions()
    }
}

extension ClusterConfiguration {
    /// All nodes there will ever be: of the start, of the snapshot, and those that join.
    var nodeCount: Int {
        let joining = timeline.map { entry in
            if case .addNodes(let nodes) = entry.action { nodes.count } else { 0 }
        }
        return nodes.count + snapshot.count { $0.kind == .node } + joining.reduce(0, +)
    }
}

/// An object of a trace with its published life.
public struct TraceEntry: Sendable {
    public var createAt: SimulatedTime
    /// nil: it stays to the end.
    public var deleteAt: SimulatedTime?
    public var object: APIObject

    public init(createAt: SimulatedTime, deleteAt: SimulatedTime?, object: APIObject) {
        self.createAt = createAt
        self.deleteAt = deleteAt
        self.object = object
    }
}

/// Which nodes a fault or an action is about.
public enum NodeSelection: Hashable, Sendable {
    case all
    case node(String)
    case zone(String)
    case labels(LabelSelector)
}

/// Something that breaks.
public struct Fault: Hashable, Sendable {
    public enum Effect: Hashable, Sendable {
        /// The machine stops: containers die; when it returns they are started again.
        case crash
        /// Only the kubelet stops: no heartbeats, no status, no new pods; containers run on.
        case kubeletStop
    }
    public enum Schedule: Hashable, Sendable {
        /// All selected nodes together, at one time; `down` nil: for good.
        case once(at: SimulatedTime, down: SimulatedDuration?)
        /// Each selected node for itself, again and again: times to failure and to repair in seconds.
        case random(timeToFailure: Distribution, timeToRepair: Distribution)
    }
    public var nodes: NodeSelection
    public var effect: Effect
    public var schedule: Schedule

    public init(nodes: NodeSelection, effect: Effect = .crash, schedule: Schedule) {
        self.nodes = nodes
        self.effect = effect
        self.schedule = schedule
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

/// Something the operator does at a given time.
public struct TimelineEntry: Sendable {
    public var at: SimulatedTime
    public var action: OperatorAction

    public init(at: SimulatedTime, action: OperatorAction) {
        self.at = at
        self.action = action
    }
}

public enum OperatorAction: Sendable {
    case apply([APIObject])
    case delete(ObjectKey)
    case scale(ObjectKey, replicas: Int32)
    case setImage(ObjectKey, container: String, image: String)
    case rolloutUndo(ObjectKey, toRevision: Int64?)
    case rolloutRestart(ObjectKey)
    case rolloutPause(deployment: NamespacedName, paused: Bool)
    case cordon(NodeSelection)
    case uncordon(NodeSelection)
    /// `kubectl drain`: cordons, then evicts every pod that is not a DaemonSet's.
    case drain(NodeSelection, DrainOptions = DrainOptions())
    /// The load on some pods is another from now on.
    case setLoad(LoadChange)
    /// Something outside of pods takes so much of these nodes from now on.
    case setNodeLoad(NodeSelection, OutsideLoad)
    case taint(NodeSelection, [Taint])
    /// Removes taints, known by key and effect.
    case untaint(NodeSelection, [Taint])
    /// New machines that register themselves.
    case addNodes([Node])
}

/// What a run keeps for its result files.
public struct RecordingOptions: Hashable, Sendable {
    /// The interval of `cluster.csv`; nil: none but start and end.
    public var interval: SimulatedDuration?
    public var schedulingAttempts = true
    public var events = true
    /// Every API watch event, for `--watch-log`.
    public var watchLog = false

    public init() { interval = .seconds(10) }
}
