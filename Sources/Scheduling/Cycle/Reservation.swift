// Reserve and Permit: the plugins that have a say after a node was chosen and before the pod is bound.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/#reserve>

import APIServer
import KubernetesAPI

/// What the Reserve and Permit plugins came to.
enum Reservation: Sendable {
    /// The versions of objects the scheduler goes by from now on, and what is to be written on the pod with its binding.
    case reserved([APIObject], annotations: Labels)
    /// Why not, and which plugins said so; none for what went wrong otherwise.
    case refused(String, PluginSet)
}

extension SchedulerCache {
    /// Asks the plugins about a pod that is assumed on a node; if one refuses, what was reserved is given back.
    mutating func reserve(_ pod: PodInfo, on node: NodeSlot, _ profile: SchedulingProfile) -> Reservation {
        var assumed: [APIObject] = []
        var annotations = Labels()
        for entry in profile.reserve {
            switch entry.plugin.reserve(pod, on: node, in: snapshot) {
            case .proceed(let objects, let further):
                assume(objects)
                assumed += objects
                annotations.merge(further)
            case .refuse(let reason):
                forget(assumed)
                return .refused(reason, PluginSet(plugin: entry.number))
            case .error(let reason):
                forget(assumed)
                return .refused("running Reserve plugin \"\(entry.plugin.name)\": \(reason)", [])
            }
        }
        for entry in profile.permit {
            if let reason = entry.plugin.permit(pod, on: node, in: snapshot) {
                forget(assumed)
                return .refused(reason, PluginSet(plugin: entry.number))
            }
        }
        if !annotations.isEmpty { annotate(pod.pod, with: annotations) }
        return .reserved(assumed, annotations: annotations)
    }
}
