// Schedulers that go by what nodes really use: what is measured, how late they hear of it, and where their pods go.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Scheduling
import Testing

@testable import ClusterSimulation

@Suite("Loads of nodes")
struct LoadWatcherTests {
    private static func behaviour(_ load: LoadProfile) -> WorkloadBehaviour {
        var usage = ResourceUsage()
        usage.cpu = ResourceLoad(load)
        var behaviour = WorkloadBehaviour()
        behaviour.usage = [usage]
        return behaviour
    }

    /// The default profile with one policy that outweighs all else; nil: without any.
    private static func use(_ policy: String?, _ arguments: String = "{}", in configuration: inout ClusterConfiguration) {
        guard let policy else { return }
        var profile = configuration.scheduler.profiles[0]
        profile.plugins = [ExtensionPointConfiguration(.multiPoint, enabled: [WeightedPlugin(policy, weight: 100)])]
        profile.arguments = [PluginConfiguration(name: policy, arguments: .other(arguments))]
        configuration.scheduler.profiles[0] = profile
    }

    private static let prometheus = "{\"metricProvider\":{\"type\":\"Prometheus\"}}"

    // MARK: Measuring

    @Test("a report has the mean and the deviation of a quarter of an hour, cpu smoothed over five minutes, and the latest figures")
    func figures() throws {
        var watcher = LoadWatcher(seed: 1)
        // A load that is there every other five minutes.
        for round in 0..<60 {
            let sample = LoadWatcher.Sample(cpu: round / 10 % 2 == 0 ? 0 : 0.8, memory: round < 30 ? 1 : 0.25)
            watcher.round([sample, nil], names: ["a", "dead"], latest: [sample, nil], at: at(Double(round) * 30))
        }
        // Rounds 58 and 59 make the last report from samples 29 to 58.
        let report = try #require(watcher.report)
        #expect(report.time == at(58 * 30) && report.entries.map(\.node) == ["a", "dead"])
        let load = try #require(report.entries[0].average)
        // Ramps of the five-minute mean, up and down and up: 0.08 to 0.8 and back.
        let ramp = (0...9).map { Double($0) * 0.08 }
        let samples = [ramp[0] + 0] + ramp.map { $0 + 0.08 } + ramp.reversed() + ramp.dropLast().map { $0 + 0.08 }
        let mean = samples.reduce(0, +) / 30
        let variance = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 30
        #expect(abs(load.cpu.mean - mean) < 1e-9 && abs(load.cpu.deviation - variance.squareRoot()) < 1e-9)
        #expect(abs(load.memory.mean - (1 + 29 * 0.25) / 30) < 1e-9)
        #expect(report.entries[0].latest?.cpu.mean == 0.8 && report.entries[0].latest?.cpu.deviation == 0)
        #expect(report.entries[1].average == nil && report.entries[1].latest == nil)
    }

    @Test("the scheduler hears of a load half a minute to a minute and a half after it began, and of a machine that died likewise")
    func lag() throws {
        var configuration = ClusterConfiguration()
        configuration.nodes = [machine("a"), machine("b")]
        configuration.objects = [barePod("p")]
        LoadWatcherTests.use("TargetLoadPacking", in: &configuration)
        let change = LoadChange(namespace: "shop", .each(2))
        configuration.timeline = [TimelineEntry(at: at(300), action: .setLoad(change))]
        configuration.faults = [Fault(nodes: .all, schedule: .once(at: at(600), down: nil))]
        var cluster = try Cluster(configuration)
        /// When the scheduler's figures first satisfy a condition.
        func time(from start: Double, _ condition: ([MeasuredLoad?]) -> Bool) throws -> Double {
            for second in stride(from: start, to: start + 200, by: 1) {
                cluster.run(until: at(second))
                let cache = cluster.scheduler.cache
                let ledger = try #require(cache.nodes.ledger(LoadLedger.self))
                if condition(["a", "b"].map { cache.slot(of: $0).flatMap { ledger.latest(on: $0) } }) { return second }
            }
            return .infinity
        }
        #expect(try time(from: 0) { $0.allSatisfy { $0?.cpu.mean == 0 } } <= 1)
        // Two of four cores; the mean of metrics-server's last 15 s.
        #expect((330...406).contains(try time(from: 300) { $0.contains { abs(($0?.cpu.mean ?? 0) - 0.5) < 1e-9 } }))
        #expect((630...691).contains(try time(from: 600) { $0 == [nil, nil] }))
    }

    @Test("nothing is measured where no plugin asks for it")
    func nobodyAsks() throws {
        var cluster = try shop()
        cluster.run(until: at(300))
        #expect(cluster.loadWatcher == nil && !cluster.scheduler.readsLoads)
    }

    // MARK: Deciding

    /// How many of the pods `web-…` each of the nodes got.
    private static func spread(_ cluster: Cluster, over nodes: [String]) -> [Int] {
        nodes.map { node in cluster.pods(onNode: node).count { $0.metadata.name.hasPrefix("web-") } }
    }

    @Test("TargetLoadPacking fills a node up to the target of what is used, where the default profile spreads")
    func packing() throws {
        func run(_ policy: String?) throws -> [Int] {
            var configuration = ClusterConfiguration()
            configuration.nodes = ["a", "b", "c"].map { machine($0) }
            // Six pods, one every three minutes. Each uses 5 % of a node and is expected to use 18.75 %.
            configuration.defaultBehaviour = LoadWatcherTests.behaviour(.constant(0.2))
            configuration.timeline = (0..<6).map { number in
                TimelineEntry(at: at(Double(number * 180)), action: .apply([barePod("web-\(number)")]))
            }
            LoadWatcherTests.use(policy, in: &configuration)
            var cluster = try Cluster(configuration)
            cluster.run(until: at(1200))
            return LoadWatcherTests.spread(cluster, over: ["a", "b", "c"]).sorted()
        }
        #expect(try run(nil) == [2, 2, 2])
        // The fifth finds 38.75 %, the sixth would find 43.75 %.
        #expect(try run("TargetLoadPacking") == [0, 1, 5])
    }

    @Test("LoadVariationRiskBalancing avoids the node with the varying load, where the default profile does not")
    func balancing() throws {
        func run(_ policy: String?) throws -> [Int] {
            var configuration = ClusterConfiguration()
            configuration.nodes = [machine("steady"), machine("varying")]
            for node in ["steady", "varying"] {
                configuration.objects.append(barePod(node, cpu: 1000) { $0.nodeSelector = [Node.hostnameLabel: node] })
            }
            // 40 % all the time, against 70 % half of the time.
            let waves = (0..<12).map { LoadProfile.Point(at(Double($0 * 450)), $0 % 2 == 0 ? 2.8 : 0) }
            configuration.behaviours = [
                BehaviourRule(
                    selector: LabelSelector(matchLabels: ["app": "steady"]), behaviour: LoadWatcherTests.behaviour(.constant(1.6))),
                BehaviourRule(
                    selector: LabelSelector(matchLabels: ["app": "varying"]),
                    behaviour: LoadWatcherTests.behaviour(LoadProfile(waves, .steps))),
            ]
            configuration.timeline = (0..<6).map { number in
                TimelineEntry(at: at(2400 + Double(number * 10)), action: .apply([barePod("web-\(number)", cpu: 100)]))
            }
            LoadWatcherTests.use(policy, LoadWatcherTests.prometheus, in: &configuration)
            var cluster = try Cluster(configuration)
            cluster.run(until: at(2500))
            return LoadWatcherTests.spread(cluster, over: ["steady", "varying"])
        }
        #expect(try run(nil) == [3, 3])
        #expect(try run("LoadVariationRiskBalancing") == [6, 0])
    }

    @Test("a scheduler that takes over in the middle of a run has loads measured if it goes by them")
    func takesOver() throws {
        var cluster = try shop()
        cluster.run(until: at(100))
        var configuration = ClusterConfiguration()
        LoadWatcherTests.use("TargetLoadPacking", in: &configuration)
        try cluster.replaceScheduler(by: configuration.scheduler)
        let ledger = try #require(cluster.scheduler.cache.nodes.ledger(LoadLedger.self))
        #expect(ledger.time == at(100))
        cluster.run(until: at(300))
        #expect(try #require(cluster.scheduler.cache.nodes.ledger(LoadLedger.self)?.time) > at(200))
    }
}
