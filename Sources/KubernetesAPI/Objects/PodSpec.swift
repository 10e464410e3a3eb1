// PodSpec: all of a pod's spec that scheduling, admission or the kubelet's behaviour depends on.

/// `spec` of a pod, but for `nodeName` (see ``Pod``). Interned: pods of one template share one box.
public struct PodSpec: Hashable, Sendable {
    public var containers: [Container]
    public var initContainers: [Container]
    public var volumes: [Volume]
    public var nodeSelector: Labels
    public var affinity: Affinity
    public var tolerations: [Toleration]
    public var topologySpreadConstraints: [TopologySpreadConstraint]
    public var schedulerName: String
    public var schedulingGates: [String]
    /// Resolved from `priorityClassName` at admission.
    public var priority: Int32?
    public var priorityClassName: String
    public var preemptionPolicy: PreemptionPolicy?
    /// What the sandbox itself costs (RuntimeClass).
    public var overhead: ResourceList
    /// Pod-level resources (KEP-2837); nil when the pod has none.
    public var resources: ResourceRequirements?
    public var restartPolicy: RestartPolicy
    public var terminationGracePeriodSeconds: Int64
    public var activeDeadlineSeconds: Int64?
    public var hostNetwork: Bool
    /// False asks for a user namespace.
    public var hostUsers: Bool?
    public var hostname: String
    public var subdomain: String
    public var serviceAccountName: String
    /// The RuntimeClass that says how containers are run; empty: the node's own way.
    public var runtimeClassName: String
    public var readinessGates: [String]
    /// Names of the pod's resource claims (dynamic resource allocation).
    public var resourceClaims: [String]
    /// A digest of the fields the simulator has no use for (probes' commands, security contexts, ...): two specs that differ
    /// only there are different specs, so changing them rolls out a new ReplicaSet as in a real cluster.
    public var unmodelled: UInt64

    public init(containers: [Container] = []) {
        self.containers = containers
        initContainers = []
        volumes = []
        nodeSelector = Labels()
        affinity = Affinity()
        tolerations = []
        topologySpreadConstraints = []
        schedulerName = PodSpec.defaultScheduler
        schedulingGates = []
        priorityClassName = ""
        overhead = ResourceList()
        restartPolicy = .always
        terminationGracePeriodSeconds = PodSpec.defaultGracePeriodSeconds
        hostNetwork = false
        hostname = ""
        subdomain = ""
        serviceAccountName = ""
        runtimeClassName = ""
        readinessGates = []
        resourceClaims = []
        unmodelled = 0
    }

    public static let defaultScheduler = "default-scheduler"
    public static let defaultGracePeriodSeconds: Int64 = 30
}

public enum RestartPolicy: String, Hashable, Sendable {
    case always = "Always"
    case onFailure = "OnFailure"
    case never = "Never"
}

public enum PreemptionPolicy: String, Hashable, Sendable {
    case preemptLowerPriority = "PreemptLowerPriority"
    case never = "Never"
}

/// Requests and limits of a container, or of a pod as a whole.
public struct ResourceRequirements: Hashable, Sendable {
    public var requests: ResourceList
    public var limits: ResourceList

    public init(requests: ResourceList = ResourceList(), limits: ResourceList = ResourceList()) {
        self.requests = requests
        self.limits = limits
    }
}

public struct Container: Hashable, Sendable {
    public var name: String
    public var image: String
    public var imagePullPolicy: ImagePullPolicy?
    public var ports: [ContainerPort]
    public var resources: ResourceRequirements
    /// `Always` makes an init container a sidecar.
    public var restartPolicy: ContainerRestartPolicy?
    /// Which exits are answered otherwise than `restartPolicy` says; the first rule that fits counts.
    public var restartRules: [RestartRule]
    public var livenessProbe: Probe?
    public var readinessProbe: Probe?
    public var startupProbe: Probe?
    /// What its environment takes from ConfigMaps and Secrets: `envFrom`, then `env`.
    public var configuration: [ConfigurationReference]
    /// nil: no hooks.
    public var lifecycle: Lifecycle?
    /// A digest of the fields that have no effect here (command, environment, mounts, ...), hooks included.
    public var unmodelled: UInt64

    public init(name: String, image: String = "", resources: ResourceRequirements = ResourceRequirements()) {
        self.name = name
        self.image = image
        self.resources = resources
        ports = []
        restartRules = []
        configuration = []
        unmodelled = 0
    }

    public var isSidecar: Bool { restartPolicy == .always }
}

public enum ContainerRestartPolicy: String, Hashable, Sendable {
    case always = "Always"
    case onFailure = "OnFailure"
    case never = "Never"
}

public enum ImagePullPolicy: String, Hashable, Sendable {
    case always = "Always"
    case ifNotPresent = "IfNotPresent"
    case never = "Never"
}

public struct ContainerPort: Hashable, Sendable {
    public var name: String
    public var containerPort: Int32
    /// 0: none wanted.
    public var hostPort: Int32
    public var hostIP: String
    public var transport: TransportProtocol

    public init(
        name: String = "", containerPort: Int32, hostPort: Int32 = 0, hostIP: String = "", transport: TransportProtocol = .tcp
    ) {
        self.name = name
        self.containerPort = containerPort
        self.hostPort = hostPort
        self.hostIP = hostIP
        self.transport = transport
    }
}

public enum TransportProtocol: String, Hashable, Sendable {
    case tcp = "TCP"
    case udp = "UDP"
    case sctp = "SCTP"
}

/// A volume as far as scheduling looks at it.
public struct Volume: Hashable, Sendable {
    public enum Source: Hashable, Sendable {
        case persistentVolumeClaim(name: String, readOnly: Bool)
        /// A generic ephemeral volume: its claim is named pod-volume.
        case ephemeral
        case image(reference: String)
        case gcePersistentDisk(name: String, readOnly: Bool)
        case awsElasticBlockStore(id: String)
        /// Another cloud disk that a CSI driver serves today.
        case migrated(InTreeVolumePlugin, id: String)
        case iscsi(iqn: String, readOnly: Bool)
        case rbd(monitors: [String], pool: String, image: String, readOnly: Bool)
        /// A volume that a CSI driver makes for the pod alone.
        case csi(driver: String)
        /// A configMap, secret or projected volume: the pod waits until what it takes is there.
        case configuration([ConfigurationReference])
        /// A directory of the pod's own on its node's disk or, `isInMemory`, in memory; nil: of any size.
        case emptyDir(isInMemory: Bool, sizeLimit: Quantity?)
        /// hostPath, ...: no constraint on the node, and nothing to wait for.
        case other
    }
    public var name: String
    public var source: Source
    public var unmodelled: UInt64

    public init(name: String, source: Source, unmodelled: UInt64 = 0) {
        self.name = name
        self.source = source
        self.unmodelled = unmodelled
    }
}
