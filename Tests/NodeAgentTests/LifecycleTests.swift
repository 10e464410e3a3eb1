// Hooks, grace periods, restart rules and node shutdown.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Lifecycle hooks")
struct HookTests {
    private func hooked(_ lifecycle: Lifecycle, grace: Int64 = 30) -> Pod {
        pod("a") {
            $0.containers[0].lifecycle = lifecycle
            $0.terminationGracePeriodSeconds = grace
        }
    }

    /// Deleted at 3 s; the container needs `stop` from SIGTERM on.
    @Test(arguments: [
        (Lifecycle.Hook.sleep(seconds: 5), 30, 2.0, "10.0 Succeeded c=Completed:0 terminating"),
        // The hook takes the whole grace period: two seconds are left all the same.
        (.sleep(seconds: 60), 10, 1, "14.0 Succeeded c=Completed:0 terminating"),
        (.sleep(seconds: 60), 10, 60, "15.0 Failed c=Error:137 terminating"),
        // 10 s - 7 s leave 3 s.
        (.sleep(seconds: 7), 10, 60, "13.0 Failed c=Error:137 terminating"),
        // What a command takes is the behaviour's business: 4.5 s, of which whole seconds count.
        (.action, 10, 60, "13.5 Failed c=Error:137 terminating"),
    ])
    func `a pre-stop hook counts against the grace period`(_ hook: Lifecycle.Hook, _ grace: Int64, _ stop: Double, _ end: String) throws {
        var behaviour = WorkloadBehaviour()
        behaviour.stop = .constant(SimulatedDuration(seconds: stop))
        behaviour.preStop = .constant(SimulatedDuration(seconds: 4.5))
        var cluster = try TestCluster(behaviour)
        cluster.create(hooked(Lifecycle(preStop: hook), grace: 60))
        cluster.run(until: seconds(3))
        cluster.delete("a", grace: grace)
        cluster.run(until: seconds(100))
        #expect(cluster.story(of: "a").dropLast().last == end)
    }

    @Test func `a pre-stop hook that fails is told and costs no time`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.preStop = .constant(.seconds(4))
        behaviour.preStopFails = true
        var cluster = try TestCluster(behaviour)
        cluster.create(hooked(Lifecycle(preStop: .action)))
        cluster.run(until: seconds(3))
        cluster.delete("a")
        cluster.run(until: seconds(100))
        #expect(cluster.story(of: "a").dropLast().last == "3.2 Succeeded c=Completed:0 terminating")
        #expect(cluster.events.suffix(2) == ["Killing: Stopping container c", "FailedPreStopHook: PreStopHook failed"])
    }

    @Test func `a container is reported running when its post-start hook is over`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.ready = .constant(.seconds(2))
        var cluster = try TestCluster(behaviour)
        cluster.create(hooked(Lifecycle(postStart: .sleep(seconds: 5))))
        cluster.run(until: seconds(30))
        #expect(
            cluster.story(of: "a").dropFirst() == ["0.0 Pending c=ContainerCreating", "6.0 Running c=running ready"])
        #expect(cluster["a"]?.status.containerStatuses[0].state == .running(startedAt: seconds(1)))
    }

    @Test func `a container whose post-start hook fails is killed and started again`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.postStart = .constant(.seconds(2))
        behaviour.postStartFails = true
        var cluster = try TestCluster(behaviour)
        cluster.create(hooked(Lifecycle(postStart: .action)))
        cluster.run(until: seconds(10))
        #expect(cluster.story(of: "a").dropFirst(2).first == "3.2 Running c=PostStartHookError")
        #expect(
            cluster.events.dropFirst(4).prefix(3) == [
                "FailedPostStartHook: PostStartHook failed", "Killing: FailedPostStartHook",
                "Pulled: Container image \"app\" already present on machine and can be accessed by the pod",
            ])
        cluster.run(until: seconds(60))
        #expect(cluster["a"]?.status.containerStatuses[0].state == .waiting(reason: "CrashLoopBackOff"))
    }
}

@Suite("Termination")
struct TerminationTests {
    @Test func `sidecars run their hooks at once and stop in reverse order`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.stop = .constant(.seconds(3))
        var cluster = try TestCluster(behaviour)
        cluster.create(
            pod("a") {
                $0.initContainers = ["one", "two"].map {
                    var sidecar = Container(name: $0, image: $0)
                    sidecar.restartPolicy = .always
                    sidecar.lifecycle = Lifecycle(preStop: .sleep(seconds: 5))
                    return sidecar
                }
            })
        cluster.run(until: seconds(10))
        cluster.delete("a")
        cluster.run(until: seconds(60))
        let status = try #require(cluster.changes.last { $0.kind == "DELETED" }?.pod?.status)
        func ended(_ statuses: [ContainerStatus]) -> [SimulatedTime] {
            statuses.map { if case .terminated(let run) = $0.state { run.finishedAt } else { .zero } }
        }
        // The main container needs 3 s. The hooks take 5 s: then the second sidecar may stop, and after it the first.
        #expect(ended(status.containerStatuses) == [seconds(13)])
        #expect(ended(status.initContainerStatuses) == [seconds(21), seconds(18)])
    }

    @Test func `at the end of the grace period sidecars get their two seconds together`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.stop = .constant(.seconds(60))
        var cluster = try TestCluster(behaviour)
        cluster.create(
            pod("a") {
                var sidecar = Container(name: "side", image: "side")
                sidecar.restartPolicy = .always
                $0.initContainers = [sidecar]
                $0.terminationGracePeriodSeconds = 5
            })
        cluster.run(until: seconds(10))
        cluster.delete("a")
        cluster.run(until: seconds(60))
        #expect(cluster.story(of: "a").dropLast().last == "17.0 Failed side=Error:137 c=Error:137 terminating")
    }

    @Test func `a container that ends by itself while it is stopped has its own exit code`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.run = .constant(.seconds(5))
        behaviour.exitCode = 3
        behaviour.stop = .constant(.seconds(20))
        var cluster = try TestCluster(behaviour)
        cluster.create(pod("a"))
        cluster.run(until: seconds(3))
        cluster.delete("a")
        cluster.run(until: seconds(60))
        #expect(cluster.story(of: "a").dropLast().last == "6.0 Failed c=Error:3 terminating")
    }
}

@Suite("Restart rules")
struct RestartRuleTests {
    private func story(
        exitCode: Int32, _ policy: RestartPolicy, _ own: ContainerRestartPolicy?, _ rules: [RestartRule] = []
    ) throws -> [String] {
        var behaviour = WorkloadBehaviour()
        behaviour.run = .constant(.seconds(10))
        behaviour.exitCode = exitCode
        var cluster = try TestCluster(behaviour)
        cluster.create(
            pod("a") {
                $0.restartPolicy = policy
                $0.containers[0].restartPolicy = own
                $0.containers[0].restartRules = rules
            })
        cluster.run(until: seconds(15))
        return cluster.story(of: "a")
    }

    private static let again = "12.0 Running c=running/1 ready"

    @Test(arguments: [
        (Int32(0), RestartPolicy.never, ContainerRestartPolicy.always, [] as [RestartRule], RestartRuleTests.again),
        (1, .always, .never, [], "11.0 Failed c=Error:1"), (0, .always, .onFailure, [], "11.0 Succeeded c=Completed:0"),
        (42, .never, .never, [RestartRule(action: "Restart", exitCodes: .init("In", [42]))], RestartRuleTests.again),
        (41, .never, .never, [RestartRule(action: "Restart", exitCodes: .init("In", [42]))], "11.0 Failed c=Error:41"),
        (41, .never, .never, [RestartRule(action: "Restart", exitCodes: .init("NotIn", [42]))], RestartRuleTests.again),
    ])
    func `a container's own policy and rules go before the pod's`(
        _ exitCode: Int32, _ policy: RestartPolicy, _ own: ContainerRestartPolicy, _ rules: [RestartRule], _ end: String
    ) throws {
        #expect(try story(exitCode: exitCode, policy, own, rules).last == end)
    }

    @Test func `a rule can begin the whole pod anew`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.run = .constant(.seconds(10))
        behaviour.exitCode = 7
        var cluster = try TestCluster(behaviour)
        cluster.create(
            pod("a") {
                $0.initContainers = [Container(name: "init", image: "init")]
                $0.containers[0].restartPolicy = .never
                $0.containers[0].restartRules = [RestartRule(action: RestartRule.restartAllContainers, exitCodes: .init("In", [7]))]
            })
        cluster.run(until: seconds(15))
        #expect(
            cluster.story(of: "a").suffix(3) == [
                "12.0 Pending init=running/1 c=PodInitializing/1", "13.0 Running init=Completed:0/1 c=ContainerCreating/1",
                "14.0 Running init=Completed:0/1 c=running/1 ready",
            ])
    }
}

@Suite("Node shutdown")
struct NodeShutdownTests {
    private func shutDown(_ change: (inout NodeAgentConfiguration) -> Void = { _ in }) throws -> (TestCluster, SimulatedTime) {
        var configuration = NodeAgentConfiguration.prompt
        configuration.shutdownGracePeriod = .seconds(30)
        configuration.shutdownGracePeriodCriticalPods = .seconds(10)
        change(&configuration)
        var behaviour = WorkloadBehaviour()
        behaviour.stop = .constant(.seconds(4))
        var cluster = try TestCluster(configuration: configuration, behaviour)
        cluster.create(pod("a"))
        cluster.create(pod("b") { $0.priorityClassName = "system-cluster-critical" })
        cluster.run(until: seconds(10))
        let deadline = cluster.shutDown()
        cluster.run(until: seconds(12))
        cluster.create(pod("c"))
        cluster.run(until: seconds(60))
        return (cluster, deadline)
    }

    @Test func `pods end in order, critical ones last, and say why`() throws {
        let (cluster, deadline) = try shutDown()
        #expect(deadline == seconds(40))
        #expect(cluster.story(of: "a").last == "14.0 Failed c=Completed:0")
        #expect(cluster.story(of: "b").last == "18.0 Failed c=Completed:0")
        let status = try #require(cluster["a"]).status
        #expect(status.reason == "Terminated" && status.message == "Pod was terminated in response to imminent node shutdown.")
        #expect(status.conditions[.disruptionTarget]?.reason == "TerminationByKubelet")
        #expect(status.conditions[.ready]?.status == .false)
        // New pods are not taken any more.
        #expect(cluster["c"]?.status.reason == "NodeShutdown")
        let node = cluster.api.objects.get(Node.self, NamespacedName(namespace: "", name: "n0"))?.value
        #expect(node?.status.conditions[.ready]?.message == "node is shutting down")
        #expect(cluster.agent.kubelets[0].podCount == 0)
    }

    /// Ten seconds of the thirty are kept for critical pods: the others have twenty.
    @Test(arguments: [(true, 60 as Int64, 20.0), (true, 5, 5.0), (false, 60, 10)])
    func `a pod that needs longer than the shutdown leaves is killed when its time is over`(
        _ isOrdinary: Bool, _ grace: Int64, _ killed: Double
    ) throws {
        var configuration = NodeAgentConfiguration.prompt
        configuration.shutdownGracePeriod = .seconds(30)
        configuration.shutdownGracePeriodCriticalPods = .seconds(10)
        var behaviour = WorkloadBehaviour()
        behaviour.stop = .constant(.seconds(100))
        var cluster = try TestCluster(configuration: configuration, behaviour)
        cluster.create(
            pod("a") {
                $0.terminationGracePeriodSeconds = grace
                if !isOrdinary { $0.priorityClassName = "system-cluster-critical" }
            })
        cluster.run(until: seconds(10))
        _ = cluster.shutDown()
        cluster.run(until: seconds(60))
        let status = try #require(cluster["a"]).status
        guard case .terminated(let end) = status.containerStatuses[0].state else { return #expect(Bool(false), "it did not end") }
        #expect(end.finishedAt == seconds(10 + killed) && end.exitCode == 137 && end.reason == "Error")
        #expect(status.phase == .failed && status.reason == "Terminated")
    }

    @Test func `a pod that was being deleted before has no longer than the shutdown leaves`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.stop = .constant(.seconds(100))
        var configuration = NodeAgentConfiguration.prompt
        configuration.shutdownGracePeriod = .seconds(5)
        var cluster = try TestCluster(configuration: configuration, behaviour)
        cluster.create(pod("a"))
        cluster.run(until: seconds(5))
        cluster.delete("a", grace: 60)
        cluster.run(until: seconds(10))
        _ = cluster.shutDown()
        cluster.run(until: seconds(20))
        #expect(cluster.story(of: "a").suffix(2) == ["15.0 Failed c=Error:137 terminating", "15.0 gone"])
    }

    @Test func `without a grace period nothing is done`() throws {
        let (cluster, deadline) = try shutDown { $0.shutdownGracePeriod = .zero }
        #expect(deadline == seconds(10))
        #expect(cluster.story(of: "a").last == "1.0 Running c=running ready")
    }

    @Test func `a node that comes back takes pods again`() throws {
        var (cluster, _) = try shutDown()
        cluster.fail(kubeletOnly: false)
        cluster.run(until: seconds(70))
        cluster.comeBack()
        cluster.create(pod("d"))
        cluster.run(until: seconds(80))
        #expect(cluster.story(of: "d").last == "71.0 Running c=running ready")
        #expect(cluster.story(of: "a").last == "14.0 Failed c=Completed:0")
    }
}
