// The end of a scheduling cycle: plugins that have a say after a node was chosen, and before the pod is bound.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension Scheduler {
    enum Reservation {
        case reserved([APIObject])
        case refused(String, PluginSet)
    }

    /// Asks the plugins that have a say after a node was chosen; if one refuses, what was reserved is given back.
    mutating func reserve(_ pod: PodInfo, _ node: NodeSlot, _ profile: SchedulingProfile) -> Reservation {
        var assumed: [APIObject] = []
        for entry in profile.reserve {
            switch entry.plugin.reserve(pod, on: node, in: cache.snapshot) {
            case .proceed(let objects):
                cache.assume(objects)
                assumed += objects
            case .refuse(let reason):
                cache.forget(assumed)
                return .refused(reason, PluginSet(plugin: entry.number))
            case .error(let reason):
                cache.forget(assumed)
                return .refused("running Reserve plugin \"\(entry.plugin.name)\": \(reason)", [])
            }
        }
        for entry in profile.permit {
            if let reason = entry.plugin.permit(pod, on: node, in: cache.snapshot) {
                cache.forget(assumed)
                return .refused(reason, PluginSet(plugin: entry.number))
            }
        }
        return .reserved(assumed)
    }
}
