// Reserve and Permit: the plugins that have a say after a node was chosen and before the pod is bound.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/#reserve>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What a plugin, by its number, wants to become of other pods.
typealias PluginWishes = (plugin: Int, effects: WaitingPodEffects)

/// How long a plugin, by its number, lets a pod wait.
typealias PermitWait = (plugin: Int, time: SimulatedDuration)

/// What the Reserve and Permit plugins came to.
enum Reservation: Sendable {
    /// `assumed`: the versions of objects the scheduler goes by from now on; `annotations`: what is to be written on the pod with its
    /// binding; `waits`: the plugins whose permission is still to come.
    case reserved(assumed: [APIObject], annotations: Labels, waits: [PermitWait], wishes: [PluginWishes])
    /// Why not, and which plugins said so, none for what went wrong otherwise; `veto`: the plugin that it failed in, as in
    /// ``SchedulingAttempt/vetoedBy``.
    case refused(String, PluginSet, veto: String, wishes: [PluginWishes])

    /// The words for a pod that lost the only node looked at last.
    static func message(_ reason: String) -> String { "\(ReasonHistogram.beginning(1)) 1 \(reason)." }
}

extension SchedulerCache {
    /// Asks the plugins about a pod that is assumed on a node; if one refuses, what was reserved is given back.
    /// - Parameter waiting: the pods that wait for a permission.
    mutating func reserve(_ pod: PodInfo, on node: NodeSlot, _ profile: SchedulingProfile, waiting: [PodInfo] = []) -> Reservation {
        var assumed: [APIObject] = []
        var annotations = Labels()
        for entry in profile.reserve {
            switch entry.plugin.reserve(pod, on: node, in: snapshot) {
            case .proceed(let objects, let further):
                assume(objects)
                assumed += objects
                annotations.merge(further)
            case .refuse(let reason):
                let message = Reservation.message(reason)
                return refusal(message, PluginSet(plugin: entry.number), "\(entry.plugin.name) (Reserve)", pod, assumed, profile, waiting)
            case .error(let reason):
                let message = "running Reserve plugin \"\(entry.plugin.name)\": \(reason)"
                return refusal(message, [], "\(entry.plugin.name) (Reserve)", pod, assumed, profile, waiting)
            }
        }
        var waits: [PermitWait] = []
        var wishes: [PluginWishes] = []
        for entry in profile.permit {
            let answer = entry.plugin.permit(pod, on: node, in: snapshot, waiting: waiting)
            if !answer.effects.isEmpty { wishes.append((entry.number, answer.effects)) }
            switch answer.verdict {
            case .allow: break
            case .wait(let time): waits.append((entry.number, time))
            case .refuse(let reason):
                let message = Reservation.message(reason)
                return refusal(message, PluginSet(plugin: entry.number), "\(entry.plugin.name) (Permit)", pod, assumed, profile, waiting)
            }
        }
        if !annotations.isEmpty { annotate(pod.pod, with: annotations) }
        return .reserved(assumed: assumed, annotations: annotations, waits: waits, wishes: wishes)
    }

    private mutating func refusal(
        _ message: String, _ plugins: PluginSet, _ veto: String, _ pod: PodInfo, _ assumed: [APIObject], _ profile: SchedulingProfile,
        _ waiting: [PodInfo]
    ) -> Reservation {
        forget(assumed)
        return .refused(message, plugins, veto: veto, wishes: profile.unreserve(pod, in: snapshot, waiting: waiting))
    }
}

extension SchedulingProfile {
    /// What the Reserve plugins, the last one first, want to become of other pods now that this one lost its node.
    func unreserve(_ pod: PodInfo, in cluster: ClusterSnapshot, waiting: [PodInfo]) -> [PluginWishes] {
        var wishes: [PluginWishes] = []
        for entry in reserve.reversed() {
            let effects = entry.plugin.unreserve(pod, in: cluster, waiting: waiting)
            if !effects.isEmpty { wishes.append((entry.number, effects)) }
        }
        return wishes
    }
}
