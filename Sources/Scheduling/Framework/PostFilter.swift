// PostFilter: what can be done for a pod that fits nowhere.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/#post-filter>

import KubernetesAPI

/// Asked when no node fits: may make room (preemption).
public protocol PostFilterPlugin: Plugin {
    /// What to do for the pod. Performs nothing: the scheduler carries out what is returned. The plugin may try things on the
    /// session's cluster, and leaves it as it found it.
    func postFilter(_ pod: PodInfo, _ failure: FilterFailure, in session: inout FilterSession) -> PostFilterOutcome
}

/// The plugins of a profile are asked in order until one makes room or breaks.
public enum PostFilterOutcome: Sendable {
    /// Room is being made for the pod.
    case makeRoom(Preemption)
    /// Nothing can be done; the text becomes part of the failure message. `clearsNomination`: the pod gives up the node it was
    /// nominated to; `effects`: what becomes of pods that wait for a permission.
    case reject(message: String, clearsNomination: Bool = false, effects: WaitingPodEffects = WaitingPodEffects())
    /// The plugin could not decide: its message is all that is said, and no further plugin is asked.
    case error(message: String)
}

/// Pods that must go so that a pod can have a node.
public struct Preemption: Sendable {
    /// The node the pod is nominated to.
    public var node: String
    /// The pods to delete, most important first; some may be on their way out already.
    public var victims: [PodInfo]
    /// Pods of lower priority that were nominated to the node and lose it.
    public var displaced: [PodInfo]

    public init(node: String, victims: [PodInfo], displaced: [PodInfo] = []) {
        self.node = node
        self.victims = victims
        self.displaced = displaced
    }
}

/// What the PostFilter plugins of a profile came to together.
struct PostFilterResult: Sendable {
    /// Ends the failure message; empty if room is being made.
    var message = ""
    /// What happens to the pod's nomination.
    var nomination = NominationChange.unchanged
    var preemption: Preemption?
    /// What plugins want to become of pods that wait for a permission.
    var wishes: [PluginWishes] = []
    var explanation: PreemptionExplanation?
}

extension SchedulingProfile {
    /// Asks the PostFilter plugins.
    func runPostFilter(_ pod: PodInfo, _ failure: FilterFailure, in session: inout FilterSession) -> PostFilterResult {
        var result = PostFilterResult()
        var messages: [String] = []
        for entry in postFilter {
            switch entry.plugin.postFilter(pod, failure, in: &session) {
            case .makeRoom(let preemption):
                return PostFilterResult(
                    nomination: .node(preemption.node), preemption: preemption, wishes: result.wishes, explanation: session.explanation)
            case .reject(let message, let clearsNomination, let effects):
                if !effects.isEmpty { result.wishes.append((entry.number, effects)) }
                if !message.isEmpty { messages.append(message) }
                if clearsNomination { result.nomination = .cleared }
            case .error(let message):
                return PostFilterResult(message: message, wishes: result.wishes, explanation: session.explanation)
            }
        }
        result.message = messages.joined(separator: ", ")
        result.explanation = session.explanation
        return result
    }
}
