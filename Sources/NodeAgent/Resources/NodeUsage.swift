// What a node has, what is watched of it, and when somebody has to look again.

import DiscreteEvents
import KubernetesAPI

/// What something outside of pods takes of a node: a runaway daemon, a log that fills the disk.
public struct OutsideLoad: Hashable, Sendable, CustomStringConvertible {
    /// Cores.
    public var cpu = 0.0
    /// Bytes.
    public var memory: Int64 = 0
    /// Bytes.
    public var disk: Int64 = 0
    /// Files and folders.
    public var inodes: Int64 = 0

    public init() {}

    static func + (left: OutsideLoad, right: OutsideLoad) -> OutsideLoad {
        var sum = left
        sum.cpu += right.cpu
        sum.memory = sum.memory.addingSaturated(right.memory)
        sum.disk = sum.disk.addingSaturated(right.disk)
        sum.inodes = sum.inodes.addingSaturated(right.inodes)
        return sum
    }

    public var description: String {
        var parts: [String] = []
        if cpu != 0 { parts.append("\(cpu) cores") }
        if memory != 0 { parts.append("\(Quantity(bytes: memory)) of memory") }
        if disk != 0 { parts.append("\(Quantity(bytes: disk)) of disk") }
        if inodes != 0 { parts.append("\(inodes) inodes") }
        return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
    }
}

/// The side of a kubelet that watches what its containers use. It costs nothing while no pod has a usage and nothing outside of
/// pods takes anything.
struct NodeUsage: Sendable {
    /// What the machine has, in base units; `defaultProcesses` if it does not say. Without cores, memory or a disk (nil) in its node's
    /// object it has as much as anybody wants.
    let cores: Double
    let memory: Int64
    let disk: Int64?
    /// Bytes of the file system for images and writable layers, where it is one of its own; nil: they are on the disk, and take nothing of it.
    let imageDisk: Int64?
    let processes: Int64
    /// What all pods together may take of its memory: the rest is reserved for the system, and taken by it.
    let podMemory: Int64

    /// What the operator said that something outside of pods takes.
    var setLoad = OutsideLoad()
    /// What the faults that hold take, in the order in which they struck.
    var struckLoads: [OutsideLoad] = []
    var outside: OutsideLoad { struckLoads.isEmpty ? setLoad : struckLoads.reduce(setLoad, +) }

    // MARK: Eviction

    let settings: EvictionSettings
    var eviction = EvictionManager()
    /// The kubelet's passes come at this time and every interval after it; nil: nobody has asked yet.
    var passes: SimulatedTime?
    var lastPass = SimulatedTime.distantPast
    var nextPass = SimulatedTime.distantFuture
    /// The status of the node is looked at then, and every ten seconds before and after.
    var reports: SimulatedTime?
    /// The conditions of pressure that the node's object shows.
    var reported: [ConditionType] = []
    var nextReport = SimulatedTime.distantFuture

    // MARK: When to look again

    /// The time of the timer that is set.
    var wake = SimulatedTime.distantFuture
    /// Something changed; to be settled before the event is over.
    var isUnsettled = false
    /// Whether any of its containers bears a part of a load that is shared among pods, or will when it is ready.
    var bearsSharedLoad = false
    /// Whether any of its containers runs slower than it would like.
    var isHeldBack = false
    /// Cores that its containers may want one day without requests, limits heeded; and that requests wanted in the last second; nil: never any.
    var peak = 0.0
    var requests: Double?
    /// Cores that pods can have.
    var room: Double { max(0, cores - outside.cpu) }
    /// Whether what requests want may hold anybody back.
    var areRequestsFelt: Bool { isHeldBack || peak + (requests ?? 0) > room }

    /// `nodeStatusUpdateFrequency`; the real one is longer by up to 4 % each time.
    static let reportInterval = SimulatedDuration.seconds(10)
    /// `kernel.pid_max` of a 64-bit machine.
    private static let defaultProcesses: Int64 = 4_194_304

    init(_ status: NodeStatus, _ settings: EvictionSettings, imageDisk: Int64?) {
        func capacity(_ name: ResourceName) -> Quantity? { status.capacity[name] ?? status.allocatable[name] }
        cores = capacity(.cpu).map { Double($0.milliValue) / 1000 } ?? .infinity
        let memory = capacity(.memory)?.value ?? .max
        self.memory = memory
        disk = capacity(.ephemeralStorage)?.value
        self.imageDisk = imageDisk
        processes = NodeUsage.defaultProcesses
        // Allocatable is what is left after what is reserved and the hard threshold.
        self.settings = settings
        let hard = settings.thresholds.first { $0.signal == .memoryAvailable && $0.isHard }?.value.of(memory) ?? 0
        podMemory = status.allocatable[.memory].map { min(memory, $0.value.addingSaturated(hard)) } ?? memory
    }

    /// The kubelet starts: it knows nothing of pressure, and looks at once.
    mutating func restart(at now: SimulatedTime) {
        eviction = EvictionManager()
        passes = now
        reports = now
        reported = []
        nextPass = .distantFuture
        nextReport = .distantFuture
        wake = .distantFuture
    }

    /// Whether the machine has anything of what a signal watches that could run short. A file system for images alone has inodes enough.
    func watches(_ signal: EvictionSignal) -> Bool {
        switch signal {
        case .memoryAvailable, .pidAvailable: true
        case .nodefsAvailable: disk != nil
        case .imagefsAvailable: imageDisk ?? disk != nil
        case .nodefsInodesFree: settings.inodes > 0
        case .imagefsInodesFree: settings.inodes > 0 && imageDisk == nil
        }
    }

    /// What the kubelet sees of a signal when its containers use so much of it; nil: the machine has nothing of the kind.
    func observation(_ signal: EvictionSignal, used: Double) -> SignalObservation? {
        switch signal {
        case .memoryAvailable:
            // Memory is taken page by page.
            let page = Double(OutOfMemory.pageSize)
            let taken = Int64(saturating: (used / page).rounded(.down) * page)
            return SignalObservation(available: max(0, podMemory - taken), capacity: memory)
        case .nodefsAvailable, .imagefsAvailable:
            return (signal == .imagefsAvailable ? imageDisk ?? disk : disk).map {
                SignalObservation(available: max(0, $0 - Int64(saturating: used)), capacity: $0)
            }
        case .nodefsInodesFree, .imagefsInodesFree:
            guard watches(signal) else { return nil }
            let inodes = Int64(settings.inodes)
            return SignalObservation(available: max(0, inodes - Int64(saturating: used)), capacity: inodes)
        case .pidAvailable: return SignalObservation(available: max(0, processes - Int64(saturating: used)), capacity: processes)
        }
    }

    /// What is used outside of pods of what a signal watches.
    func outside(_ signal: EvictionSignal) -> Double {
        switch signal {
        case .memoryAvailable: Double(outside.memory)
        case .nodefsAvailable, .imagefsAvailable: Double(outside.disk)
        case .nodefsInodesFree, .imagefsInodesFree: Double(outside.inodes)
        case .pidAvailable: 0
        }
    }

    /// The first pass at or after a time that has not been made yet.
    func pass(atOrAfter time: SimulatedTime) -> SimulatedTime {
        NodeUsage.tick(passes ?? .zero, settings.monitoringInterval, atOrAfter: max(time, lastPass + .nanoseconds(1)))
    }

    /// Whether a threshold is met when its resource is used so much.
    func isMet(_ threshold: EvictionThreshold, used: Double) -> Bool {
        guard let observed = observation(threshold.signal, used: used) else { return false }
        return threshold.value.of(observed.capacity) > observed.available
    }

    /// The first report at or after a time.
    func report(atOrAfter time: SimulatedTime) -> SimulatedTime {
        NodeUsage.tick(reports ?? .zero, NodeUsage.reportInterval, atOrAfter: time)
    }

    private static func tick(
        _ origin: SimulatedTime, _ period: SimulatedDuration, atOrAfter time: SimulatedTime
    ) -> SimulatedTime {
        time <= origin ? origin : time.roundedUp(toMultipleOf: period, phase: origin - .zero)
    }
}

extension RandomPurpose {
    static let evictionPhase = RandomPurpose("eviction manager phase")
    static let nodeStatusPhase = RandomPurpose("node status phase")
}
