// Tables of the kubelet's decisions.

import KubernetesAPI
import NodeAgent

enum NodeTables {
    // MARK: kubelet_eviction_rank

    static func evictionRank(_ input: YAMLNode) throws -> Answer {
        let pressure = try input.text("pressure")
        let pods: [YAMLNode] = input["pods"].map { Array($0.elements) } ?? []
        let ranking: EvictionRanking = pressure == "pid" ? .priorityThenUsage : .usageOverRequest
        let order = ranking.order(try pods.map { try candidate($0, pressure) })
        return [("evictionOrder", listText(try order.map { try pods[$0].text("name") }))]
    }

    private static func candidate(_ pod: YAMLNode, _ pressure: String) throws -> EvictionCandidate {
        let measured: [String]
        var request = 0
        switch pressure {
        case "memory":
            measured = ["workingSetMi"]
            request = try pod.number("memoryRequestMi")
        case "pid": measured = ["processes"]
        default:
            // disk-rootfs-logs-volumes: what is measured stands in the name; the cases have no volumes.
            measured = pressure.split(separator: "-").map(String.init).filter { ["rootfs", "logs"].contains($0) }.map { $0 + "Mi" }
            request = try pod.number("ephemeralRequestMi")
        }
        let hasFigures = pod["noStats"]?.scalarText != "true"
        return EvictionCandidate(
            priority: Int32(try pod.number("priority")),
            usage: hasFigures ? Int64(try measured.reduce(0) { try $0 + pod.number($1) }) : nil, request: Int64(request))
    }
}
