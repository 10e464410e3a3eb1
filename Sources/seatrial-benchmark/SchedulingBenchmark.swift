// Scheduling decisions alone: snapshot, filter, score, assume; no queue, no API, no simulated time.

import ArgumentParser
import KubernetesAPI
import Scheduling

struct SchedulingBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduling", abstract: "Scheduling decisions per second, algorithm only.")

    @Option(help: "Nodes.")
    var nodes: [Int] = [1_000, 5_000]

    @Option(help: "Pods to place.")
    var pods = 20_000

    @Option(help: "Distinct pod specs, mixed.")
    var shapes = 20

    @Option(help: "percentageOfNodesToScore; 0 is adaptive, as the scheduler's default.")
    var percentage: [Int] = [0, 100]

    func run() throws {
        for count in nodes {
            for share in percentage { try measure(nodes: count, percentage: share) }
        }
    }

    private func measure(nodes count: Int, percentage: Int) throws {
        var configuration = SchedulerConfiguration()
        configuration.percentageOfNodesToScore = Int32(percentage)
        var scheduler = try DecisionMaker(
            configuration: configuration, nodes: (0..<count).map(SchedulingBenchmark.node), pods: [])
        let specs = (0..<shapes).map { shape in
            var container = Container(name: "main", image: "registry.example/app-\(shape):1")
            container.resources.requests = ResourceList([
                (.cpu, Quantity(milli: 100 + 10 * Int64(shape))), (.memory, Quantity(bytes: (500 + Int64(shape)) << 20)),
            ])
            return Shared(PodSpec(containers: [container]))
        }
        let batch = (0..<pods).map { number -> Shared<Pod> in
            var metadata = ObjectMeta(name: "pod-\(number)", namespace: "default")
            metadata.uid = UID("uid-\(number)")
            return Shared(Pod(metadata: metadata, spec: specs[number % shapes]))
        }
        var placed = 0
        var evaluated = 0
        let seconds = wallTime {
            for pod in batch {
                guard let placement = scheduler.place(pod, draw: { $0 / 2 }) else { continue }
                placed += 1
                evaluated += placement.evaluated
            }
        }
        let mode = percentage == 0 ? "adaptive" : "\(percentage) % of nodes"
        line(
            "scheduling, \(text(Double(count))) nodes, \(mode)",
            "\(text(Double(placed) / seconds)) decisions/s, \(text(seconds / Double(max(1, placed)) * 1e6, decimals: 1)) us each, "
                + "\(text(Double(evaluated) / Double(max(1, placed)))) nodes looked at; \(placed) of \(pods) placed")
    }

    /// The node of the figures measured from the real scheduler: 4 CPU, 32 GiB, 110 pods, three zones.
    private static func node(_ number: Int) -> Node {
        let name = "node-\(number)"
        var node = Node(
            metadata: ObjectMeta(name: name, labels: Labels([(Node.hostnameLabel, name), (Node.zoneLabel, "zone-\(number % 3)")])))
        node.status.allocatable = ResourceList([(.cpu, Quantity(4)), (.memory, Quantity(bytes: 32 << 30)), (.pods, Quantity(110))])
        return node
    }
}
