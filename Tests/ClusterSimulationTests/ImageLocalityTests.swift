// Images that nodes report attract pods that need them.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ClusterSimulation

@Suite("Image locality")
struct ImageLocalityTests {
    private static let image = "registry.example/shop:1"

    private static func pod(_ name: String) -> APIObject { barePod(name, cpu: 100) { $0.containers[0].image = image } }

    @Test("A pod goes to the node that has its image once that node has said so, and not before")
    func attraction() throws {
        var configuration = ClusterConfiguration(seed: 1)
        configuration.nodes = [machine("left", cpu: 8000), machine("right", cpu: 8000)]
        configuration.nodeAgent.images = [Self.image: .init(bytes: 500_000_000)]
        configuration.objects = [Self.pod("first")]
        configuration.recording.watchLog = true
        var cluster = try Cluster(configuration)
        cluster.run(until: at(7))
        // Pulled in five seconds, and not yet reported.
        let home = try #require(cluster.pods.first { $0.isReady }?.nodeName)
        func placed(_ cluster: Cluster) throws -> String? {
            var cluster = cluster
            cluster.ask(.create(Self.pod("second")))
            cluster.run(until: cluster.now + .seconds(1))
            return try #require(cluster.pods.first { $0.metadata.name == "second" }).nodeName
        }
        var earlier: [Cluster] = []
        while cluster.node(home)?.status.images.isEmpty ?? true {
            earlier.append(cluster)
            cluster.run(until: cluster.now + .seconds(1))
        }
        // A listing comes every 30 seconds, a status every ten.
        #expect(cluster.now < at(7 + 40))
        #expect(cluster.node(home)?.status.images == [ContainerImage(names: [Self.image], sizeBytes: 500_000_000)])
        cluster.run(until: cluster.now + .seconds(1))
        // One to two seconds before: the report is not even under way.
        let before = try #require(earlier.dropLast().last)
        #expect(try placed(before) != home)
        #expect(try placed(cluster) == home)
    }
}
