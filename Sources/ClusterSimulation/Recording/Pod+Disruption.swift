// Why a pod goes, as its condition DisruptionTarget says.
// <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions>

import KubernetesAPI

extension Pod {
    private var disruption: String? { status.conditions[.disruptionTarget].flatMap { $0.status == .true ? $0.reason : nil } }

    /// Pod garbage collection called it failed, or deleted it: its node object is gone.
    var isGarbageCollected: Bool { disruption == "DeletionByPodGC" }

    /// Whether it is deleted because its node is lost: the taint of an unreachable node drove it off, or its node object is gone.
    var isEvictedWithItsNode: Bool { isGarbageCollected || disruption == "DeletionByTaintManager" }

    /// Somebody drained its node, or asked for its eviction in another way.
    var isEvictedByRequest: Bool { disruption == "EvictionByEvictionAPI" }

    /// Its name, if the pod that replaces it has the same.
    var lastingName: String? { metadata.controllerReference?.kind == "StatefulSet" ? metadata.name : nil }
}
