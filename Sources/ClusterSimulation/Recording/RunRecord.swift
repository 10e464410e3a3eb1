// What a run leaves behind: plain rows, in the order they became known. Result files are these rows and nothing else.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Scheduling

/// Everything recorded of one run.
public struct RunRecord: Sendable {
    public package(set) var samples: [ClusterSample] = []
    /// What nodes used, if asked for: one row per node and sample.
    public package(set) var nodeUsage: [NodeUsageSample] = []
    /// What the vectors of pods' requests are about (``PodRecord/requests``).
    public package(set) var resources: [ResourceName] = [.cpu, .memory]
    /// One row per pod, in order of creation.
    public package(set) var pods: [PodRecord] = []
    /// One row per node, in order of appearance.
    public package(set) var nodes: [NodeRecord] = []
    public package(set) var attempts: [SchedulingAttempt] = []
    /// Kubernetes Events; a repeated event is one row per report, with its count.
    public package(set) var events: [(time: SimulatedTime, event: Shared<KubernetesEvent>)] = []
    /// One row per failure of one or more nodes, in order of the failures.
    public package(set) var recoveries: [RecoveryRecord] = []
    /// One row whenever a workload's available or desired replicas changed.
    public package(set) var availability: [AvailabilityChange] = []
    /// One row whenever a condition of a node, workload or autoscaler changed its status or reason.
    public package(set) var conditions: [ConditionChange] = []
    /// One row per Job, in order of creation.
    public package(set) var jobs: [JobRecord] = []
    /// What the operator did, in order.
    public package(set) var operations: [OperationRecord] = []
    /// Allocation against demand, of each resource asked for.
    public package(set) var allocations: [AllocationCurve] = []
    /// Every watch event, if asked for.
    public package(set) var watchLog: [WatchEvent] = []
    /// The first invariant that was broken, if the run was watched: it ended there.
    public package(set) var violation: InvariantViolation?
    /// What became of requests through Services, if there were any.
    public package(set) var traffic: TrafficRecord?
    /// How many events of the simulator were handled.
    public package(set) var handledEvents: Int = 0

    package init() {}
}

/// The cluster at one moment: a row of `cluster.csv`.
public struct ClusterSample: Sendable {
    public struct Resource: Sendable {
        public var name: ResourceName
        /// Sums over nodes, in base units (cores, bytes, pieces).
        public var requested: Double
        public var allocatable: Double
        /// Mean over nodes of requested / allocatable.
        public var utilisation: Double
        /// Coefficient of variation over nodes of requested / allocatable: 0 is perfectly even.
        public var imbalance: Double
        /// Mean of requested / allocatable over the nodes in use only; nil if there is none.
        public var usedUtilisation: Double?
    }
    public var time: SimulatedTime
    public var nodes: Int
    public var readyNodes: Int
    /// Nodes with a pod that holds resources.
    public var usedNodes: Int
    /// Pods by phase; `pending` pods split into those that wait for a node and those that start on one.
    public var unscheduled: Int
    public var starting: Int
    public var running: Int
    public var ready: Int
    public var succeeded: Int
    public var failed: Int
    public var terminating: Int
    /// cpu and memory first, then the nodes' other resources by name.
    public var resources: [Resource]
}

/// One node over the run: a row of `nodes.csv`.
public struct NodeRecord: Sendable {
    public var name: String
    public var zone: String
    public var joined: SimulatedTime
    public var left: SimulatedTime?
    public var failures: Int
    /// How long the machine or its kubelet was down.
    public var downTime: SimulatedDuration
    /// How long Ready was not True while the node existed.
    public var notReadyTime: SimulatedDuration
    public var podsStarted: Int
    /// Time averages of requested / allocatable.
    public var meanUtilisation: [(name: ResourceName, share: Double)]
    /// In base units, in the end; of the same resources.
    public package(set) var allocatable: [(name: ResourceName, amount: Double)] = []
    public var peakPods: Int
}

/// One failure and what became of it: a row of `recoveries.csv`. Times are of the run; nil: it did not come to that.
public struct RecoveryRecord: Sendable {
    /// `node/NAME`, `zone/NAME` or `nodes` for other selections.
    public var subject: String
    public var effect: Fault.Effect
    /// The nodes it took down. Those that another failure keeps down already are not counted here.
    public var nodes: Int
    /// When it began: of a machine that is taken back, when its notice was given.
    public var failed: SimulatedTime
    /// When the nodes went down: at once, but at the end of the notice where there is one; nil: that is still to come.
    public var down: SimulatedTime?
    /// The first and the last failed node turned Ready=Unknown; when it failed, if it was not Ready then. The last one did only if all did.
    public var firstDetected: SimulatedTime?
    public var detected: SimulatedTime?
    /// Pods on the failed nodes that somebody replaces elsewhere: those of Deployments, ReplicaSets, StatefulSets and
    /// ReplicationControllers.
    public var affectedPods: Int
    /// The other pods there: bare ones, and those of DaemonSets and Jobs. Nothing below waits for them.
    public var otherPods: Int
    /// The first and the last eviction of an affected pod because of this failure: by its node's taint, with its node object, or by the
    /// drain of a machine that is taken back. Pods that go for other reasons (a rollout, a drain) or after their node is back are not counted.
    public var firstEvicted: SimulatedTime?
    public var evicted: SimulatedTime?
    public var evictedPods: Int
    /// The workloads have created as many pods, since the first eviction, as were evicted.
    public var replaced: SimulatedTime?
    /// Every workload of an affected pod has as many healthy pods as before the failure (or as it wants by now), not counting what other
    /// failures took; see ``WorkloadHealth``. The time of the failure itself if there was no such workload.
    public var recovered: SimulatedTime?
    /// All nodes that it hit are up and in reach again: no other failure keeps one of them down either. Those that were taken back for good
    /// meanwhile are not waited for.
    public var returned: SimulatedTime?
    /// Pods that had been evicted and ran on: how many there were when the nodes could be reached again.
    public var duplicates = 0
    /// The names of the nodes it took down.
    public package(set) var nodeNames: [String] = []
    /// How many nodes it hit, those that were down already too.
    public package(set) var nodesHit = 0
    /// How many of these are back, and when the last one came.
    public package(set) var nodesBack = 0
    package var lastBack: SimulatedTime?
    /// How many of the nodes it took down were back before anybody had noticed.
    public package(set) var unnoticedNodes = 0
    /// What it could do to requests.
    var reach = FailureReach()
    /// And what it did.
    public internal(set) var lost = LostRequests()

    /// From the moment in which the nodes went down until the last of them was seen to have done so.
    public var timeToDetection: SimulatedDuration? {
        guard let down, let detected else { return nil }
        return detected - down
    }
    /// When it began; never nil, so that it can stand where other moments do that may be.
    public var asBegun: SimulatedTime? { failed }
}

/// The replicas of a workload after a change of either number: a row of `availability.csv`.
public struct AvailabilityChange: Sendable {
    public var time: SimulatedTime
    /// A Deployment, StatefulSet, DaemonSet, ReplicationController, or a ReplicaSet that is nobody's.
    public var workload: ObjectKey
    public var desired: Int
    public var available: Int
}

/// A condition after a change: a row of `conditions.csv`.
public struct ConditionChange: Sendable {
    public var time: SimulatedTime
    public var object: ObjectKey
    public var condition: Condition
}

/// The life of one Job: a row of `jobs.csv`.
public struct JobRecord: Sendable {
    public enum Outcome: String, Hashable, Sendable {
        case complete = "Complete"
        case failed = "Failed"
    }
    public var name: NamespacedName
    /// `CronJob/name`, or empty.
    public var owner: String
    public var created: SimulatedTime
    /// It got its start time.
    public var started: SimulatedTime?
    public var finished: SimulatedTime?
    /// nil: it is not finished.
    public var outcome: Outcome?
    /// Of the condition it ended with.
    public var reason = ""
    public var succeededPods = 0
    public var failedPods = 0
    public var deleted: SimulatedTime?

    package init(name: NamespacedName, owner: String, created: SimulatedTime) {
        self.name = name
        self.owner = owner
        self.created = created
    }
}

/// One action of the operator.
public struct OperationRecord: Sendable {
    public var time: SimulatedTime
    public var description: String
    /// Part of setting the cluster up or of replaying a trace: worth telling only if it was refused.
    public var isRoutine: Bool
    /// The API server's refusal, if it refused; of a command that takes time, what went wrong in the end.
    public var refusal: String?
    /// The HTTP status of the refusal.
    public var refusalStatus: Int?
    /// What the command printed, and when: `kubectl drain` tells of each pod.
    public var output: [(time: SimulatedTime, line: String)] = []
    /// When a command that takes time was over; nil for others, and if it is not over yet.
    public var ended: SimulatedTime?
}
