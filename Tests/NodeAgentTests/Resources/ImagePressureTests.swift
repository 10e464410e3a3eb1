// A full file system of images: what nobody uses goes before any pod does.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Pressure on the file system of images")
struct ImagePressureTests {
    /// Images of 400 bytes on 1000 bytes; the kubelet starts at zero, looks for pressure every 10 s, and collects images at 0 and 300 s.
    private func cluster(_ change: (inout WorkloadBehaviour) -> Void = { _ in }) throws -> TestCluster {
        var configuration = NodeAgentConfiguration.prompt
        configuration.defaultImageBytes = 400
        configuration.imageCollection.capacity = 1000
        var behaviour = WorkloadBehaviour()
        change(&behaviour)
        let room: ResourceList = [
            "cpu": Quantity(4), "memory": Quantity(bytes: 8 << 30), "pods": Quantity(110), "ephemeral-storage": Quantity(bytes: 1 << 30),
        ]
        var cluster = try TestCluster(allocatable: room, configuration: configuration, behaviour)
        cluster.fail(kubeletOnly: true)
        cluster.comeBack()
        return cluster
    }

    private func images(_ cluster: TestCluster) -> [String] { cluster.agent.kubelets[0].images.images.flatMap(\.names) }

    @Test func `an image that nobody uses is deleted at the next look, and no pod is evicted`() throws {
        var cluster = try cluster()
        cluster.create(pod("old", image: "old"))
        cluster.run(until: seconds(20))
        cluster.delete("old")
        cluster.run(until: seconds(155))
        cluster.create(pod("new", image: "new"))
        cluster.create(pod("other", image: "other"))
        cluster.run(until: seconds(159.9))
        #expect(images(cluster).count == 3)
        cluster.run(until: seconds(200))
        #expect(images(cluster) == ["docker.io/library/new:latest", "docker.io/library/other:latest"])
        #expect(cluster.events.contains("EvictionThresholdMet: Attempting to reclaim ephemeral-storage"))
        #expect(cluster["new"]?.status.phase == .running && cluster["other"]?.status.phase == .running)
        // It was short, so the node says so for five minutes.
        #expect(cluster.nodeChanges.map(\.condition.type) == [.diskPressure])
    }

    @Test func `containers of pods that are merely done go, too`() throws {
        var cluster = try cluster {
            $0.layerBytes = 300
            $0.run = .constant(.seconds(5))
        }
        for name in ["first", "second"] {
            cluster.create(pod(name) { $0.restartPolicy = .never })
        }
        cluster.run(until: seconds(9))
        #expect(cluster.agent.imageFileSystemBytes(0, at: cluster.now) == 1000)
        cluster.run(until: seconds(15))
        #expect(cluster.agent.imageFileSystemBytes(0, at: cluster.now) == 400)
        #expect(cluster["first"]?.status.phase == .succeeded)
    }

    @Test func `when all is in use, the pod with the largest layers beyond its request goes`() throws {
        var cluster = try cluster { $0.layerBytes = 300 }
        cluster.create(pod("modest") { $0.containers[0].resources.requests[.ephemeralStorage] = Quantity(300) })
        cluster.create(pod("greedy"))
        cluster.run(until: seconds(15))
        #expect(cluster["greedy"]?.status.reason == "Evicted")
        #expect(
            cluster["greedy"]?.status.message == """
                The node was low on resource: ephemeral-storage. Threshold quantity: 150, available: 0. Container c was using 300, \
                request is 0, has larger consumption of ephemeral-storage. 
                """)
        // Its layer goes with it at a later look, which finds enough room then.
        cluster.run(until: seconds(60))
        #expect(cluster["modest"]?.status.phase == .running)
        #expect(cluster.agent.imageFileSystemBytes(0, at: cluster.now) == 700)
    }
}
