// Random lives of pods: whatever happens to them, their statuses tell a possible story.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Random lives")
struct PodPropertyTests {
    private func draw(_ stream: inout RandomStream, _ bound: Int) -> Int { stream.uniform(below: bound) }

    /// Gives a container probes, hooks and rules, or not.
    private func dress(_ container: inout Container, _ stream: inout RandomStream) {
        func probe() -> Probe? {
            guard draw(&stream, 2) == 0 else { return nil }
            var probe = Probe()
            probe.periodSeconds = Int32(1 + draw(&stream, 5))
            probe.failureThreshold = Int32(1 + draw(&stream, 4))
            probe.initialDelaySeconds = Int32(draw(&stream, 4))
            return probe
        }
        container.livenessProbe = probe()
        container.readinessProbe = probe()
        container.startupProbe = probe()
        if draw(&stream, 3) == 0 { container.lifecycle = Lifecycle(postStart: .action, preStop: .sleep(seconds: 2)) }
        if draw(&stream, 5) == 0 {
            container.restartPolicy = .onFailure
            container.restartRules = [RestartRule(action: RestartRule.restartAllContainers, exitCodes: .init("In", [137]))]
        }
    }

    private func live(_ cluster: inout TestCluster, _ stream: inout RandomStream, steps: Int) {
        for step in 0..<steps {
            cluster.run(until: cluster.now + SimulatedDuration(seconds: stream.uniform() * 12))
            let name = "p\(draw(&stream, 6))"
            switch draw(&stream, 12) {
            case 0, 1, 2, 3:
                let policy: [RestartPolicy] = [.always, .onFailure, .never]
                let (initial, side, which) = (draw(&stream, 3) == 0, draw(&stream, 3) == 0, draw(&stream, 3))
                let milli = Int64(draw(&stream, 2500))
                cluster.create(
                    pod(name, node: "n\(draw(&stream, 2))") {
                        $0.restartPolicy = policy[which]
                        $0.containers[0].resources.requests = ["cpu": Quantity(milli: milli)]
                        $0.containers[0].image = "image-\(which)"
                        $0.containers[0].imagePullPolicy = side ? .always : .ifNotPresent
                        dress(&$0.containers[0], &stream)
                        if initial { $0.initContainers.append(Container(name: "init", image: "init")) }
                        if side {
                            var sidecar = Container(name: "side", image: "side")
                            sidecar.restartPolicy = .always
                            $0.initContainers.append(sidecar)
                        }
                    })
            case 4: cluster.delete(name)
            case 10: cluster.registry(isDown: step % 3 == 0)
            case 11: if step % 7 == 0 { _ = cluster.shutDown(step % 2) }
            case 5: cluster.delete(name, grace: Int64(draw(&stream, 4)))
            case 6: cluster.fail(step % 2, kubeletOnly: draw(&stream, 2) == 0)
            case 7, 8: if !cluster.agent.isRunning(step % 2) { cluster.comeBack(step % 2) }
            default:
                guard let uid = cluster[name]?.metadata.uid else { continue }
                cluster.execute(.patchPod(pod(name).metadata.key, uid: uid, .conditions([Condition(.ready, .false)])))
            }
        }
        for node in 0..<2 where !cluster.agent.isRunning(node) { cluster.comeBack(node) }
        for index in 0..<6 { cluster.delete("p\(index)") }
        cluster.run(until: cluster.now + .seconds(600))
    }

    private func world(_ seed: UInt64) throws -> TestCluster {
        var behaviour = WorkloadBehaviour()
        behaviour.start = try .uniform(low: 0, high: 3)
        behaviour.ready = try .uniform(low: 0, high: 3)
        behaviour.initialise = try .exponential(mean: 2)
        behaviour.crash = try .exponential(mean: 20)
        behaviour.run = seed % 2 == 0 ? try .uniform(low: 1, high: 60) : nil
        behaviour.stop = try .exponential(mean: 3)
        behaviour.imageBytes = 200_000_000
        behaviour.hang = try .exponential(mean: 40)
        behaviour.postStart = try .exponential(mean: 1)
        behaviour.postStartFails = seed % 5 == 0
        behaviour.layerBytes = 1_000_000
        var configuration = NodeAgentConfiguration.prompt
        configuration.registryBytesPerSecond = 150e6
        configuration.serializeImagePulls = seed % 3 == 0
        configuration.imageCollection.capacity = 400_000_000
        configuration.shutdownGracePeriod = .seconds(10)
        return try TestCluster(nodes: 2, configuration: configuration, behaviour)
    }

    @Test(arguments: 1...16 as ClosedRange<UInt64>)
    func `phases, restarts and readiness tell a possible story`(_ seed: UInt64) throws {
        var cluster = try world(seed)
        var stream = RandomStream(seed: seed, purpose: RandomPurpose("test"), owner: "test")
        live(&cluster, &stream, steps: 250)
        var last: [UID: Pod] = [:]
        for change in cluster.changes {
            guard let pod = change.pod else { continue }
            let uid = pod.metadata.uid
            let status = pod.status
            if let before = last[uid] {
                if before.isTerminal { #expect(before.status.phase == status.phase, "left a terminal phase") }
                for (old, new) in zip(before.status.containerStatuses, status.containerStatuses) {
                    #expect(old.restartCount <= new.restartCount, "restarts shrank")
                }
            }
            if status.conditions.isTrue(.ready) {
                #expect(status.phase == .running || pod.metadata.isTerminating)
                for container in status.containerStatuses {
                    if case .running = container.state { continue }
                    Issue.record("ready, but \(container.name) does not run")
                }
            }
            if pod.isTerminal, status.reason.isEmpty {
                for container in status.containerStatuses {
                    if case .terminated = container.state { continue }
                    Issue.record("over, but \(container.name) is not terminated")
                }
            }
            last[uid] = pod
        }
        // Everything was deleted in the end: nothing is left, in the store, on the nodes, or in their sums.
        #expect(cluster.api.objects.all(Pod.self).isEmpty)
        for kubelet in cluster.agent.kubelets {
            #expect(kubelet.podCount == 0)
            var all = ResourceCharge(PodSpec())
            all.entries = [("cpu", 4000)]
            #expect(kubelet.resources.rejection(of: all) == nil, "the node's sums did not return to zero")
        }
    }

    @Test func `a fork goes on identically`() throws {
        var cluster = try world(3)
        var stream = RandomStream(seed: 3, purpose: RandomPurpose("test"), owner: "test")
        live(&cluster, &stream, steps: 80)
        var fork = cluster
        var forkStream = stream
        live(&cluster, &stream, steps: 80)
        live(&fork, &forkStream, steps: 80)
        #expect(fork.changes == cluster.changes)
        #expect(fork.events == cluster.events)
    }

    @Test func `the state of a pod is small`() {
        #expect(MemoryLayout<PodWorker>.stride <= 160)
        #expect(MemoryLayout<ContainerRuntime>.stride <= 96)
    }
}
