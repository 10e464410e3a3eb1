// The extension points of the scheduling framework: one protocol each. A plugin is a type that conforms to some of them.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/>
//
// Plugins are immutable values: they are made once from their arguments and asked about pods. What a plugin computes for
// one pod before it looks at nodes (PreFilter, PreScore) is a value it returns and gets back with every later question of
// the same cycle. Questions about nodes come in batches, so that a plugin pays for dispatch once a batch, not once a node.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What every plugin has: the name by which configurations call it.
public protocol Plugin: Sendable {
    var name: String { get }
    /// What the plugin's answers about a pod depend on beside the pod's spec, namespace and labels: decides how long they may be
    /// remembered. A plugin that does not say is asked about every node every time, and so are the others of its profile.
    func scope(for pod: PodInfo) -> AnswerScope
}

extension Plugin {
    public func scope(for pod: PodInfo) -> AnswerScope { .cluster }
}

/// What the answer of a plugin about a node depends on.
public enum AnswerScope: Hashable, Sendable {
    /// The plugin has nothing to say about such pods: it refuses no node and scores none.
    case nothing
    /// Verdict and score (before normalisation) of a node change only with that node's row of the ``NodeTable``; normalisation
    /// looks at which scores occur, not how often. PreFilter and PreScore are asked once for all pods of a class, PreScore with no
    /// nodes: what they compute may depend on the pod only.
    case node
    /// They change with the number of pods of certain classes in the node's topology domains.
    case topology
    /// They may change with anything.
    case cluster
}

/// What a plugin computed for a pod at the beginning of a cycle.
public typealias PluginState = any Sendable

/// Orders the queue of pods that are ready to be tried.
public protocol QueueSortPlugin: Plugin {
    /// Pods with smaller keys come first; equal keys are first come, first served. Asked again when the pod changes, fails, or may be
    /// tried again. `timestamp`: when the pod was added to the queue or last failed.
    func key(of pod: Pod, timestamp: SimulatedTime, in cluster: ClusterSnapshot) -> QueueKey
}

/// The place of a pod in the queue: compared part by part.
public struct QueueKey: Hashable, Sendable, Comparable {
    public var primary: Int64
    public var secondary: Int64
    public init(_ primary: Int64, _ secondary: Int64) {
        self.primary = primary
        self.secondary = secondary
    }
    public static func < (left: QueueKey, right: QueueKey) -> Bool {
        left.primary != right.primary ? left.primary < right.primary : left.secondary < right.secondary
    }
}

/// Decides whether a pod may enter the active queue at all.
public protocol PreEnqueuePlugin: Plugin {
    /// Whether the pod may be tried. A refused pod is gated: it waits until an event that this plugin listens to.
    /// - Parameter isPreempting: whether room is being made for the pod: API calls about its victims are under way.
    func admits(_ pod: Pod, isPreempting: Bool) -> Bool
}

/// A plugin that can refuse a pod, and knows which events may change its mind.
public protocol EventListeningPlugin: Plugin {
    /// The kinds of events that may make a pod schedulable that this plugin refused.
    var events: ClusterEventKinds { get }
    /// The queueing hint: whether an event of these kinds is worth another attempt for a pod this plugin refused.
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool
}

/// Computes what Filter needs to know about the pod, and may refuse it outright.
public protocol PreFilterPlugin: Plugin {
    func preFilter(_ pod: PodInfo, in cluster: ClusterSnapshot) -> PreFilterOutcome
}

/// A PreFilter plugin whose state depends on the pods of the cluster: it can be told what changes when pods come or go, as when
/// preemption asks what would be, or when pods nominated to a node are taken into account.
///
/// The snapshot has been changed already when these are called.
public protocol PreFilterExtensions: PreFilterPlugin {
    /// `other` now counts on the node.
    func add(_ other: PodInfo, on node: NodeSlot, to state: inout PluginState?, for pod: PodInfo, in cluster: ClusterSnapshot)
    /// `other` no longer counts on the node.
    func remove(_ other: PodInfo, on node: NodeSlot, from state: inout PluginState?, for pod: PodInfo, in cluster: ClusterSnapshot)
}

public enum PreFilterOutcome: Sendable {
    /// Go on to Filter, with this state.
    case proceed(PluginState?)
    /// Go on, but only to the nodes with these names (sorted, distinct; some may not exist).
    case restrict(to: [String], PluginState?)
    /// This plugin's Filter has nothing to say about this pod and is not asked.
    case skip
    /// No node will do. Remembered for `.unschedulable` while the other plugins still run; final otherwise.
    case reject(Rejection, reasons: [String])
}

/// Says which nodes cannot run the pod.
public protocol FilterPlugin: Plugin {
    /// The verdict for one node: nil if the pod fits, else the refusal.
    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal?
    /// The same for a batch: refuses in `batch` those open nodes that cannot run the pod. By default asks node by node.
    func filter(_ pod: PodInfo, batch: inout FilterBatch, in cluster: ClusterSnapshot, state: PluginState?)
    /// The text of a reason number this plugin gave for this pod.
    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String
}

/// Why a plugin refuses one node: a set of its reason numbers and the code.
public struct NodeRefusal: Hashable, Sendable {
    public var reasons: UInt64
    public var rejection: Rejection
    public init(reason: Int = 0, _ rejection: Rejection) {
        reasons = NodeVerdict.bit(reason)
        self.rejection = rejection
    }
    public init(reasons: UInt64, _ rejection: Rejection) {
        self.reasons = reasons
        self.rejection = rejection
    }
}

extension FilterPlugin {
    public func filter(_ pod: PodInfo, batch: inout FilterBatch, in cluster: ClusterSnapshot, state: PluginState?) {
        for index in batch.indices where batch.isOpen(index) {
            if let refusal = filter(pod, on: batch.nodes[index], in: cluster, state: state) {
                batch.reject(index, reasons: refusal.reasons, refusal.rejection)
            }
        }
    }
}

/// Computes what Score needs to know about the pod and the feasible nodes.
public protocol PreScorePlugin: Plugin {
    func preScore(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot) -> PreScoreOutcome
}

public enum PreScoreOutcome: Sendable {
    case proceed(PluginState?)
    /// This plugin's Score has nothing to say about this pod and is not asked.
    case skip
}

/// Says how good nodes are.
public protocol ScorePlugin: Plugin {
    /// One score a node, written to `scores` (as many as `feasible`, zero before): 0…100, or anything if
    /// ``normalise(_:for:state:)`` brings it there. With a score that is neither the attempt fails, as in the real framework.
    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64])
    /// Whether ``normalise(_:for:state:)`` does anything.
    var normalises: Bool { get }
    /// Brings the raw scores of all feasible nodes into 0…100.
    func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?)
}

extension ScorePlugin {
    public var normalises: Bool { false }
    public func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?) {}
}

/// A Score plugin that sees a node only through a number of its own making, and the score of which may change for all nodes of that
/// number at once.
public protocol SignatureScorePlugin: ScorePlugin {
    /// Changes only with the node's row.
    func signature(of pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> Int64
    /// The score of all nodes of a signature, as ``ScorePlugin/score(_:feasible:in:state:scores:)`` gives it.
    func score(_ pod: PodInfo, signature: Int64, in cluster: ClusterSnapshot) -> Int64
}

/// Says which of several equally good nodes is taken. The real framework has no such point: there, and here in profiles without such a
/// plugin, it is drawn anew for every attempt.
public protocol TieBreakPlugin: ScorePlugin {
    /// The node of the smallest rank is taken; of equal ranks the one found first.
    func rank(of node: NodeSlot, in cluster: ClusterSnapshot) -> UInt64
}

/// Told when a node is chosen, before binding; may still refuse.
public protocol ReservePlugin: Plugin {
    func reserve(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> ReserveOutcome
    /// The pod lost the node again: a plugin refused it, it was not permitted in time, or binding failed. What was assumed and reserved
    /// is given back already; this is what becomes of other pods. `waiting`: those that wait for a permission, in the order in which
    /// they began.
    func unreserve(_ pod: PodInfo, in cluster: ClusterSnapshot, waiting: [PodInfo]) -> WaitingPodEffects
}

extension ReservePlugin {
    public func unreserve(_ pod: PodInfo, in cluster: ClusterSnapshot, waiting: [PodInfo]) -> WaitingPodEffects { WaitingPodEffects() }
}

public enum ReserveOutcome: Sendable {
    /// The node is the pod's. The scheduler goes by these versions of objects until the API server shows newer ones, and takes that
    /// back if the pod is not bound after all. The annotations are written on the pod with its binding, and count at once; of one
    /// that several plugins give, the last plugin's value counts.
    case proceed(assuming: [APIObject] = [], annotations: Labels = Labels())
    case refuse(String)
    /// What was decided on is no longer so: the pod is tried again.
    case error(String)
}

/// Work that must be done before the pod is bound.
public protocol PreBindPlugin: Plugin {
    /// What is to be done; nil if nothing is.
    func preBind(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> PreBindWork?
    /// How far the work is, once its requests are answered.
    func progress(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> PreBindProgress
}

/// Writes that must be made, and seen to have an effect, before a pod is bound.
public struct PreBindWork: Sendable {
    public var requests: [APIRequest]
    /// The plugin looks whether all is done at this interval, for the first time one interval after the last answer.
    public var checkInterval: SimulatedDuration
    /// After so long it gives up.
    public var timeout: SimulatedDuration

    public init(requests: [APIRequest], checkInterval: SimulatedDuration, timeout: SimulatedDuration) {
        self.requests = requests
        self.checkInterval = checkInterval
        self.timeout = timeout
    }
}

public enum PreBindProgress: Hashable, Sendable {
    case done
    case pending
    /// The pod cannot be bound to the node any more.
    case failed(String)
}

/// Binds the pod to the node. The first one of the profile that answers does it.
public protocol BindPlugin: Plugin {
    /// The request that binds the pod; nil leaves it to the next plugin.
    /// - Parameter annotations: those that Reserve plugins want on the pod. A Binding can carry them: the API server puts them there.
    func request(binding pod: Pod, to node: String, annotations: Labels) -> APIRequest?
}

/// Scores of all plugins lie in 0…`maximum` after normalisation.
public enum NodeScore {
    public static let maximum: Int64 = 100

    /// Whether a score may stand.
    static func isValid(_ score: Int64) -> Bool { UInt64(bitPattern: score) <= UInt64(maximum) }

    /// What an attempt fails with if one may not.
    static func refusal(of score: Int64, by plugin: String) -> String {
        "applying score defaultWeights on Score plugins: plugin \"\(plugin)\" returns an invalid score \(score), "
            + "it should in the range of [0, \(maximum)] after normalizing"
    }

    /// The usual normalisation: in proportion to the largest score, which becomes `maximum`; reversed, small raw scores
    /// are good ones.
    public static func normaliseByMaximum(_ scores: inout [Int64], reversed: Bool) {
        var (largest, smallest) = (Int64(0), Int64(0))
        for score in scores {
            if score > largest { largest = score }
            if score < smallest { smallest = score }
        }
        guard largest > 0 else {
            if reversed { for index in scores.indices { scores[index] = maximum } }
            return
        }
        guard largest <= Int64.max / maximum, smallest >= Int64.min / maximum else {
            // Sums of bytes are scores, too: a hundred times such need not fit into 64 bits.
            for index in scores.indices {
                let share = Int128(maximum) * Int128(scores[index]) / Int128(largest)
                scores[index] = Int64(clamping: reversed ? Int128(maximum) - share : share)
            }
            return
        }
        for index in scores.indices {
            let share = maximum * scores[index] / largest
            scores[index] = reversed ? maximum - share : share
        }
    }
}
