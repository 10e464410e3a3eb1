// Limits of memory on whole pods (KEP-2837): which container of a pod goes, and when.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Memory of whole pods")
struct PodMemoryTests {
    private static let mebibyte = 1048576.0

    private func usage(_ container: String, _ memory: LoadProfile) -> ResourceUsage {
        var usage = ResourceUsage()
        usage.container = container
        usage.memory = ResourceLoad(memory, isSinceStart: true)
        return usage
    }

    /// A pod of 64 MiB in which one container leaks a MiB a second and another has 20 MiB.
    private func cluster(_ change: (inout PodSpec) -> Void = { _ in }) throws -> TestCluster {
        let mebibyte = PodMemoryTests.mebibyte
        var behaviour = WorkloadBehaviour()
        behaviour.usage = [usage("c", .growth(from: 0, perSecond: mebibyte)), usage("steady", .constant(20 * mebibyte))]
        var cluster = try TestCluster(behaviour)
        cluster.create(
            pod("a") {
                $0.containers.append(Container(name: "steady", image: "app"))
                $0.resources = ResourceRequirements(
                    requests: [.memory: Quantity(bytes: 32 << 20)], limits: [.memory: Quantity(bytes: 64 << 20)])
                change(&$0)
            })
        return cluster
    }

    @Test func `in the tick in which its containers have more together the worst is killed, and starts again`() throws {
        var cluster = try cluster()
        cluster.run(until: seconds(1.01) + .seconds(44))
        #expect(cluster.story(of: "a").last == "1.0 Running c=running steady=running ready")
        cluster.run(until: seconds(47))
        #expect(
            cluster.story(of: "a").suffix(2) == [
                "45.0 Running c=OOMKilled:137 steady=running", "46.0 Running c=running/1 steady=running ready",
            ])
        #expect(!cluster.events.contains { $0.hasPrefix("SystemOOM") })
    }

    @Test func `overhead is the pod's, too`() throws {
        var cluster = try cluster { $0.overhead = [.memory: Quantity(bytes: 10 << 20)] }
        cluster.run(until: seconds(60))
        #expect(cluster.story(of: "a").contains { $0.hasPrefix("55.0 Running c=OOMKilled:137") })
    }

    @Test func `a container's own limit goes before`() throws {
        var cluster = try cluster { $0.containers[0].resources.limits = [.memory: Quantity(bytes: 30 << 20)] }
        cluster.run(until: seconds(40))
        #expect(cluster.story(of: "a").contains { $0.hasPrefix("31.0 Running c=OOMKilled:137") })
    }

    @Test func `without a limit of the pod's own nothing happens`() throws {
        var cluster = try cluster { $0.resources = nil }
        cluster.run(until: seconds(200))
        #expect(cluster["a"]?.status.restarts == 0)
    }
}
