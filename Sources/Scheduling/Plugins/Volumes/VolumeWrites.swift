// What the scheduler writes to have claims bound.

import APIServer
import KubernetesAPI

extension StaticVolumeBinding {
    /// The volume as bound to the claim: what the scheduler goes by at once, and asks the API server to store.
    var boundVolume: PersistentVolume {
        var bound = volume.value
        if !bound.isKept(for: claim.value) { bound.metadata.annotations[VolumeAnnotation.boundByController] = "yes" }
        bound.spec.claimRef = PersistentVolumeSpec.ClaimReference(claim.value.metadata.key, uid: claim.value.metadata.uid)
        return bound
    }

    /// Binds volume and claim.
    ///
    /// The real scheduler writes only the first of these, the volume's reference to its claim; the PersistentVolume controller sees it
    /// and does the rest. That controller is not part of the simulation yet, so its writes follow here at once: without them no pod
    /// with such a claim would ever start.
    var requests: [APIRequest] {
        var volume = boundVolume
        var bound = claim.value
        bound.spec.volumeName = volume.metadata.name
        bound.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes"
        bound.metadata.annotations[VolumeAnnotation.boundByController] = "yes"
        bound.phase = .bound
        let first = APIRequest.update(APIObject(volume))
        volume.phase = .bound
        // These follow writes whose outcome is not known yet, so they cannot name the version they change.
        volume.metadata.resourceVersion = 0
        bound.metadata.resourceVersion = 0
        return [
            first, .updateStatus(APIObject(volume)), .update(APIObject(bound)), .updateStatus(APIObject(bound)),
        ]
    }
}

extension Shared<PersistentVolumeClaim> {
    /// The claim with the node on which its volume is to be made: the provisioner waits for that.
    func selecting(node: String) -> PersistentVolumeClaim {
        var claim = value
        claim.metadata.annotations[VolumeAnnotation.selectedNode] = node
        return claim
    }
}
