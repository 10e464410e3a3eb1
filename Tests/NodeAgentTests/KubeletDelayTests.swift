// The time a real kubelet takes for what needs no container: to remove a pod, and to look at its pods after its start.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Kubelet delays")
struct KubeletDelayTests {
    @Test func `a stopped pod stays half a second`() throws {
        var cluster = try TestCluster(configuration: NodeAgentConfiguration())
        cluster.create(pod("a"))
        cluster.run(until: seconds(3))
        cluster.delete("a")
        cluster.run(until: seconds(10))
        #expect(cluster.story(of: "a").suffix(2) == ["3.2 Succeeded c=Completed:0 terminating", "3.7 gone"])
    }

    @Test func `a kubelet that was down looks at its pods a second after its start`() throws {
        var cluster = try TestCluster(configuration: NodeAgentConfiguration())
        cluster.create(pod("a"))
        cluster.create(pod("b"))
        cluster.run(until: seconds(5))
        cluster.fail(kubeletOnly: false)
        cluster.run(until: seconds(15))
        cluster.comeBack()
        cluster.run(until: seconds(15.5))
        // What it hears of while it starts counts, too.
        cluster.delete("b", grace: 0)
        cluster.create(pod("c"))
        cluster.run(until: seconds(30))
        #expect(cluster.story(of: "a").suffix(2) == ["16.0 Running c=ContainerCreating/1", "17.0 Running c=running/1 ready"])
        #expect(cluster.story(of: "b").last == "15.5 gone")
        #expect(cluster.story(of: "c").last == "17.0 Running c=running ready")
        #expect(cluster.agent.kubelets[0].podCount == 2)
    }

    @Test func `a machine that fails again while its kubelet starts has no containers left`() throws {
        var cluster = try TestCluster(configuration: NodeAgentConfiguration())
        cluster.create(pod("a"))
        cluster.run(until: seconds(5))
        cluster.fail(kubeletOnly: false)
        cluster.comeBack()
        cluster.run(until: seconds(5.5))
        cluster.fail(kubeletOnly: true)
        cluster.run(until: seconds(10))
        cluster.comeBack()
        cluster.run(until: seconds(20))
        #expect(cluster.story(of: "a").suffix(2) == ["11.0 Running c=ContainerCreating/1", "12.0 Running c=running/1 ready"])
    }
}
