// Nodes that fall silent: when it is noticed, what happens to their pods, and how zones slow it down.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct NodeFailureTests {
    private static func isUnknown(_ node: Node, _ name: String) -> Bool {
        node.metadata.name == name && node.status.conditions[.ready]?.status == .unknown
    }

    private static func hasTaint(_ node: Node, _ name: String, _ key: String, _ effect: TaintEffect) -> Bool {
        node.metadata.name == name && node.spec.taints.contains { $0.key == key && $0.effect == effect }
    }

    @Test("Silence is noticed 50 to 55 s after the last renewal, on the monitor's grid", arguments: 0..<20)
    func noticesSilence(_ phase: Int) throws {
        var cluster = TestCluster()
        for number in 0..<4 { cluster.addNode("node-\(number)") }
        cluster.run(until: .zero + .seconds(100))
        let renewal = SimulatedTime.zero + .seconds(90) + .milliseconds(phase * 487)
        cluster.stop("node-1", lastRenewal: renewal)
        cluster.run(for: .seconds(120))
        let time = try #require(cluster.time(Node.self) { Self.isUnknown($0, "node-1") })
        #expect((50.0...55.1).contains((time - renewal).seconds))
        // A lease is at most ten seconds old when its kubelet stops.
        #expect((40.0...60.0).contains((time - max(renewal, .zero + .seconds(100))).seconds))
        #expect((time.seconds * 1000).truncatingRemainder(dividingBy: 5000) < 20)
    }

    @Test func aRenewalInTimeChangesNothing() {
        var cluster = TestCluster()
        for number in 0..<4 { cluster.addNode("node-\(number)") }
        cluster.run(until: .zero + .seconds(100))
        let commits = cluster.history.count
        cluster.stop("node-1", lastRenewal: cluster.now)
        cluster.run(for: .seconds(40))
        cluster.resumeHeartbeats("node-1")
        cluster.runUntilQuiet()
        #expect(cluster.history.count == commits)
    }

    @Test("A dead node: pods not ready, taints, eviction 300 s later, replacements, and the way back")
    func evictsFromADeadNode() throws {
        var cluster = TestCluster()
        for number in 0..<4 { cluster.addNode("node-\(number)") }
        cluster.execute(.create(APIObject(Make.deployment(replicas: 8))))
        cluster.run(until: .zero + .seconds(60))
        let lost = Set(cluster.pods.filter { $0.nodeName == "node-1" }.map(\.metadata.name))
        #expect(!lost.isEmpty)
        cluster.stop("node-1", lastRenewal: cluster.now)
        cluster.run(for: .seconds(500))
        let unknown = try #require(cluster.time(Node.self) { Self.isUnknown($0, "node-1") })
        let noSchedule = try #require(cluster.time(Node.self) { Self.hasTaint($0, "node-1", Taint.unreachable, .noSchedule) })
        let noExecute = try #require(cluster.time(Node.self) { Self.hasTaint($0, "node-1", Taint.unreachable, .noExecute) })
        let notReady = try #require(
            cluster.time(Pod.self) { lost.contains($0.metadata.name) && $0.status.conditions[.ready]?.status == .false })
        let deleted = try #require(cluster.time(Pod.self) { lost.contains($0.metadata.name) && $0.metadata.isTerminating })
        let replaced = try #require(cluster.history.first { $0.change == .added && $0.object.kind == .pod && $0.time > deleted }?.time)
        #expect((noSchedule - unknown).seconds < 0.05)
        #expect((noExecute - unknown).seconds < 0.25)
        #expect((notReady - unknown).seconds < 0.05)
        #expect(abs((deleted - noExecute).seconds - 300) < 0.1)
        #expect((replaced - deleted).seconds < 0.05)
        let condition = cluster.pods.first { lost.contains($0.metadata.name) }?.status.conditions[.disruptionTarget]
        #expect(condition?.reason == "DeletionByTaintManager")
        #expect(cluster.events.contains { $0.reason == "NodeNotReady" && $0.involvedKind == "Node" })
        #expect(cluster.events.count { $0.reason == "NodeNotReady" && $0.involvedKind == "Pod" } == lost.count)
        #expect(cluster.events.count { $0.message.hasPrefix("Marking for deletion Pod default/web-") } == lost.count)
        // The lost pods wait for their kubelet.
        #expect(cluster.pods.count == 8 + lost.count)

        let back = cluster.now + .milliseconds(1700)
        cluster.run(until: back)
        cluster.restart("node-1")
        cluster.run(for: .seconds(10))
        let after = cluster.history.filter { $0.time >= back && $0.object.kind == .node }
        let freed = try #require(after.first { Node.cast($0.object).map { $0.value.spec.taints.isEmpty } ?? false }?.time)
        let half = try #require(
            after.first { event in
                Node.cast(event.object).map { node in
                    !node.value.spec.taints.isEmpty && node.value.spec.taints.allSatisfy { $0.effect == .noExecute }
                } ?? false
            }?.time)
        #expect((half - back).seconds < 0.05)
        #expect((freed - back).seconds <= 5.05)
        #expect((freed.seconds * 1000).truncatingRemainder(dividingBy: 5000) < 20)
    }

    @Test("Taints that go before the toleration runs out cancel the eviction")
    func cancelsEvictions() {
        var cluster = TestCluster()
        for number in 0..<4 { cluster.addNode("node-\(number)") }
        cluster.execute(.create(APIObject(Make.deployment(replicas: 8))))
        cluster.run(until: .zero + .seconds(60))
        let names = Set(cluster.pods.map(\.metadata.name))
        cluster.stop("node-1", lastRenewal: cluster.now)
        cluster.run(for: .seconds(200))
        cluster.restart("node-1")
        cluster.runUntilQuiet()
        #expect(Set(cluster.pods.map(\.metadata.name)) == names)
        #expect(cluster.events.contains { $0.message.hasPrefix("Cancelling deletion of Pod default/web-") })
    }

    @Test("That the object of a lost node goes stops no deadline of its pods")
    func keepsDeadlinesOfDeletedNodes() {
        var cluster = TestCluster()
        for number in 0..<4 { cluster.addNode("node-\(number)") }
        cluster.execute(.create(APIObject(Make.deployment(replicas: 8))))
        cluster.run(until: .zero + .seconds(60))
        cluster.stop("node-1", lastRenewal: cluster.now)
        cluster.run(for: .seconds(120))
        #expect(cluster.node("node-1").map { Self.hasTaint($0, "node-1", Taint.unreachable, .noExecute) } == true)
        cluster.execute(.delete(ObjectKey(.node, "node-1"), DeleteOptions()))
        // Pod garbage collection comes 40 s later at the earliest.
        cluster.run(for: .seconds(10))
        #expect(cluster.node("node-1") == nil)
        #expect(!cluster.events.contains { $0.message.hasPrefix("Cancelling deletion") })
    }

    @Test("In a healthy zone one node each ten seconds is tainted NoExecute")
    func pacesTaints() {
        var cluster = TestCluster()
        for number in 0..<20 { cluster.addNode("node-\(number)") }
        cluster.run(until: .zero + .seconds(100))
        for number in 0..<5 { cluster.stop("node-\(number)", lastRenewal: cluster.now) }
        cluster.run(for: .seconds(120))
        let times = (0..<5).compactMap { number in
            cluster.time(Node.self) { Self.hasTaint($0, "node-\(number)", Taint.unreachable, .noExecute) }
        }.sorted()
        #expect(times.count == 5)
        for (earlier, later) in zip(times, times.dropFirst()) { #expect(abs((later - earlier).seconds - 10) < 0.25) }
    }

    /// As recorded of the real controller: a node that waits through passes of the monitor stands in the queue once.
    @Test("Nodes noticed in later passes are tainted ten seconds after one another too, and each once")
    func keepsOnePlaceInTheQueue() {
        var cluster = TestCluster()
        for number in 0..<20 { cluster.addNode("node-\(number)") }
        cluster.run(until: .zero + .seconds(100))
        for number in 0..<3 { cluster.stop("node-\(number)", lastRenewal: cluster.now) }
        cluster.run(for: .seconds(10))
        for number in 3..<5 { cluster.stop("node-\(number)", lastRenewal: cluster.now) }
        cluster.run(for: .seconds(200))
        let writes = cluster.history.compactMap { event -> SimulatedTime? in
            guard case .node(let node) = event.object, case .node(let old)? = event.previous else { return nil }
            let after = node.value.spec.taints.filter { $0.effect == .noExecute }
            return after == old.value.spec.taints.filter { $0.effect == .noExecute } ? nil : event.time
        }
        #expect(writes.count == 5)
        for (earlier, later) in zip(writes, writes.dropFirst()) { #expect(abs((later - earlier).seconds - 10) < 0.25) }
    }

    /// As recorded: a pod evicted at once is written to by two controllers; the monitor's write conflicts and is made in the next pass.
    @Test func tellsAPodInTheNextPassThatSomebodyElseWroteTo() throws {
        var cluster = TestCluster()
        cluster.latency = .milliseconds(40)
        for number in 0..<4 { cluster.addNode("node-\(number)") }
        var deployment = Make.deployment(replicas: 12)
        var spec = deployment.spec.template.spec.value
        spec.tolerations = [Toleration(key: Taint.unreachable, operator: .exists, effect: .noExecute, tolerationSeconds: 0)]
        deployment.spec.template.spec = Shared(spec)
        cluster.execute(.create(APIObject(deployment)))
        cluster.run(until: .zero + .seconds(60))
        let lost = cluster.pods.filter { $0.nodeName == "node-1" }
        cluster.stop("node-1", lastRenewal: cluster.now)
        cluster.run(for: .seconds(70))
        for pod in lost {
            let stored = cluster.server.objects.get(Pod.self, pod.metadata.key)?.value
            #expect(stored?.status.conditions[.ready]?.status == .false && stored?.metadata.isTerminating == true)
        }
        let told = cluster.events.filter { $0.reason == "NodeNotReady" && $0.involvedKind == "Pod" }
        #expect(Set(told.map(\.involved)).count == lost.count)
        #expect(told.contains { $0.count == 2 } && told.allSatisfy { $0.count <= 2 })
    }

    @Test("A large zone that is partly down: the next taint comes 100 s later, a small one gets one at most")
    func slowsDownInDisruptedZones() {
        for (size, lost) in [(60, 40), (10, 7)] {
            var cluster = TestCluster()
            for number in 0..<size { cluster.addNode("node-\(number)") }
            cluster.addNode("other", zone: "b")
            cluster.run(until: .zero + .seconds(100))
            for number in 0..<lost { cluster.stop("node-\(number)", lastRenewal: cluster.now) }
            cluster.run(for: .seconds(400))
            let tainted = (0..<lost).compactMap { number in
                cluster.time(Node.self) { Self.hasTaint($0, "node-\(number)", Taint.unreachable, .noExecute) }
            }.sorted()
            if size > 50 {
                #expect((2...4).contains(tainted.count))
            } else {
                #expect(tainted.count <= 1)
            }
        }
    }

    @Test("When every zone is down nobody is evicted; when some come back the rest is judged anew")
    func stopsEvictionsWhenAllZonesAreDown() throws {
        var cluster = TestCluster()
        for number in 0..<4 { cluster.addNode("a-\(number)", zone: "a") }
        for number in 0..<4 { cluster.addNode("b-\(number)", zone: "b") }
        cluster.execute(.create(APIObject(Make.deployment(replicas: 8))))
        cluster.run(until: .zero + .seconds(60))
        for name in cluster.nodes { cluster.stop(name, lastRenewal: cluster.now) }
        cluster.run(for: .seconds(600))
        for name in cluster.nodes {
            #expect(cluster.node(name)?.status.conditions[.ready]?.status == .unknown)
            #expect(cluster.node(name)?.spec.taints.contains { $0.effect == .noExecute } == false)
        }
        #expect(cluster.pods.allSatisfy { !$0.metadata.isTerminating })
        let back = cluster.now
        for number in 0..<4 { cluster.restart("a-\(number)") }
        cluster.run(for: .seconds(60))
        let first = try #require(
            cluster.history.first { event in
                event.time > back && (Node.cast(event.object).map { $0.value.spec.taints.contains { $0.effect == .noExecute } } ?? false)
            }?.time)
        #expect((5.0...21.0).contains((first - back).seconds))
        #expect(cluster.nodes.filter { name in cluster.node(name)?.spec.taints.contains { $0.effect == .noExecute } ?? false }.count >= 3)
    }

    @Test func deletesPodsOfADeletedNodeAfterTheQuarantine() throws {
        var cluster = TestCluster()
        for number in 0..<3 { cluster.addNode("node-\(number)") }
        cluster.execute(.create(APIObject(Make.replicaSet(replicas: 6))))
        cluster.run(until: .zero + .seconds(65))
        let lost = cluster.pods.filter { $0.nodeName == "node-2" }
        cluster.nodes.removeLast()
        cluster.execute(.delete(ObjectKey(.node, "node-2"), DeleteOptions()))
        let deletion = cluster.now
        cluster.runUntilQuiet()
        for pod in lost {
            let time = try #require(cluster.history.first { $0.change == .deleted && $0.object.metadata.uid == pod.metadata.uid }?.time)
            #expect((40.0...60.5).contains((time - deletion).seconds))
        }
        #expect(cluster.pods.count == 6)
    }

    @Test func aQuietClusterHasNoEvents() {
        var cluster = TestCluster()
        for number in 0..<10 { cluster.addNode("node-\(number)") }
        cluster.execute(.create(APIObject(Make.deployment(replicas: 20))))
        cluster.runUntilQuiet()
        #expect(cluster.isQuiet)
        // What came last is a look at the progress deadline; nothing was written for a long time then.
        #expect(cluster.now.seconds < 602)
        #expect((cluster.history.last?.time.seconds ?? 0) < 30)
    }
}
