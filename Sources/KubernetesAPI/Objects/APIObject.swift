// Any object of the API, whatever its kind.

/// What all kinds have in common. `Self` is a struct; stored versions of it are `Shared`.
public protocol KubernetesObject: Sendable, Hashable {
    static var kind: Kind { get }
    var metadata: ObjectMeta { get set }
    /// The object as a case of ``APIObject``.
    static func erase(_ object: Shared<Self>) -> APIObject
    /// The object if `erased` is of this kind.
    static func cast(_ erased: APIObject) -> Shared<Self>?
}

/// One version of one object.
public enum APIObject: Sendable, Hashable {
    case pod(Shared<Pod>)
    case node(Shared<Node>)
    case namespace(Shared<Namespace>)
    case replicaSet(Shared<ReplicaSet>)
    case deployment(Shared<Deployment>)
    case priorityClass(Shared<PriorityClass>)
    case event(Shared<KubernetesEvent>)
    case persistentVolume(Shared<PersistentVolume>)
    case persistentVolumeClaim(Shared<PersistentVolumeClaim>)
    case storageClass(Shared<StorageClass>)
    case csiNode(Shared<CSINode>)
    case csiDriver(Shared<CSIDriver>)
    case csiStorageCapacity(Shared<CSIStorageCapacity>)
    case volumeAttachment(Shared<VolumeAttachment>)
    case service(Shared<Service>)
    case statefulSet(Shared<StatefulSet>)
    case replicationController(Shared<ReplicationController>)
    case podDisruptionBudget(Shared<PodDisruptionBudget>)
    case job(Shared<Job>)
    case cronJob(Shared<CronJob>)
    case daemonSet(Shared<DaemonSet>)
    case controllerRevision(Shared<ControllerRevision>)
    case endpointSlice(Shared<EndpointSlice>)
    case horizontalPodAutoscaler(Shared<HorizontalPodAutoscaler>)
    case resourceQuota(Shared<ResourceQuota>)
    case limitRange(Shared<LimitRange>)
    case serviceAccount(Shared<ServiceAccount>)
    case configMap(Shared<ConfigMap>)
    case secret(Shared<Secret>)
    case ingress(Shared<Ingress>)
    case networkPolicy(Shared<NetworkPolicy>)
    case endpoints(Shared<Endpoints>)
    case unstructured(Shared<Unstructured>)

    public init<Object: KubernetesObject>(_ object: Object) { self = Object.erase(Shared(object)) }

    public var kind: Kind {
        switch self {
        case .pod: .pod
        case .node: .node
        case .namespace: .namespace
        case .replicaSet: .replicaSet
        case .deployment: .deployment
        case .priorityClass: .priorityClass
        case .event: .event
        case .persistentVolume: .persistentVolume
        case .persistentVolumeClaim: .persistentVolumeClaim
        case .storageClass: .storageClass
        case .csiNode: .csiNode
        case .csiDriver: .csiDriver
        case .csiStorageCapacity: .csiStorageCapacity
        case .volumeAttachment: .volumeAttachment
        case .service: .service
        case .statefulSet: .statefulSet
        case .replicationController: .replicationController
        case .podDisruptionBudget: .podDisruptionBudget
        case .job: .job
        case .cronJob: .cronJob
        case .daemonSet: .daemonSet
        case .controllerRevision: .controllerRevision
        case .endpointSlice: .endpointSlice
        case .horizontalPodAutoscaler: .horizontalPodAutoscaler
        case .resourceQuota: .resourceQuota
        case .limitRange: .limitRange
        case .serviceAccount: .serviceAccount
        case .configMap: .configMap
        case .secret: .secret
        case .ingress: .ingress
        case .networkPolicy: .networkPolicy
        case .endpoints: .endpoints
        case .unstructured: .unstructured
        }
    }

    public var metadata: ObjectMeta {
        switch self {
        case .pod(let object): object.value.metadata
        case .node(let object): object.value.metadata
        case .namespace(let object): object.value.metadata
        case .replicaSet(let object): object.value.metadata
        case .deployment(let object): object.value.metadata
        case .priorityClass(let object): object.value.metadata
        case .event(let object): object.value.metadata
        case .persistentVolume(let object): object.value.metadata
        case .persistentVolumeClaim(let object): object.value.metadata
        case .storageClass(let object): object.value.metadata
        case .csiNode(let object): object.value.metadata
        case .csiDriver(let object): object.value.metadata
        case .csiStorageCapacity(let object): object.value.metadata
        case .volumeAttachment(let object): object.value.metadata
        case .service(let object): object.value.metadata
        case .statefulSet(let object): object.value.metadata
        case .replicationController(let object): object.value.metadata
        case .podDisruptionBudget(let object): object.value.metadata
        case .job(let object): object.value.metadata
        case .cronJob(let object): object.value.metadata
        case .daemonSet(let object): object.value.metadata
        case .controllerRevision(let object): object.value.metadata
        case .endpointSlice(let object): object.value.metadata
        case .horizontalPodAutoscaler(let object): object.value.metadata
        case .resourceQuota(let object): object.value.metadata
        case .limitRange(let object): object.value.metadata
        case .serviceAccount(let object): object.value.metadata
        case .configMap(let object): object.value.metadata
        case .secret(let object): object.value.metadata
        case .ingress(let object): object.value.metadata
        case .networkPolicy(let object): object.value.metadata
        case .endpoints(let object): object.value.metadata
        case .unstructured(let object): object.value.metadata
        }
    }

    /// A part of the metadata, read in place: `metadata` copies all of it, which costs a dozen reference counts.
    @inlinable
    @inline(__always)
    public func readMetadata<Part>(_ part: (ObjectMeta) -> Part) -> Part {
        switch self {
        case .pod(let object): part(object.value.metadata)
        case .node(let object): part(object.value.metadata)
        case .namespace(let object): part(object.value.metadata)
        case .replicaSet(let object): part(object.value.metadata)
        case .deployment(let object): part(object.value.metadata)
        case .priorityClass(let object): part(object.value.metadata)
        case .event(let object): part(object.value.metadata)
        case .persistentVolume(let object): part(object.value.metadata)
        case .persistentVolumeClaim(let object): part(object.value.metadata)
        case .storageClass(let object): part(object.value.metadata)
        case .csiNode(let object): part(object.value.metadata)
        case .csiDriver(let object): part(object.value.metadata)
        case .csiStorageCapacity(let object): part(object.value.metadata)
        case .volumeAttachment(let object): part(object.value.metadata)
        case .service(let object): part(object.value.metadata)
        case .statefulSet(let object): part(object.value.metadata)
        case .replicationController(let object): part(object.value.metadata)
        case .podDisruptionBudget(let object): part(object.value.metadata)
        case .job(let object): part(object.value.metadata)
        case .cronJob(let object): part(object.value.metadata)
        case .daemonSet(let object): part(object.value.metadata)
        case .controllerRevision(let object): part(object.value.metadata)
        case .endpointSlice(let object): part(object.value.metadata)
        case .horizontalPodAutoscaler(let object): part(object.value.metadata)
        case .resourceQuota(let object): part(object.value.metadata)
        case .limitRange(let object): part(object.value.metadata)
        case .serviceAccount(let object): part(object.value.metadata)
        case .configMap(let object): part(object.value.metadata)
        case .secret(let object): part(object.value.metadata)
        case .ingress(let object): part(object.value.metadata)
        case .networkPolicy(let object): part(object.value.metadata)
        case .endpoints(let object): part(object.value.metadata)
        case .unstructured(let object): part(object.value.metadata)
        }
    }

    /// A new version with changed metadata.
    public func withMetadata(_ change: (inout ObjectMeta) -> Void) -> APIObject {
        switch self {
        case .pod(let object): .pod(object.with { change(&$0.metadata) })
        case .node(let object): .node(object.with { change(&$0.metadata) })
        case .namespace(let object): .namespace(object.with { change(&$0.metadata) })
        case .replicaSet(let object): .replicaSet(object.with { change(&$0.metadata) })
        case .deployment(let object): .deployment(object.with { change(&$0.metadata) })
        case .priorityClass(let object): .priorityClass(object.with { change(&$0.metadata) })
        case .event(let object): .event(object.with { change(&$0.metadata) })
        case .persistentVolume(let object): .persistentVolume(object.with { change(&$0.metadata) })
        case .persistentVolumeClaim(let object): .persistentVolumeClaim(object.with { change(&$0.metadata) })
        case .storageClass(let object): .storageClass(object.with { change(&$0.metadata) })
        case .csiNode(let object): .csiNode(object.with { change(&$0.metadata) })
        case .csiDriver(let object): .csiDriver(object.with { change(&$0.metadata) })
        case .csiStorageCapacity(let object): .csiStorageCapacity(object.with { change(&$0.metadata) })
        case .volumeAttachment(let object): .volumeAttachment(object.with { change(&$0.metadata) })
        case .service(let object): .service(object.with { change(&$0.metadata) })
        case .statefulSet(let object): .statefulSet(object.with { change(&$0.metadata) })
        case .replicationController(let object): .replicationController(object.with { change(&$0.metadata) })
        case .podDisruptionBudget(let object): .podDisruptionBudget(object.with { change(&$0.metadata) })
        case .job(let object): .job(object.with { change(&$0.metadata) })
        case .cronJob(let object): .cronJob(object.with { change(&$0.metadata) })
        case .daemonSet(let object): .daemonSet(object.with { change(&$0.metadata) })
        case .controllerRevision(let object): .controllerRevision(object.with { change(&$0.metadata) })
        case .endpointSlice(let object): .endpointSlice(object.with { change(&$0.metadata) })
        case .horizontalPodAutoscaler(let object): .horizontalPodAutoscaler(object.with { change(&$0.metadata) })
        case .resourceQuota(let object): .resourceQuota(object.with { change(&$0.metadata) })
        case .limitRange(let object): .limitRange(object.with { change(&$0.metadata) })
        case .serviceAccount(let object): .serviceAccount(object.with { change(&$0.metadata) })
        case .configMap(let object): .configMap(object.with { change(&$0.metadata) })
        case .secret(let object): .secret(object.with { change(&$0.metadata) })
        case .ingress(let object): .ingress(object.with { change(&$0.metadata) })
        case .networkPolicy(let object): .networkPolicy(object.with { change(&$0.metadata) })
        case .endpoints(let object): .endpoints(object.with { change(&$0.metadata) })
        case .unstructured(let object): .unstructured(object.with { change(&$0.metadata) })
        }
    }

    /// The address under which the API server keeps the object.
    public var key: ObjectKey {
        if case .unstructured(let object) = self { return ObjectKey(.unstructured, object.value.storageName) }
        return ObjectKey(kind, readMetadata { NamespacedName(namespace: $0.namespace, name: $0.name) })
    }

    /// The `kind:` as manifests spell it, also for kinds that have no behaviour here.
    public var kindName: String {
        if case .unstructured(let object) = self { return object.value.kindName }
        return kind.description
    }
}

/// An object of a kind that the simulator does not act for yet: loaded, listed, owning and owned like any other.
public struct Unstructured: KubernetesObject {
    public static var kind: Kind { .unstructured }
    public var metadata: ObjectMeta
    public var apiVersion: String
    public var kindName: String
    /// What a PodGroup of the scheduler-plugins project says: a scheduler may go by it.
    public var podGroup: PodGroupSpec?

    public init(apiVersion: String, kindName: String, metadata: ObjectMeta) {
        self.apiVersion = apiVersion
        self.kindName = kindName
        self.metadata = metadata
    }

    /// Objects of different kinds may share a name, so their kind is part of the name they are stored under.
    public var storageName: NamespacedName {
        NamespacedName(namespace: metadata.namespace, name: kindName + "/" + metadata.name)
    }

    /// The plural, lower-case name of the resource with its API group, as `count/...` quotas name it.
    public var resource: String {
        let plural = Unstructured.plural(kindName)
        guard let slash = apiVersion.firstIndex(of: "/") else { return plural }
        return plural + "." + apiVersion[..<slash]
    }

    /// The resource of a kind, by the rule that all kinds of Kubernetes but Endpoints keep.
    public static func plural(_ kindName: String) -> String {
        let name = kindName.lowercased()
        if name.hasSuffix("endpoints") { return name }
        if name.hasSuffix("s") || name.hasSuffix("x") { return name + "es" }
        if name.hasSuffix("y"), !name.hasSuffix("ay"), !name.hasSuffix("ey") { return name.dropLast() + "ies" }
        return name + "s"
    }

    public static func erase(_ object: Shared<Unstructured>) -> APIObject { .unstructured(object) }
    public static func cast(_ erased: APIObject) -> Shared<Unstructured>? {
        if case .unstructured(let object) = erased { object } else { nil }
    }
}
