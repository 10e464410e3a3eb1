// Tables of the workload and Service controllers: indexes of Jobs, nodes of DaemonSets, packing of EndpointSlices.

import Controllers
import KubernetesAPI

enum WorkloadTables {
    // MARK: job_indexes

    static func jobIndexes(_ input: YAMLNode) throws -> Answer {
        let previous = CompletedIndexes(text: try input.text("previous"), completions: try input.number("completions"))
        let new = try input["newIndexes"]?.elements.map { node in
            guard let index = node.scalarText.flatMap({ Int($0) }) else { throw MalformedCase("newIndexes holds no number") }
            return index
        }
        let merged = previous.merging(CompletedIndexes(ascending: new ?? []))
        return [
            ("previousNormalized", previous.description), ("previousCount", String(previous.count)),
            ("merged", merged.description), ("mergedCount", String(merged.count)),
        ]
    }

    // MARK: daemonset_node

    static func daemonSetNode(_ input: YAMLNode) throws -> Answer {
        guard let nodeInput = input["node"], let template = input["templateSpec"] else { throw MalformedCase("no node or template") }
        var node = Node(metadata: ObjectMeta(name: try nodeInput.text("name")))
        node.metadata.labels = try nodeInput.decoded("labels", Labels.self) ?? Labels()
        node.spec.unschedulable = nodeInput["unschedulable"]?.scalarText == "true"
        if let taints = nodeInput["taints"], !taints.isNull {
            node.spec.taints = try taints.elements.map { taint in
                guard let effect = TaintEffect(rawValue: try taint.text("effect")) else { throw MalformedCase("unknown effect") }
                return Taint(key: try taint.text("key"), value: taint["value"]?.scalarText ?? "", effect: effect)
            }
        }
        let spec = try template.decoded(PodSpec.self)
        let nodeName = template["nodeName"]?.scalarText ?? ""
        let placement = DaemonPlacement(
            of: spec, nodeName: nodeName.isEmpty ? nil : nodeName, tolerations: DaemonTolerations.of(spec), on: node)
        return [
            ("shouldRun", String(placement.shouldRun)), ("shouldContinueRunning", String(placement.shouldContinueRunning)),
        ]
    }

    // MARK: endpointslice_pack

    /// An endpoint that is nothing but its address.
    private struct Address: PackedEndpoint {
        let identity: String
    }

    static func packSlices(_ input: YAMLNode) throws -> Answer {
        let existing = input["existing"]?.entries.map { name, endpoints in
            SlicePacking<Address>.Slice(name: name, endpoints: addresses(endpoints))
        }
        let packing = SlicePacking(
            existing: existing ?? [], desired: addresses(input["desired"]), maximum: try input.number("maxEndpointsPerSlice"))
        return [
            ("createdSizes", listText(packing.created.map(\.count).sorted().map { String($0) })),
            ("updatedSizes", mapText(packing.updated.map { ($0.name, String($0.endpoints.count)) })),
            ("deleted", listText(packing.deleted.sorted())),
        ]
    }

    private static func addresses(_ node: YAMLNode?) -> [Address] {
        node?.elements.compactMap { $0.scalarText.map { Address(identity: $0) } } ?? []
    }
}
