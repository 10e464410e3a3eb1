// Network policies, partitions and load balancers, as scenarios ask for them.

import DiscreteEvents
import Foundation
import KubernetesAPI
import ServiceNetwork
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Network policies in scenarios")
struct PolicyScenarioTests {
    private static let client = TrafficScenario.web.replacing("{name: web}", with: "{name: client}")
        .replacing("app: web", with: "app: client").replacing("replicas: 4", with: "replicas: 2")

    private static func policy(_ spec: String) -> String {
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: policy}\nspec: \(spec)"
    }

    private func run(_ policy: String, _ from: String, service: String = "type: NodePort", rest: String = "") throws -> TrafficRecord {
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, TrafficScenario.service("web", service), Self.client, policy),
            traffic: "sources: [{name: users, service: web, constant: {rate: 10}, timeout: 500ms, start: 1m, \(from)}]", rest: rest
        ).run()
        return try #require(outcome.record.traffic)
    }

    private static let fromClients = "fromPods: {selector: {matchLabels: {app: client}}}"

    @Test(
        "Pods that a policy names as clients are let in, others time out",
        arguments: [
            ("{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: client}}}]}]}", true),
            ("{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: other}}}]}]}", false),
            ("{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]}", true),
            ("{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 81}]}]}", false),
            ("{podSelector: {}, policyTypes: [Ingress]}", false),
            ("{podSelector: {matchLabels: {app: client}}, policyTypes: [Egress]}", false),
            ("{podSelector: {matchLabels: {app: client}}, egress: [{to: [{namespaceSelector: {}}]}]}", true),
        ])
    func pods(spec: String, isAllowed: Bool) throws {
        let traffic = try run(Self.policy(spec), Self.fromClients)
        let source = traffic.sources[0]
        #expect(source.sent > 1190)
        #expect(isAllowed ? source.failures == 0 : source.count(.timedOut) > 1185 && source.count(.succeeded) == 0)
    }

    private static func block(_ block: String) -> String { policy("{podSelector: {}, ingress: [{from: [{ipBlock: \(block)}]}]}") }

    @Test(
        "Under externalTrafficPolicy: Local clients outside are known by their addresses, each by its own",
        arguments: [
            ("{cidr: 0.0.0.0/0, except: [10.0.0.0/8]}", 0...0), ("{cidr: 10.0.0.0/8}", 1186...1200),
            // Half of the 256 clients.
            ("{cidr: 192.0.2.0/25}", 500...700),
        ] as [(String, ClosedRange<UInt64>)])
    func outside(block: String, failures: ClosedRange<UInt64>) throws {
        let source = try run(
            Self.block(block), "from: outside, addresses: 192.0.2.0/24", service: "type: NodePort, externalTrafficPolicy: Local"
        ).sources[0]
        #expect(failures.contains(source.failures), "\(source.results)")
    }

    @Test("Otherwise pods see the nodes where they come in, of which each reaches its own pods whatever policies say")
    func masqueraded() throws {
        // One of four nodes is the pod's own.
        let own = try run(Self.block("{cidr: 192.0.2.0/24}"), "from: outside, addresses: 192.0.2.0/24").sources[0]
        #expect((230...370).contains(own.count(.succeeded)) && own.count(.succeeded) + own.failures >= 1190, "\(own.results)")
        #expect(try run(Self.block("{cidr: 172.16.0.0/12}"), "from: outside, addresses: 192.0.2.0/24").sources[0].failures == 0)
        // So it is with what runs on nodes and is no pod.
        let processes = try run(Self.block("{cidr: 192.0.2.0/24}"), "from: {zone: a}").sources[0]
        #expect((230...370).contains(processes.count(.succeeded)), "\(processes.results)")
        #expect(try run(Self.block("{cidr: 172.16.0.0/12}"), "from: {zone: a}").sources[0].failures == 0)
    }

    @Test("A policy counts while it is there")
    func timeline() throws {
        let traffic = try run(
            Self.policy("{podSelector: {matchLabels: {app: web}}}"), Self.fromClients,
            rest: "timeline: [{at: 2m, delete: networkpolicy/default/policy}]")
        #expect(traffic.failures(from: 62, until: 120) == 580 && traffic.failures(from: 121, until: 180) == 0)
    }

    @Test("Pods send while they are ready")
    func clientsStop() throws {
        let traffic = try run(
            Self.policy("{podSelector: {matchLabels: {app: nobody}}}"), Self.fromClients,
            rest: "timeline: [{at: 2m, scale: {deployment: client, replicas: 0}}]")
        #expect(traffic.ended(from: 61, until: 120) == 590 && traffic.ended(from: 121, until: 180) == 0)
    }
}

@Suite("Partitions in scenarios")
struct PartitionScenarioTests {
    private func run(_ fault: String, _ from: String, timeline: String = "") throws -> TrafficRecord {
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, TrafficScenario.service("web", "type: NodePort")),
            traffic: """
                sources: [{name: users, service: web, constant: {rate: 20}, timeout: 500ms, start: 30s, \(from)}]
                services: [{service: web, serviceTime: 1ms}]
                """, rest: "faults: [\(fault)]\n" + (timeline.isEmpty ? "" : "timeline: [\(timeline)]"), duration: "8m"
        ).run()
        return try #require(outcome.record.traffic)
    }

    @Test("A partition that cuts pods loses what goes across, until the other side's endpoints are known to be lost")
    func acrossTheCut() throws {
        let traffic = try run("{at: 1m, zone: b, effect: partition, down: 4m, cutsPods: true}", "from: {zone: a}")
        // Half of the pods are on the other side; their nodes are NotReady after 50 s at most.
        let lost = traffic.failures(from: 61, until: 100)
        #expect((300...480).contains(lost), "\(lost)")
        #expect(traffic.failures(from: 116, until: 480) == 0)
    }

    @Test("Kube-proxies on the cut side hear of nothing before it is healed")
    func insideTheCut() throws {
        let traffic = try run("{at: 1m, zone: b, effect: partition, down: 4m, cutsPods: true}", "from: {zone: b}")
        for begin in stride(from: 61, to: 290, by: 30) {
            let lost = traffic.failures(from: begin, until: begin + 30)
            #expect((220...380).contains(lost), "\(lost) from \(begin)")
        }
        // Packets pass again at once.
        #expect(traffic.failures(from: 302, until: 330) < 300 && traffic.failures(from: 360, until: 480) == 0)
    }

    @Test("A partition from the control plane alone loses nothing while pods stay where they are")
    func controlPlaneOnly() throws {
        for zone in ["a", "b"] {
            let traffic = try run("{at: 1m, zone: b, effect: partition, down: 2m}", "from: {zone: \(zone)}")
            #expect(traffic.sources[0].failures == 0)
        }
        // Those who cannot hear of new pods go on to the old ones.
        let timeline = "{at: 90s, scale: {deployment: web, replicas: 0}}"
        let far = try run("{at: 1m, zone: b, effect: partition, down: 4m}", "from: {zone: b}", timeline: timeline)
        let near = try run("{at: 1m, zone: b, effect: partition, down: 4m}", "from: {zone: a}", timeline: timeline)
        #expect(far.sources[0].count(.succeeded) > near.sources[0].count(.succeeded) + 1000)
        #expect(far.sources[0].count(.timedOut) + far.sources[0].count(.refused) > 1000)
    }
}

@Suite("Load balancers in scenarios")
struct LoadBalancerScenarioTests {
    private func run(_ service: String, _ checks: String, replicas: Int = 4, fault: String) throws -> TrafficRecord {
        let outcome = try TrafficScenario(
            manifests: manifests(
                TrafficScenario.web.replacing("replicas: 4", with: "replicas: \(replicas)"), TrafficScenario.service("web", service)),
            traffic: """
                sources: [{name: users, service: web, from: outside, poisson: {rate: 100}, timeout: 500ms, start: 1m}]
                loadBalancer: \(checks)
                """, rest: fault
        ).run()
        return try #require(outcome.record.traffic)
    }

    @Test("A dead node gets connections until its health checks have failed")
    func nodeDies() throws {
        // The pod on the node is gone from the endpoints after 50 s; what comes in at the node is lost for the health checks' time only.
        let fault = "faults: [{at: 90s, node: node-3}]"
        let quick = try run("type: LoadBalancer", "{interval: 1s, timeout: 100ms, unhealthyThreshold: 1}", fault: fault)
        let slow = try run("type: LoadBalancer", "{interval: 10s, timeout: 1s, unhealthyThreshold: 3}", fault: fault)
        // A quarter of those that come in elsewhere go to the dead pod: 25 a second. Before, 44 of 100 are lost.
        let (first, second) = (quick.failures(from: 93, until: 110), slow.failures(from: 93, until: 110))
        #expect(abs(first - 17 * 25) < 100 && abs(second - 17 * 44) < 130, "\(first), \(second)")
        #expect(quick.failures(from: 60, until: 90) == 0)
        let late = slow.failures(from: 123, until: 129)
        #expect(abs(late - 6 * 25) < 60, "\(late)")
    }

    @Test("Balancers that decide at different times make no more events than there are decisions")
    func severalSources() throws {
        let sources = (1...4).map { "{name: s\($0), service: web, from: outside, poisson: {rate: 1}, timeout: 1s}" }
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, TrafficScenario.service("web", "type: LoadBalancer")),
            traffic: "sources: [\(sources.joined(separator: ", "))]",
            rest: "faults: [{at: 1m, zone: b, down: 1m}]", nodes: 30
        ).run()
        // Thirty nodes for three minutes are some thousand events; each decision used to schedule four, and they four each.
        #expect(outcome.record.handledEvents < 20_000, "\(outcome.record.handledEvents)")
    }

    @Test("Under a Local policy, nodes without endpoints get nothing")
    func local() throws {
        let traffic = try run("type: LoadBalancer, externalTrafficPolicy: Local", "{}", replicas: 2, fault: "faults: []")
        #expect(traffic.sources[0].failures == 0 && traffic.sources[0].count(.succeeded) > 11_000)
        #expect(traffic.pods.count == 2)
    }
}

@Suite("Health checks of load balancers")
struct LoadBalancerRotationTests {
    private func at(_ seconds: Double) -> SimulatedTime { SimulatedTime(seconds: seconds) }

    @Test("A node goes out after so many failed checks on its grid, and comes in after so many good ones")
    func thresholds() throws {
        var checks = HealthCheckConfiguration()
        checks.healthyThreshold = 2
        var rotation = LoadBalancerRotation(checks, seed: 1, of: "users")
        let first = rotation.update([true, true], at: at(0))
        let failing = rotation.update([true, false], at: at(100))
        let out = try #require(failing)
        // Three checks eight seconds apart, the first one within eight seconds, and a second for the last one's answer.
        #expect(first == nil && out >= at(117) && out < at(125) && rotation.members == [0, 1])
        let settled = rotation.update([true, false], at: out)
        #expect(settled == nil && rotation.members == [0])
        let healing = rotation.update([true, true], at: at(200))
        let back = try #require(healing)
        #expect(back >= at(208) && back < at(216))
        #expect((back - (out - .seconds(1))).nanoseconds % SimulatedDuration.seconds(8).nanoseconds == 0)
        let whole = rotation.update([true, true], at: back)
        #expect(whole == nil && rotation.members == [0, 1])
    }

    @Test("A short failure goes unnoticed, and when no node is healthy all get connections")
    func edges() {
        var rotation = LoadBalancerRotation(HealthCheckConfiguration(), seed: 1, of: "users")
        _ = rotation.update([true, true], at: at(0))
        let noticed = rotation.update([false, true], at: at(10))
        let over = rotation.update([true, true], at: at(12))
        #expect(noticed != nil && over == nil)
        _ = rotation.update([true, true], at: at(100))
        #expect(rotation.members == [0, 1])
        _ = rotation.update([false, false], at: at(200))
        _ = rotation.update([false, false], at: at(300))
        #expect(rotation.members == [0, 1])
        // A node that joins later is checked first.
        let joining = rotation.update([false, false, true], at: at(400))
        #expect(joining != nil)
        _ = rotation.update([false, false, true], at: at(410))
        #expect(rotation.members == [2])
    }
}

@Suite("Health of single nodes")
struct LoadBalancerNewsTests {
    @Test("Told of single nodes, a balancer decides as one that is told of all of them", arguments: UInt64(1)...5)
    func news(seed: UInt64) {
        var stream = RandomStream(seed: seed, purpose: RandomPurpose("health of nodes"), owner: 0)
        var health = Array(repeating: true, count: 12)
        var (whole, single) = (
            LoadBalancerRotation(HealthCheckConfiguration(), seed: 1, of: "users"),
            LoadBalancerRotation(HealthCheckConfiguration(), seed: 1, of: "users")
        )
        _ = whole.update(health, at: .zero)
        _ = single.update(health, at: .zero)
        for step in 1...300 {
            let now = SimulatedTime(seconds: Double(step) * 2)
            for node in health.indices where stream.bernoulli(0.08) {
                health[node].toggle()
                single.update(node, health[node], at: now)
            }
            _ = single.decide(at: now)
            let next = whole.update(health, at: now)
            #expect(single.members == whole.members && single.nextDecision == next)
        }
        #expect(single.members.count < health.count)
    }
}

@Suite("Partitions")
struct PartitionSideTests {
    @Test("Nodes that the same failures cut off are on one side")
    func sides() {
        var partitions = Partitions()
        #expect(partitions.sides(of: 3) == nil)
        partitions.cut(0, by: 7)
        partitions.cut(1, by: 7)
        #expect(partitions.sides(of: 4) == [1, 1, 0, 0])
        partitions.cut(1, by: 8)
        partitions.cut(3, by: 8)
        #expect(partitions.sides(of: 4) == [1, 2, 0, 3])
        let healed = [(0, 7), (0, 7), (2, 7), (1, 7)].map { partitions.heal($0.0, of: $0.1) }
        #expect(healed == [true, false, false, true])
        #expect(partitions.sides(of: 4) == [0, 1, 0, 1])
    }
}

@Suite("Preferences of Services in scenarios")
struct PreferenceScenarioTests {
    private func received(_ service: String, from: String, rate: Int = 50) throws -> [(pod: String, node: String, count: Int)] {
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, TrafficScenario.service("web", service)),
            traffic: "sources: [{name: users, service: web, poisson: {rate: \(rate)}, start: 1m, from: \(from)}]",
            rest: "measure: {requests: 1}"
        ).run()
        let traffic = try #require(outcome.record.traffic)
        #expect(traffic.sources[0].failures == 0)
        return traffic.pods.map { pod in
            let node = traffic.requests.first { $0.pod == pod.pod }?.node ?? ""
            return (pod.pod.name, node, Int(pod.received))
        }
    }

    @Test(
        "PreferSameZone, or PreferClose by its older name, keeps requests in the client's zone, evenly; PreferSameNode on its node",
        arguments: ["PreferSameZone", "PreferClose"])
    func distribution(sameZone: String) throws {
        let zone = try received("trafficDistribution: \(sameZone)", from: "{zone: a}")
        let used = zone.filter { $0.count > 0 }
        #expect(Set(used.map(\.node)) == ["node-0", "node-2"])
        // Chi-squared with one degree of freedom: 10.83 is exceeded once in a thousand times.
        let total = Double(used.reduce(0) { $0 + $1.count })
        let chiSquared = used.reduce(0) { $0 + pow(Double($1.count) - total / 2, 2) / (total / 2) }
        #expect(total > 5000 && chiSquared < 10.83, "\(chiSquared)")
        let node = try received("trafficDistribution: PreferSameNode", from: "{node: node-3}")
        #expect(node.filter { $0.count > 0 }.map(\.node) == ["node-3"])
        let anywhere = try received("sessionAffinity: None", from: "{node: node-3}")
        let expected = Double(anywhere.reduce(0) { $0 + $1.count }) / 4
        let spread = anywhere.reduce(0) { $0 + pow(Double($1.count) - expected, 2) / expected }
        // Three degrees of freedom.
        #expect(spread < 16.27, "\(spread)")
    }

    @Test("internalTrafficPolicy Local keeps requests on the client's node")
    func local() throws {
        let local = try received("internalTrafficPolicy: Local", from: "{zone: b}")
        #expect(Set(local.filter { $0.count > 0 }.map(\.node)) == ["node-1", "node-3"])
    }

    @Test("Session affinity keeps clients with their pods, until its time is over")
    func affinity() throws {
        // Each node's clients are one client.
        let outcome = try TrafficScenario(
            manifests: manifests(TrafficScenario.web, TrafficScenario.service("web", "sessionAffinity: ClientIP")),
            traffic: "sources: [{name: users, service: web, poisson: {rate: 50}, start: 1m}]", rest: "measure: {requests: 1}"
        ).run()
        let requests = try #require(outcome.record.traffic).requests
        for node in 0..<4 {
            let own = requests.filter { $0.client == "node-\(node)" }
            #expect(own.count > 1000 && Set(own.map(\.pod)).count == 1)
        }
        // With a request a second on average, a second is soon over.
        let forgotten = try received(
            "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 1}}", from: "{node: node-0}", rate: 1)
        #expect(forgotten.filter { $0.count > 10 }.count == 4, "\(forgotten)")
    }
}
