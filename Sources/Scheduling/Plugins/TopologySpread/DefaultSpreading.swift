// The constraints of pods that have none: those of the profile, over the pods of the same services and the same owner.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#cluster-level-default-constraints>

import KubernetesAPI

/// The constraints that hold for pods under one profile's arguments.
struct SpreadRules: Sendable {
    private let defaults: [CompiledSpreadConstraint]
    /// The built-in defaults: they hold also for nodes that lack a topology label.
    private let usesSystemDefaults: Bool

    init(_ arguments: PodTopologySpreadArguments, _ nodes: inout NodeTable) {
        usesSystemDefaults = arguments.defaultingType == .system
        defaults = CompiledSpreadConstraint.compile(
            usesSystemDefaults ? SpreadRules.systemDefaults : arguments.defaultConstraints, &nodes)
    }

    private static let systemDefaults = [
        TopologySpreadConstraint(maxSkew: 3, topologyKey: Node.hostnameLabel, whenUnsatisfiable: .scheduleAnyway, labelSelector: nil),
        TopologySpreadConstraint(maxSkew: 5, topologyKey: Node.zoneLabel, whenUnsatisfiable: .scheduleAnyway, labelSelector: nil),
    ]

    /// The hard or the soft constraints of a pod: its own, or the defaults if it has none at all.
    func constraints(
        of pod: PodInfo, _ action: TopologySpreadConstraint.Action, in cluster: ClusterSnapshot
    ) -> [SpreadConstraint] {
        let labels = cluster.labelSets[pod.labelSet].labels
        if !pod.shape.spreadConstraints.isEmpty {
            return pod.shape.spreadConstraints.compactMap { $0.action == action ? $0.resolved(for: labels) : nil }
        }
        guard defaults.contains(where: { $0.action == action }) else { return [] }
        let selector = SpreadRules.defaultSelector(of: pod.pod.value, cluster.objects)
        guard !selector.isEmpty else { return [] }
        return defaults.compactMap { $0.action == action ? $0.resolved(with: selector, for: labels) : nil }
    }

    /// Whether nodes that lack one of the keys are left out of scoring.
    func requiresAllKeys(_ shape: PodShape) -> Bool { !shape.spreadConstraints.isEmpty || !usesSystemDefaults }

    /// Selects the pods that belong together with a pod: by the selectors of all services that select it, and by that of the
    /// ReplicaSet, StatefulSet or ReplicationController that controls it. Empty if there is none of these.
    static func defaultSelector(of pod: Pod, _ objects: ListedObjects) -> Selector {
        let namespace = pod.metadata.namespace
        var labels = Labels()
        for service in objects.services[namespace] {
            guard let selector = service.value.selector, Selector(matching: selector).matches(pod.metadata.labels) else { continue }
            labels.merge(selector)
        }
        guard let owner = pod.metadata.controllerReference else { return Selector(matching: labels) }
        var ownSelector: LabelSelector?
        switch (owner.apiVersion, owner.kind) {
        case ("v1", "ReplicationController"):
            if let controller = objects.replicationControllers[namespace, owner.name] { labels.merge(controller.value.selector) }
        case ("apps/v1", "ReplicaSet"): ownSelector = objects.replicaSets[namespace, owner.name]?.value.spec.selector
        case ("apps/v1", "StatefulSet"): ownSelector = objects.statefulSets[namespace, owner.name]?.value.spec.selector
        default: break
        }
        let selector = Selector(matching: labels)
        guard let ownSelector, let added = try? ownSelector.selector() else { return selector }
        return Selector(selector.requirements + added.requirements)
    }
}
