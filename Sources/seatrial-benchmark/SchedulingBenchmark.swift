// Scheduling decisions alone: snapshot, filter, score, assume; no queue, no API, no simulated time.

import ArgumentParser
import KubernetesAPI
import Scheduling

struct SchedulingBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduling",
        abstract: "Scheduling decisions per second, algorithm only, beside the plain path's and the real scheduler's.",
        discussion: """
            One line for each kind of workload, number of nodes, mode (adaptive sampling, or every node scored) and number of pod shapes.
            The plain path places fewer pods, as it is slower; both are CPU-bound on one core, as is the real scheduler's figure (CPU
            time of kube-scheduler 1.36.2 on a machine of this kind).
            """)

    @Option(help: "Kinds of workload.")
    var workload: [SchedulingWorkload] = SchedulingWorkload.allCases

    @Option(help: "Nodes.")
    var nodes: [Int] = [1_000, 5_000, 15_000]

    @Option(help: "Pods to place at most.")
    var pods = 20_000

    @Option(help: "Pods that the plain path places; 0 leaves it out.")
    var plainPods = 200

    @Option(help: "Distinct pod specs, mixed.")
    var shapes: [Int] = [1, 20, 200]

    @Option(help: "percentageOfNodesToScore; 0 is adaptive, as the scheduler's default.")
    var percentage: [Int] = [0, 100]

    func run() throws {
        for kind in workload {
            for shapes in shapes { for count in nodes { for share in percentage { try measure(kind, count, share, shapes) } } }
        }
    }

    private func measure(_ kind: SchedulingWorkload, _ nodes: Int, _ percentage: Int, _ shapes: Int) throws {
        let count = kind.pods(nodes: nodes, shapes: shapes, wanted: pods)
        let fast = try place(kind, nodes, percentage, shapes, pods: count, path: .memoised)
        var figures = "\(text(1 / fast.seconds)) decisions/s, \(text(fast.seconds * 1e6, decimals: 1)) us"
        if plainPods > 0 {
            let plain = try place(kind, nodes, percentage, shapes, pods: min(count, plainPods), path: .plain)
            figures += "; plain path \(text(plain.seconds * 1e6)) us (\(text(plain.seconds / fast.seconds)) times)"
        }
        if let real = kind.realMicroseconds(nodes: nodes, isAdaptive: percentage == 0) {
            figures += "; kube-scheduler \(text(real)) us (\(text(real / fast.seconds / 1e6)) times)"
        }
        if fast.placed < count { figures += "; \(text(Double(fast.placed))) of \(text(Double(count))) placed" }
        let mode = percentage == 0 ? "adaptive" : percentage == 100 ? "all nodes" : "\(percentage) % of nodes"
        line("\(kind.rawValue), \(text(Double(nodes))) nodes, \(mode), \(shapes) shape\(shapes == 1 ? "" : "s")", figures)
    }

    /// Seconds a decision.
    private func place(
        _ kind: SchedulingWorkload, _ nodes: Int, _ percentage: Int, _ shapes: Int, pods count: Int, path: SchedulerPath
    ) throws -> (seconds: Double, placed: Int) {
        var configuration = SchedulerConfiguration()
        configuration.percentageOfNodesToScore = Int32(percentage)
        var scheduler = try DecisionMaker(
            configuration: configuration, path: path, nodes: (0..<nodes).map(SchedulingWorkload.node), pods: [],
            objects: kind.objects(shapes: shapes))
        let batch = kind.pods(count, shapes: shapes)
        var placed = 0
        let seconds = wallTime {
            for pod in batch where scheduler.place(pod, draw: { $0 / 2 }) != nil { placed += 1 }
        }
        return (seconds / Double(max(1, count)), placed)
    }
}
