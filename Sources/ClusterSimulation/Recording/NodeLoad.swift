// What is requested on each node, kept up to date with every commit.

import DiscreteEvents
import KubernetesAPI

/// Requests and allocatable resources per node, as vectors over the resources the cluster has: millicores of cpu, base units of
/// all else. Whole numbers, so that what comes and goes leaves nothing behind; they wrap rather than trap at absurd sizes.
struct NodeLoad: Sendable {
    struct Entry: Sendable {
        var name: String
        var exists = true
        var ready = false
        var allocatable: [Int64]
        var requested: [Int64]
        /// Integral of requested / allocatable over time, in seconds.
        var integral: [Double]
        var updated: SimulatedTime
        /// The pods bound to the node, terminal ones too, in order of binding.
        var pods: [NamespacedName] = []
        /// Pods that hold resources.
        var active = 0
        var peak = 0
        var started = 0
        var notReadySince: SimulatedTime?
        var notReady = SimulatedDuration.zero
    }

    /// cpu, memory, then others in order of appearance.
    private(set) var resources: [ResourceName] = [.cpu, .memory]
    private(set) var entries: [Entry] = []
    private var numbers: [String: Int32] = [:]
    /// Requests of specs seen before, by identity; the specs are kept so that identities stay theirs.
    private var requests: [ObjectIdentifier: (spec: Shared<PodSpec>, vector: [Int64])] = [:]

    func number(of node: String) -> Int? { numbers[node].map(Int.init) }

    /// Adds a node or takes note of a new version of it. Returns its number.
    mutating func observe(_ node: Node, at now: SimulatedTime) -> Int {
        for (name, _) in node.status.allocatable where name != .pods && !resources.contains(name) { resources.append(name) }
        let allocatable = vector(node.status.allocatable)
        let number: Int
        if let known = self.number(of: node.metadata.name) {
            number = known
            settle(number, at: now)
            entries[number].exists = true
            entries[number].allocatable = allocatable
        } else {
            number = entries.count
            numbers[node.metadata.name] = Int32(number)
            entries.append(
                Entry(
                    name: node.metadata.name, allocatable: allocatable, requested: [], integral: [], updated: now))
        }
        return number
    }

    mutating func setReady(_ ready: Bool, _ number: Int, at now: SimulatedTime) {
        if ready, let since = entries[number].notReadySince {
            entries[number].notReady += now - since
            entries[number].notReadySince = nil
        } else if !ready, entries[number].notReadySince == nil {
            entries[number].notReadySince = now
        }
        entries[number].ready = ready
    }

    mutating func remove(_ number: Int, at now: SimulatedTime) {
        settle(number, at: now)
        setReady(true, number, at: now)
        entries[number].ready = false
        entries[number].exists = false
    }

    mutating func bind(_ pod: Pod, to number: Int, at now: SimulatedTime) {
        entries[number].pods.append(pod.metadata.key)
        hold(pod, number, sign: 1, at: now)
        entries[number].started += 1
    }

    /// The pod's containers are over; the object may stay.
    mutating func release(_ pod: Pod, from number: Int, at now: SimulatedTime) { hold(pod, number, sign: -1, at: now) }

    mutating func forget(_ pod: Pod, from number: Int) {
        if let index = entries[number].pods.firstIndex(of: pod.metadata.key) { entries[number].pods.remove(at: index) }
    }

    private mutating func hold(_ pod: Pod, _ number: Int, sign: Int64, at now: SimulatedTime) {
        settle(number, at: now)
        let wanted = requests(of: pod.spec)
        if entries[number].requested.count < wanted.count {
            entries[number].requested += Array(repeating: 0, count: wanted.count - entries[number].requested.count)
        }
        for index in wanted.indices where wanted[index] != 0 { entries[number].requested[index] &+= sign &* wanted[index] }
        entries[number].active += Int(sign)
        entries[number].peak = max(entries[number].peak, entries[number].active)
    }

    private mutating func requests(of spec: Shared<PodSpec>) -> [Int64] {
        let identity = ObjectIdentifier(spec)
        if let known = requests[identity] { return known.vector }
        let list = spec.value.effectiveRequests
        for (name, _) in list where !resources.contains(name) { resources.append(name) }
        let vector = vector(list)
        if requests.count >= 65_536 { requests.removeAll() }
        requests[identity] = (spec, vector)
        return vector
    }

    /// What a pod asks for, by resource as far as it was known then: millicores, and base units of all else.
    mutating func demand(of spec: Shared<PodSpec>) -> [Int64] { requests(of: spec) }

    /// A node's allocatable, in base units.
    func allocatable(_ name: ResourceName, of number: Int) -> Double {
        guard let index = resources.firstIndex(of: name), index < entries[number].allocatable.count else { return 0 }
        return Double(entries[number].allocatable[index]) / (name == .cpu ? 1000 : 1)
    }

    private func vector(_ list: ResourceList) -> [Int64] {
        resources.map { name in list[name].map { name == .cpu ? $0.milliValue : $0.value } ?? 0 }
    }

    /// Brings the integral of utilisation up to date.
    mutating func settle(_ number: Int, at now: SimulatedTime) {
        let span = (now - entries[number].updated).seconds
        entries[number].updated = now
        guard span > 0 else { return }
        if entries[number].integral.count < entries[number].requested.count {
            entries[number].integral += Array(
                repeating: 0, count: entries[number].requested.count - entries[number].integral.count)
        }
        for index in entries[number].requested.indices where index < entries[number].allocatable.count {
            let allocatable = entries[number].allocatable[index]
            guard allocatable > 0, entries[number].requested[index] != 0 else { continue }
            entries[number].integral[index] += Double(entries[number].requested[index]) / Double(allocatable) * span
        }
    }

    /// Nodes with a pod that holds resources.
    var usedNodes: Int { entries.reduce(0) { $0 + ($1.exists && $1.active > 0 ? 1 : 0) } }

    /// Sums, mean utilisation and imbalance per resource over the nodes that exist.
    func summary() -> [ClusterSample.Resource] {
        resources.indices.compactMap { index in
            var requested = 0.0
            var allocatable = 0.0
            var shares: [Double] = []
            var used: [Double] = []
            for entry in entries where entry.exists && index < entry.allocatable.count && entry.allocatable[index] > 0 {
                let held = index < entry.requested.count ? Double(entry.requested[index]) : 0
                requested += held
                allocatable += Double(entry.allocatable[index])
                shares.append(held / Double(entry.allocatable[index]))
                if entry.active > 0 { used.append(held / Double(entry.allocatable[index])) }
            }
            guard !shares.isEmpty else { return nil }
            let unit = resources[index] == .cpu ? 1000.0 : 1
            let mean = shares.reduce(0, +) / Double(shares.count)
            let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(shares.count)
            return ClusterSample.Resource(
                name: resources[index], requested: requested / unit, allocatable: allocatable / unit, utilisation: mean,
                imbalance: mean > 0 ? variance.squareRoot() / mean : 0,
                usedUtilisation: used.isEmpty ? nil : used.reduce(0, +) / Double(used.count))
        }
    }
}
