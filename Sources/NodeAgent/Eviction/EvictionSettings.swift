// When a kubelet begins to evict, and how much it wants back: the kubelet's settings of node-pressure eviction.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/>

import DiscreteEvents
import KubernetesAPI

/// What a kubelet watches.
public enum EvictionSignal: String, Hashable, Sendable, CaseIterable {
    case memoryAvailable = "memory.available"
    case nodefsAvailable = "nodefs.available"
    case nodefsInodesFree = "nodefs.inodesFree"
    /// Images and writable layers: on a file system of their own, if there is one, otherwise on the disk with everything else.
    case imagefsAvailable = "imagefs.available"
    case imagefsInodesFree = "imagefs.inodesFree"
    case pidAvailable = "pid.available"

    /// What runs short, by the kubelet's name for it.
    package var resource: ResourceName {
        switch self {
        case .memoryAvailable: .memory
        case .nodefsAvailable, .imagefsAvailable: .ephemeralStorage
        case .nodefsInodesFree, .imagefsInodesFree: .inodes
        case .pidAvailable: .processes
        }
    }

    /// The condition of the node under which it runs short.
    package var condition: ConditionType {
        switch self {
        case .memoryAvailable: .memoryPressure
        case .nodefsAvailable, .nodefsInodesFree, .imagefsAvailable, .imagefsInodesFree: .diskPressure
        case .pidAvailable: .pidPressure
        }
    }

    /// How the kubelet writes what is left: bytes, or pieces.
    package var format: Quantity.Format { [.processes, .inodes].contains(resource) ? .decimalSI : .binarySI }
}

/// A line that a signal must not fall below.
public struct EvictionThreshold: Hashable, Sendable {
    public enum Amount: Hashable, Sendable {
        /// Bytes, or pieces.
        case quantity(Int64)
        /// Of what the node has, from 0 to 1; in the precision in which the kubelet keeps it, which its messages show.
        case share(Float)

        package func of(_ capacity: Int64) -> Int64 {
            switch self {
            case .quantity(let quantity): quantity
            case .share(let share): Int64(saturating: Double(capacity) * Double(share))
            }
        }
    }
    public var signal: EvictionSignal
    public var value: Amount
    /// How long a soft threshold must be crossed before pods go; zero: a hard one.
    public var gracePeriod: SimulatedDuration
    /// How much more than the threshold must be available again before the kubelet is content (`evictionMinimumReclaim`).
    public var minimumReclaim: Amount?

    public init(
        _ signal: EvictionSignal, _ value: Amount, gracePeriod: SimulatedDuration = .zero, minimumReclaim: Amount? = nil
    ) {
        self.signal = signal
        self.value = value
        self.gracePeriod = gracePeriod
        self.minimumReclaim = minimumReclaim
    }

    package var isHard: Bool { gracePeriod == .zero }
}

/// The defaults are the kubelet's.
public struct EvictionSettings: Hashable, Sendable {
    /// In the order in which the kubelet looks at them.
    public var thresholds = [
        EvictionThreshold(.memoryAvailable, .quantity(100 << 20)),
        EvictionThreshold(.nodefsAvailable, .share(0.1)),
        EvictionThreshold(.nodefsInodesFree, .share(0.05)),
        EvictionThreshold(.imagefsAvailable, .share(0.15)),
        EvictionThreshold(.imagefsInodesFree, .share(0.05)),
    ]
    /// `evictionMaxPodGracePeriod`: what pods get to stop at most when a soft threshold takes them, in seconds.
    public var maximumPodGracePeriod = 0
    /// `evictionPressureTransitionPeriod`: how long a condition of pressure outlives the pressure.
    public var pressureTransitionPeriod = SimulatedDuration.minutes(5)
    /// How many inodes a node's disk has, which no Node object says; 0: enough for everybody.
    public var inodes = 0
    /// How often the kubelet looks.
    public var monitoringInterval = SimulatedDuration.seconds(10)

    public init() {}
}
