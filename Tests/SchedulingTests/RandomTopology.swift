// Labels, namespaces, affinity terms and spread constraints for the pods of random clusters.

import DiscreteEvents
import KubernetesAPI

extension RandomCluster {
    static let namespaces = ["default", "team-a", "team-b", "unknown"]
    static let namespaceLabels: [String: Labels] = [
        "default": ["env": "prod"], "team-a": ["env": "prod", "team": "a"], "team-b": ["env": "dev", "team": "b"],
    ]
    private static let keys = [Node.zoneLabel, Node.hostnameLabel, "disk", "generation", "rack"]

    /// The pod with a namespace, labels and an owner, and terms about others of its kind.
    mutating func withTopology(_ pod: Pod) -> Pod {
        var pod = pod
        pod.metadata.namespace = chance(50) ? "default" : pick(RandomCluster.namespaces)
        pod.metadata.labels["app"] = pick(["web", "db", "cache"])
        if chance(60) { pod.metadata.labels["tier"] = pick(["front", "back"]) }
        if chance(40) { pod.metadata.labels["version"] = pick(["1", "2"]) }
        if chance(50) {
            pod.metadata.ownerReferences = [
                OwnerReference(
                    apiVersion: "apps/v1", kind: "ReplicaSet", name: pick(["set-0", "set-1", "gone"]), uid: UID("o"), controller: true)
            ]
        }
        var spec = pod.spec.value
        if chance(25) { spec.affinity.requiredPodAffinity = (0...below(2)).map { _ in podTerm() } }
        if chance(25) { spec.affinity.requiredPodAntiAffinity = (0...below(2)).map { _ in podTerm() } }
        if chance(30) {
            spec.affinity.preferredPodAffinity = (0...below(2)).map { _ in
                WeightedPodAffinityTerm(weight: Int32(1 + below(100)), term: podTerm())
            }
        }
        if chance(30) {
            spec.affinity.preferredPodAntiAffinity = (0...below(2)).map { _ in
                WeightedPodAffinityTerm(weight: Int32(1 + below(100)), term: podTerm())
            }
        }
        if chance(50) { for _ in 0...below(3) { spec.topologySpreadConstraints.append(constraint(.doNotSchedule)) } }
        if chance(30) { for _ in 0...below(2) { spec.topologySpreadConstraints.append(constraint(.scheduleAnyway)) } }
        pod.spec = Shared(spec)
        return pod
    }

    /// Default constraints as a profile may have them.
    mutating func defaultConstraints() -> [TopologySpreadConstraint] {
        (0...below(2)).map { _ in
            var result = constraint(pick([.doNotSchedule, .scheduleAnyway]))
            result.labelSelector = nil
            result.matchLabelKeys = []
            return result
        }
    }

    private mutating func constraint(_ action: TopologySpreadConstraint.Action) -> TopologySpreadConstraint {
        var result = TopologySpreadConstraint(
            maxSkew: Int32(1 + below(3)), topologyKey: pick(RandomCluster.keys), whenUnsatisfiable: action,
            labelSelector: chance(5) ? nil : selector())
        if action == .doNotSchedule, chance(20) { result.minDomains = Int32(1 + below(5)) }
        if chance(30) { result.nodeAffinityPolicy = .ignore }
        if chance(30) { result.nodeTaintsPolicy = .honor }
        if result.labelSelector != nil, chance(30) { result.matchLabelKeys = ["version"] }
        return result
    }

    private mutating func podTerm() -> PodAffinityTerm {
        var term = PodAffinityTerm(labelSelector: chance(5) ? nil : selector(), topologyKey: pick(RandomCluster.keys))
        if chance(20) { term.namespaces = [pick(RandomCluster.namespaces)] }
        if chance(30) {
            switch below(4) {
            case 0: term.namespaceSelector = LabelSelector()
            case 1: term.namespaceSelector = LabelSelector(matchLabels: ["env": pick(["prod", "dev"])])
            case 2: term.namespaceSelector = LabelSelector(matchExpressions: [.init(key: "team", operator: .doesNotExist)])
            default: term.namespaceSelector = LabelSelector(matchExpressions: [.init(key: "env", operator: .notIn, values: ["dev"])])
            }
        }
        return term
    }

    private mutating func selector() -> LabelSelector {
        switch below(6) {
        case 0: return LabelSelector()
        case 1: return LabelSelector(matchExpressions: [.init(key: "tier", operator: .exists)])
        case 2: return LabelSelector(matchExpressions: [.init(key: "app", operator: .notIn, values: ["db"])])
        default: return LabelSelector(matchLabels: ["app": pick(["web", "db", "cache"])])
        }
    }
}
