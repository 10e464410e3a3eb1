// Gangs of pods that are tried without a pause, which takes the simulator as long as the scheduler is busy.

import ClusterSimulation
import KubernetesAPI
import Scheduling

/// Whether groups of pods that fit nowhere are tried again at once: Coscheduling holds a group back for as long as it is told, by default not at all.
struct GangWarning {
    private static let plugin = "Coscheduling"

    private let configuration: ClusterConfiguration

    init(_ configuration: ClusterConfiguration) { self.configuration = configuration }

    /// A sentence; nil: there are no groups, or they are held back.
    var text: String? {
        guard configuration.scheduler.profiles.contains(where: isHasty), hasGroups else { return nil }
        return
            "a PodGroup that does not fit is tried again at once, as often as the scheduler can, and the simulation takes its time over that: give "
            + "\(GangWarning.plugin) a podGroupBackoffSeconds"
    }

    private func isHasty(_ profile: ProfileConfiguration) -> Bool {
        guard profile.plugins.contains(where: { $0.enabled.contains { $0.name == GangWarning.plugin } }) else { return false }
        guard case .other(let text)? = profile.arguments.first(where: { $0.name == GangWarning.plugin })?.arguments else { return true }
        let arguments = try? YAMLFile.parse(text, name: "args.json").documents.first
        return (arguments?["podGroupBackoffSeconds"]?.scalarText ?? "0") == "0"
    }

    private var hasGroups: Bool {
        let applied = configuration.timeline.flatMap { entry -> [APIObject] in
            if case .apply(let objects) = entry.action { objects } else { [] }
        }
        return (configuration.objects + configuration.snapshot + applied).contains { object in
            if case .unstructured(let object) = object { object.value.podGroup != nil } else { false }
        }
    }
}
