// Which volumes are attached where, by the VolumeAttachments: the books of the invariants about volumes.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Kept by difference, from commits alone.
struct AttachmentBook: Sendable {
    private var volumes: [String: PersistentVolume] = [:]
    private var claims: [NamespacedName: String] = [:]
    private var attachRequired: [String: Bool] = [:]
    /// By PersistentVolume: the nodes it is attached to.
    private var nodes: [String: [String]] = [:]
    private var outOfService: Set<String> = []

    /// Takes in a commit. Returns what it breaks.
    mutating func observe(_ event: WatchEvent) -> (Invariant, String)? {
        let isGone = event.change == .deleted
        switch event.object {
        case .persistentVolume(let volume): volumes[volume.value.metadata.name] = isGone ? nil : volume.value
        case .persistentVolumeClaim(let claim): claims[claim.value.metadata.key] = isGone ? nil : claim.value.spec.volumeName
        case .csiDriver(let driver): attachRequired[driver.value.metadata.name] = isGone ? nil : driver.value.attachRequired
        case .node(let node):
            let name = node.value.metadata.name
            if node.value.spec.taints.contains(where: { $0.key == Taint.outOfService }) {
                outOfService.insert(name)
            } else {
                outOfService.remove(name)
            }
        case .volumeAttachment(let attachment): return observe(attachment.value, isGone: isGone)
        case .pod(let pod) where !pod.value.spec.value.volumes.isEmpty && event.time > .zero: return observe(pod.value, event)
        default: break
        }
        return nil
    }

    private func attachable(_ volume: String) -> AttachableVolume? { volumes[volume]?.attachable { attachRequired[$0] ?? true } }

    private mutating func observe(_ attachment: VolumeAttachment, isGone: Bool) -> (Invariant, String)? {
        guard let volume = attachment.persistentVolumeName else { return nil }
        var known = nodes[volume] ?? []
        known.removeAll { $0 == attachment.nodeName }
        if !isGone, attachment.isAttached { known.append(attachment.nodeName) }
        nodes[volume] = known.isEmpty ? nil : known
        guard known.count > 1, let attachable = attachable(volume), !attachable.allowsSeveralNodes else { return nil }
        return (.volumeOnOneNode, "volume \(volume) is attached to " + known.joined(separator: " and "))
    }

    /// A container that has begun just now for the first time has all it needs.
    private func observe(_ pod: Pod, _ event: WatchEvent) -> (Invariant, String)? {
        guard let node = pod.nodeName, !outOfService.contains(node) else { return nil }
        let before = event.previous.flatMap(Pod.cast)?.value.status.containerStatuses ?? []
        let hasBegun = pod.status.containerStatuses.contains { status in
            guard case .running(let since) = status.state, status.restartCount == 0, since + .seconds(2) > event.time else { return false }
            return !before.contains { old in
                if case .running = old.state { old.name == status.name } else { false }
            }
        }
        guard hasBegun else { return nil }
        for volume in pod.spec.value.volumes {
            guard let claim = pod.claimName(of: volume),
                let name = claims[NamespacedName(namespace: pod.metadata.namespace, name: claim)], attachable(name) != nil,
                !(nodes[name]?.contains(node) ?? false)
            else { continue }
            return (.volumesAttached, "pod \(pod.metadata.key) runs on \(node), to which its volume \(name) is not attached")
        }
        return nil
    }
}
