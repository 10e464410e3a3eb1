// node_order: in which order nodes are looked at, and how many.

import KubernetesAPI
import Scheduling

enum NodeOrderTable {
    static func difference(_ input: YAMLNode, _ want: YAMLNode) throws -> LoopDifference? {
        switch try input.text("kind") {
        case "order": return try order(input, want)
        case "numFeasibleNodesToFind": return try numbers(input, want)
        case "sampling": return try sampling(input, want)
        case let kind: throw MalformedCase("unknown kind \(kind)")
        }
    }

    // MARK: The node list

    private static func order(_ input: YAMLNode, _ want: YAMLNode) throws -> LoopDifference? {
        var cache = SchedulerCache()
        var pods: [String: UID] = [:]
        for (number, (step, expected)) in zip(input["steps"]?.elements ?? want.elements, want.elements).enumerated() {
            let operation = try step.text("op")
            switch operation {
            case "add", "update":
                guard let node = step["obj"] else { throw MalformedCase("a step without obj") }
                switch try ReplayedObjects.object(node) {
                case .node(let node): cache.setNode(node)
                case .pod(let pod):
                    cache.setPod(pod)
                    pods[pod.value.metadata.key.description] = pod.value.metadata.uid
                default: break
                }
            case "delete":
                let name = try step.text("name")
                if try step.text("kind") == "Node" { cache.removeNode(name) } else if let uid = pods[name] { cache.removePod(uid) }
            default: break
            }
            guard step["snapshotAfter"]?.scalarText == "true" || operation == "snapshot" else { continue }
            cache.refreshOrder()
            let names = cache.nodes.order.map { cache.nodes.names[$0] }
            if let difference = LoopDifference.between(
                listText(expected["order"]?.elements.compactMap(\.scalarText) ?? []), listText(names), at: "step \(number)")
            {
                return difference
            }
        }
        return nil
    }

    // MARK: How many

    private static func numbers(_ input: YAMLNode, _ want: YAMLNode) throws -> LoopDifference? {
        let rows = input["rows"].map { Array($0.elements) } ?? []
        let got = try rows.map { row in
            let percentage = row["profile"].flatMap { $0.isNull ? nil : $0.scalarText }.flatMap { Int($0) }
            return NodeSampling.feasibleNodesToFind(nodes: try row.number("n"), percentage: try percentage ?? row.number("global"))
        }
        return LoopDifference.between(want["numNodes"]?.comparisonText ?? "", listText(got.map { String($0) }))
    }

    // MARK: Sampling

    private static func sampling(_ input: YAMLNode, _ want: YAMLNode) throws -> LoopDifference? {
        var configuration = SchedulerConfiguration()
        configuration.percentageOfNodesToScore = Int32(try input.number("percentageOfNodesToScore"))
        configuration.profiles[0].percentageOfNodesToScore = input["profilePercentageOfNodesToScore"]?.scalarText.flatMap { Int32($0) }
        if input["noScorePlugins"]?.scalarText == "true" {
            configuration.profiles[0].plugins = [.preScore, .score].map { ExtensionPointConfiguration($0, disabled: ["*"]) }
        }
        guard let template = input["nodeTemplate"], case .node(let node) = try ReplayedObjects.object(template) else {
            throw MalformedCase("no nodeTemplate")
        }
        let nodes = zip(try input.text("zones"), try input.text("big")).enumerated().map { index, kind in
            var copy = node.value
            let digits = String(index)
            copy.metadata.name = "n" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            copy.metadata.labels["kubernetes.io/hostname"] = copy.metadata.name
            copy.metadata.labels[Node.zoneLabel] = String(kind.0)
            copy.status.allocatable[.cpu] = Quantity(kind.1 == "1" ? 8 : 1)
            return copy
        }
        var maker = try DecisionMaker(configuration: configuration, nodes: nodes, pods: [])
        let order = maker.nodeOrder()
        if let difference = LoopDifference.between(try want.text("orderSha256"), Digest.hexSHA256(joined(order)), at: "node order") {
            return difference
        }
        var start: Int? = try input.number("startIndex")
        let results = want["results"].map { Array($0.elements) } ?? []
        for (number, (podNode, expected)) in zip(input["pods"]?.elements ?? want.elements, results).enumerated() {
            guard case .pod(let pod) = try ReplayedObjects.object(podNode), let found = maker.search(pod.value, from: start) else {
                throw MalformedCase("no pod")
            }
            start = nil
            var got: Answer = [
                ("feasible", String(found.feasible.count)), ("infeasibleVisited", String(found.infeasible.count)),
                ("nextStartIndex", String(found.nextStartNodeIndex)),
                ("feasibleSha256", Digest.hexSHA256(joined(found.feasible))),
                ("infeasibleSha256", Digest.hexSHA256(joined(found.infeasible.sorted()))),
                ("feasibleNodes", listText(found.feasible)),
            ]
            if let first = found.feasible.first, let last = found.feasible.last { got += [("first", first), ("last", last)] }
            // Long lists are recorded by their digests only.
            let fields = expected.entries.map(\.key)
            let texts = got.filter { fields.contains($0.field) }.map { $0.field + "=" + $0.text }.sorted()
            let recorded = expected.entries.map { entry in
                let isNone = entry.key == "feasibleNodes" && entry.value.isNull
                return entry.key + "=" + (isNone ? "[]" : entry.value.comparisonText)
            }
            if let difference = LoopDifference.between(
                recorded.sorted().joined(separator: " "), texts.joined(separator: " "), at: "pod \(number)")
            {
                return difference
            }
        }
        return nil
    }

    private static func joined(_ names: [String]) -> String { names.joined(separator: "\n") }
}
