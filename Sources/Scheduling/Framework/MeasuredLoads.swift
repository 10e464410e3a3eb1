// What nodes really use, for plugins that go by it: measured outside of the scheduler, and handed to it from time to time.

import DiscreteEvents
import KubernetesAPI

/// What was measured of a node's cpu and memory.
public struct MeasuredLoad: Hashable, Sendable {
    /// A resource, as shares of the node's capacity.
    public struct Share: Hashable, Sendable {
        public var mean: Double
        /// The standard deviation over the time that was looked at.
        public var deviation: Double

        public init(mean: Double, deviation: Double = 0) {
            self.mean = mean
            self.deviation = deviation
        }
    }
    public var cpu: Share
    public var memory: Share

    public init(cpu: Share, memory: Share) {
        self.cpu = cpu
        self.memory = memory
    }
}

/// What was measured of all nodes at one time.
public struct LoadReport: Sendable {
    public struct Entry: Sendable {
        public var node: String
        /// The latest figures; nil: nobody answered for the node.
        public var latest: MeasuredLoad?
        /// Those of the last quarter of an hour; nil: there are none.
        public var average: MeasuredLoad?

        public init(node: String, latest: MeasuredLoad?, average: MeasuredLoad?) {
            self.node = node
            self.latest = latest
            self.average = average
        }
    }
    /// When it was made: what happened later is not in it.
    public var time: SimulatedTime
    public var entries: [Entry]

    public init(time: SimulatedTime, entries: [Entry]) {
        self.time = time
        self.entries = entries
    }
}

/// The latest report, by node. A plugin that goes by it has it kept (``NodeTable/keep(_:)``); where none does, nothing is measured.
public struct LoadLedger: NodeLedger {
    /// nil: there was none yet.
    private var report: LoadReport?
    /// The entries of the report by the names of their nodes.
    private var numbers: [String: Int] = [:]
    /// By slot: the node, and its entry of the report.
    private var names: [String?] = []
    private var entries: [Int?] = []

    public init() {}

    /// The time of the report; nil: there was none yet.
    public var time: SimulatedTime? { report?.time }
    public func latest(on slot: NodeSlot) -> MeasuredLoad? { entry(of: slot)?.latest }
    public func average(on slot: NodeSlot) -> MeasuredLoad? { entry(of: slot)?.average }

    private func entry(of slot: NodeSlot) -> LoadReport.Entry? { entries[slot].flatMap { report?.entries[$0] } }

    public mutating func appendNode() {
        names.append(nil)
        entries.append(nil)
    }

    public mutating func setNode(_ node: Node?, at slot: NodeSlot) {
        names[slot] = node?.metadata.name
        entries[slot] = node.flatMap { numbers[$0.metadata.name] }
    }

    public mutating func count(_ pod: PodInfo, on slot: NodeSlot, sign: Int) {}

    mutating func take(_ report: LoadReport) {
        self.report = report
        numbers.removeAll(keepingCapacity: true)
        for (number, entry) in report.entries.enumerated() { numbers[entry.node] = number }
        for slot in names.indices { entries[slot] = names[slot].flatMap { numbers[$0] } }
    }
}

extension SchedulerCache {
    /// Whether any plugin goes by what nodes use.
    package var readsLoads: Bool { nodes.hasLedgers && nodes.ledger(LoadLedger.self) != nil }

    /// What was remembered about nodes holds no longer: their loads are others.
    package mutating func take(_ report: LoadReport) {
        guard readsLoads else { return }
        snapshot.nodes.changeLedger(LoadLedger.self) { $0.take(report) }
        for slot in nodes.order { touch(slot) }
    }
}

extension Scheduler {
    /// Whether any profile has a plugin that goes by what nodes use.
    package var readsLoads: Bool { cache.readsLoads }

    /// From now on plugins go by this report.
    package mutating func take(_ report: LoadReport) { cache.take(report) }
}

extension DecisionMaker {
    /// From now on plugins go by this report.
    public mutating func take(_ report: LoadReport) { cache.take(report) }
}
