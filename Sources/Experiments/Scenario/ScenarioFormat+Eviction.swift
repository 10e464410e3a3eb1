// The kubelets' thresholds of node-pressure eviction in a scenario file, spelled as in a KubeletConfiguration.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension ScenarioFormat {
    static let evictionFields = [
        ScenarioField(
            "evictionHard", .object("EvictionAmounts"),
            "Thresholds at which pods go at once. Signals that are left out have none then; default: memory.available 100Mi, nodefs.available "
                + "10%, nodefs.inodesFree 5%, imagefs.available 15%, imagefs.inodesFree 5%."),
        ScenarioField("evictionSoft", .object("EvictionAmounts"), "Thresholds at which pods go after a grace period; default: none."),
        ScenarioField("evictionSoftGracePeriod", .object("EvictionGracePeriods"), "The grace period of each soft threshold."),
        ScenarioField(
            "evictionMinimumReclaim", .object("EvictionAmounts"), "How much more than a threshold must be available again; default 0."),
    ]

    static let poolKubelet = ScenarioType(
        name: "PoolKubelet", description: "Settings of the kubelets of one pool; what is left out is as `controlPlane.kubelet` has it.",
        fields: Tunables.eviction.map(\.field) + evictionFields)

    static let evictionAmounts = ScenarioType(
        name: "EvictionAmounts",
        description: "An amount for each signal, as a quantity or a percentage of what the node has.",
        fields: signals(.either(.quantity, .string)))

    static let evictionGracePeriods = ScenarioType(
        name: "EvictionGracePeriods", description: "A time for each signal.", fields: signals(.duration))

    private static func signals(_ type: FieldType) -> [ScenarioField] {
        [
            ScenarioField("memory.available", type, "Memory that pods could still have."),
            ScenarioField("nodefs.available", type, "Room on the node's disk."),
            ScenarioField("nodefs.inodesFree", type, "Inodes of that disk, if `nodefsInodes` says how many there are."),
            ScenarioField("imagefs.available", type, "Room for images: on the same disk, or where `imageFileSystemSize` says."),
            ScenarioField("imagefs.inodesFree", type, "Inodes for images: those of the same disk, unless images have their own."),
            ScenarioField("pid.available", type, "Process identifiers."),
        ]
    }
}

extension ScenarioDecoder {
    /// How the kubelets of a pool evict, if they do it in a way of their own.
    mutating func poolEviction(_ fields: Fields) -> EvictionSettings? {
        guard let node = field(fields, "kubelet"), let kubelet = open(node, ScenarioFormat.poolKubelet) else { return nil }
        var configuration = ClusterConfiguration()
        configuration.nodeAgent.eviction = usualEviction
        tunables(Tunables.eviction, kubelet, &configuration)
        eviction(kubelet, &configuration.nodeAgent.eviction)
        return configuration.nodeAgent.eviction
    }

    /// Reads thresholds over those that hold otherwise.
    mutating func eviction(_ fields: Fields, _ settings: inout EvictionSettings) {
        let usual = settings.thresholds
        let hard = amounts(fields, "evictionHard")
        let soft = amounts(fields, "evictionSoft")
        let graces = gracePeriods(fields, "evictionSoftGracePeriod")
        let reclaims = amounts(fields, "evictionMinimumReclaim") ?? []
        if let hard {
            settings.thresholds = hard.map { given in
                let reclaim = usual.first { $0.signal == given.signal }?.minimumReclaim
                return EvictionThreshold(given.signal, given.amount, minimumReclaim: reclaim)
            }
            settings.thresholds += usual.filter { !$0.isHard }
        }
        if soft != nil { settings.thresholds.removeAll { !$0.isHard } }
        for (signal, amount) in soft ?? [] {
            guard let grace = graces.first(where: { $0.signal == signal })?.period else {
                context.error(
                    fields.node,
                    "grace period must be specified for the soft eviction threshold \(signal.rawValue): evictionSoftGracePeriod")
                continue
            }
            settings.thresholds.append(EvictionThreshold(signal, amount, gracePeriod: grace))
        }
        for (signal, amount) in reclaims {
            for index in settings.thresholds.indices where settings.thresholds[index].signal == signal {
                settings.thresholds[index].minimumReclaim = amount
            }
        }
    }

    private mutating func amounts(
        _ fields: Fields, _ name: String
    ) -> [(signal: EvictionSignal, amount: EvictionThreshold.Amount)]? {
        guard let node = field(fields, name), let fields = open(node, ScenarioFormat.evictionAmounts) else { return nil }
        var amounts: [(signal: EvictionSignal, amount: EvictionThreshold.Amount)] = []
        for signal in EvictionSignal.allCases {
            guard let node = field(fields, signal.rawValue), let amount = amount(of: node) else { continue }
            amounts.append((signal, amount))
        }
        return amounts
    }

    private mutating func amount(of node: YAMLNode) -> EvictionThreshold.Amount? {
        if let text = node.scalarText, text.hasSuffix("%") {
            // In the kubelet's precision, which its messages show.
            guard let percentage = Float(text.dropLast()), (0...100).contains(percentage) else {
                context.error(node, "Invalid value: \"\(text)\": must be a percentage between 0% and 100%")
                return nil
            }
            return .share(percentage / 100)
        }
        guard let quantity = Quantity.decode(node, &context) else { return nil }
        if quantity.sign <= 0 {
            context.error(node, "must be positive")
            return nil
        }
        return .quantity(quantity.value)
    }

    private mutating func gracePeriods(_ fields: Fields, _ name: String) -> [(signal: EvictionSignal, period: SimulatedDuration)] {
        guard let node = field(fields, name), let fields = open(node, ScenarioFormat.evictionGracePeriods) else { return [] }
        var periods: [(signal: EvictionSignal, period: SimulatedDuration)] = []
        for signal in EvictionSignal.allCases {
            if let period = duration(fields, signal.rawValue) { periods.append((signal, period)) }
        }
        return periods
    }
}

extension EvictionThreshold: CustomStringConvertible {
    /// As the kubelet's flags spell it, for run.json: `memory.available<100Mi`.
    public var description: String {
        let amount =
            switch value {
            case .quantity(let quantity): Quantity(quantity, format: signal.format).description
            case .share(let share): "\(share * 100)%"
            }
        return signal.rawValue + "<" + amount + (isHard ? "" : " for \(gracePeriod.text)")
    }
}
