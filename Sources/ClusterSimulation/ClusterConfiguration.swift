// Everything a cluster's run depends on, as one value. Scenario files are read into this; tests build it directly.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Scheduling
import SchedulingPolicies

/// What a run starts from and what happens in it.
public struct ClusterConfiguration: Sendable {
    public var seed: UInt64
    public var timing: ControlPlaneTiming
    /// The addresses and node ports of services.
    public var serviceNetwork: ServiceNetworkConfiguration
    public var scheduler: SchedulerConfiguration
    /// The plugins that the scheduler's configuration may name.
    public var plugins: PluginRegistry
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
    public var apiServerFaults: [APIServerFault]
    public var registryOutages: [RegistryOutage]
    public var timeline: [TimelineEntry]
    /// Objects that come and go at given times, as a trace recorded them. Sorted by `createAt`.
    public var trace: [TraceEntry]
    /// Other arrivals of the trace's objects than the recorded ones; nil: as recorded.
    public var arrivals: ArrivalPlan?
    public var recording: RecordingOptions
    /// Requests through Services; nil: nobody sends any.
    public var traffic: TrafficConfiguration?
    /// Whether the run is watched for broken invariants, at whose first it stands still (``Cluster/violation``).
    public var checksInvariants: Bool
    /// A bug that a test plants.
    package var saboteur: (any Saboteur)?

    public init(seed: UInt64 = 1) {
        self.seed = seed
        timing = ControlPlaneTiming()
        serviceNetwork = ServiceNetworkConfiguration()
        scheduler = SchedulerConfiguration()
        plugins = .withPolicies
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
        apiServerFaults = []
        registryOutages = []
        timeline = []
        trace = []
        recording = RecordingOptions()
        checksInvariants = false
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
    /// When a pod that has no node by then is deleted; nil: it waits.
    public var giveUpAt: SimulatedTime?

    public init(createAt: SimulatedTime, deleteAt: SimulatedTime?, object: APIObject, giveUpAt: SimulatedTime? = nil) {
        self.createAt = createAt
        self.deleteAt = deleteAt
        self.object = object
        self.giveUpAt = giveUpAt
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
    case delete(ObjectKey, DeleteOptions = DeleteOptions(propagation: .background))
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
    /// Node after node is drained and rebooted.
    case maintain(MaintenancePlan)
}

/// What a run keeps for its result files.
public struct RecordingOptions: Hashable, Sendable {
    /// The interval of `cluster.csv`; nil: none but start and end.
    public var interval: SimulatedDuration?
    public var schedulingAttempts = true
    public var events = true
    /// Resources whose allocation is held against demand.
    public var allocations: [AllocationMeasure] = []
    /// Every API watch event, for `--watch-log`.
    public var watchLog = false
    /// A timeline for trace viewers, for `--trace`.
    public var trace = false
    /// Every how many-th request of each source of traffic is recorded by itself; nil: none.
    public var requestSampling: Int?
    /// What each node uses, at each sample.
    public var nodeUsage = false
    /// What figures of the steady state leave out; nil: nothing.
    public var warmUp: WarmUp?

    public init() { interval = .seconds(10) }
}
