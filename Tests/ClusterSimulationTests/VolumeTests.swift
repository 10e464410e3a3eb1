// Volumes in a running cluster: a pod is bound when its claims are, and not before.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ClusterSimulation

@Suite("Volumes")
struct VolumeTests {
    private static func storageClass(_ provisioner: String) -> APIObject {
        APIObject(
            StorageClass(metadata: ObjectMeta(name: "local"), provisioner: provisioner, volumeBindingMode: .waitForFirstConsumer))
    }

    /// A volume that can be reached from one zone only.
    private static func volume(_ name: String, zone: String, gibibytes: Int64) -> APIObject {
        var spec = PersistentVolumeSpec()
        spec.capacity = [.storage: Quantity(bytes: gibibytes << 30)]
        spec.accessModes = [.readWriteOnce]
        spec.storageClassName = "local"
        let inZone = NodeSelectorRequirement(key: Node.zoneLabel, operator: .in, values: [zone])
        spec.nodeAffinity = NodeSelector(terms: [NodeSelectorTerm(matchExpressions: [inZone])])
        return APIObject(PersistentVolume(metadata: ObjectMeta(name: name), spec: spec))
    }

    private static func claim(_ name: String, gibibytes: Int64 = 5) -> APIObject {
        var spec = PersistentVolumeClaimSpec()
        spec.accessModes = [.readWriteOnce]
        spec.storageClassName = "local"
        spec.requests = [.storage: Quantity(bytes: gibibytes << 30)]
        return APIObject(PersistentVolumeClaim(metadata: ObjectMeta(name: name, namespace: "shop"), spec: spec))
    }

    private static func pod(_ name: String, claims: [String]) -> APIObject {
        barePod(name) { spec in
            spec.volumes = claims.map { Volume(name: $0, source: .persistentVolumeClaim(name: $0, readOnly: false)) }
        }
    }

    private func cluster(_ objects: [APIObject], provisioningTime: SimulatedDuration = .seconds(2)) throws -> Cluster {
        try shop(nodesPerZone: 1) {
            $0.objects = objects
            $0.controllerManager.volumeProvisioningTime = provisioningTime
            $0.recording.events = true
        }
    }

    private func claim(_ claim: String, in cluster: Cluster) -> PersistentVolumeClaim? {
        cluster.api.objects.get(PersistentVolumeClaim.self, name(claim))?.value
    }

    private func failures(of pod: String, in cluster: Cluster) -> [String] {
        cluster.record.attempts.filter { $0.pod == name(pod) && $0.result != .scheduled }.map(\.message)
    }

    @Test("A pod takes the smallest volume that will do, and runs where it can be reached")
    func staticVolume() throws {
        var cluster = try cluster([
            Self.storageClass(StorageClass.noProvisioner), Self.volume("large", zone: "a", gibibytes: 50),
            Self.volume("small", zone: "b", gibibytes: 1), Self.volume("right", zone: "c", gibibytes: 10), Self.claim("data"),
            Self.pod("db", claims: ["data"]),
        ])
        cluster.run(until: at(20))
        let pod = try #require(cluster.pods.first)
        let node = try #require(pod.nodeName)
        let bound = try #require(claim("data", in: cluster))
        #expect(pod.isReady)
        // On node a the large one is the smallest that will do.
        #expect((node == "a-0" && bound.spec.volumeName == "large") || (node == "c-0" && bound.spec.volumeName == "right"))
        #expect(bound.isFullyBound && bound.phase == .bound)
        let volume = cluster.api.objects.get(PersistentVolume.self, NamespacedName(namespace: "", name: bound.spec.volumeName))?.value
        #expect(volume?.phase == .bound && volume?.spec.claimRef?.uid == bound.metadata.uid)
        let claimed = try #require(cluster.time(PersistentVolumeClaim.self) { $0.isFullyBound })
        let placed = try #require(cluster.time(Pod.self) { $0.nodeName != nil })
        #expect(claimed < placed && placed < claimed + .seconds(2))
    }

    @Test("Pods that want the same volume do not both get it")
    func contendedVolume() throws {
        var cluster = try cluster([
            Self.storageClass(StorageClass.noProvisioner), Self.volume("only", zone: "b", gibibytes: 10), Self.claim("one"),
            Self.claim("two"), Self.pod("first", claims: ["one"]), Self.pod("second", claims: ["two"]),
        ])
        cluster.run(until: at(60))
        #expect(cluster.pods(of: "first").map(\.nodeName) == ["b-0"])
        #expect(cluster.pods(of: "second").map(\.nodeName) == [nil])
        let message = try #require(failures(of: "second", in: cluster).last)
        #expect(message.hasPrefix("0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind."))
        // Another volume comes: that wakes the pod.
        cluster.ask(.create(Self.volume("another", zone: "c", gibibytes: 10)))
        cluster.run(until: at(90))
        #expect(cluster.pods(of: "second").map(\.nodeName) == ["c-0"])
    }

    @Test("A volume is made where the pod's node is, and the pod goes on at the next look")
    func provisionedVolume() throws {
        var cluster = try cluster([Self.storageClass("disk.example.com"), Self.claim("data"), Self.pod("db", claims: ["data"])])
        cluster.run(until: at(10))
        let bound = try #require(claim("data", in: cluster))
        let node = try #require(bound.metadata.annotations[VolumeAnnotation.selectedNode])
        let volume = try #require(
            cluster.api.objects.get(PersistentVolume.self, NamespacedName(namespace: "", name: bound.spec.volumeName))?.value)
        #expect(bound.phase == .bound && volume.phase == .bound && volume.metadata.name == "pvc-\(bound.metadata.uid)")
        #expect(volume.spec.nodeAffinity?.terms.first?.matchExpressions.first?.values == [String(node.prefix(1))])
        #expect(cluster.pods.map(\.nodeName) == [node] && cluster.pods.allSatisfy(\.isReady))
        // Two seconds to make it; the scheduler looks every second from when it asked.
        let placed = try #require(cluster.time(Pod.self) { $0.nodeName != nil })
        #expect(placed > at(2) && placed < at(3.5))
    }

    @Test("A volume that takes longer than the scheduler waits costs the pod an attempt")
    func slowProvisioner() throws {
        var cluster = try cluster(
            [Self.storageClass("disk.example.com"), Self.claim("data"), Self.pod("db", claims: ["data"])], provisioningTime: .minutes(11))
        cluster.run(until: at(590))
        #expect(cluster.pods.map(\.nodeName) == [nil] && failures(of: "db", in: cluster).isEmpty)
        cluster.run(until: at(605))
        let message = "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded"
        #expect(failures(of: "db", in: cluster).first == message)
        #expect(cluster.pods.first?.status.conditions[.podScheduled]?.reason == "SchedulerError")
        cluster.run(until: at(1300))
        #expect(cluster.pods.allSatisfy(\.isReady) && cluster.pods.count == 1)
    }

    @Test("A pod deleted while it waits for its volumes leaves nothing behind")
    func deletedWhileWaiting() throws {
        var cluster = try cluster(
            [Self.storageClass("disk.example.com"), Self.claim("data"), Self.pod("db", claims: ["data"])], provisioningTime: .minutes(5))
        cluster.run(until: at(10))
        cluster.ask(.delete(ObjectKey(.pod, namespace: "shop", "db"), DeleteOptions()))
        cluster.run(until: at(200))
        #expect(cluster.pods.isEmpty && failures(of: "db", in: cluster).isEmpty)
        // A new pod of the same name and claim finds its node chosen already.
        cluster.ask(.create(Self.pod("db", claims: ["data"])))
        cluster.run(until: at(210))
        #expect(cluster.pods.map(\.nodeName) == [nil])
        cluster.run(until: at(330))
        #expect(cluster.pods.allSatisfy(\.isReady) && cluster.pods.count == 1)
    }

    @Test("A claim that no pod can have gets its own message", arguments: [true, false])
    func immediateClaims(exists: Bool) throws {
        var objects = [Self.pod("db", claims: ["data"])]
        if exists {
            objects.insert(Self.claim("data"), at: 0)
            objects.insert(APIObject(StorageClass(metadata: ObjectMeta(name: "local"), provisioner: "disk.example.com")), at: 0)
        }
        var cluster = try cluster(objects)
        cluster.run(until: at(5))
        let reason = exists ? "pod has unbound immediate PersistentVolumeClaims" : "persistentvolumeclaim \"data\" not found"
        #expect(failures(of: "db", in: cluster).first?.hasPrefix("0/3 nodes are available: \(reason).") == true)
    }
}
