// A week in the life of a cluster: machines fail and are repaired, and something is rolled out every hour.

import ArgumentParser
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

struct WeekBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "week",
        abstract: "A simulated week: nodes fail every 30 days on average and are repaired within 20 minutes, a rolling update every hour.")

    @Option(help: "Nodes, spread over three zones.")
    var nodes = 1_000

    @Option(help: "Pods, in Deployments of 100.")
    var pods = 10_000

    @Option(help: "Simulated days.")
    var days = 7

    func run() throws {
        var cluster = try Cluster(configuration())
        let wall = wallTime { cluster.run(until: .zero + .hours(24 * days)) }
        let record = cluster.finish()
        let rollouts = record.operations.count { $0.description.hasPrefix("rollout restart") && $0.refusal == nil }
        line(
            "week, \(text(Double(nodes))) nodes, \(text(Double(pods))) pods",
            "\(text(wall, decimals: 2)) s wall for \(days) simulated days, peak \(text(peakMemoryMiB())) MiB")
        line(
            "  what happened",
            "\(record.recoveries.count) node failures, \(rollouts) rolling updates, \(text(Double(record.pods.count))) pods created")
        line(
            "  simulator events",
            "\(text(Double(record.handledEvents))), \(text(Double(record.handledEvents) / wall)) per second of wall time")
    }

    private func configuration() throws -> ClusterConfiguration {
        var result = ClusterConfiguration(seed: 1)
        result.recording.interval = .hours(1)
        result.recording.events = false
        result.recording.schedulingAttempts = false
        result.faults = [
            Fault(
                nodes: .all,
                schedule: .random(
                    timeToFailure: try .exponential(mean: 30 * 86_400), timeToRepair: try .exponential(mean: 20 * 60)))
        ]
        let zones = ["a", "b", "c"]
        for number in 0..<nodes {
            let name = "node-\(number)"
            var node = Node(
                metadata: ObjectMeta(
                    name: name, labels: Labels([(Node.hostnameLabel, name), (Node.zoneLabel, zones[number % zones.count])])))
            let resources = ResourceList([(.cpu, Quantity(16)), (.memory, Quantity(bytes: 64 << 30)), (.pods, Quantity(110))])
            node.status.capacity = resources
            node.status.allocatable = resources
            result.nodes.append(node)
        }
        let deployments = max(1, pods / 100)
        for number in 0..<deployments { result.objects.append(deployment(number)) }
        for hour in 1..<(24 * days) {
            let name = NamespacedName(namespace: "default", name: "app-\(hour % deployments)")
            result.timeline.append(TimelineEntry(at: .zero + .hours(hour), action: .rolloutRestart(ObjectKey(.deployment, name))))
        }
        return result
    }

    private func deployment(_ number: Int) -> APIObject {
        let labels = Labels([("app", "app-\(number)")])
        var container = Container(name: "main", image: "registry.example/app-\(number):1")
        container.resources.requests = ResourceList([(.cpu, Quantity(milli: 500)), (.memory, Quantity(bytes: 1 << 30))])
        let template = PodTemplate(labels: labels, spec: Shared(PodSpec(containers: [container])))
        return APIObject(
            Deployment(
                metadata: ObjectMeta(name: "app-\(number)", namespace: "default"),
                spec: DeploymentSpec(replicas: 100, selector: LabelSelector(matchLabels: labels), template: template)))
    }
}
