// NodeResourcesBalancedAllocation: better where the pod makes the utilisation of the resources more equal.

import KubernetesAPI

struct BalancedAllocationPlugin: PreScorePlugin, ScorePlugin {
    static let name = "NodeResourcesBalancedAllocation"
    var name: String { BalancedAllocationPlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { .node }

    private let resources: [ResourceReference]

    init(_ arguments: BalancedAllocationArguments, _ nodes: inout NodeTable) {
        var resources: [ResourceReference] = []
        for name in arguments.resources { resources.append(nodes.reference(to: name)) }
        self.resources = resources
    }

    /// A pod that asks for none of the resources changes no balance.
    func preScore(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot) -> PreScoreOutcome {
        resources.contains { amount(of: $0, pod.shape.requests) > 0 } ? .proceed(nil) : .skip
    }

    private func amount(of resource: ResourceReference, _ amounts: ResourceAmounts) -> Int64 {
        switch resource {
        case .cpu: amounts.milliCPU
        case .memory: amounts.memory
        case .ephemeralStorage: amounts.ephemeralStorage
        case .scalar(let number): amounts.scalar(number)
        case .uncounted: 0
        }
    }

    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        let asked = pod.shape.requests
        if resources == [.cpu, .memory] {
            let rows = cluster.nodes.resources
            for index in feasible.indices {
                let row = rows[feasible[index]]
                scores[index] = BalancedAllocationPlugin.score(
                    without: BalancedAllocationPlugin.balance(row, 0, 0),
                    with: BalancedAllocationPlugin.balance(row, asked.milliCPU, asked.memory))
            }
            return
        }
        for index in feasible.indices {
            scores[index] = BalancedAllocationPlugin.score(
                without: balance(asked, feasible[index], cluster.nodes, includingPod: false),
                with: balance(asked, feasible[index], cluster.nodes, includingPod: true))
        }
    }

    /// 50 for a pod that changes nothing, up to 100 or down to 0 with the balance it makes or breaks.
    private static func score(without: Int64, with: Int64) -> Int64 {
        let neutral = NodeScore.maximum / 2
        return neutral + (neutral + with - without) / 2
    }

    /// 100 for equal utilisation, less with its deviation; the case of cpu and memory.
    @inline(__always)
    private static func balance(_ row: NodeResources, _ milliCPU: Int64, _ memory: Int64) -> Int64 {
        guard row.allocatableMilliCPU > 0, row.allocatableMemory > 0 else { return NodeScore.maximum }
        let cpu = min(1, Double(ResourceAmounts.sum(row.requestedMilliCPU, milliCPU)) / Double(row.allocatableMilliCPU))
        let mem = min(1, Double(ResourceAmounts.sum(row.requestedMemory, memory)) / Double(row.allocatableMemory))
        return Int64((1 - abs(cpu - mem) / 2) * Double(NodeScore.maximum))
    }

    private func balance(_ asked: ResourceAmounts, _ node: NodeSlot, _ nodes: NodeTable, includingPod: Bool) -> Int64 {
        let row = nodes.resources[node]
        var fractions: [Double] = []
        for resource in resources {
            let (allocatable, requested): (Int64, Int64)
            switch resource {
            case .cpu: (allocatable, requested) = (row.allocatableMilliCPU, row.requestedMilliCPU)
            case .memory: (allocatable, requested) = (row.allocatableMemory, row.requestedMemory)
            case .ephemeralStorage: (allocatable, requested) = (row.allocatableEphemeralStorage, row.requestedEphemeralStorage)
            case .scalar(let number):
                guard asked.scalar(number) > 0 else { continue }
                (allocatable, requested) = (nodes.allocatable(number, on: node), nodes.requested(number, on: node))
            case .uncounted: continue
            }
            guard allocatable > 0 else { continue }
            let total = ResourceAmounts.sum(requested, includingPod ? amount(of: resource, asked) : 0)
            fractions.append(min(1, Double(total) / Double(allocatable)))
        }
        return Int64((1 - BalancedAllocationPlugin.deviation(fractions)) * Double(NodeScore.maximum))
    }

    /// The population's standard deviation; of two values half their distance, of fewer 0.
    private static func deviation(_ fractions: [Double]) -> Double {
        switch fractions.count {
        case 0, 1: return 0
        case 2: return abs(fractions[0] - fractions[1]) / 2
        default:
            let count = Double(fractions.count)
            let mean = fractions.reduce(0, +) / count
            var sum = 0.0
            for fraction in fractions { sum += (fraction - mean) * (fraction - mean) }
            return (sum / count).squareRoot()
        }
    }
}
