// Whole clusters: brought up, run for a simulated hour, one zone lost.

import APIServer
import ArgumentParser
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

struct ScaleBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "A large cluster brought up, run for a simulated hour, a zone lost after 30 minutes.")

    @Option(help: "Nodes, spread over three zones.")
    var nodes = 5_000

    @Option(help: "Pods, in Deployments of 300.")
    var pods = 150_000

    @Option(help: "Services, each for the pods of one Deployment.")
    var services = 0

    @Option(help: "Pods behind one more Service.")
    var largeService = 0

    @Option(help: "Simulated minutes.")
    var minutes = 60

    func run() throws {
        let before = residentBytes()
        var cluster: Cluster?
        let setUp = try wallTime { cluster = try Cluster(configuration()) }
        guard var running = cluster else { return }
        cluster = nil
        let ready = residentBytes()
        let half = minutes / 2
        let bringUp = wallTime { running.run(until: .zero + .minutes(half)) }
        let full = residentBytes()
        let podSpecs = running.podSpecCount
        let runningAtHalf = running.record.pods.lazy.filter { $0.ready != nil }.count
        let outage = wallTime { running.run(until: .zero + .minutes(minutes)) }
        let record = running.finish()
        let total = setUp + bringUp + outage
        let name = "scale, \(text(Double(nodes))) nodes, \(text(Double(pods))) pods"
        line(name, "\(text(total, decimals: 2)) s wall for \(minutes) simulated minutes, peak \(text(peakMemoryMiB())) MiB")
        line(
            "  memory",
            "\(text((ready - before) / Double(nodes))) bytes a node, \(text((full - ready) / Double(max(1, runningAtHalf)))) bytes a pod "
                + "(all components, events and records); \(text(Double(podSpecs))) distinct pod specs")
        line("  set up", "\(text(setUp, decimals: 2)) s")
        line("  bring-up (first \(half) min)", "\(text(bringUp, decimals: 2)) s, \(text(Double(runningAtHalf))) pods were ready")
        line("  zone lost (last \(minutes - half) min)", "\(text(outage, decimals: 2)) s")
        line(
            "  simulator events",
            "\(text(Double(record.handledEvents))), \(text(Double(record.handledEvents) / total)) per second of wall time")
        if let failure = record.recoveries.first {
            line(
                "  zone", "\(failure.nodes) nodes lost with \(failure.affectedPods) pods, \(failure.evictedPods) evicted by the end")
        }
    }

    private func configuration() throws -> ClusterConfiguration {
        var result = ClusterConfiguration(seed: 1)
        // Bringing up this many pods within minutes needs the higher limits that large clusters set.
        result.timing.controllerLimit = ClientLimit(queriesPerSecond: 1_000, burst: 2_000)
        result.timing.schedulerLimit = ClientLimit(queriesPerSecond: 1_000, burst: 2_000)
        result.recording.interval = .minutes(1)
        result.faults = [Fault(nodes: .zone("b"), schedule: .once(at: .zero + .minutes(minutes / 2), down: nil))]
        let zones = ["a", "b", "c"]
        for number in 0..<nodes {
            let name = "node-\(number)"
            var node = Node(
                metadata: ObjectMeta(
                    name: name, labels: Labels([(Node.hostnameLabel, name), (Node.zoneLabel, zones[number % zones.count])])))
            let resources = ResourceList([(.cpu, Quantity(32)), (.memory, Quantity(bytes: 128 << 30)), (.pods, Quantity(110))])
            node.status.capacity = resources
            node.status.allocatable = resources
            result.nodes.append(node)
        }
        let perDeployment = 300
        if largeService > 0 { result.objects.append(service("front", selecting: ["tier": "front"])) }
        for number in 0..<((pods + perDeployment - 1) / perDeployment) {
            var labels = Labels([("app", "app-\(number)")])
            if number * perDeployment < largeService { labels["tier"] = "front" }
            if number < services { result.objects.append(service("app-\(number)", selecting: ["app": "app-\(number)"])) }
            var container = Container(name: "main", image: "registry.example/app-\(number):1")
            container.resources.requests = ResourceList([
                (.cpu, Quantity(milli: Int64(100 + 50 * (number % 8)))), (.memory, Quantity(bytes: Int64(256 + 128 * (number % 5)) << 20)),
            ])
            let template = PodTemplate(labels: labels, spec: Shared(PodSpec(containers: [container])))
            let replicas = min(perDeployment, pods - number * perDeployment)
            let spec = DeploymentSpec(
                replicas: Int32(replicas), selector: LabelSelector(matchLabels: labels), template: template)
            result.objects.append(
                APIObject(Deployment(metadata: ObjectMeta(name: "app-\(number)", namespace: "default"), spec: spec)))
        }
        return result
    }

    private func service(_ name: String, selecting labels: Labels) -> APIObject {
        var service = Service(metadata: ObjectMeta(name: name, namespace: "default"), selector: labels)
        service.ports = [ServicePort(port: 80)]
        return APIObject(service)
    }
}
