// A cluster given as manifests: read, brought up, every pod scheduled. With the KubeSBS files it is that benchmark's task.

import ArgumentParser
import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI

struct ManifestsBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifests",
        abstract: "Nodes and pods from manifests: YAML read and every pod tried, in wall time and peak memory.",
        discussion: """
            The KubeSBS benchmark of cluster simulators: nodes.yaml and pods.yaml of GCDA-UDL's k8s-sims, the first 1,200 nodes.
            """)

    @Argument(help: "Manifest files with Nodes and other objects.")
    var files: [String]

    @Option(help: "How many of the nodes to use, in the order of the files.")
    var nodes = 1_200

    func run() throws {
        var placed = 0
        var created = 0
        var nodeCount = 0
        var reading = 0.0
        let total = try wallTime {
            var configuration = ClusterConfiguration(seed: 1)
            reading = try wallTime {
                let inputs = try files.map { (name: $0, bytes: [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0)))) }
                let result = ManifestLoader.load(files: inputs)
                for diagnostic in result.diagnostics where diagnostic.severity == .error {
                    throw ValidationError(diagnostic.description)
                }
                for loaded in result.objects {
                    if case .node(let node) = loaded.object {
                        if configuration.nodes.count < nodes { configuration.nodes.append(node.value) }
                    } else {
                        configuration.objects.append(loaded.object)
                    }
                }
            }
            nodeCount = configuration.nodes.count
            configuration.recording.interval = nil
            var cluster = try Cluster(configuration)
            cluster.run(until: .zero + .minutes(10))
            let record = cluster.finish()
            created = record.pods.count
            placed = record.pods.count { $0.scheduled != nil }
        }
        line(
            "manifests, \(text(Double(nodeCount))) nodes, \(text(Double(created))) pods",
            "\(text(total, decimals: 2)) s wall (\(text(reading, decimals: 2)) s of it reading), \(text(Double(placed))) pods placed, "
                + "peak \(text(peakMemoryMiB())) MiB")
    }
}
