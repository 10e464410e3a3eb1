// CSI drivers that fail or are slow: what pods are told, and when they get their volumes.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ClusterSimulation

@Suite("Trouble with drivers")
struct DriverTroubleTests {
    private static let driver = "disk.example.com"

    private static func trouble(_ change: (inout Disturbance) -> Void) -> Disturbance {
        var trouble = Disturbance()
        change(&trouble)
        return trouble
    }

    /// A pod with a disk on one node, from the start; its events, as "seconds reason: message".
    private static func run(
        attach: [Disturbance] = [], mount: [Disturbance] = [], until end: Double = 120
    ) throws -> (cluster: Cluster, messages: [(time: SimulatedTime, reason: String, text: String)]) {
        var spec = PersistentVolumeSpec()
        spec.accessModes = [.readWriteOnce]
        spec.claimRef = PersistentVolumeSpec.ClaimReference(name("data"), uid: UID("claim"))
        spec.source = .csi(driver: driver, handle: "d1")
        var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: "data", namespace: "shop"), phase: .bound)
        claim.metadata.uid = UID("claim")
        claim.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes"
        claim.spec.volumeName = "disk"
        var cluster = try shop(nodesPerZone: 1) {
            $0.snapshot = [APIObject(PersistentVolume(metadata: ObjectMeta(name: "disk"), spec: spec, phase: .bound)), APIObject(claim)]
            $0.objects = [
                barePod("db") { $0.volumes = [Volume(name: "data", source: .persistentVolumeClaim(name: "data", readOnly: false))] }
            ]
            $0.controllerManager.attachDetach.disturbances = attach
            $0.nodeAgent.volumes.mountDisturbances = mount
        }
        cluster.run(until: at(end))
        let messages = cluster.record.watchLog.compactMap { entry -> (time: SimulatedTime, reason: String, text: String)? in
            guard case .event(let event) = entry.object else { return nil }
            return (entry.time, event.value.reason, event.value.message)
        }
        return (cluster, messages)
    }

    private static func started(_ cluster: Cluster) -> SimulatedTime? { cluster.time(Pod.self) { $0.isReady } }

    @Test("A driver that fails to attach is asked again, and the pod is told each time")
    func attachFails() throws {
        let usual = try #require(Self.started(try Self.run().cluster))
        let (cluster, messages) = try Self.run(attach: [Self.trouble { ($0.until, $0.probability) = (at(60), 1) }], until: 300)
        let told = messages.filter { $0.reason == "FailedAttachVolume" }
        let text = "rpc error: code = Internal desc = could not attach volume \"disk\" to node"
        #expect(told.allSatisfy { $0.text.hasPrefix("AttachVolume.Attach failed for volume \"disk\" : " + text) })
        // The waits between its looks grow: 0.5, 1, 2, 4, 8, 16, 32 s, and what each look takes.
        let gaps = zip(told, told.dropFirst()).map { ($1.time - $0.time).seconds }
        #expect(gaps.count >= 4 && zip(gaps, gaps.dropFirst()).allSatisfy { $0 < $1 })
        let start = try #require(Self.started(cluster))
        #expect(start > at(60) && start > usual + .seconds(40))
        #expect(messages.contains { $0.reason == "SuccessfulAttachVolume" && $0.time > at(60) })
    }

    @Test("A driver that fails to mount is asked again, and the pod is told each time")
    func mountFails() throws {
        let (cluster, messages) = try Self.run(mount: [Self.trouble { ($0.until, $0.probability) = (at(30), 1) }])
        let told = messages.filter { $0.reason == "FailedMount" }
        let text = "MountVolume.MountDevice failed for volume \"disk\" : rpc error: code = Internal desc = could not mount volume \"disk\""
        #expect(told.allSatisfy { $0.text == text })
        // A mount takes half a second, and the waits between them are 0.5, 1, 2, 4 s.
        let gaps = zip(told, told.dropFirst()).map { (($1.time - $0.time).seconds * 10).rounded() / 10 }
        #expect(gaps.starts(with: [1, 1.5, 2.5, 4.5]))
        #expect(try #require(Self.started(cluster)) > at(30))
    }

    @Test("A driver that is slow delays the pod by as much", arguments: [10.0, 30])
    func slow(_ delay: Double) throws {
        let usual = try #require(Self.started(try Self.run().cluster))
        let slow = try #require(Self.started(try Self.run(mount: [Self.trouble { $0.delay = SimulatedDuration(seconds: delay) }]).cluster))
        // The kubelet looks every 300 ms.
        #expect(abs((slow - usual).seconds - delay) < 0.31)
        let attaching = try #require(
            Self.started(try Self.run(attach: [Self.trouble { $0.delay = SimulatedDuration(seconds: delay) }]).cluster))
        #expect((attaching - usual).seconds > delay / 2)
    }

    @Test("Trouble of another driver, or at another time, is none")
    func elsewhere() throws {
        let usual = try Self.run()
        let other = try Self.run(
            attach: [
                Self.trouble { ($0.subject, $0.probability) = ("other.example.com", 1) },
                Self.trouble { ($0.from, $0.probability, $0.delay) = (at(100), 1, .seconds(10)) },
            ], mount: [Self.trouble { ($0.subject, $0.delay) = ("other.example.com", .seconds(10)) }])
        #expect(Self.started(usual.cluster) == Self.started(other.cluster))
        #expect(usual.messages.map(\.text) == other.messages.map(\.text))
    }
}
