// A stand-in for the CSI drivers' external provisioners: makes a volume for a claim that asks for one, and removes volumes released
// by claims of a class with reclaim policy Delete.
// <https://kubernetes.io/docs/concepts/storage/dynamic-provisioning/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// One for all drivers. What making a volume takes is a setting: drivers differ, from a moment to minutes.
struct VolumeProvisioner: Reconciler {
    typealias Conclusion = Never

    private let provisioningTime: SimulatedDuration

    init(provisioningTime: SimulatedDuration) { self.provisioningTime = provisioningTime }

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<ObjectKey>, at now: SimulatedTime
    ) {
        switch event.object {
        case .persistentVolumeClaim(let claim):
            guard event.change != .deleted, claim.value.asksForVolume else { return }
            if case .persistentVolumeClaim(let old)? = previous, old.value.asksForVolume { return }
            queue.add(event.object.key, at: now + provisioningTime)
        case .persistentVolume(let volume):
            guard event.change != .deleted, volume.value.isToBeRemoved else { return }
            if case .persistentVolume(let old)? = previous, old.value.isToBeRemoved { return }
            queue.add(event.object.key, at: now + provisioningTime)
        case .volumeAttachment(let attachment):
            // A volume is not removed before it is detached.
            guard event.change == .deleted, let name = attachment.value.persistentVolumeName,
                view.get(PersistentVolume.self, NamespacedName(namespace: "", name: name))?.value.isToBeRemoved ?? false
            else { return }
            queue.add(ObjectKey(.persistentVolume, name), at: now + provisioningTime)
        default: break
        }
    }

    mutating func reconcile(_ key: ObjectKey, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        switch view[key] {
        case .persistentVolumeClaim(let claim)? where claim.value.asksForVolume: return provision(for: claim.value, view)
        case .persistentVolume(let volume)? where volume.value.isToBeRemoved:
            let attachments = view.hasAny(.volumeAttachment) ? view.tables.all(VolumeAttachment.self) : []
            if attachments.contains(where: { $0.value.persistentVolumeName == key.name.name }) { return Plan() }
            var call = PlannedCall(.delete(key, DeleteOptions(uid: volume.value.metadata.uid)))
            call.forgives = .notFound
            return Plan(steps: [[call]])
        default: return Plan()
        }
    }

    private func provision(for claim: PersistentVolumeClaim, _ view: SharedInformers) -> Plan<Never> {
        guard let storageClass = view.get(StorageClass.self, NamespacedName(namespace: "", name: claim.className))?.value else {
            return Plan()
        }
        let isDelayed = storageClass.volumeBindingMode == .waitForFirstConsumer
        let node = claim.metadata.annotations[VolumeAnnotation.selectedNode].flatMap { view.node($0) }
        if isDelayed, node == nil { return Plan() }
        let name = "pvc-" + claim.metadata.uid.text
        var volume = PersistentVolume(metadata: ObjectMeta(name: name))
        volume.metadata.annotations[VolumeAnnotation.provisionedBy] = storageClass.provisioner
        volume.spec.capacity = claim.spec.requests
        volume.spec.accessModes = claim.spec.accessModes
        volume.spec.volumeMode = claim.spec.volumeMode
        volume.spec.volumeAttributesClassName = claim.spec.volumeAttributesClassName
        volume.spec.storageClassName = storageClass.metadata.name
        volume.spec.reclaimPolicy = storageClass.reclaimPolicy
        volume.spec.claimRef = PersistentVolumeSpec.ClaimReference(claim.metadata.key, uid: claim.metadata.uid)
        volume.spec.source = storageClass.makesLocalVolumes ? .other : .csi(driver: storageClass.provisioner, handle: name)
        // A volume made for a pod is in the zone of the pod's node, as cloud disks are.
        if let zone = node?.value.metadata.labels[Node.zoneLabel] {
            let isInZone = NodeSelectorRequirement(key: Node.zoneLabel, operator: .in, values: [zone])
            volume.spec.nodeAffinity = NodeSelector(terms: [NodeSelectorTerm(matchExpressions: [isInZone])])
        }
        var call = PlannedCall(.create(APIObject(volume)))
        call.forgives = .alreadyExists
        call.onSuccess = Shared(
            VolumeProvisioner.event(
                about: claim, storageClass.provisioner, "ProvisioningSucceeded", "Successfully provisioned volume \(name)"))
        var plan = Plan<Never>(steps: [[call]])
        plan.events = [
            VolumeProvisioner.event(
                about: claim, storageClass.provisioner, "Provisioning",
                "External provisioner is provisioning volume for claim \"\(claim.metadata.key)\"")
        ]
        return plan
    }

    private static func event(
        about claim: PersistentVolumeClaim, _ provisioner: String, _ reason: String, _ message: String
    ) -> KubernetesEvent {
        KubernetesEvent(
            about: "PersistentVolumeClaim", claim.metadata.key, uid: claim.metadata.uid, reason: reason, message: message,
            source: provisioner)
    }
}

extension PersistentVolumeClaim {
    /// The PersistentVolume controller has asked a provisioner, and there is no volume yet.
    fileprivate var asksForVolume: Bool {
        spec.volumeName.isEmpty && !metadata.isTerminating && metadata.annotations.has(VolumeAnnotation.storageProvisioner)
    }
}

extension PersistentVolume {
    /// A provisioner made it, and nobody will use it again.
    fileprivate var isToBeRemoved: Bool {
        phase == .released && spec.reclaimPolicy == .delete && !metadata.isTerminating
            && metadata.annotations.has(VolumeAnnotation.provisionedBy)
    }
}
