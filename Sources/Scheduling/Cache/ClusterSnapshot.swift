// What plugins see of the cluster: one value, the same for all of them during a cycle.

import KubernetesAPI

/// The cluster as the scheduler knows it: nodes with their accounts, and the pods on them.
///
/// Plugins read it; only ``SchedulerCache`` writes it.
public struct ClusterSnapshot: Sendable {
    public internal(set) var nodes: NodeTable
    /// The pods counted on nodes, by the numbers that ``NodeTable/pods`` lists. nil: no such pod any more.
    public internal(set) var pods: [PlacedPod?] = []
    /// How many of those pods have which priority.
    public internal(set) var priorities = PriorityCensus()
    /// All other objects that plugins look up.
    public internal(set) var objects = ListedObjects()
    /// Which claims the pods on nodes use.
    public internal(set) var claimUses = ClaimUses()
    /// The namespaces and labels of all pods seen, numbered.
    public internal(set) var labelSets = LabelSetTable()
    /// The classes of all pods counted so far.
    public internal(set) var podClasses = PodClassTable()
    /// By class: the pods of the class that are counted on nodes, by their numbers.
    public internal(set) var podsOfClass: [[Int32]] = []
    /// The latest changes of nodes and of the pods on them.
    public internal(set) var changes: ChangeLog
    /// The affinity terms of all pods seen, numbered.
    public internal(set) var affinityOwners = AffinityOwnerTable()
    /// The run's seed, for plugins that draw: from a `RandomStream` of their own purpose, owned by the pod or node it is about.
    public internal(set) var seed: UInt64 = 0

    init(nodes: NodeTable = NodeTable(), changes: ChangeLog = ChangeLog()) {
        self.nodes = nodes
        self.changes = changes
    }
}

/// A pod that is counted on a node.
public struct PlacedPod: Sendable {
    public internal(set) var info: PodInfo
    public let node: NodeSlot
    /// Placed by this scheduler and not yet seen bound.
    public internal(set) var isAssumed: Bool
    public let podClass: PodClassNumber
    /// Index in the node's list of pods.
    var position: Int32
    /// Index among the pods of its class.
    var positionInClass: Int32 = 0
    /// Being deleted: other versions of the pod that say otherwise are placed anew.
    let isTerminating: Bool

    init(info: PodInfo, node: NodeSlot, isAssumed: Bool, podClass: PodClassNumber, position: Int32) {
        self.info = info
        self.node = node
        self.isAssumed = isAssumed
        self.podClass = podClass
        self.position = position
        isTerminating = info.pod.value.metadata.isTerminating
    }
}

/// Which namespace and labels a pod has, as a number: pods of one workload share it, so that a selector is held against it once.
public typealias LabelSetNumber = Int32

/// The distinct pairs of namespace and labels of pods, numbered in the order of first appearance.
public struct LabelSetTable: Sendable {
    public struct Entry: Hashable, Sendable {
        public let namespace: String
        public let labels: Labels
    }
    private var entries: [Entry] = []
    private var numbers: [Entry: LabelSetNumber] = [:]

    public var count: Int { entries.count }
    public subscript(number: LabelSetNumber) -> Entry { entries[Int(number)] }

    mutating func number(of metadata: ObjectMeta) -> LabelSetNumber {
        let entry = Entry(namespace: metadata.namespace, labels: metadata.labels)
        if let known = numbers[entry] { return known }
        let number = LabelSetNumber(entries.count)
        entries.append(entry)
        numbers[entry] = number
        return number
    }
}
