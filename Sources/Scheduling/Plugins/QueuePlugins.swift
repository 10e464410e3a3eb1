// The plugins around the queue and the binding: PrioritySort, SchedulingGates, DefaultBinder.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// PrioritySort: higher priority first, then whoever has waited longer since being added or since the last failure.
struct PrioritySortPlugin: QueueSortPlugin {
    static let name = "PrioritySort"
    var name: String { PrioritySortPlugin.name }

    func key(of pod: Pod, timestamp: SimulatedTime, in cluster: ClusterSnapshot) -> QueueKey {
        QueueKey(-Int64(pod.spec.value.priority ?? 0), timestamp.nanoseconds)
    }
}

/// SchedulingGates: a pod with gates is not tried until its owner has removed them all (KEP-3521).
struct SchedulingGatesPlugin: PreEnqueuePlugin, EventListeningPlugin {
    static let name = "SchedulingGates"
    var name: String { SchedulingGatesPlugin.name }

    func admits(_ pod: Pod, isPreempting: Bool) -> Bool { pod.spec.value.schedulingGates.isEmpty }

    let events: ClusterEventKinds = [.podGatesEliminated]
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        event.pod?.metadata.uid == pod.pod.value.metadata.uid
    }
}

/// DefaultBinder: binds through the pod's `binding` subresource.
struct DefaultBinderPlugin: BindPlugin {
    static let name = "DefaultBinder"
    var name: String { DefaultBinderPlugin.name }

    func request(binding pod: Pod, to node: String, annotations: Labels) -> APIRequest? {
        .bind(pod.metadata.key, uid: pod.metadata.uid, node: node, annotations: annotations)
    }
}
