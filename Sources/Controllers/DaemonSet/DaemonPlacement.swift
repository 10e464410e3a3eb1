// On which nodes a DaemonSet runs a pod. The controller decides this itself, node by node, and pins each pod to its node by affinity;
// the scheduler only binds it.
// <https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#how-daemon-pods-are-scheduled>

import KubernetesAPI

/// What a DaemonSet wants of one node.
package struct DaemonPlacement: Hashable, Sendable {
    /// A pod is made if there is none.
    package let shouldRun: Bool
    /// A pod that is there may stay.
    package let shouldContinueRunning: Bool

    private init(run: Bool, stay: Bool) {
        shouldRun = run
        shouldContinueRunning = stay
    }

    /// - Parameters:
    ///   - template: the pod template's spec.
    ///   - nodeName: the template's `nodeName`, if it has one.
    ///   - tolerations: those of the DaemonSet's pods, from ``DaemonTolerations``; computed once for all nodes.
    package init(of template: PodSpec, nodeName: String?, tolerations: [Toleration], on node: Node) {
        let nameFits = nodeName.map { $0 == node.metadata.name } ?? true
        guard nameFits, Self.affinityFits(template, node) else {
            self.init(run: false, stay: false)
            return
        }
        let untolerated = node.spec.taints.filter { $0.effect != .preferNoSchedule && !tolerations.tolerate($0) }
        // A taint that only forbids scheduling does not drive away what runs already.
        self.init(run: untolerated.isEmpty, stay: !untolerated.contains { $0.effect == .noExecute })
    }

    private static func affinityFits(_ spec: PodSpec, _ node: Node) -> Bool {
        for (key, value) in spec.nodeSelector where node.metadata.labels[key] != value { return false }
        return spec.affinity.requiredNodeTerms?.matches(node) ?? true
    }
}

/// The tolerations of a DaemonSet's pods: the template's, and those that let daemons run on nodes in trouble.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations>
package enum DaemonTolerations {
    /// - Returns: the template's tolerations in order, each automatic one in place of an equal one or at the end.
    package static func of(_ template: PodSpec) -> [Toleration] {
        var result = template.tolerations
        for automatic in automatic(hostNetwork: template.hostNetwork) {
            if let place = result.firstIndex(where: { isSame($0, automatic) }) {
                // The automatic one has no time limit and wins.
                result[place] = automatic
            } else {
                result.append(automatic)
            }
        }
        return result
    }

    private static func automatic(hostNetwork: Bool) -> [Toleration] {
        var taints: [(String, TaintEffect)] = [
            (Taint.notReady, .noExecute), (Taint.unreachable, .noExecute), (Taint.diskPressure, .noSchedule),
            (Taint.memoryPressure, .noSchedule), (Taint.pidPressure, .noSchedule), (Taint.unschedulable, .noSchedule),
        ]
        if hostNetwork { taints.append((Taint.networkUnavailable, .noSchedule)) }
        return taints.map { Toleration(key: $0.0, operator: .exists, effect: $0.1) }
    }

    /// Equal but for the time limit.
    private static func isSame(_ one: Toleration, _ other: Toleration) -> Bool {
        one.key == other.key && one.effect == other.effect && one.operator == other.operator && one.value == other.value
    }
}

extension Affinity {
    /// The affinity of a daemon pod: required node terms are replaced by one that names the node, which the template's own terms were
    /// checked against before.
    package func pinned(to nodeName: String) -> Affinity {
        var result = self
        let name = NodeSelectorRequirement(key: NodeSelectorRequirement.nameField, operator: .in, values: [nodeName])
        result.requiredNodeTerms = NodeSelector(terms: [NodeSelectorTerm(matchFields: [name])])
        return result
    }
}
