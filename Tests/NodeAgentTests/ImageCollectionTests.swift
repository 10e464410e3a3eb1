// Garbage collection of images and containers.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Image garbage collection")
struct ImageCollectionTests {
    private func policy(capacity: Int64) -> ImageCollectionPolicy {
        var policy = ImageCollectionPolicy()
        policy.capacity = capacity
        return policy
    }

    /// Kubelets that collect images of so much room, and do nothing else about it.
    private func collecting(capacity: Int64) -> NodeAgentConfiguration {
        var configuration = NodeAgentConfiguration.prompt
        configuration.imageCollection = policy(capacity: capacity)
        configuration.eviction.thresholds.removeAll { $0.signal == .imagefsAvailable }
        return configuration
    }

    @Test(arguments: [(840, nil), (841, 41), (850, 50), (1000, 200), (2000, 200)] as [(Int64, Int64?)])
    func `from 85 percent on, in whole percents, as much is freed as brings it down to 80`(_ used: Int64, _ wanted: Int64?) {
        #expect(policy(capacity: 1000).bytesToFree(used: used) == wanted)
    }

    @Test func `the least recently used go first, but none in use and none that is young`() {
        func image(_ name: String, since: Double, used: Double) -> ImageStore.Image {
            ImageStore.Image(names: [name], bytes: 100, presentSince: seconds(since), lastUsed: seconds(used))
        }
        let images = [
            image("young", since: 950, used: 950), image("late", since: 0, used: 900), image("used", since: 0, used: 10),
            image("early", since: 0, used: 100), image("earlier", since: 0, used: 50),
        ]
        func victims(_ bytes: Int64) -> [String] {
            policy(capacity: 1000).victims(of: images, freeing: bytes, isUsed: { $0 == ImageReference.full("used") }, at: seconds(1000))
                .flatMap(\.names)
        }
        #expect(victims(100) == ["earlier"])
        #expect(victims(101) == ["earlier", "early"])
        #expect(victims(1000) == ["earlier", "early", "late"])
    }

    @Test func `a full node loses the images nobody uses, at its kubelet's next pass`() throws {
        var configuration = collecting(capacity: 1000)
        configuration.defaultImageBytes = 300
        var cluster = try TestCluster(configuration: configuration)
        cluster.run(until: seconds(100))
        cluster.fail(kubeletOnly: true)
        // The passes come at 100 s, 400 s, ... from now on.
        cluster.comeBack()
        for name in ["a", "b"] { cluster.create(pod(name, image: name)) }
        cluster.run(until: seconds(200))
        cluster.delete("a")
        cluster.run(until: seconds(350))
        #expect(cluster.agent.imageFileSystemBytes(0, at: cluster.now) == 600)
        cluster.create(pod("c", image: "c"))
        cluster.run(until: seconds(399))
        #expect(cluster.agent.imageFileSystemBytes(0, at: cluster.now) == 900)
        cluster.run(until: seconds(401))
        #expect(cluster.agent.kubelets[0].images.images.flatMap(\.names) == ["docker.io/library/b:latest", "docker.io/library/c:latest"])
        #expect(cluster.isIdle)
    }

    @Test func `what cannot be freed is told, and tried again`() throws {
        var configuration = collecting(capacity: 1000)
        configuration.defaultImageBytes = 900
        var cluster = try TestCluster(configuration: configuration)
        cluster.fail(kubeletOnly: true)
        cluster.comeBack()
        cluster.create(pod("a", image: "app"))
        cluster.run(until: seconds(700))
        let told = cluster.events.filter { $0.hasPrefix("FreeDiskSpaceFailed") }
        #expect(told.count == 2)
        #expect(
            told[0] == """
                FreeDiskSpaceFailed: Failed to garbage collect required amount of images. Attempted to free 100 bytes, but only found \
                0 bytes eligible to free.
                """)
        cluster.delete("a")
        cluster.run(until: seconds(1100))
        #expect(cluster.agent.kubelets[0].images.images.isEmpty)
    }

    @Test func `what containers write can fill the file system, too`() throws {
        var configuration = collecting(capacity: 1000)
        configuration.defaultImageBytes = 300
        var behaviour = WorkloadBehaviour()
        behaviour.layerBytes = 300
        var cluster = try TestCluster(configuration: configuration, behaviour)
        for name in ["a", "b"] { cluster.create(pod(name, image: name)) }
        cluster.run(until: seconds(50))
        cluster.delete("b")
        cluster.run(until: seconds(700))
        // Two layers and two images were too much; the image that nobody uses any more went.
        #expect(cluster.agent.kubelets[0].images.images.flatMap(\.names) == ["docker.io/library/a:latest"])
        #expect(cluster.agent.imageFileSystemBytes(0, at: cluster.now) == 600)
    }

    @Test func `of each container one dead one keeps its layer`() throws {
        var configuration = NodeAgentConfiguration.prompt
        configuration.imageCollection = policy(capacity: 1_000_000)
        var behaviour = WorkloadBehaviour()
        behaviour.layerBytes = 100
        behaviour.crash = .constant(.seconds(5))
        var cluster = try TestCluster(configuration: configuration, behaviour)
        cluster.create(pod("a", image: "app"))
        cluster.run(until: seconds(3))
        #expect(cluster.agent.imageFileSystemBytes(0, at: cluster.now) == 100)
        cluster.run(until: seconds(8))
        #expect(cluster.agent.imageFileSystemBytes(0, at: cluster.now) == 200)
        cluster.run(until: seconds(200))
        #expect(cluster.agent.imageFileSystemBytes(0, at: cluster.now) <= 200)
    }

    /// A kubelet whose passes come at 0 s, 60 s, ..., on a node with room for everything.
    private func collecting(run: SimulatedDuration? = nil) throws -> TestCluster {
        var configuration = NodeAgentConfiguration.prompt
        configuration.defaultImageBytes = 1000
        configuration.imageCollection = policy(capacity: 1_000_000)
        var behaviour = WorkloadBehaviour()
        behaviour.layerBytes = 100
        behaviour.run = run.map(Distribution.constant)
        var cluster = try TestCluster(configuration: configuration, behaviour)
        cluster.fail(kubeletOnly: true)
        cluster.comeBack()
        cluster.create(pod("a") { $0.restartPolicy = run == nil ? .always : .never })
        return cluster
    }

    private func state(_ cluster: TestCluster) -> [Int64] {
        let kubelet = cluster.agent.kubelets[0]
        return [cluster.agent.imageFileSystemBytes(0, at: cluster.now), Int64(kubelet.usedImages(at: cluster.now).count)]
    }

    @Test func `the containers of a deleted pod go with the pass that comes every minute, and use their image until then`() throws {
        var cluster = try collecting()
        cluster.run(until: seconds(65))
        cluster.delete("a")
        cluster.run(until: seconds(119.9))
        #expect(cluster["a"] == nil && state(cluster) == [1100, 1])
        cluster.run(until: seconds(120))
        #expect(state(cluster) == [1000, 0])
        #expect(cluster.agent.kubelets[0].images.images.map(\.lastUsed) == [seconds(120)])
        #expect(cluster.isIdle)
    }

    @Test func `those of a pod that is done stay for as long as the pod`() throws {
        var cluster = try collecting(run: .seconds(5))
        cluster.run(until: seconds(500))
        #expect(cluster["a"]?.status.phase == .succeeded && state(cluster) == [1100, 1])
        cluster.delete("a", grace: 0)
        cluster.run(until: seconds(539))
        #expect(state(cluster) == [1100, 1])
        cluster.run(until: seconds(540))
        #expect(state(cluster) == [1000, 0])
    }

    @Test func `a kubelet that was away removes what was deleted meanwhile with its next pass`() throws {
        var cluster = try collecting(run: .seconds(5))
        cluster.run(until: seconds(50))
        cluster.fail(kubeletOnly: true)
        cluster.delete("a", grace: 0)
        cluster.run(until: seconds(100))
        #expect(state(cluster) == [1100, 1])
        cluster.comeBack()
        cluster.run(until: seconds(159.9))
        #expect(state(cluster) == [1100, 1])
        cluster.run(until: seconds(160))
        #expect(state(cluster) == [1000, 0])
    }
}
