// Requests through a ClusterIP: arrival, balancing, a pod's line, service, answer.

import ArgumentParser
import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

struct RequestBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "requests", abstract: "Requests from every node through a ClusterIP to pods, on one core.")

    @Option(help: "Nodes, each with clients and a kube-proxy of its own.")
    var nodes: [Int] = [100, 5_000]

    @Option(help: "Pods behind the Service.")
    var pods = 100

    @Option(help: "Requests to measure.")
    var requests = 4_000_000

    @Option(help: "Slices of them, each measured; the median and the best are printed.")
    var slices = 16

    func run() throws {
        for count in nodes {
            for (name, change) in variants {
                var engine = try engine(nodes: count, change)
                let rate = Double(pods) * 4 * 0.7 / 0.010
                engine.run(through: SimulatedTime(seconds: Double(requests) / 10 / rate))
                engine.resetStatistics()
                let start = engine.now
                // In slices, as other programs disturb some of them.
                var costs: [Double] = []
                for slice in 1...slices {
                    let before = engine.statistics(of: 0).count(.succeeded)
                    let end = start + SimulatedDuration(seconds: Double(requests) / rate * Double(slice) / Double(slices))
                    let seconds = wallTime { engine.run(through: end) }
                    costs.append(seconds / Double(engine.statistics(of: 0).count(.succeeded) - before))
                }
                let latency = engine.statistics(of: 0).latency
                let (median, best) = (Statistics.quantile(costs, at: 0.5), Statistics.quantile(costs, at: 0))
                line(
                    "requests, \(text(Double(count))) nodes, \(name)",
                    "\(text(1e-6 / median, decimals: 2)) million/s, \(text(median * 1e9)) ns each (best slice \(text(best * 1e9))); simulated p50 "
                        + "\(text(latency.quantile(at: 0.5) * 1e3, decimals: 2)) ms, p99 \(text(latency.quantile(at: 0.99) * 1e3, decimals: 2)) ms"
                )
            }
        }
    }

    private struct Variant {
        var balancing = BalancingMethod.iptables
        var hasNetwork = false
        var timeout: SimulatedDuration?
    }

    private var variants: [(String, Variant)] {
        var far = Variant()
        far.hasNetwork = true
        far.timeout = .seconds(1)
        return [
            ("iptables", Variant()), ("ipvs rr", Variant(balancing: .ipvs(.roundRobin))), ("p2c", Variant(balancing: .powerOfTwoChoices)),
            ("latency, time-out", far),
        ]
    }

    /// Pods with four workers each, service times of 10 ms on average, 70 % load.
    private func engine(nodes count: Int, _ variant: Variant) throws -> RequestEngine {
        let places = (0..<count).map { ProxyNode(name: "node-\($0)", zone: "zone-\($0 % 3)") }
        var latencies = PodNetwork.Latencies()
        if variant.hasNetwork {
            latencies.sameNode = .microseconds(30)
            latencies.sameZone = .microseconds(150)
            latencies.crossZone = .microseconds(700)
        }
        var timing = ProxyTiming()
        timing.propagation = try .exponential(mean: 0.05)
        var engine = RequestEngine(network: PodNetwork(nodes: places, latencies: latencies), timing: timing, seed: 1)
        let numbers = (0..<pods).map { engine.addPod(on: NodeNumber($0 % count), capacity: PodCapacity(concurrency: 4)) }
        let port = engine.addPort(PortBehaviour(serviceTime: try .exponential(mean: 0.010), balancing: variant.balancing))
        let name = ServicePortName(namespace: "shop", name: "web", port: "http", transport: .tcp)
        let info = ServicePortInfo(name: name, clusterIP: "10.96.0.10", port: 80)
        let endpoints = numbers.map { ProxyEndpoint(address: "10.1.\($0 / 250).\($0 % 250 + 1)", port: 8080) }
        // A few changes that every node has to come to know.
        for change in 0..<10 {
            engine.publish(
                info, endpoints: endpoints, pods: numbers, for: port, at: SimulatedTime(seconds: Double(change)), isKnown: change == 0)
        }
        var source = RequestSource(
            name: "clients", arrivals: .poisson(rate: Double(pods) * 4 * 0.7 / 0.010), port: port,
            nodes: (0..<count).map { NodeNumber($0) })
        source.policy.timeout = variant.timeout
        _ = engine.addSource(source)
        return engine
    }
}
