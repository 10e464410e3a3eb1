// The life of a pod on its node, told as the sequence of statuses the API server sees.
// The orders are those of recordings of a real cluster.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Pod lifecycle")
struct PodLifecycleTests {
    @Test func `a pod is pending, runs, is stopped and goes`() throws {
        var cluster = try TestCluster()
        cluster.create(pod("a"))
        cluster.run(until: seconds(3))
        cluster.delete("a")
        cluster.run(until: seconds(10))
        #expect(
            cluster.story(of: "a") == [
                "0.0 Pending", "0.0 Pending c=ContainerCreating", "1.0 Running c=running ready",
                "3.0 Running c=running ready terminating", "3.2 Succeeded c=Completed:0 terminating", "3.2 gone",
            ])
        #expect(
            cluster.events == [
                "Pulling: Pulling image \"app\"",
                "Pulled: Successfully pulled image \"app\" in 0s (0s including waiting). Image size: 0 bytes.",
                "Created: Container created", "Started: Container started", "Killing: Stopping container c",
            ])
        #expect(cluster.agent.kubelets[0].podCount == 0)
    }

    @Test func `conditions go through the recorded steps`() throws {
        var cluster = try TestCluster()
        cluster.create(pod("a"))
        func conditions(_ cluster: TestCluster) -> [String] {
            (cluster.changes.last { $0.pod != nil }?.pod?.status.conditions ?? []).map {
                "\($0.type)=\($0.status.rawValue)" + ($0.reason.isEmpty ? "" : "/\($0.reason)")
            }
        }
        cluster.run(until: seconds(0.5))
        #expect(
            conditions(cluster) == [
                "PodReadyToStartContainers=False", "Initialized=True", "Ready=False/ContainersNotReady",
                "ContainersReady=False/ContainersNotReady",
            ])
        cluster.run(until: seconds(2))
        #expect(conditions(cluster) == ["PodReadyToStartContainers=True", "Initialized=True", "Ready=True", "ContainersReady=True"])
        cluster.delete("a")
        cluster.run(until: seconds(4))
        #expect(
            conditions(cluster) == [
                "PodReadyToStartContainers=False", "Initialized=True/PodCompleted", "Ready=False/PodCompleted",
                "ContainersReady=False/PodCompleted",
            ])
    }

    @Test func `readiness comes after its delay, in a write of its own`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.ready = .constant(.seconds(4))
        var cluster = try TestCluster(behaviour)
        cluster.create(pod("a"))
        cluster.run(until: seconds(20))
        #expect(cluster.story(of: "a").suffix(2) == ["1.0 Running c=running", "5.0 Running c=running ready"])
        #expect(cluster.changes.count == 4)
    }

    @Test(arguments: [
        (RestartPolicy.never, Int32(0), "Succeeded c=Completed:0"), (.never, 3, "Failed c=Error:3"),
        (.onFailure, 0, "Succeeded c=Completed:0"),
    ])
    func `a container that is not restarted completes its pod`(_ policy: RestartPolicy, _ exitCode: Int32, _ end: String) throws {
        var behaviour = WorkloadBehaviour()
        behaviour.run = .constant(.seconds(10))
        behaviour.exitCode = exitCode
        var cluster = try TestCluster(behaviour)
        cluster.create(pod("a") { $0.restartPolicy = policy })
        cluster.run(until: seconds(60))
        #expect(cluster.story(of: "a").last == "11.0 " + end)
        // The node is free again, and the kubelet has forgotten the pod.
        #expect(cluster.agent.kubelets[0].podCount == 0)
        cluster.delete("a")
        #expect(cluster["a"] == nil)
    }

    @Test func `crashes are answered at once, then with a doubled wait`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.crash = .constant(.seconds(2))
        var cluster = try TestCluster(behaviour)
        cluster.create(pod("a"))
        cluster.run(until: seconds(45))
        #expect(
            cluster.story(of: "a").dropFirst(2) == [
                "1.0 Running c=running ready", "3.0 Running c=Error:1", "4.0 Running c=running/1 ready",
                "6.0 Running c=CrashLoopBackOff/1", "17.0 Running c=running/2 ready", "19.0 Running c=CrashLoopBackOff/2",
                "40.0 Running c=running/3 ready", "42.0 Running c=CrashLoopBackOff/3",
            ])
        let last = try #require(cluster["a"]?.status.containerStatuses[0].lastTermination)
        #expect(last.exitCode == 1 && last.finishedAt == seconds(42))
        #expect(cluster.events.filter { $0.hasPrefix("BackOff") }.count == 3)
        // From 85 to 165 s the wait is told twice: at its beginning and at the next pass over the pod.
        cluster.run(until: seconds(167))
        #expect(cluster.events.filter { $0.hasPrefix("BackOff") }.count == 5)
        #expect(cluster.story(of: "a").last == "166.0 Running c=running/5 ready")
    }

    @Test func `a container's image is looked after before it starts again, not when it runs`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.crash = .constant(.seconds(10))
        behaviour.start = .constant(.seconds(5))
        var cluster = try TestCluster(behaviour)
        cluster.create(pod("a"))
        cluster.run(until: seconds(16))
        // It ended at 15 s, and runs again at 20 s.
        #expect(cluster.events.count { $0.hasPrefix("Pulled") } == 2 && cluster.events.count { $0.hasPrefix("Started") } == 1)
        #expect(cluster.story(of: "a").last == "15.0 Running c=Error:1")
        cluster.run(until: seconds(21))
        #expect(cluster.events.count { $0.hasPrefix("Pulled") } == 2 && cluster.events.count { $0.hasPrefix("Started") } == 2)
        #expect(cluster.story(of: "a").last == "20.0 Running c=running/1 ready")
    }

    @Test(arguments: [
        (20.0, 5, "8.0 Failed c=Error:137 terminating"), (20, 1, "5.0 Failed c=Error:137 terminating"),
        (1, 5, "4.0 Succeeded c=Completed:0 terminating"),
    ])
    func `the grace period cuts the stop, with two seconds at least`(_ needed: Double, _ grace: Int64, _ end: String) throws {
        var behaviour = WorkloadBehaviour()
        behaviour.stop = .constant(SimulatedDuration(seconds: needed))
        var cluster = try TestCluster(behaviour)
        cluster.create(pod("a") { $0.terminationGracePeriodSeconds = grace })
        cluster.run(until: seconds(3))
        cluster.delete("a")
        cluster.run(until: seconds(60))
        #expect(cluster.story(of: "a").dropLast().last == end)
        #expect(cluster["a"] == nil)
    }

    @Test func `a second deletion shortens the grace period`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.stop = .constant(.seconds(25))
        var cluster = try TestCluster(behaviour)
        cluster.create(pod("a"))
        cluster.run(until: seconds(3))
        cluster.delete("a")
        cluster.run(until: seconds(5))
        cluster.delete("a", grace: 3)
        cluster.run(until: seconds(60))
        #expect(cluster.story(of: "a").suffix(2) == ["8.0 Failed c=Error:137 terminating", "8.0 gone"])
    }

    @Test func `a pod that never ran fails when it is deleted`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.start = .constant(.seconds(100))
        var cluster = try TestCluster(behaviour)
        cluster.create(pod("a"))
        cluster.run(until: seconds(3))
        cluster.delete("a")
        cluster.run(until: seconds(200))
        #expect(cluster.story(of: "a").suffix(2) == ["3.0 Failed c=ContainerStatusUnknown:137 terminating", "3.0 gone"])
    }

    @Test func `a pod deleted by force is forgotten without a word`() throws {
        var cluster = try TestCluster()
        cluster.create(pod("a"))
        cluster.run(until: seconds(3))
        cluster.delete("a", grace: 0)
        let seen = cluster.changes.count
        cluster.run(until: seconds(60))
        #expect(cluster.changes.count == seen)
        #expect(cluster.agent.kubelets[0].podCount == 0)
    }

    @Test func `a pod that others end is stopped, and stays ended`() throws {
        var cluster = try TestCluster()
        cluster.create(pod("a"))
        cluster.run(until: seconds(3))
        let uid = try #require(cluster["a"]).metadata.uid
        cluster.execute(.patchPod(pod("a").metadata.key, uid: uid, .phase(.failed, reason: "Gone", message: "", condition: nil)))
        cluster.run(until: seconds(60))
        #expect(cluster.story(of: "a").suffix(3) == ["3.0 Failed c=running ready", "3.0 Failed c=running", "3.2 Failed c=Completed:0"])
        #expect(cluster["a"]?.status.reason == "Gone")
    }

    @Test func `several containers make one pod`() throws {
        var cluster = try TestCluster()
        cluster.create(pod("a") { $0.containers.append(Container(name: "d", image: "other")) })
        cluster.run(until: seconds(3))
        #expect(cluster.story(of: "a").last == "1.0 Running c=running d=running ready")
        cluster.delete("a")
        cluster.run(until: seconds(9))
        #expect(cluster.story(of: "a").dropLast().last == "3.2 Succeeded c=Completed:0 d=Completed:0 terminating")
    }
}

@Suite("Init containers and sidecars")
struct InitContainerTests {
    private func withInit(_ name: String, _ policy: RestartPolicy = .always) -> Pod {
        pod(name) {
            var sidecar = Container(name: "side", image: "side")
            sidecar.restartPolicy = .always
            $0.initContainers = [Container(name: "init", image: "init"), sidecar]
            $0.restartPolicy = policy
        }
    }

    @Test func `init containers run one after another, a sidecar stays, then the others start`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.initialise = .constant(.seconds(3))
        var cluster = try TestCluster(behaviour)
        cluster.create(withInit("a"))
        cluster.run(until: seconds(20))
        #expect(
            cluster.story(of: "a") == [
                "0.0 Pending", "0.0 Pending init=running side=PodInitializing c=PodInitializing",
                "3.0 Pending init=Completed:0 side=PodInitializing c=PodInitializing",
                "4.0 Pending init=Completed:0 side=running c=ContainerCreating",
                "5.0 Running init=Completed:0 side=running c=running ready",
            ])
        #expect(cluster["a"]?.status.conditions[.initialized]?.lastTransitionTime == seconds(4))
    }

    @Test func `a sidecar stops after the pod's work is done`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.run = .constant(.seconds(10))
        behaviour.stop = .constant(.seconds(2))
        var cluster = try TestCluster(behaviour)
        cluster.create(withInit("a", .never))
        cluster.run(until: seconds(60))
        #expect(
            cluster.story(of: "a").suffix(2) == [
                "13.0 Running init=Completed:0 side=running c=Completed:0",
                "15.0 Succeeded init=Completed:0 side=Completed:0 c=Completed:0",
            ])
    }

    @Test func `on deletion sidecars stop last, within the grace period`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.stop = .constant(.seconds(2))
        var cluster = try TestCluster(behaviour)
        cluster.create(withInit("a"))
        cluster.run(until: seconds(5))
        cluster.delete("a")
        cluster.run(until: seconds(60))
        #expect(cluster.story(of: "a").last == "9.0 gone")
    }
}

@Suite("Kubelet's admission")
struct AdmissionTests {
    private func asking(_ name: String, cpu: Int64, memory: Int64 = 0) -> Pod {
        pod(name) { $0.containers[0].resources.requests = ["cpu": Quantity(milli: cpu), "memory": Quantity(bytes: memory)] }
    }

    @Test func `a pod that does not fit beside the active pods is rejected`() throws {
        var cluster = try TestCluster()
        cluster.create(asking("a", cpu: 3900))
        cluster.run(until: seconds(1))
        cluster.create(asking("b", cpu: 500))
        cluster.run(until: seconds(3))
        let status = try #require(cluster["b"]).status
        #expect(status.phase == .failed)
        #expect(status.reason == "OutOfcpu")
        let message = "Node didn't have enough resource: cpu, requested: 500, used: 3900, capacity: 4000"
        #expect(status.message == "Pod was rejected: " + message)
        #expect(cluster.events.contains("OutOfcpu: " + message))
        // Once the first is gone there is room.
        cluster.delete("a")
        cluster.run(until: seconds(6))
        cluster.create(asking("c", cpu: 4000))
        cluster.run(until: seconds(9))
        #expect(cluster["c"]?.status.phase == .running)
    }

    @Test(
        arguments: [
            ("OutOfmemory", 0, Int64(9) << 30, 110), ("OutOfpods", 0, 0, 1), ("OutOfpods", 9000, 0, 1), ("OutOfcpu", 4001, 9 << 30, 110),
        ] as [(String, Int64, Int64, Int64)])
    func `the first resource that is short names the reason`(_ reason: String, _ cpu: Int64, _ memory: Int64, _ pods: Int64) throws {
        var cluster = try TestCluster(
            allocatable: ["cpu": Quantity(4), "memory": Quantity(bytes: 8 << 30), "pods": Quantity(pods)])
        cluster.create(asking("a", cpu: 100))
        cluster.create(asking("b", cpu: cpu, memory: memory))
        cluster.run(until: seconds(3))
        #expect(cluster["b"]?.status.reason == reason)
    }

    @Test func `restored pods are not admitted again, but count`() throws {
        var cluster = try TestCluster()
        for name in ["a", "b"] {
            var running = asking(name, cpu: 3000)
            running.status.phase = .running
            running.status.containerStatuses = [ContainerStatus(name: "c", state: .running(startedAt: .zero), ready: true)]
            running.metadata.uid = UID("uid-" + name)
            try cluster.adopt(running)
        }
        cluster.create(asking("c", cpu: 1))
        cluster.run(until: seconds(3))
        #expect(cluster["a"]?.status.phase == .running && cluster["b"]?.status.phase == .running)
        #expect(cluster["c"]?.status.message.hasSuffix("requested: 1, used: 6000, capacity: 4000") == true)
    }
}
