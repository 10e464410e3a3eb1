// What becomes of pods when their machine or their kubelet stops, and when it returns.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Node failures")
struct NodeFailureTests {
    /// A pod that ran for five seconds, a failure of ten, and ten more seconds.
    private func failure(
        kubeletOnly: Bool, _ spec: (inout PodSpec) -> Void = { _ in }, _ behaviour: WorkloadBehaviour = WorkloadBehaviour(),
        meanwhile: (inout TestCluster) -> Void = { _ in }
    ) throws -> TestCluster {
        var cluster = try TestCluster(behaviour)
        cluster.create(pod("a", spec))
        cluster.run(until: seconds(5))
        cluster.fail(kubeletOnly: kubeletOnly)
        cluster.run(until: seconds(10))
        meanwhile(&cluster)
        cluster.run(until: seconds(15))
        cluster.comeBack()
        cluster.run(until: seconds(40))
        return cluster
    }

    @Test func `after a crash of the machine containers start again and count a restart`() throws {
        let cluster = try failure(kubeletOnly: false)
        #expect(
            cluster.story(of: "a").suffix(2) == ["15.0 Running c=ContainerCreating/1", "16.0 Running c=running/1 ready"])
        let last = try #require(cluster["a"]?.status.containerStatuses[0].lastTermination)
        #expect(last.exitCode == 137 && last.reason == "ContainerStatusUnknown")
    }

    @Test func `a kubelet that was stopped finds its containers running`() throws {
        let cluster = try failure(kubeletOnly: true)
        #expect(cluster.story(of: "a").last == "1.0 Running c=running ready")
    }

    @Test(arguments: [true, false])
    func `readiness that others took away is reported again`(_ whileRunning: Bool) throws {
        func mark(_ cluster: inout TestCluster) {
            let uid = cluster["a"]?.metadata.uid ?? UID("")
            cluster.execute(.patchPod(pod("a").metadata.key, uid: uid, .conditions([Condition(.ready, .false)])))
        }
        var cluster: TestCluster
        if whileRunning {
            cluster = try TestCluster()
            cluster.create(pod("a"))
            cluster.run(until: seconds(10))
            mark(&cluster)
            cluster.run(until: seconds(12))
            #expect(cluster.story(of: "a").suffix(2) == ["10.0 Running c=running", "10.0 Running c=running ready"])
        } else {
            cluster = try failure(kubeletOnly: true, meanwhile: mark)
            #expect(cluster.story(of: "a").suffix(2) == ["10.0 Running c=running", "15.0 Running c=running ready"])
            #expect(cluster["a"]?.status.conditions[.ready]?.lastTransitionTime == seconds(15))
        }
    }

    @Test(arguments: [
        (false, "Failed c=ContainerStatusUnknown:137 terminating", 15.0), (true, "Succeeded c=Completed:0 terminating", 15.2),
    ])
    func `terminating pods are finished when the node is back`(_ kubeletOnly: Bool, _ end: String, _ time: Double) throws {
        let cluster = try failure(kubeletOnly: kubeletOnly, meanwhile: { $0.delete("a") })
        #expect(cluster.story(of: "a").suffix(2) == ["\(seconds(time).roundedText) \(end)", "\(seconds(time).roundedText) gone"])
    }

    @Test(arguments: [true, false])
    func `pods deleted meanwhile are dropped, new ones are started`(_ kubeletOnly: Bool) throws {
        let cluster = try failure(
            kubeletOnly: kubeletOnly,
            meanwhile: {
                $0.delete("a", grace: 0)
                $0.create(pod("b"))
            })
        #expect(cluster["a"] == nil)
        #expect(cluster.agent.kubelets[0].podCount == 1)
        #expect(cluster.story(of: "b").last == "16.0 Running c=running ready")
    }

    @Test(arguments: [(RestartPolicy.never, "15.0 Failed c=ContainerStatusUnknown:137"), (.onFailure, "16.0 Running c=running/1 ready")])
    func `the restart policy decides after a crash`(_ policy: RestartPolicy, _ end: String) throws {
        let cluster = try failure(kubeletOnly: false, { $0.restartPolicy = policy })
        #expect(cluster.story(of: "a").last == end)
    }

    @Test func `init containers run again after a crash`() throws {
        let cluster = try failure(kubeletOnly: false, { $0.initContainers = [Container(name: "init", image: "init")] })
        #expect(
            cluster.story(of: "a").suffix(3) == [
                "15.0 Pending init=running/1 c=PodInitializing/1", "16.0 Running init=Completed:0/1 c=ContainerCreating/1",
                "17.0 Running init=Completed:0/1 c=running/1 ready",
            ])
    }

    @Test func `a container that ended without its kubelet is restarted when that is back`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.crash = .constant(.seconds(6))
        let cluster = try failure(kubeletOnly: true, behaviour: behaviour)
        let story = cluster.story(of: "a")
        #expect(story[3...4] == ["15.0 Running c=Error:1", "16.0 Running c=running/1 ready"])
    }

    private func failure(kubeletOnly: Bool, behaviour: WorkloadBehaviour) throws -> TestCluster {
        try failure(kubeletOnly: kubeletOnly, { _ in }, behaviour)
    }
}

@Suite("Lease renewals")
struct LeaseRenewalTests {
    @Test(arguments: [0.0, 0.3, 9.99])
    func `the last renewal is less than a period old while the kubelet runs`(_ phase: Double) {
        var lease = LeaseRenewals(period: .seconds(10), phase: SimulatedDuration(seconds: phase))
        for tick in 0..<500 {
            let now = seconds(Double(tick) * 0.77)
            let last = lease.last(at: now)
            #expect(last <= now && now - last < .seconds(10))
            #expect(lease.last(at: last) == last)
        }
        let frozen = lease.last(at: seconds(100))
        lease.stop(at: seconds(100))
        #expect(lease.last(at: seconds(1000)) == frozen)
        lease.restart(at: seconds(2000))
        #expect(lease.last(at: seconds(2005)) == seconds(2000))
        #expect(lease.last(at: seconds(2010)) == seconds(2010))
    }
}
