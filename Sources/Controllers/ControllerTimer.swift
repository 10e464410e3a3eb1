// The controllers of the manager, their timers, and how an answer finds back to the plan that asked.

import APIServer
import DiscreteEvents

/// A controller of the controller manager. Each has an API client of its own, with its own rate limit.
public enum ControllerName: UInt8, CaseIterable, Hashable, Sendable {
    case deployment, replicaSet, garbageCollector, nodeLifecycle, taintEviction, podGarbageCollector, namespace
    case statefulSet, daemonSet, replicationController, job, cronJob, ttlAfterFinished, horizontalPodAutoscaler, disruption
    case endpointSlice, nodeIPAM, serviceAccount, resourceQuota, rootCertificate
    case persistentVolume, storageProtection, volumeProvisioner, attachDetach, volumeAttacher, endpointSliceMirroring

    /// The client whose rate limit the controller's requests draw on.
    public var client: APIClientID { .controller(rawValue) }

    /// The limit of the controller's client, from that of all controllers: two of them may send more, since they send more than one
    /// request for each object they deal with.
    package func clientLimit(_ common: ClientLimit) -> ClientLimit {
        switch self {
        case .garbageCollector: ClientLimit(queriesPerSecond: 2 * common.queriesPerSecond, burst: common.burst)
        case .namespace: ClientLimit(queriesPerSecond: 20 * common.queriesPerSecond, burst: 100 * common.burst)
        default: common
        }
    }

    /// The name under which the controller reports Kubernetes Events.
    public var eventSource: String {
        switch self {
        case .deployment: "deployment-controller"
        case .replicaSet: "replicaset-controller"
        case .garbageCollector: "garbage-collector-controller"
        case .nodeLifecycle: "node-controller"
        case .taintEviction: "taint-eviction-controller"
        case .podGarbageCollector: "pod-garbage-collector"
        case .namespace: "namespace-controller"
        case .statefulSet: "statefulset-controller"
        case .daemonSet: "daemonset-controller"
        case .replicationController: "replication-controller"
        case .job: "job-controller"
        case .cronJob: "cronjob-controller"
        case .ttlAfterFinished: "ttl-after-finished-controller"
        case .horizontalPodAutoscaler: "horizontal-pod-autoscaler"
        case .disruption: "controllermanager"
        case .endpointSlice: "endpoint-slice-controller"
        case .nodeIPAM: "cidrAllocator"
        case .serviceAccount: "serviceaccount-controller"
        case .resourceQuota: "resourcequota-controller"
        case .persistentVolume: "persistentvolume-controller"
        case .storageProtection: "storage-protection-controller"
        case .volumeProvisioner: "external-provisioner"
        case .attachDetach: "attachdetach-controller"
        case .volumeAttacher: "external-attacher"
        case .rootCertificate: "root-ca-cert-publisher"
        case .endpointSliceMirroring: "endpoint-slice-mirroring-controller"
        }
    }
}

/// What the controller manager asks to be woken for. Timers are never cancelled: one that came too early finds nothing to do.
public enum ControllerTimer: Hashable, Sendable {
    /// Keys wait for workers.
    case work
    /// A delayed key of some work queue is due.
    case delayed
    /// The node monitor's pass.
    case nodeMonitor
    /// A poll of the queues of nodes to taint.
    case taintPoll
    /// A pod's toleration runs out.
    case taintEviction
    /// A pass of pod garbage collection.
    case podGarbageCollection
    /// A pass of the attach-detach controller, or the end of what it waits for.
    case attachDetach
}

/// The work queues with their workers: most controllers have one, the node lifecycle controller has three.
enum LoopName: UInt8, Sendable {
    case deployment, replicaSet, garbageCollector, nodeMonitor, nodeTaints, noExecuteTaints, taintEviction, podGarbageCollector, namespace
    case statefulSet, daemonSet, replicationController, job, cronJob, ttlAfterFinished, horizontalPodAutoscaler, disruption
    case endpointSlice, nodeIPAM, serviceAccount, resourceQuota, rootCertificate
    case persistentVolume, storageProtection, volumeProvisioner, attachDetach, volumeAttacher, endpointSliceMirroring
    /// The Job controller's second queue.
    case untrackedPods
    /// Not a loop: the answer to an event that was recorded.
    case recorder
}

/// The token of a call: which loop, which of its running plans, which request of the plan's current step.
struct CallToken {
    let loop: LoopName
    let slot: Int
    let index: Int

    init(_ loop: LoopName, slot: Int, index: Int = 0) {
        self.loop = loop
        self.slot = slot
        self.index = index
    }

    init?(rawValue: UInt64) {
        guard let loop = LoopName(rawValue: UInt8(truncatingIfNeeded: rawValue >> 56)) else { return nil }
        self.loop = loop
        slot = Int((rawValue >> 24) & 0xFFFF_FFFF)
        index = Int(rawValue & 0xFF_FFFF)
    }

    var rawValue: UInt64 { UInt64(loop.rawValue) << 56 | UInt64(slot) << 24 | UInt64(index) }
}
