// The scheduler's whole loop: queue, cycle, assumption, binding through an API kept in memory, the watch event that confirms it.

import APIServer
import ArgumentParser
import DiscreteEvents
import KubernetesAPI
import Scheduling

struct LoopBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loop", abstract: "Pods scheduled per second by the whole loop against an API in memory.",
        discussion: "Beside it the real scheduler's rate with its in-memory client: its whole loop takes more than the algorithm, too.")

    @Option(help: "Kinds of workload.")
    var workload: [SchedulingWorkload] = SchedulingWorkload.allCases

    @Option(help: "Nodes.")
    var nodes: [Int] = [1_000, 5_000]

    @Option(help: "Pods to place at most.")
    var pods = 10_000

    @Option(help: "Distinct pod specs, mixed.")
    var shapes = 20

    func run() throws {
        for kind in workload { for count in nodes { try measure(kind, count) } }
    }

    private func measure(_ kind: SchedulingWorkload, _ nodes: Int) throws {
        var scheduler = try Scheduler(SchedulerConfiguration(), timing: ControlPlaneTiming(), seed: 1)
        scheduler.recordsAttempts = false
        for object in kind.objects(shapes: shapes) { scheduler.observe(WatchEvent(.added, object, time: .zero), at: .zero) }
        for number in 0..<nodes {
            scheduler.observe(WatchEvent(.added, APIObject(SchedulingWorkload.node(number)), time: .zero), at: .zero)
        }
        let batch = kind.pods(kind.pods(nodes: nodes, shapes: shapes, wanted: pods), shapes: shapes)
        var store: [NamespacedName: Shared<Pod>] = [:]
        var bound = 0
        let seconds = wallTime {
            for pod in batch {
                store[pod.value.metadata.key] = pod
                scheduler.observe(WatchEvent(.added, .pod(pod), time: .zero), at: .zero)
            }
            var effects = Effects<SchedulerTimer>()
            while scheduler.attemptNext(at: .zero, effects: &effects) {
                let calls = effects.calls
                effects.removeAll()
                for call in calls {
                    guard case .bind(let name, _, let node, _) = call.request, let pod = store[name] else { continue }
                    let after = pod.with { $0.nodeName = node }
                    store[name] = after
                    bound += 1
                    if let token = call.token {
                        scheduler.observe(answer: .success(.pod(after)), token: token, at: .zero, effects: &effects)
                    }
                    scheduler.observe(WatchEvent(.modified, .pod(after), previous: .pod(pod), time: .zero), at: .zero)
                }
            }
        }
        var figures = "\(text(Double(bound) / seconds)) pods/s, \(text(seconds / Double(max(1, bound)) * 1e6, decimals: 1)) us each"
        if let real = kind.realLoopRate(nodes: nodes) {
            figures += "; kube-scheduler \(text(real)) pods/s (\(text(Double(bound) / seconds / real)) times)"
        }
        line("loop, \(kind.rawValue), \(text(Double(nodes))) nodes", figures)
    }
}
