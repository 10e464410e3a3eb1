// Probes, to the tick: against a worker that asks every time, and in the life of a pod.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

private func probe(
    period: Int32 = 10, timeout: Int32 = 1, delay: Int32 = 0, success: Int32 = 1, failure: Int32 = 3, grace: Int64? = nil
) -> Probe {
    var probe = Probe()
    probe.periodSeconds = period
    probe.timeoutSeconds = timeout
    probe.initialDelaySeconds = delay
    probe.successThreshold = success
    probe.failureThreshold = failure
    probe.terminationGracePeriodSeconds = grace
    probe.handler = .httpGet(scheme: "HTTP", host: "", port: .int(8080), path: "/healthz")
    return probe
}

@Suite("Probe worker")
struct ProbeWorkerTests {
    /// Asks at every tick, as the real worker does. A probe that times out holds up the next.
    private func asked(
        _ probe: Probe, _ phases: [HealthPhase], streak: Int32, from start: SimulatedTime, wanted: Bool?
    ) -> ProbeWorker.Verdict? {
        var (time, streak) = (start, streak)
        for _ in 0..<5000 {
            guard let phase = phases.first(where: { time < $0.until }) else { return nil }
            streak = phase.answers ? max(0, streak) + 1 : min(0, streak) - 1
            let isVerdict = phase.answers ? streak >= probe.successThreshold : -streak >= probe.failureThreshold
            if isVerdict, wanted ?? phase.answers == phase.answers {
                return .init(at: time + (phase.isHanging ? .seconds(Int(probe.timeoutSeconds)) : .zero), passes: phase.answers)
            }
            time += .seconds(Int(phase.isHanging ? max(probe.periodSeconds, probe.timeoutSeconds) : probe.periodSeconds))
        }
        return nil
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `what is computed is what asking at every tick would find`(_ seed: UInt64) {
        var stream = RandomStream(seed: seed, purpose: RandomPurpose("test"), owner: "probe")
        for _ in 0..<50 {
            let probe = probe(
                period: 1 + Int32(stream.uniform(below: 12)), timeout: 1 + Int32(stream.uniform(below: 15)),
                success: 1 + Int32(stream.uniform(below: 4)), failure: 1 + Int32(stream.uniform(below: 5)))
            let answers = seconds(stream.uniform() * 100)
            let hangs = answers + SimulatedDuration(seconds: stream.uniform() * 100)
            let phases = [
                HealthPhase(until: answers, answers: false), HealthPhase(until: hangs, answers: true),
                HealthPhase(until: .distantFuture, answers: false, isHanging: true),
            ]
            let start = seconds(stream.uniform() * 20)
            for wanted in [true, false, nil] {
                var worker = ProbeWorker(startingAt: start)
                #expect(worker.verdict(wanted, of: probe, in: phases) == asked(probe, phases, streak: 0, from: start, wanted: wanted))
                // Answers counted one by one, or first some and then the rest: the same.
                var inParts = ProbeWorker(startingAt: start)
                inParts.advance(to: start + .seconds(5), of: probe, in: phases)
                let rest = asked(probe, phases, streak: inParts.streak, from: inParts.next, wanted: wanted)
                #expect(inParts.verdict(wanted, of: probe, in: phases) == rest)
            }
        }
    }

    @Test func `the grid stays where it is from one container to the next`() {
        var worker = ProbeWorker(startingAt: seconds(0.3))
        worker.skip(past: seconds(41), notBefore: seconds(47), probe())
        #expect(worker.next == seconds(50.3))
        worker.skip(past: seconds(60.3), notBefore: .zero, probe())
        #expect(worker.next == seconds(70.3))
    }
}

@Suite("Probes in a pod's life")
struct ProbeTests {
    private func probed(_ name: String = "a", _ change: (inout Container) -> Void) -> Pod {
        pod(name) { change(&$0.containers[0]) }
    }

    private func story(
        _ behaviour: WorkloadBehaviour = WorkloadBehaviour(), until end: Double = 200, _ pod: Pod
    ) throws -> (lines: [String], events: [String]) {
        var cluster = try TestCluster(behaviour)
        cluster.create(pod)
        cluster.run(until: seconds(end))
        return (Array(cluster.story(of: "a").dropFirst(2)), cluster.events.filter { $0.contains("nhealthy") || $0.contains("Killing") })
    }

    /// The container runs from 1 s on. Its kubelet asks at once, and every period from there.
    @Test(arguments: [
        (probe(), 0.0, "1.0"), (probe(), 13, "21.0"), (probe(), 20, "21.0"), (probe(success: 3), 0, "21.0"), (probe(period: 3), 4, "7.0"),
        (probe(delay: 5), 0, "11.0"), (probe(delay: 5), 30, "31.0"), (probe(period: 1, delay: 5), 0, "6.0"),
    ])
    func `a pod is ready at the probe that finds it so`(_ probe: Probe, _ answersAfter: Double, _ ready: String) throws {
        var behaviour = WorkloadBehaviour()
        behaviour.ready = .constant(SimulatedDuration(seconds: answersAfter))
        let lines = try story(behaviour, probed { $0.readinessProbe = probe }).lines
        #expect(lines.last == ready + " Running c=running ready")
        #expect(lines.count == (ready == "1.0" ? 1 : 2))
    }

    @Test func `a readiness probe that keeps failing is told once, with its number`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.ready = .constant(.seconds(100))
        let told = try story(behaviour, until: 90, probed { $0.readinessProbe = probe() })
        #expect(told.lines == ["1.0 Running c=running"])
        #expect(told.events.count == 1)
        #expect(told.events[0].hasPrefix("Unhealthy: Readiness probe failed: Get \"http://"))
        #expect(told.events[0].hasSuffix(":8080/healthz\": dial tcp \(told.events[0].address): connect: connection refused (x3)"))
    }

    /// Liveness is asked from the moment the kubelet took the pod on: 0, 10, 20, ... The container hangs at 26 s: the probes at 30, 40 and
    /// 50 s time out after a second each. It does not react to SIGTERM either.
    @Test(arguments: [(nil as Int64?, "81.0", "82.0"), (5, "56.0", "57.0"), (0, "53.0", "54.0")])
    func `a container that hangs is killed when its liveness probe has failed often enough`(
        _ grace: Int64?, _ dead: String, _ back: String
    ) throws {
        var behaviour = WorkloadBehaviour()
        behaviour.hang = .constant(.seconds(25))
        let told = try story(behaviour, until: 90, probed { $0.livenessProbe = probe(grace: grace) })
        #expect(
            told.lines
                == [
                    "1.0 Running c=running ready", "\(dead) Running c=Error:137 ", "\(back) Running c=running/1 ready",
                ].map { $0.hasSuffix(" ") ? String($0.dropLast()) : $0 })
        #expect(told.events.count == 2)
        #expect(told.events[0].hasPrefix("Unhealthy: Liveness probe failed: Get \"http://"))
        #expect(told.events[0].hasSuffix("context deadline exceeded (Client.Timeout exceeded while awaiting headers) (x3)"))
        #expect(told.events[1] == "Killing: Container c failed liveness probe, will be restarted")
    }

    @Test func `a hanging container loses its readiness first`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.hang = .constant(.seconds(25))
        let lines = try story(
            behaviour, until: 100,
            probed {
                $0.readinessProbe = probe(period: 5, failure: 2)
                $0.livenessProbe = probe()
            }
        ).lines
        // Asked for readiness at 1, 6, ...: 26 still... the container hangs from 26.0 on, so 26 and 31 fail.
        #expect(
            lines == [
                "1.0 Running c=running ready", "32.0 Running c=running", "81.0 Running c=Error:137", "82.0 Running c=running/1 ready",
            ])
    }

    @Test func `a pod that is never restarted fails with its probe`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.hang = .constant(.seconds(25))
        var never = probed { $0.livenessProbe = probe(grace: 3) }
        never.spec = never.spec.with { $0.restartPolicy = .never }
        let told = try story(behaviour, never)
        #expect(told.lines.last == "54.0 Failed c=Error:137")
        #expect(told.events.last == "Killing: Container c failed liveness probe")
    }

    @Test func `a slow start is killed by liveness, and saved by a startup probe`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.ready = .constant(.seconds(45))
        let killed = try story(behaviour, until: 60, probed { $0.livenessProbe = probe() })
        // Asked at 10, 20 and 30 s, refused each time; SIGTERM is heard.
        #expect(killed.lines.dropFirst() == ["30.2 Running c=Completed:0", "31.2 Running c=running/1"])
        let saved = try story(
            behaviour, until: 100,
            probed {
                $0.livenessProbe = probe()
                $0.startupProbe = probe(period: 5, failure: 10)
                $0.readinessProbe = probe(period: 30)
            })
        // The startup probe at 50 s is the first that is answered; readiness is asked for at once then.
        #expect(saved.lines == ["1.0 Running c=running", "50.0 Running c=running ready"])
    }

    @Test func `a startup probe that never passes restarts its container`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.ready = .constant(.seconds(45))
        let told = try story(behaviour, until: 30, probed { $0.startupProbe = probe(period: 5, failure: 4) })
        #expect(told.lines.dropFirst() == ["20.2 Running c=Completed:0", "21.2 Running c=running/1"])
        #expect(told.events.last == "Killing: Container c failed startup probe, will be restarted")
    }

    @Test func `after kills the back-off counts from the run before`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.hang = .constant(.seconds(1))
        var cluster = try TestCluster(behaviour)
        cluster.create(probed { $0.livenessProbe = probe(period: 10, failure: 1, grace: 2) })
        cluster.run(until: seconds(300))
        // Killed at 11 s + 2 s, and so on: the first two starts are immediate, then the waits of 10, 20, ... s count from the end before.
        let starts = cluster.story(of: "a").filter { $0.contains("running") }.compactMap {
            $0.split(separator: " ").first.flatMap { Double($0) }
        }
        #expect(starts == [1, 14, 24, 34, 64, 114, 204])
    }

    @Test func `probes of a kubelet that has just started begin at a random part of their period`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.hang = .constant(.seconds(1))
        var cluster = try TestCluster(configuration: NodeAgentConfiguration(), behaviour)
        cluster.run(until: seconds(100))
        cluster.fail(kubeletOnly: false)
        cluster.comeBack()
        cluster.run(until: seconds(102))
        cluster.create(probed { $0.livenessProbe = probe(period: 60, failure: 1, grace: 2) })
        cluster.run(until: seconds(300))
        let killed = try #require(cluster.killed(of: "a"))
        // Taken on at 102 s, and asked the first time after a part of a minute that is neither nothing nor all of it.
        #expect(killed > seconds(102 + 3) && killed < seconds(102 + 60 + 3) && killed != seconds(162.01))
    }

    @Test func `a healthy container with probes costs no events`() throws {
        var cluster = try TestCluster()
        cluster.create(
            probed {
                $0.livenessProbe = probe(period: 1)
                $0.readinessProbe = probe(period: 1)
                $0.startupProbe = probe(period: 1)
            })
        cluster.run(until: seconds(10))
        #expect(cluster.story(of: "a").last == "2.0 Running c=running ready")
        #expect(cluster.isIdle)
    }

    @Test func `a pod of a snapshot stays ready, and is probed from then on`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.hang = .constant(.seconds(30))
        var cluster = try TestCluster(behaviour)
        cluster.run(until: seconds(100))
        var running = probed {
            $0.readinessProbe = probe(period: 5, failure: 1)
            $0.livenessProbe = probe(grace: 2)
        }
        running.metadata.uid = UID("a")
        running.status.phase = .running
        running.status.containerStatuses = [ContainerStatus(name: "c", state: .running(startedAt: seconds(90)), ready: true)]
        try cluster.adopt(running)
        cluster.run(until: seconds(119))
        #expect(cluster.story(of: "a").last == "100.0 Running c=running ready")
        cluster.run(until: seconds(127))
        #expect(cluster.story(of: "a").last?.hasSuffix("Running c=running") == true)
        cluster.run(until: seconds(160))
        #expect(cluster.story(of: "a").contains { $0.hasSuffix("c=Error:137") })
    }

    @Test func `a sidecar holds up the others until its startup probe passes`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.ready = .constant(.seconds(7))
        var cluster = try TestCluster(behaviour)
        cluster.create(
            pod("a") {
                var sidecar = Container(name: "side", image: "side")
                sidecar.restartPolicy = .always
                sidecar.startupProbe = probe(period: 2, failure: 10)
                $0.initContainers = [sidecar]
            })
        cluster.run(until: seconds(30))
        #expect(
            cluster.story(of: "a").dropFirst(2) == [
                "1.0 Pending side=running c=PodInitializing", "8.0 Pending side=running c=ContainerCreating",
                "9.0 Running side=running c=running", "16.0 Running side=running c=running ready",
            ])
    }

    @Test func `a kubelet that was away leaves ready what was ready, until its probes know better`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.hang = .constant(.seconds(20))
        var cluster = try TestCluster(behaviour)
        cluster.create(probed { $0.readinessProbe = probe(period: 10, failure: 2) })
        cluster.run(until: seconds(15))
        cluster.fail(kubeletOnly: true)
        cluster.run(until: seconds(115))
        cluster.comeBack()
        cluster.run(until: seconds(200))
        let lines = cluster.story(of: "a")
        #expect(lines.dropLast().last == "1.0 Running c=running ready")
        let lost = try #require(lines.last?.split(separator: " ").first.flatMap { Double($0) })
        #expect(lost > 126 && lost < 136)
    }

    @Test func `a container that waits for a service is ready at the first probe after that is`() throws {
        var behaviour = WorkloadBehaviour()
        behaviour.waitsFor = NamespacedName(namespace: "default", name: "database")
        var cluster = try TestCluster(behaviour)
        cluster.create(probed { $0.readinessProbe = probe(period: 10, failure: 2) })
        cluster.create(pod("b"))
        func endpoints(ready: Bool) -> EndpointSlice {
            var endpoint = Endpoint(addresses: ["10.0.0.1"])
            endpoint.ready = ready
            return EndpointSlice(
                metadata: ObjectMeta(name: "database-1", namespace: "default", labels: ["kubernetes.io/service-name": "database"]),
                endpoints: [endpoint])
        }
        cluster.run(until: seconds(5))
        cluster.execute(.create(APIObject(endpoints(ready: false))))
        cluster.run(until: seconds(23))
        cluster.execute(.update(APIObject(endpoints(ready: true))))
        cluster.run(until: seconds(60))
        #expect(cluster.story(of: "a").suffix(2) == ["1.0 Running c=running", "31.0 Running c=running ready"])
        // Without a probe it says so itself.
        #expect(cluster.story(of: "b").suffix(2) == ["1.0 Running c=running", "23.0 Running c=running ready"])
        #expect(cluster.events.contains("Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503 (x2)"))
        // One that starts now need not wait.
        cluster.create(pod("d"))
        cluster.run(until: seconds(70))
        #expect(cluster.story(of: "d").last == "61.0 Running c=running ready")
    }

    @Test func `probes can be switched off`() throws {
        var configuration = NodeAgentConfiguration.prompt
        configuration.probesContainers = false
        var behaviour = WorkloadBehaviour()
        behaviour.ready = .constant(.seconds(4))
        var cluster = try TestCluster(configuration: configuration, behaviour)
        cluster.create(
            probed {
                $0.readinessProbe = probe()
                $0.livenessProbe = probe(period: 1, failure: 1)
            })
        cluster.run(until: seconds(60))
        #expect(cluster.story(of: "a").suffix(2) == ["1.0 Running c=running", "5.0 Running c=running ready"])
    }
}

extension String {
    /// The address in the message of a failed HTTP probe.
    fileprivate var address: String { split(separator: "/").dropFirst(1).first.map(String.init) ?? "" }
}

extension TestCluster {
    /// When the first container of a pod ended for the first time.
    fileprivate func killed(of name: String) -> SimulatedTime? {
        changes.first {
            guard let pod = $0.pod, pod.metadata.name == name, let status = pod.status.containerStatuses.first else { return false }
            return status.lastTermination != nil || status.state.text.contains(":")
        }?.time
    }
}
