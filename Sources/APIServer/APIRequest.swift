// What components ask of the API server, and what it answers.

import DiscreteEvents
import KubernetesAPI

/// A write. Components never read through requests: they have their watch caches.
///
/// What is large stands in a box of its own: a request is handed on several times before it is carried out.
public enum APIRequest: Sendable {
    case create(APIObject)
    /// Replaces metadata and spec. Refused with a conflict unless the resource version is the stored one (or 0).
    case update(APIObject)
    /// Replaces the status only; the same rule of versions.
    case updateStatus(APIObject)
    /// A change to a pod that carries no version, so it never conflicts; refused if the pod of that UID is gone.
    case patchPod(NamespacedName, uid: UID, PodPatch)
    case patchNode(String, NodePatch)
    /// Changes only the metadata of an object of any kind; no version, but the UID must still be the same.
    case patchMetadata(ObjectKey, uid: UID, MetadataPatch)
    /// The `binding` subresource: sets `spec.nodeName` and PodScheduled=True, and puts the Binding's annotations on the pod.
    case bind(NamespacedName, uid: UID, node: String, annotations: Labels = Labels())
    case delete(ObjectKey, DeleteOptions)
    /// The `eviction` subresource of pods: a deletion that PodDisruptionBudgets may refuse.
    case evict(NamespacedName, EvictionOptions)
    /// The rest of an eviction that was granted: the API server's own next write, never sent by a client.
    case finishEviction(NamespacedName, UID, EvictionOptions, EvictionStep)
    /// What `kubectl` does: no version, applied to whatever is stored.
    case operate(ObjectKey, OperatorChange)
    case record(Shared<KubernetesEvent>)
    /// What the horizontal pod autoscaler reads of the metrics APIs. They are other servers behind this one: the answer is made by
    /// the cluster's metrics pipeline and comes back beside the usual one.
    case readMetrics(Shared<MetricsQuery>)
}

/// The question of one autoscaler to the metrics APIs.
public struct MetricsQuery: Sendable {
    public var autoscaler: NamespacedName
    /// The pods its target's selector matches.
    public var pods: [Shared<Pod>]
    public var sources: [MetricSource]

    public init(autoscaler: NamespacedName, pods: [Shared<Pod>], sources: [MetricSource]) {
        self.autoscaler = autoscaler
        self.pods = pods
        self.sources = sources
    }
}

/// Changes to pods by those who own a part of them.
public enum PodPatch: Sendable {
    /// The kubelet's view of the whole status. Conditions others own (PodScheduled, DisruptionTarget) stay as stored.
    case kubeletStatus(Shared<PodStatus>)
    /// Conditions to set; others stay.
    case conditions([Condition])
    /// The scheduler's report of a failed attempt: the condition and, if it changed, the nominated node (`.some(nil)` clears).
    indirect case schedulingFailure(Condition, nominatedNode: String??)
    /// The node preemption makes room on; nil clears it.
    case nominatedNode(String?)
    /// Phase and condition, as pod garbage collection and forced evictions set them.
    indirect case phase(PodPhase, reason: String, message: String, condition: Condition?)
}

/// Changes to nodes by those who own a part of them.
public enum NodePatch: Sendable {
    case conditions([Condition])
    case taints(add: [Taint], remove: [Taint])
    case unschedulable(Bool)
    /// The kubelet's report: images, capacity and conditions together.
    indirect case status(NodeStatus)
    /// The range of addresses for the node's pods, as node IPAM gives it.
    case podRange(AddressRange)
    /// What is attached, as the attach-detach controller says.
    case volumesAttached([String])
    /// What is in use, as the kubelet says.
    case volumesInUse([String])
    /// Which images the node has, as the kubelet says.
    case images([ContainerImage])
}

public enum MetadataPatch: Sendable {
    /// Of a Namespace, `kubernetes` means the one in its spec.
    case removeFinalizer(String)
    case ownerReferences([OwnerReference])
    /// Takes out the references to these owners; others stay as stored.
    case removeOwners([UID])
    case labels(Labels)
    /// New owners, and a finalizer of the adopting controller's.
    case adoption([OwnerReference], finalizer: String)
    /// The owners that are left, without the finalizer of the one that lets go.
    case release([OwnerReference], finalizer: String)
}

/// The operator's commands that are more than creating and deleting.
public enum OperatorChange: Sendable {
    /// `kubectl apply` of a whole object: creates it, or replaces its spec; labels and annotations are merged: what an earlier
    /// apply set and this one does not is removed, what others set stays.
    case apply(APIObject)
    /// `kubectl scale`.
    case scale(Int32)
    /// `kubectl set image`.
    case setImage(container: String, image: String)
    /// `kubectl rollout undo`: to a revision, or the previous one (nil).
    case rollBack(toRevision: Int64?)
    /// `kubectl rollout pause` and `resume`.
    case pause(Bool)
    /// `kubectl rollout restart`: new pods of the same template.
    case restart
}

public struct DeleteOptions: Sendable {
    public enum Propagation: Sendable { case background, foreground, orphan }
    /// nil: what the object's spec says.
    public var gracePeriodSeconds: Int64?
    public var uid: UID?
    /// What becomes of the dependents; nil: what the object's finalizers say, or else what the API defines for its kind.
    public var propagation: Propagation?

    public init(gracePeriodSeconds: Int64? = nil, uid: UID? = nil, propagation: Propagation? = nil) {
        self.gracePeriodSeconds = gracePeriodSeconds
        self.uid = uid
        self.propagation = propagation
    }
}

public struct EvictionOptions: Hashable, Sendable {
    /// nil: what the pod's spec says.
    public var gracePeriodSeconds: Int64?

    public init(gracePeriodSeconds: Int64? = nil) { self.gracePeriodSeconds = gracePeriodSeconds }
}

/// The stored object after the request (nil when it is gone or the request makes none), or the refusal.
public typealias APIResult = Result<APIObject?, APIError>

/// One client of the API server: a process' connection with its own rate limit.
public enum APIClientID: Hashable, Sendable {
    /// A controller of the controller manager; each has its own client.
    case controller(UInt8)
    case scheduler
    /// The kubelet of the node with this number.
    case kubelet(Int32)
    /// The person (or pipeline) that acts on the cluster in the scenario.
    case clusterOperator
}

/// A request on its way from a component.
public struct APICall: Sendable {
    public var client: APIClientID
    public var request: APIRequest
    /// Comes back with the answer, so that the component knows which of its calls it is; nil: the answer interests nobody.
    public var token: UInt64?
    /// Reads the real client makes one after the other before this write. They draw on its rate limit and take their time; what
    /// they would tell, the simulated component knows from its watch cache.
    public var reads: Int

    @inlinable
    public init(_ client: APIClientID, _ request: APIRequest, token: UInt64? = nil, reads: Int = 0) {
        self.client = client
        self.request = request
        self.token = token
        self.reads = reads
    }
}

/// What a component wants done after it handled an event: calls in order, and when to be woken with what.
public struct Effects<Timer: Sendable>: Sendable {
    public var calls: [APICall] = []
    public var timers: [(at: SimulatedTime, timer: Timer)] = []

    @inlinable
    public init() {}

    @inlinable
    public mutating func call(_ client: APIClientID, _ request: APIRequest, token: UInt64? = nil, reads: Int = 0) {
        calls.append(APICall(client, request, token: token, reads: reads))
    }

    @inlinable
    public mutating func wake(at time: SimulatedTime, _ timer: Timer) { timers.append((time, timer)) }

    @inlinable
    public mutating func removeAll() {
        calls.removeAll(keepingCapacity: true)
        timers.removeAll(keepingCapacity: true)
    }
}
