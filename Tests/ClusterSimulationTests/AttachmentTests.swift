// Volumes that must be attached: when pods get them, who has them meanwhile, and how they get away from a node that died.

import APIServer
import Controllers
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ClusterSimulation

@Suite("Attaching volumes")
struct AttachmentTests {
    private static let driver = "disk.example.com"
    private static let volumeName = "kubernetes.io/csi/disk.example.com^d1"

    /// A disk bound to the claim `data`.
    private static func disk(_ modes: [VolumeAccessMode] = [.readWriteOnce]) -> [APIObject] {
        var spec = PersistentVolumeSpec()
        spec.capacity = [.storage: Quantity(bytes: 10 << 30)]
        spec.accessModes = modes
        spec.claimRef = PersistentVolumeSpec.ClaimReference(name("data"), uid: UID("claim"))
        spec.source = .csi(driver: driver, handle: "d1")
        var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: "data", namespace: "shop"), phase: .bound)
        claim.metadata.uid = UID("claim")
        claim.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes"
        claim.spec.accessModes = modes
        claim.spec.volumeName = "disk"
        return [
            APIObject(PersistentVolume(metadata: ObjectMeta(name: "disk"), spec: spec, phase: .bound)), APIObject(claim),
        ]
    }

    private static func use(_ spec: inout PodSpec) {
        spec.volumes = [Volume(name: "data", source: .persistentVolumeClaim(name: "data", readOnly: false))]
    }

    private static func shelf(
        modes: [VolumeAccessMode] = [.readWriteOnce], _ objects: [APIObject], _ change: (inout ClusterConfiguration) -> Void = { _ in }
    ) throws -> Cluster {
        try shop(nodesPerZone: 1) {
            $0.snapshot = disk(modes)
            $0.objects = objects
            $0.recording.events = true
            change(&$0)
        }
    }

    private static func attachments(_ cluster: Cluster) -> [VolumeAttachment] {
        cluster.api.objects.all(VolumeAttachment.self).map(\.value)
    }

    private static func messages(_ reason: String, _ cluster: Cluster) -> [String] {
        cluster.record.watchLog.compactMap { event in
            guard event.change == .added, case .event(let event) = event.object, event.value.reason == reason else { return nil }
            return event.value.message
        }
    }

    private static func started(_ app: String, _ cluster: Cluster) -> SimulatedTime? {
        cluster.time(Pod.self) { pod in
            pod.metadata.labels["app"] == app
                && pod.status.containerStatuses.contains { if case .running = $0.state { true } else { false } }
        }
    }

    @Test("A pod waits for its volume to be attached, to be said to be in use, and to be mounted")
    func attach() throws {
        var cluster = try Self.shelf([barePod("db", Self.use)])
        cluster.run(until: at(30))
        let pod = try #require(cluster.pods.first)
        let node = try #require(pod.nodeName)
        #expect(pod.isReady)
        #expect(cluster.node(node)?.status.volumesAttached == [Self.volumeName])
        #expect(cluster.node(node)?.status.volumesInUse == [Self.volumeName])
        let attachment = try #require(Self.attachments(cluster).first)
        #expect(attachment.isAttached && attachment.nodeName == node && attachment.attacher == Self.driver)
        #expect(attachment.persistentVolumeName == "disk" && attachment.metadata.name.hasPrefix("csi-"))
        #expect(Self.messages("SuccessfulAttachVolume", cluster) == ["AttachVolume.Attach succeeded for volume \"disk\" "])
        // The controller passes every tenth of a second; the driver takes two; the node says so at the pass after the look that sees it.
        let placed = try #require(cluster.time(Pod.self) { $0.nodeName != nil })
        let asked = try #require(cluster.time(VolumeAttachment.self) { _ in true })
        #expect(asked > placed && asked < placed + .milliseconds(150))
        let attached = try #require(cluster.time(VolumeAttachment.self) { $0.isAttached })
        #expect(attached > asked + .seconds(2) && attached < asked + .seconds(2) + .milliseconds(50))
        let told = try #require(cluster.time(Node.self) { !$0.status.volumesAttached.isEmpty })
        // 0.5 + 0.525 + 0.55125 + 0.5788 s: the look after the driver was done.
        #expect(told > attached && told < asked + .milliseconds(2400))
        // The kubelet reports its node at its own turn, within some ten seconds.
        let reported = try #require(cluster.time(Node.self) { !$0.status.volumesInUse.isEmpty })
        let begin = try #require(Self.started("db", cluster))
        #expect(begin > max(told, reported) + .milliseconds(500))
        #expect(begin < at(13))
    }

    @Test("What a kubelet said it used before the run is not detached before it says that it let go of it")
    func usedBefore() throws {
        var cluster = try Self.shelf([barePod("db", Self.use)]) {
            $0.nodes = [machine("a-0")]
            $0.nodes[0].status.volumesInUse = [Self.volumeName]
        }
        cluster.run(until: at(30))
        #expect(cluster.pods.first?.isReady ?? false)
        cluster.ask(.delete(ObjectKey(.pod, name("db")), DeleteOptions()))
        cluster.run(until: at(60))
        let released = try #require(cluster.time(Node.self) { $0.status.volumesInUse.isEmpty && $0.isReady })
        let detached = try #require(cluster.time(VolumeAttachment.self) { $0.metadata.isTerminating })
        #expect(released > at(30) && detached > released)
    }

    @Test("Volumes without a driver that attaches are mounted as they are")
    func noAttach() throws {
        var driver = CSIDriver(metadata: ObjectMeta(name: Self.driver))
        driver.attachRequired = false
        var cluster = try Self.shelf([barePod("db", Self.use)]) { $0.snapshot.append(APIObject(driver)) }
        cluster.run(until: at(2))
        #expect(cluster.pods.allSatisfy(\.isReady) && Self.attachments(cluster).isEmpty)
    }

    @Test("A volume that one node has is kept from another, and moves when the first lets go of it")
    func multiAttach() throws {
        var cluster = try Self.shelf([barePod("one", Self.use)])
        cluster.run(until: at(30))
        let first = try #require(cluster.pods.first?.nodeName)
        cluster.ask(.patchNode(first, .unschedulable(true)))
        cluster.run(until: at(31))
        cluster.ask(.create(barePod("two", Self.use)))
        cluster.run(until: at(60))
        #expect(
            Self.messages("FailedAttachVolume", cluster) == [
                "Multi-Attach error for volume \"disk\" Volume is already used by pod(s) one"
            ])
        #expect(Self.attachments(cluster).map(\.nodeName) == [first])
        cluster.ask(.delete(ObjectKey(.pod, namespace: "shop", "one"), DeleteOptions()))
        // The kubelet has asked whether the volume is there after 0.5, 1, 2, ... s, and asks again within two minutes.
        cluster.run(until: at(200))
        let second = try #require(cluster.pods(of: "two").first)
        #expect(second.isReady && Self.attachments(cluster).map(\.nodeName) == [second.nodeName])
        #expect(cluster.node(first)?.status.volumesAttached == [] && cluster.node(first)?.status.volumesInUse == [])
    }

    @Test("Volumes that may be shared are attached to several nodes", arguments: [[VolumeAccessMode.readWriteMany], [.readOnlyMany], []])
    func shared(_ modes: [VolumeAccessMode]) throws {
        var cluster = try Self.shelf(modes: modes, [barePod("one", Self.use)])
        cluster.run(until: at(30))
        let first = try #require(cluster.pods.first?.nodeName)
        cluster.ask(.patchNode(first, .unschedulable(true)))
        cluster.ask(.create(barePod("two", Self.use)))
        cluster.run(until: at(60))
        #expect(cluster.pods.allSatisfy(\.isReady) && Self.attachments(cluster).count == 2)
        #expect(Self.messages("FailedAttachVolume", cluster).isEmpty)
    }

    /// A Deployment with the disk whose node dies at 60 s.
    private static func orphaned(
        _ change: (inout ClusterConfiguration) -> Void = { _ in }
    ) throws -> (cluster: Cluster, node: String, failure: Int) {
        var cluster = try shelf([deployment("db", replicas: 1, use)], change)
        cluster.run(until: at(60))
        let node = try #require(cluster.pods.first?.nodeName)
        let failure = cluster.crash([node])
        return (cluster, node, failure)
    }

    @Test("A dead node's volume is detached by force six minutes after its pod is gone, not before")
    func forcedDetach() throws {
        var (cluster, node, _) = try Self.orphaned()
        // Ready=Unknown after 50 s, evicted 300 s later; the old pod stays, and the new one hears of it.
        cluster.run(until: at(600))
        let old = try #require(cluster.pods(onNode: node).first)
        #expect(old.metadata.isTerminating)
        #expect(
            Self.messages("FailedAttachVolume", cluster) == [
                "Multi-Attach error for volume \"disk\" Volume is already used by pod(s) \(old.metadata.name)"
            ])
        let waits = Self.messages("FailedMount", cluster)
        #expect(
            waits.first == "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data], "
                + "failed to process volumes=[]: context deadline exceeded")
        // Somebody deletes the pod by force.
        cluster.ask(.delete(old.key, DeleteOptions(gracePeriodSeconds: 0)))
        cluster.run(until: at(960))
        #expect(Self.attachments(cluster).map(\.nodeName) == [node])
        #expect(Self.attachments(cluster).allSatisfy { !$0.metadata.isTerminating })
        // The pass after the deletion, six minutes, and the first pass after that.
        cluster.run(until: at(960.25))
        #expect(Self.attachments(cluster).allSatisfy { $0.metadata.isTerminating })
        cluster.run(until: at(990))
        let new = try #require(cluster.pods.first { !$0.metadata.isTerminating })
        #expect(new.nodeName != node && Self.attachments(cluster).map(\.nodeName) == [new.nodeName])
    }

    @Test("A driver that takes longer than two minutes costs an error and a wait, and succeeds in the end")
    func slowDriver() throws {
        var cluster = try Self.shelf([barePod("db", Self.use)]) { $0.controllerManager.attachDetach.attachTime = .minutes(5) }
        cluster.run(until: at(200))
        #expect(
            Self.messages("FailedAttachVolume", cluster) == [
                "AttachVolume.Attach failed for volume \"disk\" : timed out waiting for external-attacher of disk.example.com CSI driver "
                    + "to attach volume d1"
            ])
        #expect(Self.attachments(cluster).count == 1 && Self.messages("SuccessfulAttachVolume", cluster).isEmpty)
        cluster.run(until: at(600))
        #expect(cluster.pods.allSatisfy(\.isReady) && Self.messages("SuccessfulAttachVolume", cluster).count == 1)
        // Nobody may have it meanwhile.
        #expect(Self.attachments(cluster).map(\.nodeName) == cluster.pods.map(\.nodeName))
    }

    @Test("A released disk is removed when it is detached, not before")
    func removal() throws {
        var cluster = try Self.shelf([barePod("db", Self.use)]) {
            $0.snapshot = $0.snapshot.map { object in
                guard case .persistentVolume(let volume) = object else { return object }
                return .persistentVolume(
                    volume.with {
                        $0.spec.reclaimPolicy = .delete
                        $0.metadata.annotations[VolumeAnnotation.provisionedBy] = Self.driver
                    })
            }
        }
        cluster.run(until: at(30))
        cluster.ask(.delete(ObjectKey(.persistentVolumeClaim, namespace: "shop", "data"), DeleteOptions()))
        cluster.ask(.delete(ObjectKey(.pod, namespace: "shop", "db"), DeleteOptions()))
        cluster.run(until: at(60))
        let gone = cluster.record.watchLog.filter { $0.change == .deleted }.map(\.object.kind)
        let (detached, removed) = (gone.firstIndex(of: .volumeAttachment), gone.firstIndex(of: .persistentVolume))
        #expect(detached != nil && removed != nil && (detached ?? 0) < (removed ?? 0))
    }

    @Test("The monitor's books notice a disk on two nodes, and a pod that runs without its disk")
    func books() {
        func event(_ object: APIObject, previous: APIObject? = nil) -> WatchEvent {
            WatchEvent(previous == nil ? .added : .modified, object, previous: previous, time: at(10))
        }
        var book = AttachmentBook()
        for object in Self.disk() { #expect(book.observe(event(object)) == nil) }
        func attached(to node: String) -> APIObject {
            var attachment = VolumeAttachment(
                metadata: ObjectMeta(name: node), attacher: Self.driver, nodeName: node, persistentVolumeName: "disk")
            attachment.isAttached = true
            return APIObject(attachment)
        }
        var pod = Pod(metadata: ObjectMeta(name: "db", namespace: "shop"), spec: podSpec(Self.use), nodeName: "a")
        let waiting = APIObject(pod)
        pod.status.containerStatuses = [ContainerStatus(name: "main", state: .running(startedAt: at(10)), ready: false)]
        #expect(book.observe(event(APIObject(pod), previous: waiting))?.0 == .volumesAttached)
        #expect(book.observe(event(attached(to: "a"))) == nil)
        #expect(book.observe(event(APIObject(pod), previous: waiting)) == nil)
        #expect(book.observe(event(attached(to: "b")))?.0 == .volumeOnOneNode)
    }

    @Test("Without forced detaching it stays")
    func noForce() throws {
        var (cluster, node, _) = try Self.orphaned { $0.controllerManager.attachDetach.disableForceDetachOnTimeout = true }
        cluster.run(until: at(600))
        let old = try #require(cluster.pods(onNode: node).first)
        cluster.ask(.delete(old.key, DeleteOptions(gracePeriodSeconds: 0)))
        cluster.run(until: at(2000))
        #expect(Self.attachments(cluster).map(\.nodeName) == [node])
        #expect(cluster.pods.allSatisfy { !$0.isReady })
    }

    @Test("A node declared out of service loses its pods and volumes at once")
    func outOfService() throws {
        var (cluster, node, _) = try Self.orphaned()
        cluster.run(until: at(150))
        cluster.ask(.patchNode(node, .taints(add: [Taint(key: Taint.outOfService, value: "nodeshutdown", effect: .noExecute)], remove: [])))
        cluster.run(until: at(200))
        #expect(cluster.pods.count == 1 && cluster.pods.allSatisfy(\.isReady))
        #expect(Self.attachments(cluster).map(\.nodeName) == cluster.pods.map(\.nodeName))
    }

    @Test("A node that comes back lets go of the volume itself")
    func comesBack() throws {
        var (cluster, node, failure) = try Self.orphaned()
        cluster.run(until: at(600))
        cluster.start(node, after: failure)
        cluster.run(until: at(800))
        #expect(cluster.pods.count == 1 && cluster.pods.allSatisfy(\.isReady))
        #expect(cluster.pods.allSatisfy { $0.nodeName != node })
        #expect(Self.attachments(cluster).map(\.nodeName) == cluster.pods.map(\.nodeName))
    }

    @Test("A machine that reboots mounts its volumes again before its pods run")
    func reboot() throws {
        var (cluster, node, failure) = try Self.orphaned()
        cluster.run(until: at(70))
        cluster.start(node, after: failure)
        cluster.run(until: at(100))
        let pod = try #require(cluster.pods.first)
        #expect(pod.nodeName == node && pod.isReady && pod.status.containerStatuses.first?.restartCount == 1)
        #expect(Self.attachments(cluster).map(\.nodeName) == [node])
    }

    @Test("An API server that refuses the kubelet's report hears it again")
    func refusedReport() throws {
        var cluster = try Self.shelf([barePod("db", Self.use)]) {
            $0.apiServerFaults = [APIServerFault(.brownout(latencyFactor: 1, delay: .zero, errors: 0.9), at: at(0.5), down: .seconds(60))]
        }
        cluster.run(until: at(300))
        #expect(cluster.pods.allSatisfy(\.isReady) && cluster.pods.count == 1)
        #expect(Self.attachments(cluster).map(\.nodeName) == cluster.pods.map(\.nodeName))
    }

    @Test("Pods of a dump keep the volumes they have, though the dump does not say that they are attached", arguments: [true, false])
    func snapshot(hasClaims: Bool) throws {
        var pod = Pod(
            metadata: ObjectMeta(name: "db", namespace: "shop", labels: ["app": "db"]), spec: podSpec(Self.use), nodeName: "b-0")
        pod.metadata.uid = UID("pod")
        pod.status.phase = .running
        pod.status.containerStatuses = [ContainerStatus(name: "main", state: .running(startedAt: .zero - .hours(1)), ready: true)]
        var cluster = try shop(nodesPerZone: 1) {
            $0.nodes = []
            $0.snapshot = machines(1).map { node in
                var node = node
                node.status.conditions = [Condition(.ready, .true)]
                return APIObject(node)
            }
            $0.snapshot += (hasClaims ? Self.disk() : []) + [APIObject(pod)]
            $0.objects = []
            $0.recording.events = true
        }
        cluster.run(until: at(60))
        guard hasClaims else {
            // What the dump does not tell of is there all the same, also for a machine that reboots.
            let failure = cluster.crash(["b-0"])
            cluster.run(until: at(70))
            cluster.start("b-0", after: failure)
            cluster.run(until: at(90))
            #expect(cluster.pods.map(\.status.phase) == [.running] && cluster.pods.allSatisfy(\.isReady))
            return
        }
        #expect(cluster.node("b-0")?.status.volumesInUse == [Self.volumeName])
        #expect(cluster.node("b-0")?.status.volumesAttached == [Self.volumeName])
        #expect(Self.attachments(cluster).map(\.nodeName) == ["b-0"])
        #expect(Self.messages("SuccessfulAttachVolume", cluster).isEmpty)
        // It is let go of as any other.
        cluster.ask(.delete(ObjectKey(.pod, namespace: "shop", "db"), DeleteOptions()))
        cluster.run(until: at(90))
        #expect(cluster.pods.isEmpty && Self.attachments(cluster).isEmpty)
    }
}

extension Pod {
    fileprivate var key: ObjectKey { ObjectKey(.pod, metadata.key) }
}
