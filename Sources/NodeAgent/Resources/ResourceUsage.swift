// What containers use of a node while they run: no manifest says it, and autoscalers, evictions and the kernel live by it.

import DiscreteEvents
import KubernetesAPI

/// A load, and whether each pod bears it or all ready pods share it.
public struct ResourceLoad: Hashable, Sendable {
    public var profile: LoadProfile
    /// True: the profile is the total over all pods of the rule, borne in equal parts by those that are Ready; false: each bears it.
    public var isShared: Bool
    /// True: the profile's times count from each start of the container (a leak begins anew after a restart); false: from the
    /// start of the simulation.
    public var isSinceStart: Bool

    public init(_ profile: LoadProfile, isShared: Bool = false, isSinceStart: Bool = false) {
        self.profile = profile
        self.isShared = isShared
        self.isSinceStart = isSinceStart
    }
}

/// What one container of a pod uses while it runs; nil: nothing worth mentioning.
public struct ResourceUsage: Hashable, Sendable {
    /// Cores it would take if nothing held it back.
    public var cpu: ResourceLoad?
    /// Cores it would take from its start until it is ready; nil: as `cpu` says.
    public var startupCPU: Double?
    /// Bytes.
    public var memory: ResourceLoad?
    /// Bytes of the node's disk: logs, the writable layer, emptyDir volumes.
    public var disk: ResourceLoad?
    /// Process identifiers.
    public var processes: ResourceLoad?
    /// Inodes of the node's disk: files and folders.
    public var inodes: ResourceLoad?
    /// The container that uses it; nil: the first one.
    public var container: String?

    public init() {}

    public subscript(resource: ResourceName) -> ResourceLoad? {
        switch resource {
        case .cpu: cpu
        case .memory: memory
        case .ephemeralStorage: disk
        case .processes: processes
        case .inodes: inodes
        default: nil
        }
    }

    /// Whether any of it is shared among pods.
    var isShared: Bool { [cpu, memory, disk, processes, inodes].contains { $0?.isShared == true } }

    var isEmpty: Bool { cpu == nil && startupCPU == nil && memory == nil && disk == nil && processes == nil && inodes == nil }
}

/// What an emptyDir volume of a pod holds: of the node's disk, or of its memory if the volume is in memory.
public struct VolumeUsage: Hashable, Sendable {
    /// The volume's name in the pod.
    public var volume: String
    /// Bytes. What counts from a start counts from that of the pod: what containers wrote stays when they start again.
    public var size: ResourceLoad

    public init(volume: String, size: ResourceLoad) {
        self.volume = volume
        self.size = size
    }
}

extension ResourceName {
    /// Process identifiers, by the kubelet's name for them.
    public static let processes = ResourceName("pids")
    /// Inodes, likewise.
    public static let inodes = ResourceName("inodes")
}

extension [ResourceUsage] {
    /// What a container of a pod uses.
    func entry(of container: String, in spec: PodSpec) -> ResourceUsage? {
        first { ($0.container ?? spec.containers.first?.name) == container }
    }
}
