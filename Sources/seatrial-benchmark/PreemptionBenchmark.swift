// Preemption alone: what an attempt costs that finds a full cluster.

import APIServer
import ArgumentParser
import DiscreteEvents
import KubernetesAPI
import Scheduling

struct PreemptionBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preemption", abstract: "Scheduling attempts in a full cluster, with and without somebody to displace.")

    @Option(help: "Nodes.")
    var nodes: [Int] = [1_000, 5_000, 15_000]

    @Option(help: "Pods on each node.")
    var perNode = 30

    @Option(help: "Pods that find no room.")
    var pods = 200

    @Option(help: "percentageOfNodesToScore; 0 is adaptive. Where nobody fits, every node is looked at either way.")
    var percentage: [Int] = [0, 100]

    func run() throws {
        for count in nodes {
            for share in percentage {
                try measure("nobody of lower priority", priority: 0, nodes: count, percentage: share)
                try measure("somebody of lower priority", priority: 10, nodes: count, percentage: share)
            }
        }
    }

    private func measure(_ what: String, priority: Int32, nodes: Int, percentage: Int) throws {
        var configuration = SchedulerConfiguration()
        configuration.percentageOfNodesToScore = Int32(percentage)
        var scheduler = try Scheduler(configuration, timing: ControlPlaneTiming(), seed: 1)
        scheduler.recordsAttempts = false
        let resident = PreemptionBenchmark.spec(cpu: 4000 / Int64(perNode), priority: 0)
        for number in 0..<nodes {
            var node = Node(metadata: ObjectMeta(name: "node-\(number)"))
            node.status.allocatable = [.cpu: Quantity(4), .memory: Quantity(bytes: 32 << 30), .pods: Quantity(110)]
            scheduler.observe(WatchEvent(.added, APIObject(node), time: .zero), at: .zero)
            for place in 0..<perNode {
                add("resident-\(number)-\(place)", resident, on: node.metadata.name, to: &scheduler)
            }
        }
        let newcomer = PreemptionBenchmark.spec(cpu: 500, priority: priority)
        for number in 0..<pods { add("newcomer-\(number)", newcomer, on: nil, to: &scheduler) }
        var effects = Effects<SchedulerTimer>()
        var attempts = 0
        let seconds = wallTime {
            while attempts < pods, scheduler.attemptNext(at: .zero, effects: &effects) { attempts += 1 }
        }
        line(
            "preemption, \(text(Double(nodes))) nodes, \(percentage == 0 ? "adaptive" : "all nodes"), \(what)",
            "\(text(Double(attempts) / seconds)) attempts/s, \(text(seconds / Double(attempts) * 1e6, decimals: 1)) us; "
                + "\(text(Double(nodes * perNode))) pods running")
    }

    private static func spec(cpu: Int64, priority: Int32) -> Shared<PodSpec> {
        var container = Container(name: "main", image: "registry.example/app:1")
        container.resources.requests = [.cpu: Quantity(milli: cpu), .memory: Quantity(bytes: 64 << 20)]
        var spec = PodSpec(containers: [container])
        spec.priority = priority
        return Shared(spec)
    }

    private func add(_ name: String, _ spec: Shared<PodSpec>, on node: String?, to scheduler: inout Scheduler) {
        var pod = Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: spec, nodeName: node)
        pod.metadata.uid = UID(name)
        scheduler.observe(WatchEvent(.added, .pod(Shared(pod)), time: .zero), at: .zero)
    }
}
