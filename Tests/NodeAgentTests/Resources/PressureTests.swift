// Kubelets and kernels on nodes that run short: the exact moments, and what is said of them.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Usage, pressure and contention")
struct PressureTests {
    private static let mebibyte = 1048576.0

    /// Behaviour of pods labelled `app: name`.
    private func rule(_ app: String, _ change: (inout WorkloadBehaviour, inout ResourceUsage) -> Void) -> BehaviourRule {
        var behaviour = WorkloadBehaviour()
        var usage = ResourceUsage()
        change(&behaviour, &usage)
        behaviour.usage = [usage]
        return BehaviourRule(selector: LabelSelector(matchLabels: ["app": app]), behaviour: behaviour)
    }

    private func leak(_ perSecond: Double, from: Double = 0) -> ResourceLoad {
        ResourceLoad(.growth(from: from * PressureTests.mebibyte, perSecond: perSecond * PressureTests.mebibyte), isSinceStart: true)
    }

    private func megabytes(_ count: Double) -> ResourceLoad { ResourceLoad(.constant(count * PressureTests.mebibyte)) }

    private func labelled(_ name: String, app: String? = nil, _ change: (inout PodSpec) -> Void = { _ in }) -> Pod {
        var own = pod(name, change)
        own.metadata.labels["app"] = app ?? name
        return own
    }

    private func limits(_ spec: inout PodSpec, request: Int64 = 0, limit: Int64 = 0, cpu: Int64 = 0, cpuLimit: Int64 = 0) {
        if request > 0 { spec.containers[0].resources.requests[.memory] = Quantity(bytes: request << 20) }
        if limit > 0 { spec.containers[0].resources.limits[.memory] = Quantity(bytes: limit << 20) }
        if cpu > 0 { spec.containers[0].resources.requests[.cpu] = Quantity(milli: cpu) }
        if cpuLimit > 0 { spec.containers[0].resources.limits[.cpu] = Quantity(milli: cpuLimit) }
    }

    private func cluster(
        cpu: Int64 = 4000, memory: Int64 = 1024, disk: Int64 = 0, _ rules: [BehaviourRule],
        _ change: (inout NodeAgentConfiguration) -> Void = { _ in }
    ) throws -> TestCluster {
        var configuration = NodeAgentConfiguration.prompt
        change(&configuration)
        var room: ResourceList = ["cpu": Quantity(milli: cpu), "memory": Quantity(bytes: memory << 20), "pods": Quantity(110)]
        if disk > 0 { room[.ephemeralStorage] = Quantity(bytes: disk << 30) }
        return try TestCluster(allocatable: room, configuration: configuration, behaviours: rules)
    }

    // MARK: Memory limits

    @Test("a container is killed in the tick in which it has more memory than its limit, and backs off like any that failed")
    func memoryLimit() throws {
        var cluster = try cluster([rule("leak") { $1.memory = leak(1, from: 54) }])
        cluster.create(labelled("leak") { limits(&$0, limit: 64) })
        cluster.run(until: seconds(45))
        // Running at 1.0 s; ten seconds and a nanosecond later; again at once, and after ten seconds of back-off.
        #expect(
            cluster.story(of: "leak") == [
                "0.0 Pending", "0.0 Pending c=ContainerCreating", "1.0 Running c=running ready", "11.0 Running c=OOMKilled:137",
                "12.0 Running c=running/1 ready", "22.0 Running c=CrashLoopBackOff/1", "33.0 Running c=running/2 ready",
                "43.0 Running c=CrashLoopBackOff/2",
            ])
        let started = seconds(1.01)
        var killed = try self.cluster([rule("leak") { $1.memory = leak(1, from: 54) }])
        killed.create(labelled("leak") { limits(&$0, limit: 64) })
        killed.run(until: started + .seconds(10))
        #expect(killed.agent.usage(.memory, of: try #require(killed.shared("leak")), at: killed.now) == 64 * PressureTests.mebibyte)
        killed.run(until: started + .seconds(10) + .nanoseconds(1))
        #expect(killed.agent.usage(.memory, of: try #require(killed.shared("leak")), at: killed.now) == 0)
    }

    @Test("restartPolicy Never: the pod fails")
    func neverAgain() throws {
        var cluster = try cluster([rule("leak") { $1.memory = leak(10) }])
        cluster.create(
            labelled("leak") {
                limits(&$0, limit: 64)
                $0.restartPolicy = .never
            })
        cluster.run(until: seconds(60))
        #expect(cluster["leak"]?.status.phase == .failed)
        #expect(cluster.story(of: "leak").last == "7.4 Failed c=OOMKilled:137")
    }

    @Test("memory that runs out on the node costs the container the kernel likes least, and the node says so")
    func nodeOutOfMemory() throws {
        let rules = [
            rule("steady") { $1.memory = megabytes(500) }, rule("small") { $1.memory = megabytes(20) },
            rule("leak") { $1.memory = leak(16) },
        ]
        // No threshold: the kubelet does not help.
        var cluster = try cluster(rules) { $0.eviction.thresholds = [] }
        cluster.create(labelled("steady") { limits(&$0, request: 500, limit: 600) })
        cluster.create(labelled("small"))
        cluster.create(labelled("leak") { limits(&$0, request: 500) })
        cluster.run(until: seconds(40))
        // (1024 - 520) / 16 = 31.5 s; the BestEffort pod goes although it is small.
        #expect(cluster.story(of: "small").dropFirst(3).first == "32.5 Running c=OOMKilled:137")
        #expect(cluster.events.contains { $0.hasPrefix("SystemOOM: System OOM encountered, victim process: c, pid: ") })
        #expect(cluster["steady"]?.status.restarts == 0)
    }

    // MARK: Eviction

    /// A node of 1 GiB: 100 MiB of it are the kubelet's threshold.
    private func pressed(_ change: (inout NodeAgentConfiguration) -> Void = { _ in }) throws -> TestCluster {
        let rules = [rule("steady") { $1.memory = megabytes(500) }, rule("leak") { $1.memory = leak(10) }]
        var cluster = try cluster(rules, change)
        cluster.create(labelled("steady") { limits(&$0, request: 600) })
        cluster.create(labelled("leak") { limits(&$0, request: 64) })
        return cluster
    }

    @Test("a pod over its request is evicted at the first look after the threshold is met")
    func hardEviction() throws {
        var cluster = try pressed()
        cluster.run(until: seconds(120))
        // 424 MiB are reached 42.4 s after the start; the kubelet looks every ten seconds.
        let crossing = seconds(1.01) + .nanoseconds(42_400_000_001)
        let passes = try #require(cluster.firstPass)
        let look = crossing.roundedUp(toMultipleOf: .seconds(10), phase: passes - SimulatedTime.zero)
        let pod = try #require(cluster["leak"])
        #expect(pod.status.phase == .failed && pod.status.reason == "Evicted")
        let failed = try #require(cluster.changes.first { $0.pod?.metadata.name == "leak" && $0.pod?.status.phase == .failed }?.time)
        // The containers take 200 ms to stop.
        #expect(failed == look + .milliseconds(202))
        let used = Int64(((look - seconds(1.01)).seconds * 10 * PressureTests.mebibyte / 4096).rounded(.down)) * 4
        let message =
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: \((1024 - 500) * 1024 - used)Ki. "
            + "Container c was using \(used)Ki, request is 64Mi, has larger consumption of memory. "
        #expect(pod.status.message == message)
        let disruption = try #require(pod.status.conditions[.disruptionTarget])
        #expect(disruption.status == .true && disruption.reason == "TerminationByKubelet" && disruption.message == message)
        #expect(cluster.events.contains("EvictionThresholdMet: Attempting to reclaim memory"))
        #expect(cluster.events.contains("Evicted: " + message))
        #expect(cluster["steady"]?.status.phase == .running)
    }

    @Test("the node shows the pressure with its next status, and five minutes after the last look that saw it no more")
    func condition() throws {
        var cluster = try pressed()
        cluster.run(until: seconds(600))
        let changes = cluster.nodeChanges.filter { $0.condition.type == .memoryPressure }
        #expect(changes.map(\.condition.status) == [.true, .false])
        #expect(changes[0].condition.reason == "KubeletHasInsufficientMemory")
        #expect(changes[0].condition.message == "kubelet has insufficient memory available")
        #expect(changes[1].condition.reason == "KubeletHasSufficientMemory")
        #expect(cluster.events.contains("NodeHasInsufficientMemory: Node n0 status is now: NodeHasInsufficientMemory"))
        #expect(cluster.events.contains("NodeHasSufficientMemory: Node n0 status is now: NodeHasSufficientMemory"))
        let evicted = try #require(cluster.changes.first { $0.pod?.status.reason == "Evicted" }?.time)
        let look = evicted - .milliseconds(202)
        let report = try #require(cluster.firstReport) - SimulatedTime.zero
        #expect(changes[0].time == look.roundedUp(toMultipleOf: .seconds(10), phase: report) + .milliseconds(2))
        // The kubelet waited for the pod's end and a second more; from there its looks go on every ten seconds.
        let gone = look + .milliseconds(1200)
        let relief = (look + .minutes(5)).roundedUp(toMultipleOf: .seconds(10), phase: gone - SimulatedTime.zero)
        #expect(changes[1].time == relief.roundedUp(toMultipleOf: .seconds(10), phase: report) + .milliseconds(2))
    }

    @Test("under memory pressure BestEffort pods are refused that do not tolerate it; critical ones never are")
    func admission() throws {
        var cluster = try pressed()
        cluster.run(until: seconds(100))
        cluster.create(labelled("best-effort"))
        cluster.create(labelled("burstable") { limits(&$0, request: 1) })
        cluster.create(labelled("tolerant") { $0.tolerations = [Toleration(key: Taint.memoryPressure, operator: .exists)] })
        cluster.create(labelled("critical") { $0.priorityClassName = "system-cluster-critical" })
        cluster.run(until: seconds(110))
        #expect(cluster["best-effort"]?.status.reason == "Evicted" && cluster["best-effort"]?.status.phase == .failed)
        #expect(cluster["best-effort"]?.status.message == "Pod was rejected: The node had condition: [MemoryPressure]. ")
        for name in ["burstable", "tolerant", "critical"] { #expect(cluster[name]?.status.phase == .running, "\(name)") }
    }

    @Test("soft thresholds wait for their grace period, and give pods the time the settings allow")
    func softEviction() throws {
        var cluster = try pressed {
            $0.eviction.thresholds = [EvictionThreshold(.memoryAvailable, .share(0.3), gracePeriod: .seconds(15))]
            $0.eviction.maximumPodGracePeriod = 20
        }
        cluster.run(until: seconds(120))
        let passes = try #require(cluster.firstPass) - SimulatedTime.zero
        // 30 % of 1 GiB are left after 216.8 MiB; in the kubelet's precision a little more.
        let met = (seconds(1.01) + .milliseconds(21_680)).roundedUp(toMultipleOf: .seconds(10), phase: passes)
        let failed = try #require(cluster.changes.first { $0.pod?.status.reason == "Evicted" }?.time)
        #expect(failed == met + .seconds(20) + .milliseconds(202))
    }

    @Test("after a soft threshold a pod gets its own grace period, or the settings' if that is shorter", arguments: [(5, 5), (60, 20)])
    func softGrace(own: Int64, given: Int) throws {
        var cluster = try cluster([rule("leak") { ($0.stop, $1.memory) = (.constant(.minutes(2)), leak(10)) }]) {
            $0.eviction.thresholds = [EvictionThreshold(.memoryAvailable, .share(0.3), gracePeriod: .seconds(15))]
            $0.eviction.maximumPodGracePeriod = 20
        }
        cluster.create(labelled("leak") { $0.terminationGracePeriodSeconds = own })
        cluster.run(until: seconds(300))
        let passes = try #require(cluster.firstPass) - SimulatedTime.zero
        let failed = try #require(cluster.changes.first { $0.pod?.status.reason == "Evicted" }?.time)
        // The look that took it was on the kubelet's grid.
        let look = failed - .seconds(given) - .milliseconds(2)
        #expect(look.roundedUp(toMultipleOf: .seconds(10), phase: passes) == look)
    }

    @Test("a full disk takes pods one after another, spares critical ones, and refuses all new ones")
    func diskPressure() throws {
        let rules = [
            rule("big") { $1.disk = megabytes(2048) }, rule("small") { $1.disk = megabytes(100) },
            rule("critical") { $1.disk = megabytes(4096) },
        ]
        var cluster = try cluster(disk: 10, rules)
        for name in ["big", "small"] { cluster.create(labelled(name)) }
        cluster.create(labelled("critical") { $0.priorityClassName = "system-cluster-critical" })
        cluster.run(until: seconds(30))
        #expect(cluster.changes.allSatisfy { $0.pod?.status.phase != .failed })
        cluster.fillDisk(bytes: 9728 << 20)
        cluster.run(until: seconds(60))
        let ends = ["big", "small"].map { name in
            cluster.changes.first { $0.pod?.metadata.name == name && $0.pod?.status.reason == "Evicted" }?.time
        }
        let (first, second) = (try #require(ends[0]), try #require(ends[1]))
        // One pod a look; the next look comes a second after the end of the first pod.
        #expect(second - first == .milliseconds(1200))
        #expect(cluster["critical"]?.status.phase == .running)
        #expect(
            cluster["big"]?.status.message
                == "The node was low on resource: ephemeral-storage. Threshold quantity: 1073741840, available: 0. "
                + "Container c was using 2Gi, request is 0, has larger consumption of ephemeral-storage. ")
        cluster.create(labelled("late") { limits(&$0, request: 1) })
        cluster.run(until: seconds(61))
        #expect(cluster["late"]?.status.message == "Pod was rejected: The node had condition: [DiskPressure]. ")
        cluster.fillDisk(bytes: 0)
        cluster.run(until: seconds(500))
        #expect(cluster.nodeChanges.filter { $0.condition.type == .diskPressure }.map(\.condition.status) == [.true, .false])
    }

    @Test("a pod over its own limit of disk goes, whatever the node has")
    func ephemeralStorageLimit() throws {
        var cluster = try cluster(disk: 100, [rule("log") { $1.disk = leak(10) }])
        cluster.create(labelled("log") { $0.containers[0].resources.limits[.ephemeralStorage] = Quantity(bytes: 200 << 20) })
        cluster.run(until: seconds(60))
        let pod = try #require(cluster["log"])
        #expect(pod.status.message == "Pod ephemeral local storage usage exceeds the total limit of containers 200Mi. ")
        #expect(pod.status.conditions[.disruptionTarget] == nil)
        let passes = try #require(cluster.firstPass) - SimulatedTime.zero
        let look = (seconds(1.01) + .seconds(20) + .nanoseconds(1)).roundedUp(toMultipleOf: .seconds(10), phase: passes)
        #expect(cluster.changes.first { $0.pod?.status.reason == "Evicted" }?.time == look + .milliseconds(202))
    }

    @Test("nothing happens on a node whose pods never come near a line")
    func quiet() throws {
        var cluster = try cluster([rule("steady") { $1.memory = megabytes(500) }])
        cluster.create(labelled("steady") { limits(&$0, limit: 600) })
        cluster.run(until: seconds(2))
        #expect(cluster.nextEventTime == nil)
    }

    // MARK: Processors

    @Test("jobs that want more than there is take longer, and catch up when one is done")
    func contention() throws {
        func job(_ length: Double) -> (inout WorkloadBehaviour, inout ResourceUsage) -> Void {
            {
                $0.run = .constant(.seconds(Int(length)))
                $1.cpu = ResourceLoad(.constant(1))
            }
        }
        var cluster = try cluster(cpu: 1000, [rule("short", job(10)), rule("long", job(20))])
        for name in ["short", "long"] { cluster.create(labelled(name) { $0.restartPolicy = .never }) }
        cluster.run(until: seconds(60))
        // Start-up is work too: both want a core, so the second they start in takes two.
        #expect(cluster.story(of: "short").suffix(2) == ["2.0 Running c=running ready", "22.0 Succeeded c=Completed:0"])
        #expect(cluster.story(of: "long").last == "32.0 Succeeded c=Completed:0")
    }

    @Test("requests are shares: who asked for three times as much gets three times as much")
    func requests() throws {
        let job = rule("job") {
            $0.run = .constant(.seconds(9))
            $0.start = .constant(.zero)
            $1.cpu = ResourceLoad(.constant(1))
        }
        var cluster = try cluster(cpu: 1000, [job])
        cluster.create(
            labelled("large", app: "job") {
                limits(&$0, cpu: 600)
                $0.restartPolicy = .never
            })
        cluster.create(
            labelled("small", app: "job") {
                limits(&$0, cpu: 200)
                $0.restartPolicy = .never
            })
        cluster.run(until: seconds(60))
        // 614 and 204 shares: 9 s of work at 614/818, then the rest alone.
        let large = 9.0 * 818 / 614
        #expect(cluster.story(of: "large").last == "\(seconds(0.01 + large).roundedText) Succeeded c=Completed:0")
        #expect(cluster.story(of: "small").last == "18.0 Succeeded c=Completed:0")
    }

    @Test("a limit throttles start-up, readiness and work alike, and what autoscalers see; crashes come in their own time")
    func limit() throws {
        let rules = [
            rule("job") {
                $0.run = .constant(.seconds(10))
                $0.ready = .constant(.seconds(2))
                $1.cpu = ResourceLoad(.constant(2))
            },
            rule("crash") {
                $0.run = .constant(.seconds(10))
                $0.crash = .constant(.seconds(15))
                $1.cpu = ResourceLoad(.constant(2))
            },
        ]
        var cluster = try cluster(rules)
        for name in ["job", "crash"] {
            cluster.create(
                labelled(name) {
                    limits(&$0, cpu: 500, cpuLimit: 500)
                    $0.restartPolicy = .never
                })
        }
        cluster.run(until: seconds(10))
        let used = cluster.agent.usage(.cpu, of: try #require(cluster.shared("job")), at: cluster.now)
        #expect(used == 0.5)
        let counted = cluster.agent.cpuTime(of: try #require(cluster.shared("job")), from: seconds(5), to: seconds(10))
        #expect(counted == 2.5)
        cluster.run(until: seconds(60))
        #expect(
            cluster.story(of: "job").suffix(3) == [
                "4.0 Running c=running", "12.0 Running c=running ready", "44.0 Succeeded c=Completed:0",
            ])
        #expect(cluster.story(of: "crash").last == "19.0 Failed c=Error:1")
    }

    @Test("probes find a throttled container as they would find one that is slower by nature", arguments: [30, 6] as [Int32])
    func throttledProbes(startupFailures: Int32) throws {
        func run(start: Double, ready: Double, cpu: Double) throws -> TestCluster {
            let rule = rule("web") {
                $0.start = .constant(SimulatedDuration(seconds: start))
                $0.ready = .constant(SimulatedDuration(seconds: ready))
                $1.cpu = cpu > 0 ? ResourceLoad(.constant(cpu)) : nil
            }
            var cluster = try cluster([rule])
            cluster.create(
                labelled("web") {
                    limits(&$0, cpu: 500, cpuLimit: 500)
                    var probe = Probe()
                    probe.handler = .httpGet(scheme: "HTTP", host: "", port: .int(8080), path: "/healthz")
                    probe.periodSeconds = 3
                    $0.containers[0].readinessProbe = probe
                    $0.containers[0].livenessProbe = probe
                    probe.periodSeconds = 2
                    probe.failureThreshold = startupFailures
                    $0.containers[0].startupProbe = probe
                })
            // Before the second restart, whose wait is no work.
            cluster.run(until: seconds(40))
            return cluster
        }
        let throttled = try run(start: 1, ready: 4.1, cpu: 2)
        let slow = try run(start: 4, ready: 16.4, cpu: 0)
        #expect(throttled.story(of: "web") == slow.story(of: "web"))
        #expect(throttled.events == slow.events)
        #expect(throttled.story(of: "web").contains { $0.hasSuffix("ready") } == (startupFailures == 30))
    }

    @Test("what waits for an image is settled when it comes")
    func pulled() throws {
        let rule = rule("leak") {
            $0.imageBytes = 100_000_000
            $1.memory = leak(1, from: 54)
        }
        var cluster = try cluster([rule]) { $0.pullBytesPerSecond = 50e6 }
        cluster.create(labelled("leak") { limits(&$0, limit: 64) })
        cluster.run(until: seconds(20))
        #expect(cluster.story(of: "leak").contains("13.0 Running c=OOMKilled:137"))
    }

    @Test("while nobody is held back, times are those that were drawn")
    func noContention() throws {
        let job = rule("job") {
            $0.run = .constant(.seconds(10))
            $1.cpu = ResourceLoad(LoadProfile([.init(seconds(0), 0.5), .init(seconds(6), 2)], .steps))
        }
        var cluster = try cluster(cpu: 2000, [job])
        for name in ["a", "b"] { cluster.create(labelled(name, app: "job") { $0.restartPolicy = .never }) }
        cluster.run(until: seconds(60))
        // From 6 s on both want two cores of two: half of the time that is left counts.
        for name in ["a", "b"] { #expect(cluster.story(of: name).last == "16.0 Succeeded c=Completed:0") }
    }
}
