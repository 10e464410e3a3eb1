// Whom the kernel kills when memory runs out, and what the kubelet has told it of its containers.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-out-of-memory-behavior>

import DiscreteEvents
import KubernetesAPI

/// The kernel's choice on a node without memory.
enum OutOfMemory {
    /// Memory is accounted for in pages.
    static let pageSize: Int64 = 4096

    private static let guaranteed = -997
    private static let bestEffort = 1000

    /// `oom_score_adj` of a container's processes.
    static func adjustment(of container: Container, in spec: PodSpec, memoryCapacity: Int64) -> Int {
        if (spec.priority ?? 0) >= criticalPriority, spec.priorityClassName == "system-node-critical" { return guaranteed }
        switch spec.qualityOfService {
        case .guaranteed: return guaranteed
        case .bestEffort: return bestEffort
        case .burstable: break
        }
        func score(_ request: Int64) -> Int { 1000 - Int(request.multipliedSaturated(by: 1000) / max(1, memoryCapacity)) }
        var result = score(request(of: container, in: spec))
        // A sidecar lives at least as long as the containers it serves.
        if container.isSidecar, let least = spec.containers.map({ request(of: $0, in: spec) }).min() { result = min(result, score(least)) }
        // Between any Guaranteed and any BestEffort container.
        return min(max(result, 1000 + guaranteed), bestEffort - 1)
    }

    /// What is requested for a container; of a request for the whole pod it has an equal part of what no container claims.
    private static func request(of container: Container, in spec: PodSpec) -> Int64 {
        let own = container.resources.requests[.memory]?.value ?? 0
        guard let whole = spec.resources?.requests[.memory]?.value else { return own }
        let claimed = spec.aggregate { $0.resources.requests }[.memory]?.value ?? 0
        let sharing = spec.containers.count + spec.initContainers.count { $0.isSidecar }
        return own + max(0, whole - claimed) / Int64(max(1, sharing))
    }

    /// How bad a process that uses so many bytes is (`oom_badness`), in pages.
    static func badness(bytes: Int64, adjustment: Int, capacity: Int64) -> Int64 {
        bytes / pageSize + Int64(adjustment) * (capacity / pageSize / 1000)
    }

    /// The place of the worst; of equal ones the youngest. nil: there is none.
    static func victim(among candidates: [(badness: Int64, since: SimulatedTime)]) -> Int? {
        candidates.indices.max { first, second in
            let (one, other) = (candidates[first], candidates[second])
            return (one.badness, one.since, first) < (other.badness, other.since, second)
        }
    }
}

/// The priority from which on a pod is critical (`system-cluster-critical`).
let criticalPriority: Int32 = 2_000_000_000
