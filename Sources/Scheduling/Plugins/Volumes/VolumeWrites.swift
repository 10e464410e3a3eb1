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

    /// Keeps the volume for the claim. The PersistentVolume controller sees that and binds the two.
    var request: APIRequest { .update(APIObject(boundVolume)) }
}

extension Shared<PersistentVolumeClaim> {
    /// The claim with the node on which its volume is to be made: the provisioner waits for that.
    func selecting(node: String) -> PersistentVolumeClaim {
        var claim = value
        claim.metadata.annotations[VolumeAnnotation.selectedNode] = node
        return claim
    }
}
