// How long a pod may stay on a node with NoExecute taints.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions>

import DiscreteEvents
import KubernetesAPI

/// What becomes of a pod on a node with NoExecute taints.
package enum TolerationVerdict: Hashable, Sendable {
    /// Some taint is not tolerated: the pod goes now.
    case evictNow
    /// The pod goes after this time.
    case evictAfter(SimulatedDuration)
    case tolerateForever

    /// - Parameter taints: the node's NoExecute taints.
    package static func of(_ taints: [Taint], _ tolerations: [Toleration]) -> TolerationVerdict {
        if taints.isEmpty { return .tolerateForever }
        var shortest: Int64?
        var isLimited = false
        for taint in taints {
            // Of several tolerations that match a taint the first in the list counts.
            guard let toleration = tolerations.first(where: { $0.tolerates(taint) }) else { return .evictNow }
            guard let seconds = toleration.tolerationSeconds else { continue }
            isLimited = true
            shortest = min(shortest ?? seconds, seconds)
        }
        guard isLimited, let shortest else { return .tolerateForever }
        return .evictAfter(.seconds(Int(max(0, shortest))))
    }
}
