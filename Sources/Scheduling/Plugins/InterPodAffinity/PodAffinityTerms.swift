// Terms of pod affinity and anti-affinity, compiled once for all pods of a spec: which pods a term is about, and over which
// topology it speaks.

import KubernetesAPI

/// The pods that an affinity term is about: a selector of labels, and the namespaces it looks into.
struct AffinityTarget: Hashable, Sendable {
    /// Selects nothing where the term has no selector.
    let selector: Selector
    /// The namespaces listed.
    let namespaces: [String]
    /// Neither a list nor a selector of namespaces is given: the namespace of the pod that has the term.
    let isOwnNamespace: Bool
    /// Selects nothing where the term has no selector of namespaces.
    let namespaceSelector: Selector

    init(_ term: PodAffinityTerm) {
        selector = AffinityTarget.compile(term.labelSelector)
        namespaces = term.namespaces
        isOwnNamespace = term.namespaces.isEmpty && term.namespaceSelector == nil
        namespaceSelector = AffinityTarget.compile(term.namespaceSelector)
    }

    /// An absent selector selects nothing; so does one that the API server would not have let in.
    static func compile(_ selector: LabelSelector?) -> Selector {
        guard let selector, let compiled = try? selector.selector() else { return .nothing }
        return compiled
    }

    /// Whether the target of a term that a pod in the namespace `owner` has includes pods in `namespace` with these labels.
    /// - Parameter namespaceLabels: what a selector of namespaces is held against. nil: the namespace is not known, which only a
    ///   selector of all namespaces includes.
    func includes(_ labels: Labels, in namespace: String, owner: String, namespaceLabels: Labels?) -> Bool {
        guard looks(into: namespace, owner: owner, namespaceLabels: namespaceLabels) else { return false }
        return selector.matches(labels)
    }

    private func looks(into namespace: String, owner: String, namespaceLabels: Labels?) -> Bool {
        if isOwnNamespace { return namespace == owner }
        if namespaces.contains(namespace) || namespaceSelector.isEmpty { return true }
        guard let namespaceLabels else { return false }
        return namespaceSelector.matches(namespaceLabels)
    }
}

/// A term compiled against the columns of a ``NodeTable``.
struct CompiledAffinityTerm: Hashable, Sendable {
    /// The column of the topology key.
    let column: Int
    let target: AffinityTarget
    /// 0 for required terms.
    let weight: Int32

    init(_ term: PodAffinityTerm, weight: Int32 = 0, _ nodes: inout NodeTable) {
        column = nodes.column(of: term.topologyKey)
        target = AffinityTarget(term)
        self.weight = weight
    }
}

/// All terms of a pod spec about other pods.
struct PodAffinityTerms: Hashable, Sendable {
    let requiredAffinity: [CompiledAffinityTerm]
    let requiredAntiAffinity: [CompiledAffinityTerm]
    let preferredAffinity: [CompiledAffinityTerm]
    let preferredAntiAffinity: [CompiledAffinityTerm]

    init(_ affinity: Affinity, _ nodes: inout NodeTable) {
        func compile(_ terms: [PodAffinityTerm]) -> [CompiledAffinityTerm] {
            var result: [CompiledAffinityTerm] = []
            for term in terms { result.append(CompiledAffinityTerm(term, &nodes)) }
            return result
        }
        func compile(_ terms: [WeightedPodAffinityTerm]) -> [CompiledAffinityTerm] {
            var result: [CompiledAffinityTerm] = []
            for weighted in terms { result.append(CompiledAffinityTerm(weighted.term, weight: weighted.weight, &nodes)) }
            return result
        }
        requiredAffinity = compile(affinity.requiredPodAffinity)
        requiredAntiAffinity = compile(affinity.requiredPodAntiAffinity)
        preferredAffinity = compile(affinity.preferredPodAffinity)
        preferredAntiAffinity = compile(affinity.preferredPodAntiAffinity)
    }

    var hasRequired: Bool { !requiredAffinity.isEmpty || !requiredAntiAffinity.isEmpty }
    var hasPreferred: Bool { !preferredAffinity.isEmpty || !preferredAntiAffinity.isEmpty }
    var isEmpty: Bool { !hasRequired && !hasPreferred }
}

extension CompiledAffinityTerm {
    /// Whether a term of the pod that is to be placed is about a placed pod: a selector of namespaces includes those that exist.
    func includesPlaced(_ pod: LabelSetTable.Entry, owner: String, _ objects: ListedObjects) -> Bool {
        let known = objects.hasNamespace(pod.namespace) ? objects.labels(ofNamespace: pod.namespace) : nil
        return target.includes(pod.labels, in: pod.namespace, owner: owner, namespaceLabels: known)
    }

    /// Whether a term of a placed pod is about the pod that is to be placed. A namespace that does not exist has no labels, which some
    /// selectors match.
    func includesIncoming(_ pod: LabelSetTable.Entry, owner: String, _ objects: ListedObjects) -> Bool {
        target.includes(
            pod.labels, in: pod.namespace, owner: owner, namespaceLabels: objects.labels(ofNamespace: pod.namespace))
    }
}

extension [CompiledAffinityTerm] {
    /// Whether there are terms and all of them are about a placed pod.
    func allIncludePlaced(_ pod: LabelSetTable.Entry, owner: String, _ objects: ListedObjects) -> Bool {
        guard !isEmpty else { return false }
        for term in self where !term.includesPlaced(pod, owner: owner, objects) { return false }
        return true
    }
}

/// Terms of the pod that is to be placed, held against placed pods: against each label set once.
struct PlacedPodMatcher: Sendable {
    private let terms: [CompiledAffinityTerm]
    private let owner: String
    private var memo = LabelSetMemo()

    /// - Parameter owner: the namespace of the pod that has the terms.
    init(_ terms: [CompiledAffinityTerm], owner: String) {
        self.terms = terms
        self.owner = owner
    }

    /// Whether there are terms and all of them are about pods of this label set.
    @inline(__always)
    mutating func includes(_ labelSet: LabelSetNumber, in cluster: ClusterSnapshot) -> Bool {
        memo.holds(for: labelSet, in: cluster.labelSets) { terms.allIncludePlaced($0, owner: owner, cluster.objects) }
    }
}
