// GPUs that pods share, in a running cluster: the devices are written with the binding and free again when the pod is gone.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Scheduling
import Testing

@testable import ClusterSimulation

@Suite("GPU sharing in a cluster")
struct GPUSharingTests {
    private static let resource: ResourceName = "alibabacloud.com/gpu-milli"

    private static func pod(_ name: String, milli: Int64) -> APIObject {
        barePod(name) { spec in
            spec.containers[0].resources.requests[resource] = Quantity(milli)
            spec.containers[0].resources.limits[resource] = Quantity(milli)
        }
    }

    /// One node with two GPUs, and pods that come at the start.
    private static func cluster(_ pods: [APIObject]) throws -> Cluster {
        var configuration = ClusterConfiguration()
        var node = machine("a")
        node.status.allocatable[resource] = Quantity(2000)
        node.status.capacity[resource] = Quantity(2000)
        configuration.nodes = [node]
        configuration.objects = pods
        var profile = configuration.scheduler.profiles[0]
        profile.plugins = [ExtensionPointConfiguration(.multiPoint, enabled: [WeightedPlugin("GPUShare")])]
        configuration.scheduler.profiles[0] = profile
        return try Cluster(configuration)
    }

    private static func devices(_ cluster: Cluster) -> [String: String] {
        var result: [String: String] = [:]
        for pod in cluster.pods where pod.nodeName != nil {
            result[pod.metadata.name] = pod.metadata.annotations["alibabacloud.com/gpu-index"] ?? "none"
        }
        return result
    }

    @Test("each pod gets GPUs of its own, and waits if what is left is in pieces")
    func sharing() throws {
        var cluster = try GPUSharingTests.cluster([
            GPUSharingTests.pod("p", milli: 600), GPUSharingTests.pod("q", milli: 700), GPUSharingTests.pod("r", milli: 300),
            GPUSharingTests.pod("s", milli: 400), GPUSharingTests.pod("none", milli: 0),
        ])
        cluster.run(until: at(20))
        #expect(GPUSharingTests.devices(cluster) == ["p": "0", "q": "1", "r": "1", "s": "0", "none": "none"])
        // 300 are left of one GPU then and 400 of the other.
        for gone in ["r", "s"] { cluster.ask(.delete(ObjectKey(.pod, name(gone)), DeleteOptions())) }
        cluster.ask(.create(GPUSharingTests.pod("t", milli: 500)))
        cluster.run(until: at(60))
        #expect(GPUSharingTests.devices(cluster)["t"] == nil)
        let waiting = try #require(cluster.pods.first { $0.metadata.name == "t" })
        #expect(waiting.status.conditions[.podScheduled]?.message.contains("had no GPU with enough left") == true)
        // The end of a pod on a GPU wakes it.
        cluster.ask(.delete(ObjectKey(.pod, name("p")), DeleteOptions()))
        cluster.run(until: at(120))
        #expect(GPUSharingTests.devices(cluster) == ["q": "1", "t": "0", "none": "none"])
    }
}
