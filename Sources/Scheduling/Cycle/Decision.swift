// A decision with everything that led to it, for explanations and for comparison with recorded decisions.

import DiscreteEvents
import KubernetesAPI

/// What every plugin said about a pod and the nodes, and what followed.
public struct Decision: Sendable {
    /// The answer of a Filter plugin about a node that cannot run the pod.
    public struct NodeStatus: Hashable, Sendable {
        public var node: String
        public var plugin: String
        public var rejection: Rejection
        public var reasons: [String]
    }
    /// One plugin's score for each node of ``Decision/feasible``.
    public struct PluginScores: Hashable, Sendable {
        public var plugin: String
        public var scores: [Int64]
    }

    /// False for a cluster without nodes: no plugin was asked.
    public internal(set) var preFilterRan = false
    /// The PreFilter phase's rejection, with the plugin's name.
    public internal(set) var preFilterRejection: FilterFailure.PreFilterRejection?
    public internal(set) var preFilterPlugin: String?
    /// The only nodes considered, if a plugin restricted them (some may not exist).
    public internal(set) var allowedNodes: [String]?
    /// Plugins whose PreFilter had nothing to say, so that their Filter was not asked; sorted.
    public internal(set) var skippedFilters: [String] = []
    public internal(set) var infeasible: [NodeStatus] = []
    /// The status shared by all nodes that were not looked at; nil if the pod was scheduled or all were.
    public internal(set) var absentNodes: (rejection: Rejection, reasons: [String])?
    public internal(set) var nominatedNodeUsed = false
    /// Names in the order found.
    public internal(set) var feasible: [String] = []
    /// Before normalisation, of plugins that normalise.
    public internal(set) var rawScores: [PluginScores] = []
    /// Normalised and weighted.
    public internal(set) var scores: [PluginScores] = []
    /// The sums, one for each feasible node; empty if nothing was scored.
    public internal(set) var totals: [Int64] = []
    /// The names of the best nodes, sorted: the scheduler picks one of them at random.
    public internal(set) var best: [String] = []
    /// Why the pod cannot be scheduled; nil if it can.
    public internal(set) var message: String?
    /// The end of ``message``: what the PostFilter plugins say.
    public internal(set) var postFilterMessage = ""
    /// The room that would be made for the pod. Of several equally good nodes the one with the smallest name.
    public internal(set) var preemption: Preemption?
    /// How that was found; nil if preemption was not tried.
    public internal(set) var preemptionExplanation: PreemptionExplanation?
    /// Whether the pod gives up the node it was nominated to.
    public internal(set) var clearsNomination = false
    /// Names of the plugins that rejected the pod, sorted.
    public internal(set) var unschedulablePlugins: [String] = []

    init() {}

    mutating func note(_ preFilter: SchedulingAlgorithm.PreFilterResult, _ profile: SchedulingProfile) {
        preFilterRan = true
        preFilterRejection = preFilter.rejection
        preFilterPlugin = preFilter.rejection?.plugin.map { profile.name(of: $0) }
        allowedNodes = preFilter.allowedNames
        skippedFilters = profile.names(of: preFilter.skipped)
    }

    mutating func note(
        _ rejected: [NodeSlot], _ verdicts: [NodeVerdict], _ feasible: [NodeSlot], _ profile: SchedulingProfile, _ pod: PodInfo,
        _ cluster: ClusterSnapshot
    ) {
        self.feasible = feasible.map { cluster.nodes.names[$0] }
        for (slot, verdict) in zip(rejected, verdicts) {
            guard let plugin = verdict.plugin else { continue }
            infeasible.append(
                NodeStatus(
                    node: cluster.nodes.names[slot], plugin: profile.name(of: plugin), rejection: verdict.rejection,
                    reasons: profile.reasons(of: verdict, pod, cluster)))
        }
    }

    mutating func noteRaw(_ scores: [Int64], _ plugin: String) { rawScores.append(PluginScores(plugin: plugin, scores: scores)) }
    mutating func noteWeighted(_ scores: [Int64], _ plugin: String) {
        self.scores.append(PluginScores(plugin: plugin, scores: scores))
    }

    // MARK: The end

    mutating func noteNoNodes() { message = Scheduler.noNodesMessage }

    /// A plugin broke its contract.
    mutating func note(breach text: String) { message = text }

    /// No node fits.
    mutating func note(_ failure: FilterFailure, _ answer: PostFilterResult, _ text: String, _ profile: SchedulingProfile) {
        message = answer.message.isEmpty ? text : text + " " + answer.message
        postFilterMessage = answer.message
        preemption = answer.preemption
        preemptionExplanation = answer.explanation
        clearsNomination = answer.nomination == .cleared
        unschedulablePlugins = profile.names(of: failure.rejectors)
        if let rejection = failure.preFilterRejection {
            absentNodes = (rejection.rejection, rejection.reasons)
        } else if !failure.absentReasons.isEmpty {
            absentNodes = (.unschedulableAndUnresolvable, failure.absentReasons)
        }
    }

    /// A node was found, among so many.
    mutating func note(choiceOf node: String, among count: Int) {
        if count == 1 {
            best = [node]
        } else if let highest = totals.max() {
            best = zip(feasible, totals).filter { $0.1 == highest }.map(\.0).sorted()
        } else {
            best = feasible.sorted()
        }
    }
}

/// Decides without a simulation: a cluster at one moment, and a configuration.
///
///     var simulator = try DecisionMaker(configuration: SchedulerConfiguration(), nodes: nodes, pods: pods)
///     let decision = simulator.decide(pod)
public struct DecisionMaker: Sendable {
    var cache: SchedulerCache
    private let profiles: [SchedulingProfile]
    private var algorithm: SchedulingAlgorithm
    private var nominator = Nominator()

    /// - Parameters:
    ///   - nodes: in the order in which the scheduler learned of them.
    ///   - pods: those with a node are counted there; of waiting ones only nominations matter, finished ones are ignored.
    ///   - objects: what plugins look up besides: namespaces, services, controllers, volumes.
    public init(
        configuration: SchedulerConfiguration, registry: PluginRegistry = PluginRegistry(), path: SchedulerPath = .memoised,
        nodes: [Node], pods: [Pod], objects: [APIObject] = [], seed: UInt64 = 0
    ) throws {
        var table = NodeTable()
        profiles = try SchedulingProfiles.make(configuration, registry: registry, nodes: &table)
        cache = SchedulerCache(nodes: table, seed: seed)
        algorithm = SchedulingAlgorithm(percentageOfNodesToScore: Int(configuration.percentageOfNodesToScore), path: path)
        for object in objects { cache.set(object) }
        for node in nodes { cache.setNode(Shared(node)) }
        for pod in pods where !pod.isTerminal {
            if pod.nodeName != nil { cache.setPod(Shared(pod)) } else { nominator.add(cache.info(Shared(pod))) }
        }
    }

    /// Decides about a pod on the plain path, and takes down everything: all nodes are evaluated. nil if no profile answers to the pod's `schedulerName`.
    public mutating func decide(_ pod: Pod) -> Decision? {
        guard let profile = profiles.first(where: { $0.schedulerName == pod.spec.value.schedulerName }) else { return nil }
        cache.refreshOrder()
        let info = cache.info(Shared(pod))
        var record: Decision? = Decision()
        let nominated = NominatedPods(nominator, for: info, in: cache)
        let outcome = algorithm.schedule(info, profile, &cache, nominated, evaluateAll: true, record: &record) { _ in 0 }
        guard var decision = record else { return nil }
        switch outcome {
        case .noNodes: decision.noteNoNodes()
        case .broken(let message, _, _): decision.note(breach: message)
        case .noFit(let failure, _):
            let result = algorithm.postFilter(
                info, failure, profile, &cache, nominator,
                random: RandomStream(seed: 0, purpose: .preemption, owner: 0), explains: true)
            decision.note(failure, result, failure.message(profile, info, cache.snapshot), profile)
        case .node(let slot, _, _, let feasible): decision.note(choiceOf: cache.nodes.names[slot], among: feasible)
        }
        return decision
    }

    /// Places a pod as the running scheduler does, sampling of nodes and reservation included, and counts it there.
    /// - Parameter draw: picks one of several equally good nodes: a number below its argument.
    /// - Returns: the node and how many nodes were looked at; nil if none fits, or a plugin refuses the one chosen.
    public mutating func place(_ pod: Shared<Pod>, draw: (Int) -> Int) -> (node: String, evaluated: Int)? {
        guard let profile = profiles.first(where: { $0.schedulerName == pod.value.spec.value.schedulerName }) else { return nil }
        cache.refreshOrder()
        let info = cache.info(pod)
        guard case .node(let slot, _, let evaluated, _) = algorithm.schedule(info, profile, &cache, nominator: nominator, draw: draw) else {
            return nil
        }
        cache.assume(info, on: slot)
        if case .refused = cache.reserve(info, on: slot, profile) {
            cache.forget(pod.value.metadata.uid)
            return nil
        }
        return (cache.nodes.names[slot], evaluated)
    }

    /// What an attempt comes to.
    package struct Attempt: Hashable, Sendable {
        /// nil if no node fits.
        package var node: String?
        package var score: Int64 = 0
        package var feasible = 0
        /// Why no node fits, without what PostFilter adds.
        package var message = ""
    }

    /// One attempt as the running scheduler makes it, on the path of this decision maker; the pod is not counted anywhere. The memoised
    /// path remembers a class of pods from its second attempt on. nil if no profile answers to the pod's `schedulerName`.
    package mutating func attempt(_ pod: Pod, draw: (Int) -> Int) -> Attempt? {
        guard let profile = profiles.first(where: { $0.schedulerName == pod.spec.value.schedulerName }) else { return nil }
        cache.refreshOrder()
        let info = cache.info(Shared(pod))
        switch algorithm.schedule(info, profile, &cache, nominator: nominator, draw: draw) {
        case .node(let slot, let score, _, let feasible):
            return Attempt(node: cache.nodes.names[slot], score: score, feasible: feasible)
        case .noFit(let failure, _): return Attempt(message: failure.message(profile, info, cache.snapshot))
        case .noNodes: return Attempt(message: Scheduler.noNodesMessage)
        case .broken(let message, _, let feasible): return Attempt(feasible: feasible, message: message)
        }
    }

    /// One search for feasible nodes as the running scheduler makes it, sampling included; the pod is not counted anywhere.
    /// - Parameter start: index in the node list where the search begins; nil: where the last one stopped.
    /// - Returns: the nodes found, in the order found, those that were looked at and refused, and where the next search begins; nil
    ///   if no profile answers to the pod's `schedulerName`.
    package mutating func search(
        _ pod: Pod, from start: Int? = nil
    ) -> (feasible: [String], infeasible: [String], nextStartNodeIndex: Int)? {
        guard let profile = profiles.first(where: { $0.schedulerName == pod.spec.value.schedulerName }) else { return nil }
        cache.refreshOrder()
        if let start { algorithm.startSearching(at: start) }
        let info = cache.info(Shared(pod))
        var record: Decision? = Decision()
        let nominated = NominatedPods(nominator, for: info, in: cache)
        _ = algorithm.schedule(info, profile, &cache, nominated, evaluateAll: false, record: &record) { _ in 0 }
        guard let record else { return nil }
        return (record.feasible, record.infeasible.map(\.node), algorithm.nextStartNodeIndex)
    }

    /// The node list, in the order in which nodes are looked at.
    package mutating func nodeOrder() -> [String] {
        cache.refreshOrder()
        return cache.nodes.order.map { cache.nodes.names[$0] }
    }

    /// Counts a pod on a node from now on, as after a successful decision.
    public mutating func assume(_ pod: Pod, on node: String) {
        guard let slot = cache.slot(of: node) else { return }
        let info = cache.info(Shared(pod))
        cache.assume(info, on: slot)
    }
}

/// The profiles of a configuration.
enum SchedulingProfiles {
    static func make(
        _ configuration: SchedulerConfiguration, registry: PluginRegistry, nodes: inout NodeTable
    ) throws -> [SchedulingProfile] {
        var result: [SchedulingProfile] = []
        for profile in try configuration.preparedForConstruction().profiles {
            result.append(try SchedulingProfile(profile, registry: registry, nodes: &nodes))
        }
        return result
    }
}
