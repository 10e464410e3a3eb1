// Draws a storm from a seed: a small cluster, workloads of every kind, and everything that can go wrong, all at once.

import DiscreteEvents

/// How large storms may get.
public enum StormSize: Sendable, CaseIterable {
    /// Three nodes or so, one or two workloads, two minutes of faults.
    case tiny
    /// A handful of nodes and workloads, a few minutes of faults.
    case small
    /// Up to 30 nodes, a dozen workloads, twenty minutes of faults.
    case large
}

/// Makes storms. The same seed and size make the same storm.
struct StormGenerator {
    let size: StormSize
    private let seed: UInt64
    var dice: Dice
    /// For what was thought of later, and later still: the rest of a seed's storm stays what it was.
    var extra: Dice
    var further: Dice
    var requests: Dice
    var rarities: Dice
    var storm: StormScenario
    /// What operators lay their hands on.
    var targets: [StormTarget] = []
    /// Entries of the behaviour of the workload that is being made.
    var behaviour: [String] = []
    static let zones = ["a", "b", "c"]

    /// - Parameter size: nil: the seed decides, a quarter of the storms are large.
    init(seed: UInt64, size: StormSize? = nil) {
        self.seed = seed
        dice = Dice(RandomStream(seed: seed, purpose: .storm, owner: 0))
        extra = Dice(RandomStream(seed: seed, purpose: .storm, owner: 1))
        further = Dice(RandomStream(seed: seed, purpose: .storm, owner: 2))
        requests = Dice(RandomStream(seed: seed, purpose: .storm, owner: 3))
        rarities = Dice(RandomStream(seed: seed, purpose: .storm, owner: 4))
        let drawn: StormSize = dice.chance(0.25) ? .large : .small
        self.size = size ?? drawn
        storm = StormScenario(seed: seed, calmFrom: .zero, duration: .zero, pools: [])
    }

    mutating func make() -> StormScenario {
        makeNodes()
        makeSettings()
        makeObjects()
        targets = storm.objects.compactMap { StormTarget($0) }
        makeTraffic()
        makeChaos()
        return storm
    }

    /// The same faults and operators on somebody's own nodes and objects.
    mutating func make(
        on pools: [StormScenario.Pool], _ objects: [StormScenario.Piece], targets: [StormTarget]
    ) -> StormScenario {
        storm.pools = pools
        storm.objects = objects
        self.targets = targets
        makeChaos()
        return storm
    }

    /// Faults and operators, and how long they go on.
    private mutating func makeChaos() {
        let chaos = dice.number(size == .tiny ? 1...2 : isLarge ? 6...20 : 2...7) * 60
        storm.calmFrom = .seconds(chaos)
        makeFaults(until: chaos)
        makeActions(until: chaos)
        storm.duration = storm.calmFrom + StormScenario.calm
    }

    var isLarge: Bool { size == .large }

    // MARK: Nodes

    private mutating func makeNodes() {
        let zones = Array(StormGenerator.zones.prefix(dice.number(1...3)))
        let perZone = isLarge ? 2...10 : 1...2
        let cpu = dice.pick([2, 4, 8])
        let resources = "cpu: \(cpu), memory: \(2 * cpu)Gi, ephemeral-storage: 100Gi, pods: 30"
        for zone in zones {
            let count = max(dice.number(perZone), zones.count == 1 ? 3 : 1)
            let isSplit = isLarge && count > 3 && dice.chance(0.5)
            let first = isSplit ? count / 2 : count
            storm.pools.append(.init(name: zone, zone: zone, rack: zone + "0", count: first, resources: resources))
            if isSplit {
                storm.pools.append(.init(name: zone + "x", zone: zone, rack: zone + "1", count: count - first, resources: resources))
            }
        }
        if dice.chance(0.2) {
            storm.settings.append(.init(text: "controllerManager: {qps: \(dice.pick([5, 50])), burst: \(dice.pick([5, 100]))}"))
        }
    }

    /// How the kubelets and the registry are set up.
    private mutating func makeSettings() {
        var kubelet: [String] = []
        if further.chance(0.15) {
            kubelet.append(
                "evictionSoft: {memory.available: \(further.pick(["200Mi", "10%"]))}, "
                    + "evictionSoftGracePeriod: {memory.available: \(further.pick([5, 40]))s}, "
                    + "evictionMaxPodGracePeriod: \(further.pick([0, 15])), evictionPressureTransitionPeriod: \(further.pick([20, 300]))s")
        }
        if further.chance(0.2) {
            kubelet.append("shutdownGracePeriod: \(further.number(5...30))s, shutdownGracePeriodCriticalPods: \(further.number(0...5))s")
        }
        if further.chance(0.3) {
            // Without a threshold: the scheduler knows nothing of images' sizes, and where those in use do not fit kubelets evict for ever.
            let thresholds = "{memory.available: 100Mi, nodefs.available: 10%}"
            kubelet.append(
                "imageFileSystemSize: \(further.number(1...3))Gi, imageMinimumGCAge: 10s, imageGCPeriod: \(further.pick([20, 300]))s, "
                    + "evictionHard: \(thresholds)")
        }
        if further.chance(0.15) {
            kubelet.append("serializeImagePulls: false, maxParallelImagePulls: \(further.number(0...2))")
        }
        if !kubelet.isEmpty { storm.settings.append(.init(text: "kubelet: {\(kubelet.joined(separator: ", "))}")) }
        guard further.chance(0.2) else { return }
        let image = "{name: \"app:3\", \(further.pick(["size: 800Mi", "missing: true"]))}"
        storm.registry.append(.init(text: "{bandwidth: \(further.pick([50, 500]))M, images: [\(image)]}"))
    }

    mutating func anyNode() -> String {
        let pool = dice.pick(storm.pools)
        return pool.node(dice.number(0...(pool.count - 1)))
    }

    mutating func anyZone() -> String { dice.pick(storm.pools).zone }

    /// A time of a storm, in milliseconds: between the seconds in which most else happens.
    mutating func anyInstant(until end: Int) -> Int { rarities.number(5000...(1000 * (end - 30))) }

    /// An entry of the storm's selections: a node, a zone, rarely all.
    mutating func anySelection() -> (text: String, needs: [StormScenario.Need]) {
        switch dice.number(0...9) {
        case 0...5:
            let node = anyNode()
            return ("node: \(node)", [.node(node)])
        case 6...8:
            let zone = anyZone()
            return ("zone: \"\(zone)\"", [.zone(zone)])
        default: return ("nodes: all", [])
        }
    }

    // MARK: Adding

    mutating func add(object name: String, needs: [StormScenario.Need] = [], _ text: String) {
        storm.objects.append(.init(name: name, text: text, needs: needs))
    }

    mutating func add(fault text: String, needs: [StormScenario.Need] = []) { storm.faults.append(.init(text: text, needs: needs)) }

    mutating func add(action text: String, needs: [StormScenario.Need] = []) { storm.actions.append(.init(text: text, needs: needs)) }
}

/// Draws of a storm, one after the other.
struct Dice {
    private var stream: RandomStream

    init(_ stream: RandomStream) { self.stream = stream }

    mutating func number(_ range: ClosedRange<Int>) -> Int { range.lowerBound + stream.uniform(below: range.count) }
    mutating func chance(_ probability: Double) -> Bool { stream.bernoulli(probability) }
    mutating func pick<Value>(_ values: [Value]) -> Value { values[stream.uniform(below: values.count)] }
}

extension RandomPurpose {
    static let storm = RandomPurpose("storm")
}
