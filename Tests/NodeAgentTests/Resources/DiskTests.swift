// Disks: nodes that have one, nodes that have none, and kubelets with thresholds of their own.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Disks")
struct DiskTests {
    private func cluster(disk: Int64?, _ change: (inout NodeAgentConfiguration) -> Void = { _ in }) throws -> TestCluster {
        var configuration = NodeAgentConfiguration.prompt
        change(&configuration)
        var room: ResourceList = ["cpu": Quantity(4), "memory": Quantity(bytes: 8 << 30), "pods": Quantity(110)]
        if let disk { room[.ephemeralStorage] = Quantity(bytes: disk << 30) }
        return try TestCluster(allocatable: room, configuration: configuration)
    }

    @Test(
        "Only a node whose object has ephemeral-storage can run out of it",
        arguments: [(100, 95, true), (100, 80, false), (1000, 95, false), (nil, 95, false), (nil, 1_000_000, false)]
            as [(Int64?, Int64, Bool)])
    func pressure(_ disk: Int64?, _ used: Int64, _ isFull: Bool) throws {
        var cluster = try cluster(disk: disk)
        cluster.create(pod("a"))
        cluster.run(until: seconds(5))
        cluster.fillDisk(bytes: used << 30)
        cluster.run(until: seconds(60))
        #expect(cluster.nodeChanges.map(\.condition.type) == (isFull ? [.diskPressure] : []))
        #expect((cluster["a"]?.status.reason == "Evicted") == isFull)
    }

    @Test("A kubelet evicts by its own node's thresholds", arguments: [("n0", true), ("n1", false)])
    func ownThresholds(_ node: String, _ isFull: Bool) throws {
        var cluster = try cluster(disk: 100) {
            var settings = EvictionSettings()
            settings.thresholds = [EvictionThreshold(.nodefsAvailable, .share(0.5))]
            $0.evictionByNode[node] = settings
        }
        cluster.create(pod("a"))
        cluster.run(until: seconds(5))
        // More than half of the disk is full: for the usual thresholds not nearly enough.
        cluster.fillDisk(bytes: 60 << 30)
        cluster.run(until: seconds(60))
        #expect((cluster["a"]?.status.reason == "Evicted") == isFull)
    }
}
