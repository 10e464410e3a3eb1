// Whether what the controller takes to be attached still is: a VolumeAttachment may be gone without its doing, or its doing without an answer.

import DiscreteEvents
import KubernetesAPI

extension AttachDetachController {
    /// `--attach-detach-reconcile-sync-period`: how often attached volumes are verified. Only those are looked at that there is a doubt about.
    static let syncPeriod = SimulatedDuration.minutes(1)

    /// The attachment of a volume is gone, and nobody here waited for that.
    mutating func doubt(_ attachment: VolumeAttachment, at now: SimulatedTime) {
        for number in volumesOfNodes[attachment.nodeName] ?? [] where records[number].volume.volume == attachment.persistentVolumeName {
            verifyLater(number, at: now)
        }
    }

    /// The volume is verified when that is due next.
    mutating func verifyLater(_ number: Int, at now: SimulatedTime) {
        look(number, at: now.nextMultiple(of: AttachDetachController.syncPeriod))
    }

    /// Takes a volume to be detached where it has no VolumeAttachment.
    mutating func verify(_ number: Int, _ view: SharedInformers) {
        var nodes: [String] = []
        for index in records[number].places.indices {
            let place = records[number].places[index]
            guard place.attachment == .attached, place.operation == nil else { continue }
            let name = VolumeAttachment.name(of: records[number].volume, node: place.node)
            guard view.get(VolumeAttachment.self, NamespacedName(namespace: "", name: name)) == nil else { continue }
            records[number].places[index].attachment = .detached
            records[number].places[index].isReported = false
            records[number].places[index].detachRequested = nil
            needsReport(place.node)
            nodes.append(place.node)
        }
        for node in nodes { dropIfUnused(number, node) }
    }
}
