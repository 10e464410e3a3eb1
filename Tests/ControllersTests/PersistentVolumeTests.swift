// Claims get volumes that are there, and are not deleted while pods use them.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct PersistentVolumeTests {
    private static func volume(_ name: String, _ size: String, policy: VolumeReclaimPolicy = .retain) throws -> PersistentVolume {
        var volume = PersistentVolume(metadata: ObjectMeta(name: name))
        volume.spec.capacity = ResourceList([(.storage, try Quantity(text: size))])
        volume.spec.accessModes = [.readWriteOnce]
        volume.spec.storageClassName = "manual"
        volume.spec.reclaimPolicy = policy
        volume.metadata.annotations[VolumeAnnotation.provisionedBy] = "disks.example.com"
        return volume
    }

    private static func claim(_ name: String, _ size: String) throws -> PersistentVolumeClaim {
        var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: name, namespace: "default"))
        claim.spec.requests = ResourceList([(.storage, try Quantity(text: size))])
        claim.spec.accessModes = [.readWriteOnce]
        claim.spec.storageClassName = "manual"
        return claim
    }

    @Test("A claim gets the smallest volume that will do, the volume's side first; without one it is told so")
    func bindsTheSmallest() throws {
        var cluster = TestCluster()
        for (name, size) in [("large", "100Gi"), ("small", "1Gi"), ("fitting", "10Gi")] {
            cluster.execute(.create(APIObject(try Self.volume(name, size))))
        }
        // A volume is there to be taken when the controller has looked at it.
        cluster.run(for: .seconds(1))
        cluster.execute(.create(APIObject(try Self.claim("data", "5Gi"))))
        cluster.execute(.create(APIObject(try Self.claim("huge", "1Ti"))))
        cluster.run(for: .seconds(1))
        let claim = try #require(cluster.get(PersistentVolumeClaim.self, "data"))
        #expect(claim.spec.volumeName == "fitting" && claim.phase == .bound && claim.isFullyBound)
        #expect(claim.metadata.finalizers == ["kubernetes.io/pvc-protection"])
        let volume = try #require(cluster.all(PersistentVolume.self).first { $0.metadata.name == "fitting" })
        #expect(volume.phase == .bound && volume.spec.claimRef?.uid == claim.metadata.uid)
        #expect(
            cluster.messages(about: .persistentVolumeClaim, "ProvisioningFailed") == [
                "storageclass.storage.k8s.io \"manual\" not found"
            ])
        cluster.execute(.create(APIObject(try Self.volume("vast", "2Ti"))))
        cluster.run(for: .seconds(20))
        #expect(cluster.get(PersistentVolumeClaim.self, "huge")?.spec.volumeName == "vast")
    }

    @Test(
        "A claim in use stays until its pod is gone; then its volume is released, or deleted",
        arguments: [VolumeReclaimPolicy.retain, .delete])
    func protectsClaims(_ policy: VolumeReclaimPolicy) throws {
        var cluster = TestCluster()
        cluster.addNode("node-0")
        cluster.execute(.create(APIObject(try Self.volume("disk", "10Gi", policy: policy))))
        cluster.run(for: .seconds(1))
        cluster.execute(.create(APIObject(try Self.claim("data", "5Gi"))))
        var pod = Make.pod("user")
        pod.spec = pod.spec.with { $0.volumes = [Volume(name: "v", source: .persistentVolumeClaim(name: "data", readOnly: false))] }
        cluster.execute(.create(APIObject(pod)))
        cluster.run(for: .seconds(5))
        cluster.execute(.delete(ObjectKey(.persistentVolumeClaim, namespace: "default", "data"), DeleteOptions()))
        cluster.run(for: .seconds(30))
        #expect(cluster.get(PersistentVolumeClaim.self, "data")?.metadata.isTerminating ?? false)
        cluster.execute(.delete(ObjectKey(.pod, namespace: "default", "user"), DeleteOptions()))
        cluster.run(for: .seconds(5))
        #expect(cluster.get(PersistentVolumeClaim.self, "data") == nil)
        #expect(cluster.all(PersistentVolume.self).map(\.phase) == (policy == .retain ? [.released] : []))
    }
}
