// The default profile written down node by node from the description of each plugin, without tables, batches or shapes:
// slow and obvious, to hold the real implementation against.

import KubernetesAPI

@testable import Scheduling

struct NaiveScheduler {
    let nodes: [Node]
    let pods: [Pod]

    private func pods(on node: Node) -> [Pod] { pods.filter { $0.nodeName == node.metadata.name } }

    // MARK: Filter

    /// Names of the nodes that can run the pod, with the total score of each (nil if only one can: none is scored).
    func decide(_ pod: Pod) -> [(node: String, total: Int64?)] {
        let feasible = nodes.filter { fits(pod, $0) }
        guard feasible.count > 1 else { return feasible.map { ($0.metadata.name, nil) } }
        let taints = normalise(feasible.map { softTaints(pod, $0) }, reversed: true)
        let preferences = normalise(feasible.map { preference(pod, $0) }, reversed: false)
        return feasible.indices.map { index in
            let node = feasible[index]
            var total = 3 * taints[index] + leastAllocated(pod, node) + imageLocality(pod, node)
            if !pod.spec.value.affinity.preferredNodeTerms.isEmpty { total += 2 * preferences[index] }
            total += balanced(pod, node)
            return (node.metadata.name, total)
        }
    }

    func fits(_ pod: Pod, _ node: Node) -> Bool {
        let spec = pod.spec.value
        if node.spec.unschedulable, !spec.tolerations.tolerate(Taint(key: Taint.unschedulable, effect: .noSchedule)) { return false }
        for taint in node.spec.taints where taint.effect != .preferNoSchedule && !spec.tolerations.tolerate(taint) { return false }
        for (key, value) in spec.nodeSelector where node.metadata.labels[key] != value { return false }
        if let required = spec.affinity.requiredNodeTerms, !required.matches(node) { return false }
        let neighbours = pods(on: node)
        for port in hostPorts(spec) {
            for neighbour in neighbours where hostPorts(neighbour.spec.value).contains(where: { $0.conflicts(with: port) }) { return false }
        }
        if Int64(neighbours.count + 1) > node.status.allocatable[.pods]?.value ?? 0 { return false }
        for (name, wanted) in spec.effectiveRequests where wanted.sign > 0 {
            var used = Quantity.zero
            for neighbour in neighbours { used += neighbour.spec.value.effectiveRequests[name] ?? .zero }
            if wanted > (node.status.allocatable[name] ?? .zero) - used { return false }
        }
        return true
    }

    private func hostPorts(_ spec: PodSpec) -> [HostPort] {
        (spec.containers + spec.initContainers.filter(\.isSidecar)).flatMap(\.ports).filter { $0.hostPort > 0 }.map {
            HostPort(address: $0.hostIP.isEmpty ? "0.0.0.0" : $0.hostIP, transport: $0.transport, port: $0.hostPort)
        }
    }

    // MARK: Score

    private func normalise(_ raw: [Int64], reversed: Bool) -> [Int64] {
        let largest = raw.max() ?? 0
        if largest == 0 { return raw.map { _ in reversed ? 100 : 0 } }
        return raw.map { reversed ? 100 - 100 * $0 / largest : 100 * $0 / largest }
    }

    private func softTaints(_ pod: Pod, _ node: Node) -> Int64 {
        let tolerations = pod.spec.value.tolerations.filter { $0.effect == nil || $0.effect == .preferNoSchedule }
        return Int64(node.spec.taints.filter { $0.effect == .preferNoSchedule && !tolerations.tolerate($0) }.count)
    }

    private func preference(_ pod: Pod, _ node: Node) -> Int64 {
        pod.spec.value.affinity.preferredNodeTerms.filter { $0.preference.matches(node) }.reduce(0) { $0 + Int64($1.weight) }
    }

    /// Sums with 100m and 200Mi for containers that ask for nothing.
    private func nonZero(_ spec: PodSpec, _ name: ResourceName, usesPodLevel: Bool) -> Int64 {
        func amount(_ quantity: Quantity) -> Int64 { name == .cpu ? quantity.milliValue : quantity.value }
        let podLevel = usesPodLevel ? spec.resources?.requests : nil
        let fallback = name == .cpu ? Quantity(milli: 100) : Quantity(bytes: 200 << 20)
        let isSomewhere = spec.effectiveRequests[name] != nil
        func own(_ container: Container) -> Quantity {
            container.resources.requests[name] ?? (podLevel == nil || podLevel?.isEmpty == true || !isSomewhere ? fallback : .zero)
        }
        var sidecars = Quantity.zero
        var peak = Quantity.zero
        for container in spec.initContainers {
            if container.isSidecar {
                sidecars += own(container)
                peak = max(peak, sidecars)
            } else {
                peak = max(peak, sidecars + own(container))
            }
        }
        var together = sidecars
        for container in spec.containers { together += own(container) }
        var total = max(together, peak)
        if let whole = podLevel?[name] { total = whole }
        return amount(total + (spec.overhead[name] ?? .zero))
    }

    private func leastAllocated(_ pod: Pod, _ node: Node) -> Int64 {
        var sum: Int64 = 0
        for name in [ResourceName.cpu, .memory] {
            let quantity = node.status.allocatable[name] ?? .zero
            let allocatable = name == .cpu ? quantity.milliValue : quantity.value
            var requested = nonZero(pod.spec.value, name, usesPodLevel: false)
            for neighbour in pods(on: node) { requested += nonZero(neighbour.spec.value, name, usesPodLevel: true) }
            if requested <= allocatable { sum += (allocatable - requested) * 100 / allocatable }
        }
        return sum / 2
    }

    private func balanced(_ pod: Pod, _ node: Node) -> Int64 {
        let asked = pod.spec.value.effectiveRequests
        if (asked[.cpu]?.isZero ?? true) && (asked[.memory]?.isZero ?? true) { return 0 }
        func fraction(_ name: ResourceName, _ extra: Quantity?) -> Double {
            func amount(_ quantity: Quantity?) -> Int64 { name == .cpu ? quantity?.milliValue ?? 0 : quantity?.value ?? 0 }
            var used = amount(extra)
            for neighbour in pods(on: node) { used += amount(neighbour.spec.value.effectiveRequests[name]) }
            return min(1, Double(used) / Double(amount(node.status.allocatable[name])))
        }
        let without = abs(fraction(.cpu, nil) - fraction(.memory, nil)) / 2
        let with = abs(fraction(.cpu, asked[.cpu]) - fraction(.memory, asked[.memory])) / 2
        return 50 + (50 + Int64((1 - with) * 100) - Int64((1 - without) * 100)) / 2
    }

    private func imageLocality(_ pod: Pod, _ node: Node) -> Int64 {
        let spec = pod.spec.value
        var sum: Int64 = 0
        for container in spec.initContainers + spec.containers {
            let name = container.image.hasSuffix("big") ? container.image + ":latest" : container.image
            func has(_ node: Node) -> ContainerImage? { node.status.images.first { $0.names.contains(name) } }
            guard has(node) != nil, let size = nodes.lazy.compactMap({ has($0)?.sizeBytes }).first else { continue }
            let share = Double(nodes.filter { has($0) != nil }.count) / Double(nodes.count)
            sum += Int64(Double(size) * share)
        }
        let (least, most) = (Int64(23) << 20, Int64(spec.initContainers.count + spec.containers.count) * (1000 << 20))
        return sum <= least ? 0 : 100 * (min(sum, most) - least) / (most - least)
    }
}
