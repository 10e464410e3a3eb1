// PodTopologySpread and InterPodAffinity written down from their description with dictionaries of texts, counting all over for every
// question: slow and obvious, to hold the plugins against.

import KubernetesAPI

#if canImport(Glibc)
    import Glibc
#endif

struct NaiveTopology {
    let nodes: [Node]
    var pods: [Pod]
    var namespaces: [String: Labels] = [:]
    var services: [Service] = []
    var replicaSets: [ReplicaSet] = []

    private func pods(on node: Node) -> [Pod] { pods.filter { $0.nodeName == node.metadata.name } }

    /// A place in a topology: a node's value of a label.
    private struct Domain: Hashable {
        let key: String
        let value: String
    }

    private func domain(_ key: String, _ node: Node) -> Domain? { node.metadata.labels[key].map { Domain(key: key, value: $0) } }

    // MARK: InterPodAffinity

    /// Whether a term of `owner` is about `other`. Namespaces that do not exist have no labels for terms of placed pods, and are
    /// not selected at all by terms of the pod that is to be placed.
    private func isAbout(_ term: PodAffinityTerm, of owner: Pod, _ other: Pod, isPlaced: Bool) -> Bool {
        guard let selector = term.labelSelector, selector.matches(other.metadata.labels) else { return false }
        let name = other.metadata.namespace
        if term.namespaces.isEmpty, term.namespaceSelector == nil { return name == owner.metadata.namespace }
        if term.namespaces.contains(name) { return true }
        guard let wanted = term.namespaceSelector else { return false }
        if wanted.isEmpty { return true }
        guard let labels = namespaces[name] else { return isPlaced && wanted.matches(Labels()) }
        return wanted.matches(labels)
    }

    func affinityObstacle(_ pod: Pod, _ node: Node) -> String? {
        let affinity = pod.spec.value.affinity
        var counts: [Domain: Int] = [:]
        var forbidden: Set<Domain> = []
        var forbiddenByOthers: Set<Domain> = []
        for place in nodes {
            for other in pods(on: place) {
                if affinity.requiredPodAffinity.allSatisfy({ isAbout($0, of: pod, other, isPlaced: false) }) {
                    for term in affinity.requiredPodAffinity {
                        if let domain = domain(term.topologyKey, place) { counts[domain, default: 0] += 1 }
                    }
                }
                for term in affinity.requiredPodAntiAffinity where isAbout(term, of: pod, other, isPlaced: false) {
                    if let domain = domain(term.topologyKey, place) { forbidden.insert(domain) }
                }
                for term in other.spec.value.affinity.requiredPodAntiAffinity where isAbout(term, of: other, pod, isPlaced: true) {
                    if let domain = domain(term.topologyKey, place) { forbiddenByOthers.insert(domain) }
                }
            }
        }
        let domains = affinity.requiredPodAffinity.map { domain($0.topologyKey, node) }
        let isFirst = counts.isEmpty && affinity.requiredPodAffinity.allSatisfy { isAbout($0, of: pod, pod, isPlaced: false) }
        if domains.contains(nil) || (!isFirst && domains.contains { $0.map { counts[$0] == nil } ?? false }) {
            return "node(s) didn't match pod affinity rules"
        }
        for term in affinity.requiredPodAntiAffinity {
            if let domain = domain(term.topologyKey, node), forbidden.contains(domain) {
                return "node(s) didn't match pod anti-affinity rules"
            }
        }
        if node.metadata.labels.contains(where: { forbiddenByOthers.contains(Domain(key: $0.key, value: $0.value)) }) {
            return "node(s) didn't satisfy existing pods anti-affinity rules"
        }
        return nil
    }

    /// Raw and normalised scores of feasible nodes; nil if no term has a say.
    func affinityScores(_ pod: Pod, _ feasible: [Node], hardWeight: Int64, ignoresOthers: Bool) -> (raw: [Int64], normalised: [Int64])? {
        let own = pod.spec.value.affinity
        if ignoresOthers, own.preferredPodAffinity.isEmpty, own.preferredPodAntiAffinity.isEmpty { return nil }
        var sums: [Domain: Int64] = [:]
        func add(_ weight: Int64, _ term: PodAffinityTerm, _ place: Node) {
            if let domain = domain(term.topologyKey, place) { sums[domain, default: 0] += weight }
        }
        for place in nodes {
            for other in pods(on: place) {
                let theirs = other.spec.value.affinity
                for item in own.preferredPodAffinity where isAbout(item.term, of: pod, other, isPlaced: false) {
                    add(Int64(item.weight), item.term, place)
                }
                for item in own.preferredPodAntiAffinity where isAbout(item.term, of: pod, other, isPlaced: false) {
                    add(-Int64(item.weight), item.term, place)
                }
                for item in theirs.preferredPodAffinity where isAbout(item.term, of: other, pod, isPlaced: true) {
                    add(Int64(item.weight), item.term, place)
                }
                for item in theirs.preferredPodAntiAffinity where isAbout(item.term, of: other, pod, isPlaced: true) {
                    add(-Int64(item.weight), item.term, place)
                }
                for term in theirs.requiredPodAffinity where hardWeight > 0 && isAbout(term, of: other, pod, isPlaced: true) {
                    add(hardWeight, term, place)
                }
            }
        }
        if sums.isEmpty { return nil }
        let raw = feasible.map { node in node.metadata.labels.reduce(0) { $0 + (sums[Domain(key: $1.key, value: $1.value)] ?? 0) } }
        let (least, most) = (raw.min() ?? 0, raw.max() ?? 0)
        return (raw, raw.map { most == least ? 0 : Int64(100 * (Double($0 - least) / Double(most - least))) })
    }

    // MARK: PodTopologySpread

    private struct Constraint {
        let rule: TopologySpreadConstraint
        /// Label selectors that must all match.
        var selectors: [LabelSelector]
        func matches(_ pod: Pod) -> Bool { rule.labelSelector != nil && selectors.allSatisfy { $0.matches(pod.metadata.labels) } }
        var isEmpty: Bool { selectors.allSatisfy(\.isEmpty) }
    }

    private func constraints(
        _ pod: Pod, _ action: TopologySpreadConstraint.Action, _ defaults: [TopologySpreadConstraint]
    ) -> [Constraint] {
        let own = pod.spec.value.topologySpreadConstraints
        if !own.isEmpty {
            return own.filter { $0.whenUnsatisfiable == action }.map { rule in
                var selectors = rule.labelSelector.map { [$0] } ?? []
                for key in rule.matchLabelKeys {
                    if let value = pod.metadata.labels[key] { selectors.append(LabelSelector(matchLabels: [key: value])) }
                }
                return Constraint(rule: rule, selectors: selectors)
            }
        }
        var selectors: [LabelSelector] = []
        for service in services where service.metadata.namespace == pod.metadata.namespace {
            guard let labels = service.selector else { continue }
            let selector = LabelSelector(matchLabels: labels)
            if selector.matches(pod.metadata.labels) { selectors.append(selector) }
        }
        for set in replicaSets where set.metadata.namespace == pod.metadata.namespace {
            if pod.metadata.controllerReference?.name == set.metadata.name { selectors.append(set.spec.selector) }
        }
        if selectors.allSatisfy(\.isEmpty) { return [] }
        return defaults.filter { $0.whenUnsatisfiable == action }.map { rule in
            var rule = rule
            rule.labelSelector = LabelSelector()
            return Constraint(rule: rule, selectors: selectors)
        }
    }

    private func count(_ constraint: Constraint, _ pod: Pod, on node: Node) -> Int {
        if constraint.isEmpty { return 0 }
        return pods(on: node).filter {
            $0.metadata.namespace == pod.metadata.namespace && !$0.metadata.isTerminating && constraint.matches($0)
        }.count
    }

    private func isIncluded(_ node: Node, _ constraint: Constraint, _ pod: Pod) -> Bool {
        let spec = pod.spec.value
        if constraint.rule.nodeAffinityPolicy == .honor {
            for (key, value) in spec.nodeSelector where node.metadata.labels[key] != value { return false }
            if let required = spec.affinity.requiredNodeTerms, !required.matches(node) { return false }
        }
        if constraint.rule.nodeTaintsPolicy == .honor {
            for taint in node.spec.taints where taint.effect != .preferNoSchedule && !spec.tolerations.tolerate(taint) { return false }
        }
        return true
    }

    func spreadObstacle(_ pod: Pod, _ node: Node, defaults: [TopologySpreadConstraint]) -> String? {
        let constraints = constraints(pod, .doNotSchedule, defaults)
        for constraint in constraints {
            var counts: [String: Int] = [:]
            for place in nodes where constraints.allSatisfy({ place.metadata.labels.has($0.rule.topologyKey) }) {
                guard isIncluded(place, constraint, pod), let value = place.metadata.labels[constraint.rule.topologyKey] else { continue }
                counts[value, default: 0] += count(constraint, pod, on: place)
            }
            var least = counts.values.min() ?? Int(Int32.max)
            if counts.count < Int(constraint.rule.minDomains ?? 1) { least = 0 }
            guard let value = node.metadata.labels[constraint.rule.topologyKey] else {
                return "node(s) didn't match pod topology spread constraints (missing required label)"
            }
            if (counts[value] ?? 0) + (constraint.matches(pod) ? 1 : 0) - least > Int(constraint.rule.maxSkew) {
                return "node(s) didn't match pod topology spread constraints"
            }
        }
        return nil
    }

    /// Raw and normalised scores of feasible nodes; nil if the pod has no soft constraints.
    func spreadScores(
        _ pod: Pod, _ feasible: [Node], defaults: [TopologySpreadConstraint], requiresAll: Bool
    ) -> (raw: [Int64], normalised: [Int64])? {
        let constraints = constraints(pod, .scheduleAnyway, defaults)
        if constraints.isEmpty { return nil }
        let requiresAll = requiresAll || !pod.spec.value.topologySpreadConstraints.isEmpty
        func isIgnored(_ node: Node) -> Bool {
            requiresAll && !constraints.allSatisfy { node.metadata.labels.has($0.rule.topologyKey) }
        }
        let scored = feasible.filter { !isIgnored($0) }
        var sums = [Double](repeating: 0, count: feasible.count)
        for constraint in constraints {
            let key = constraint.rule.topologyKey
            let isHostname = key == Node.hostnameLabel
            let values = Set(scored.map { $0.metadata.labels[key] ?? "" })
            let weight = log(Double((isHostname ? scored.count : values.count) + 2))
            for (index, node) in feasible.enumerated() where !isIgnored(node) && node.metadata.labels.has(key) {
                var pods = 0
                if isHostname {
                    pods = count(constraint, pod, on: node)
                } else {
                    for place in nodes where (place.metadata.labels[key] ?? "") == node.metadata.labels[key] {
                        if !isIgnored(place), isIncluded(place, constraint, pod) { pods += count(constraint, pod, on: place) }
                    }
                }
                sums[index] += Double(pods) * weight + Double(constraint.rule.maxSkew - 1)
            }
        }
        let raw = sums.map { Int64($0.rounded(.toNearestOrAwayFromZero)) }
        let counted = zip(feasible, raw).filter { !isIgnored($0.0) }.map(\.1)
        let (least, most) = (counted.min() ?? 0, counted.max() ?? 0)
        return (raw, zip(feasible, raw).map { isIgnored($0.0) ? 0 : most == 0 ? 100 : 100 * (most + least - $0.1) / most })
    }
}
