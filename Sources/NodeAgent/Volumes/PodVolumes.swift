// What a pod's containers wait for before they can start: volumes that must be attached and mounted, claims that must be bound,
// ConfigMaps and Secrets that must be there.
// <https://kubernetes.io/docs/concepts/storage/volumes/>

import DiscreteEvents
import KubernetesAPI

/// The state of a pod's volumes on its node, of those only that may keep it waiting.
struct PodVolumes: Sendable {
    struct Mount: Sendable {
        enum Need: Sendable {
            /// A volume by the name under which it is attached.
            case attachable(String)
            /// What ConfigMaps and Secrets must have.
            case configuration([ConfigurationReference])
            /// A claim that was not bound when it was looked up.
            case claim(NamespacedName)
        }
        /// The volume's name in the pod.
        let name: String
        var need: Need
        var isMounted = false
        /// Mounts that failed.
        var failures = 0
        /// When it is tried next, or when what is under way is over; `.distantFuture`: when something else happens.
        var next = SimulatedTime.distantPast
        /// Since when the kubelet has looked whether the volume is attached.
        var looksSince: SimulatedTime?
        /// The volume is attached and being mounted, until `next`.
        var isMounting = false
        /// After a mount that failed: before this it is not tried again.
        var retries = SimulatedTime.distantPast
    }

    var mounts: [Mount]
    /// When the present pass over the pod began to wait.
    var began: SimulatedTime
    /// When the next pass begins, after one that failed.
    var resumes: SimulatedTime?
    /// Everything is mounted, and the pass has seen it.
    var isReady = false
    /// The pod is over, and its volumes are let go of.
    var isReleased = false
    /// When something is to be done next.
    var next = SimulatedTime.distantPast

    var areMounted: Bool { mounts.allSatisfy(\.isMounted) }

    /// The names under which volumes are attached for this pod.
    var attachables: [String] {
        mounts.compactMap { mount in if case .attachable(let name) = mount.need { name } else { nil } }
    }

    /// The machine was down: nothing is mounted any more.
    mutating func unmount(at now: SimulatedTime) {
        for index in mounts.indices {
            mounts[index] = Mount(name: mounts[index].name, need: mounts[index].need)
        }
        began = now
        resumes = nil
        isReady = false
        next = .distantPast
    }

    /// What the event about a pass that was in vain says.
    func complaint(_ why: String) -> String {
        var (unmounted, unattached, unprocessed): ([String], [String], [String]) = ([], [], [])
        for mount in mounts where !mount.isMounted {
            unmounted.append(mount.name)
            switch mount.need {
            case .attachable: if !mount.isMounting { unattached.append(mount.name) }
            case .claim: unprocessed.append(mount.name)
            case .configuration: break
            }
        }
        func list(_ names: [String]) -> String { "[" + names.sorted().joined(separator: " ") + "]" }
        return "Unable to attach or mount volumes: unmounted volumes=\(list(unmounted)), unattached volumes=\(list(unattached)), "
            + "failed to process volumes=\(list(unprocessed)): " + why
    }
}

extension PodWorker {
    /// Whether the containers wait for the pod's volumes.
    var waitsForVolumes: Bool { volumes.map { !$0.value.isReady } ?? false }
}
