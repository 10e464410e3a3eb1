// Permit: the last word before a pod is bound, which may be "not yet".
// <https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/#permit>

import DiscreteEvents
import KubernetesAPI

/// Asked when a pod has its node: may refuse, or let the pod wait there.
public protocol PermitPlugin: Plugin {
    /// - Parameters:
    ///   - pod: counted on the node already.
    ///   - waiting: the pods that wait for any plugin's permission, in the order in which they began.
    func permit(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, waiting: [PodInfo]) -> PermitAnswer
}

/// What a Permit plugin says of a pod, and what is to become of others.
public struct PermitAnswer: Sendable {
    public enum Verdict: Hashable, Sendable {
        case allow
        /// With the reason.
        case refuse(String)
        /// The pod keeps its node and waits until the plugin allows it (``WaitingPodEffects/allowed``), at most so long and at most 15
        /// minutes.
        case wait(SimulatedDuration)
    }
    public var verdict: Verdict
    public var effects: WaitingPodEffects

    public init(_ verdict: Verdict, effects: WaitingPodEffects = WaitingPodEffects()) {
        self.verdict = verdict
        self.effects = effects
    }
}

/// What a plugin wants to become of other pods than the one it was asked about. Plugins change nothing themselves: the scheduler carries
/// this out.
public struct WaitingPodEffects: Sendable {
    /// Waiting pods that need not wait for this plugin any longer.
    public var allowed: [UID] = []
    /// Waiting pods that lose their nodes, and why.
    public var rejected: [(pod: UID, reason: String)] = []
    /// Pods that are to be tried at once, whatever they back off from or wait for.
    public var activated: [NamespacedName] = []
    /// A note for the plugin's ledger (``NodeLedger/setNote(_:_:)``), and how long it stands; one that stands already keeps its time.
    public var note: (text: String, time: SimulatedDuration)?

    public init() {}

    var isEmpty: Bool { allowed.isEmpty && rejected.isEmpty && activated.isEmpty && note == nil }
}
