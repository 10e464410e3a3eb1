// The cluster and the configuration of a recorded case.

import KubernetesAPI
import Scheduling

/// A case that cannot be run at all.
struct UnreadableCase: Error, CustomStringConvertible {
    var description: String
}

/// The objects of a case: nodes in the order in which the recording's scheduler learned of them, pods, and all others.
struct CaseObjects {
    private(set) var nodes: [Node] = []
    var pods: [Pod] = []
    private(set) var others: [APIObject] = []

    init(_ documents: [YAMLNode]) throws {
        var loader = ManifestLoader(options: .stored)
        let loaded = loader.load(documents: documents)
        if let problem = loaded.diagnostics.first(where: { $0.severity == .error }) {
            throw UnreadableCase(description: problem.description)
        }
        for entry in loaded.objects {
            switch entry.object {
            case .node(let node): nodes.append(node.value)
            case .pod(let pod): pods.append(pod.value)
            default: others.append(entry.object)
            }
        }
        nodes.sort { $0.metadata.name < $1.metadata.name }
    }

    /// The configuration of a case; the default one if it names none.
    static func configuration(_ node: YAMLNode?) throws -> SchedulerConfiguration {
        var configuration = SchedulerConfiguration()
        if let node, !node.isNull {
            var context = DecodingContext()
            configuration = context.object(node, as: SchedulerConfiguration.self) ?? configuration
            if let problem = context.diagnostics.first(where: { $0.severity == .error }) {
                throw UnreadableCase(description: problem.description)
            }
        }
        // Recorded with every node looked at.
        configuration.percentageOfNodesToScore = 100
        for index in configuration.profiles.indices { configuration.profiles[index].percentageOfNodesToScore = nil }
        return configuration
    }
}
