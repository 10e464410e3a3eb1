// What a dump does not tell of volumes, and is so: what runs has its volumes, and what is asked for is there.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import NodeAgent

/// What the pods of a dump that run already have attached to their nodes.
struct AttachedVolumes {
    /// By node.
    private var inUse: [String: [AttachableVolume]] = [:]
    private var attached: [String: [AttachableVolume]] = [:]
    /// The attachments that the dump has.
    private var known: Set<String> = []

    init(_ snapshot: [APIObject]) {
        var disks: [String: PersistentVolume] = [:]
        var claims: [NamespacedName: String] = [:]
        var attachRequired: [String: Bool] = [:]
        for object in snapshot {
            switch object {
            case .persistentVolume(let volume): disks[volume.value.metadata.name] = volume.value
            case .persistentVolumeClaim(let claim): claims[claim.value.metadata.key] = claim.value.spec.volumeName
            case .csiDriver(let driver): attachRequired[driver.value.metadata.name] = driver.value.attachRequired
            case .volumeAttachment(let attachment): known.insert(attachment.value.metadata.name)
            default: break
            }
        }
        func attachable(_ name: String) -> AttachableVolume? { disks[name]?.attachable { attachRequired[$0] ?? true } }
        for object in snapshot {
            switch object {
            case .pod(let pod):
                guard let node = pod.value.nodeName, !pod.isTerminal, pod.value.hasContainers else { continue }
                for volume in pod.value.spec.value.volumes {
                    guard let claim = pod.value.claimName(of: volume),
                        let name = claims[NamespacedName(namespace: pod.value.metadata.namespace, name: claim)],
                        let attachable = attachable(name)
                    else { continue }
                    AttachedVolumes.add(attachable, to: &inUse[node, default: []])
                    AttachedVolumes.add(attachable, to: &attached[node, default: []])
                }
            case .volumeAttachment(let attachment):
                guard attachment.value.isAttached, let volume = attachment.value.persistentVolumeName.flatMap(attachable) else { continue }
                AttachedVolumes.add(volume, to: &attached[attachment.value.nodeName, default: []])
            default: break
            }
        }
    }

    private static func add(_ volume: AttachableVolume, to list: inout [AttachableVolume]) {
        if !list.contains(volume) { list.append(volume) }
    }

    /// The node with what its status leaves out.
    func completed(_ node: Node) -> Node {
        guard let volumes = attached[node.metadata.name] else { return node }
        var node = node
        for volume in volumes where !node.status.volumesAttached.contains(volume.uniqueName) {
            node.status.volumesAttached.append(volume.uniqueName)
        }
        for volume in inUse[node.metadata.name] ?? [] where !node.status.volumesInUse.contains(volume.uniqueName) {
            node.status.volumesInUse.append(volume.uniqueName)
        }
        node.status.volumesInUse.sort()
        return node
    }

    /// The attachments that a node's volumes must have, and the dump does not.
    func missingAttachments(of node: String) -> [VolumeAttachment] {
        (attached[node] ?? []).compactMap { volume in
            let name = VolumeAttachment.name(of: volume, node: node)
            guard !known.contains(name) else { return nil }
            var attachment = VolumeAttachment(
                metadata: ObjectMeta(name: name), attacher: volume.driver, nodeName: node, persistentVolumeName: volume.volume)
            attachment.isAttached = true
            return attachment
        }
    }
}

extension Pod {
    /// Some container of it has been started.
    fileprivate var hasContainers: Bool {
        (status.containerStatuses + status.initContainerStatuses).contains { status in
            if case .waiting = status.state { status.lastTermination != nil } else { true }
        }
    }
}

extension Node {
    /// Whether other volumes are attached than before an event of the node; to one that is gone there are none.
    func hasOtherVolumes(_ event: WatchEvent) -> Bool {
        guard event.change != .deleted, case .node(let old)? = event.previous else { return !status.volumesAttached.isEmpty }
        return old.value.status.volumesAttached != status.volumesAttached
    }
}

extension Cluster {
    /// Dumps leave out ConfigMaps and Secrets, most of them: a namespace without a word about any is one that has what its pods ask for.
    mutating func assumeConfiguration(_ snapshot: [APIObject]) {
        var told: Set<String> = []
        for object in snapshot {
            switch object {
            case .configMap(let map) where map.value.metadata.name != PublishedCertificate.name:
                told.insert("configMap/" + map.value.metadata.namespace)
            case .secret(let secret): told.insert("secret/" + secret.value.metadata.namespace)
            default: break
            }
        }
        var seen: Set<String> = []
        for object in snapshot {
            var namespace = object.metadata.namespace
            if case .namespace(let found) = object { namespace = found.value.metadata.name }
            guard !namespace.isEmpty, seen.insert(namespace).inserted else { continue }
            if !told.contains("configMap/" + namespace) { nodeAgent.assumeConfiguration(.configMap, in: namespace) }
            if !told.contains("secret/" + namespace) { nodeAgent.assumeConfiguration(.secret, in: namespace) }
        }
    }
}
