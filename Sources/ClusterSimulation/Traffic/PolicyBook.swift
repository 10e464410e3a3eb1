// What network policies make of the ends of connections that a simulation has met.
//
// Policies look at labels, namespaces, names of ports and ranges of addresses, and at few of these. Ends that differ in nothing a policy looks at
// are one class, and each pair of classes is judged once: the cost follows the number of kinds of pods, not that of pods.

import KubernetesAPI
import ServiceNetwork

/// Ends of connections, their classes, and which connections policies deny.
struct PolicyBook: Sendable {
    /// Hosts outside of the cluster that are known by a name, and a controller that is no pod: no address of theirs is known.
    static let unknown = PolicyPeer(pod: nil, address: 0)

    /// Who makes connections, or (with a port) who takes them.
    private struct End: Hashable {
        var peer: PolicyPeer
        var port: Int32?
        var transport: TransportProtocol
    }

    /// What the policies can tell of an end.
    private struct Appearance: Hashable {
        var pod: PolicyPeer.PodIdentity?
        var blocks: [Bool]
        var port: Int32?
        var transport: TransportProtocol
    }

    private(set) var policies: [Shared<NetworkPolicy>] = []
    private var view = PolicyView([])
    /// The ends met so far: their numbers are theirs for ever.
    private var ends: [End] = []
    private var numbers: [End: Int32] = [:]
    /// An end of each class, and the classes by what the policies see.
    private var examples: [End] = []
    private var classNumbers: [Appearance: Int32] = [:]
    /// By the number of an end.
    private(set) var classes: [Int32] = []
    private(set) var denied: Set<DeniedFlow> = []

    mutating func set(_ policy: Shared<NetworkPolicy>, isGone: Bool) {
        policies.removeAll { $0.value.metadata.key == policy.value.metadata.key }
        if !isGone { policies.append(policy) }
        view = PolicyView(policies.map(\.value))
        examples = []
        classNumbers = [:]
        denied = []
        classes = []
        for end in ends { classes.append(classify(end)) }
    }

    /// The number of somebody who makes connections: equal ones have one.
    mutating func sender(_ peer: PolicyPeer) -> Int32 { number(of: End(peer: peer, port: nil, transport: .tcp)) }

    /// Numbers of many who make connections and have addresses in a row: the first one's, which the others' follow.
    mutating func senders(from first: UInt32, count: Int) -> Int32 {
        let number = Int32(ends.count)
        for place in 0..<count {
            let end = End(peer: PolicyPeer(pod: nil, address: first &+ UInt32(truncatingIfNeeded: place)), port: nil, transport: .tcp)
            ends.append(end)
            classes.append(classify(end))
        }
        return number
    }

    /// The number of somebody who takes connections at a port of a pod.
    mutating func receiver(_ peer: PolicyPeer, port: Int32, _ transport: TransportProtocol) -> Int32 {
        number(of: End(peer: peer, port: port, transport: transport))
    }

    private mutating func number(of end: End) -> Int32 {
        if let known = numbers[end] { return known }
        let number = Int32(ends.count)
        ends.append(end)
        numbers[end] = number
        classes.append(classify(end))
        return number
    }

    private mutating func classify(_ end: End) -> Int32 {
        let appearance = Appearance(
            pod: end.peer.pod.map { view.identity(of: $0) }, blocks: view.blocks(holding: end.peer.address), port: end.port,
            transport: end.transport)
        if let known = classNumbers[appearance] { return known }
        let number = Int32(examples.count)
        examples.append(end)
        classNumbers[appearance] = number
        judge(number)
        return number
    }

    /// Judges the connections between a new class and all others.
    private mutating func judge(_ number: Int32) {
        let decision = PolicyDecision(policies.map(\.value))
        let own = examples[Int(number)]
        for (other, end) in examples.enumerated() where (own.port == nil) != (end.port == nil) {
            let (from, to) = own.port == nil ? (own, end) : (end, own)
            guard let port = to.port, !decision.allows(from: from.peer, to: to.peer, port: port, transport: to.transport) else { continue }
            let flow = own.port == nil ? DeniedFlow(from: number, to: Int32(other)) : DeniedFlow(from: Int32(other), to: number)
            denied.insert(flow)
        }
    }
}

/// What a set of policies looks at.
private struct PolicyView: Sendable {
    private var labelKeys: Set<String> = []
    private var namespaceKeys: Set<String> = []
    private var portNames: Set<String> = []
    /// The ranges of addresses, each once.
    private var ranges: [AddressRange] = []

    init(_ policies: [NetworkPolicy]) {
        for policy in policies {
            labelKeys.formUnion(policy.podSelector.keys)
            for rule in policy.ingress + policy.egress {
                for peer in rule.peers { add(peer) }
                for case .string(let name)? in rule.ports.map(\.port) { portNames.insert(name) }
            }
        }
    }

    private mutating func add(_ peer: NetworkPolicy.Peer) {
        labelKeys.formUnion(peer.podSelector?.keys ?? [])
        namespaceKeys.formUnion(peer.namespaceSelector?.keys ?? [])
        guard let block = peer.block else { return }
        for range in ([block.range] + block.except).compactMap({ AddressRange($0) }) where !ranges.contains(range) { ranges.append(range) }
    }

    /// A pod without what no policy looks at.
    func identity(of pod: PolicyPeer.PodIdentity) -> PolicyPeer.PodIdentity {
        PolicyPeer.PodIdentity(
            namespace: pod.namespace, labels: kept(pod.labels, labelKeys), namespaceLabels: kept(pod.namespaceLabels, namespaceKeys),
            ports: pod.ports.filter { portNames.contains($0.name) })
    }

    private func kept(_ labels: Labels, _ keys: Set<String>) -> Labels {
        Labels(labels.lazy.filter { keys.contains($0.key) }.map { ($0.key, $0.value) })
    }

    /// Which of the ranges an address is in.
    func blocks(holding address: UInt32) -> [Bool] { ranges.map { $0.contains(address) } }
}

extension LabelSelector {
    /// The keys of the labels that it looks at.
    fileprivate var keys: [String] { matchLabels.keys + matchExpressions.map(\.key) }
}
