// Pods that may not be active for longer than their spec says.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Active deadlines")
struct DeadlineTests {
    private func story(
        _ behaviour: WorkloadBehaviour = WorkloadBehaviour(), _ change: (inout PodSpec) -> Void = { _ in }
    ) throws -> TestCluster {
        var cluster = try TestCluster(behaviour)
        cluster.create(
            pod("a") {
                $0.activeDeadlineSeconds = 10
                $0.restartPolicy = .onFailure
                change(&$0)
            })
        cluster.run(until: seconds(60))
        return cluster
    }

    @Test("A pod that runs for longer is ended by its kubelet, and is not started again")
    func running() throws {
        let cluster = try story()
        #expect(cluster.story(of: "a").suffix(2) == ["1.0 Running c=running ready", "10.2 Failed c=Completed:0"])
        let status = try #require(cluster["a"]?.status)
        #expect(status.reason == "DeadlineExceeded")
        #expect(status.message == "Pod was active on the node longer than the specified deadline")
        #expect(status.conditions[.disruptionTarget] == nil)
        #expect(cluster.events.contains("DeadlineExceeded: Pod was active on the node longer than the specified deadline"))
        #expect(cluster.events.contains("Killing: Stopping container c"))
        #expect(cluster.isIdle && cluster.agent.kubelets[0].podCount == 0)
    }

    @Test("A pod that waits counts as active, too")
    func waiting() throws {
        let cluster = try story { $0.containers[0].imagePullPolicy = .never }
        #expect(cluster["a"]?.status.phase == .failed && cluster["a"]?.status.reason == "DeadlineExceeded")
        #expect(cluster.isIdle)
    }

    @Test("A pod that is done before has kept its deadline")
    func done() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.run = .constant(.seconds(5))
        let cluster = try story(behaviour)
        #expect(cluster.story(of: "a").last == "6.0 Succeeded c=Completed:0")
        #expect(cluster["a"]?.status.reason == "" && !cluster.events.contains { $0.hasPrefix("DeadlineExceeded") })
    }

    @Test("A deadline that passes while the kubelet is away is found when it is back")
    func away() throws {
        var cluster = try TestCluster()
        cluster.create(pod("a") { $0.activeDeadlineSeconds = 10 })
        cluster.run(until: seconds(5))
        cluster.fail(kubeletOnly: true)
        cluster.run(until: seconds(20))
        #expect(cluster["a"]?.status.phase == .running)
        cluster.comeBack()
        cluster.run(until: seconds(25))
        #expect(cluster.story(of: "a").last == "20.2 Failed c=Completed:0")
    }

    @Test(
        "A kubelet refuses what asks for storage that its node does not have",
        arguments: [("ephemeral-storage", true), ("example.com/gpu", false)])
    func missing(_ resource: String, _ isRefused: Bool) throws {
        var cluster = try TestCluster()
        cluster.create(
            pod("a") { spec in
                spec.containers[0].resources.requests[ResourceName(resource)] = Quantity(1)
                spec.containers[0].resources.limits[ResourceName(resource)] = Quantity(1)
            })
        cluster.run(until: seconds(5))
        #expect(cluster["a"]?.status.reason == (isRefused ? "OutOf" + resource : ""))
    }
}
