// What pods use, and the metrics autoscalers read, in a scenario file.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension ScenarioFormat {
    static let usage = ScenarioType(
        name: "Usage",
        description: "What a container uses while it runs. Autoscalers are told of it by the metrics pipeline; a container over its memory "
            + "limit is killed, a node that runs short evicts, and one that has less cpu than it wants starts and works slower.",
        fields: [
            ScenarioField("cpu", .either(.quantity, .object("Load")), "Cores it wants; default 0."),
            ScenarioField("startupCPU", .quantity, "Cores it wants from its start until it is ready; default: what `cpu` says."),
            ScenarioField("memory", .either(.quantity, .object("Load")), "Bytes; default 0."),
            ScenarioField(
                "disk", .either(.quantity, .object("Load")),
                "Bytes of the node's disk: logs, the container's own files, emptyDir; default 0."),
            ScenarioField("processes", .either(.quantity, .object("Load")), "Process identifiers; default 0."),
            ScenarioField(
                "inodes", .either(.quantity, .object("Load")),
                "Inodes of the node's disk: files and folders. They run short where `nodefsInodes` is set; default 0."),
            ScenarioField("container", .string, "The container that uses it; default: the first."),
        ])

    static let emptyDirUsage = ScenarioType(
        name: "EmptyDirUsage",
        description: "What an emptyDir volume of each pod holds: of its node's disk, or of its memory with `medium: Memory`. A pod whose "
            + "volume on the disk exceeds its `sizeLimit` is evicted; one in memory holds no more than that.",
        fields: [
            ScenarioField("volume", .string, required: true, "The volume's name in the pod."),
            ScenarioField(
                "size", .either(.quantity, .object("Load")), required: true,
                "Bytes. What counts from a container's start counts from the pod's."),
        ])

    static let load = ScenarioType(
        name: "Load", description: "A quantity over time, on each pod or shared by all that are ready.",
        fields: [
            ScenarioField("value", .quantity, "The same at all times."),
            ScenarioField("steps", .list(.object("LoadPoint")), "Each value holds until the next."),
            ScenarioField("ramp", .list(.object("LoadPoint")), "Values change evenly from one point to the next."),
            ScenarioField("growth", .object("Growth"), "A leak: more and more from each start of the container on."),
            ScenarioField(
                "trace", .path,
                "A CSV file with a header: seconds in the first column, base units (cores, bytes) in another; each value holds until the next."
            ),
            ScenarioField("column", .string, "With `trace`: the column of the values, by name; default: the second."),
            ScenarioField(
                "since", .constant(["start", "containerStart"]),
                "Where times count from: the start of the run (default), or each start of the container."),
            ScenarioField(
                "shared", .boolean, "true: the total over all pods, borne in equal parts by the ready ones; default: on each pod."),
        ], exactlyOne: ["value", "steps", "ramp", "growth", "trace"])

    static let growth = ScenarioType(
        name: "Growth", description: "What grows evenly from each start of a container on.",
        fields: [
            ScenarioField("from", .quantity, "The value at the start; default 0."),
            ScenarioField("perMinute", .quantity, required: true, "What is added every minute."),
            ScenarioField("upTo", .quantity, "Where it stops; default: nowhere."),
        ])

    static let loadPoint = ScenarioType(
        name: "LoadPoint", description: "A value at a time.",
        fields: [
            ScenarioField("at", .duration, required: true, "When, from the start of the run; not before the point above."),
            ScenarioField("value", .quantity, required: true, "The value."),
        ])

    static let metric = ScenarioType(
        name: "Metric", description: "A metric that does not come from the kubelets, for autoscalers.",
        fields: [
            ScenarioField("name", .string, required: true, "Its name, as the autoscaler asks for it."),
            ScenarioField("external", .labels, "From outside the cluster, with these labels."),
            ScenarioField("object", .string, "Of one object: kind/namespace/name, or kind/name in namespace default."),
            ScenarioField("pods", .labelSelector, "Of each of these pods."),
            ScenarioField("namespace", .string, "With `pods`: only those of this namespace."),
            ScenarioField("load", .either(.quantity, .object("Load")), required: true, "Its value."),
        ], exactlyOne: ["external", "object", "pods"])

    static let setLoad = ScenarioType(
        name: "SetLoad", description: "Another load on some pods, from now on.",
        fields: [
            ScenarioField("selector", .labelSelector, "Which pods; default: all."),
            ScenarioField("namespace", .string, "Only pods of this namespace."),
            ScenarioField("resource", .constant(["cpu", "memory"]), "What they use; default cpu."),
            ScenarioField("total", .quantity, "In all, borne in equal parts by the ready ones."),
            ScenarioField("each", .quantity, "On each of them."),
            ScenarioField("unknown", .boolean, "true: the metrics API knows nothing of them."),
        ], exactlyOne: ["total", "each", "unknown"])

    static let nodeLoad = ScenarioType(
        name: "NodeLoad", description: "What something outside of pods takes of nodes; what is left out it takes nothing of.",
        fields: outsideLoadFields + selectionFields, exactlyOne: selectionFields.map(\.name))

    static let outsideLoadFields = [
        ScenarioField("cpu", .quantity, "Cores; default 0."),
        ScenarioField("memory", .quantity, "Bytes; default 0."),
        ScenarioField("disk", .quantity, "Bytes; default 0."),
        ScenarioField("inodes", .quantity, "Files and folders; default 0."),
    ]

    static let metricsServer = ScenarioType(
        name: "MetricsServer", description: "From a container's use to the metrics API.", fields: Tunables.metricsServer.map(\.field))
}

extension ScenarioDecoder {
    /// One container's use, or a list of several.
    mutating func usage(_ fields: Fields, _ name: String) -> [ResourceUsage] {
        guard let node = field(fields, name) else { return [] }
        let entries = node.kind == .sequence ? Array(node.elements) : [node]
        var usage: [ResourceUsage] = []
        for entry in entries {
            guard let fields = open(entry, ScenarioFormat.usage) else { continue }
            var own = ResourceUsage()
            own.cpu = field(fields, "cpu").flatMap { load($0) }
            own.startupCPU = field(fields, "startupCPU").flatMap { amount($0) }
            own.memory = field(fields, "memory").flatMap { load($0) }
            own.disk = field(fields, "disk").flatMap { load($0) }
            own.processes = field(fields, "processes").flatMap { load($0) }
            own.inodes = field(fields, "inodes").flatMap { load($0) }
            own.container = string(fields, "container")
            if usage.contains(where: { $0.container == own.container }) {
                context.error(entry, "Duplicate value: container \"\(own.container ?? "(the first)")\"")
            }
            usage.append(own)
        }
        return usage
    }

    mutating func emptyDirs(_ fields: Fields, _ name: String) -> [VolumeUsage] {
        var volumes: [VolumeUsage] = []
        for entry in list(fields, name) {
            guard let fields = open(entry, ScenarioFormat.emptyDirUsage) else { continue }
            let volume = string(fields, "volume")
            guard let size = field(fields, "size").flatMap({ load($0) }), let volume else { continue }
            if size.isShared, let node = fields["size"] { context.error(node, "pods do not share an emptyDir volume") }
            if volumes.contains(where: { $0.volume == volume }) { context.error(entry, "Duplicate value: volume \"\(volume)\"") }
            volumes.append(VolumeUsage(volume: volume, size: size))
        }
        return volumes
    }

    /// `ofContainer`: it may count from a container's start.
    private mutating func load(_ node: YAMLNode, ofContainer: Bool = true) -> ResourceLoad? {
        if node.kind == .scalar { return amount(node).map { ResourceLoad(.constant($0)) } }
        guard let fields = open(node, ScenarioFormat.load) else { return nil }
        let isShared = boolean(fields, "shared") ?? false
        let sinceStart = string(fields, "since") == "containerStart"
        let value = field(fields, "value").flatMap { amount($0) }
        let steps = points(fields, "steps")
        let ramp = points(fields, "ramp")
        let growth = field(fields, "growth").flatMap { self.growth($0) }
        let traced = trace(fields)
        if let own = fields["growth"] ?? (sinceStart ? fields["since"] : nil) {
            if !ofContainer { context.error(own, "a metric has no container whose start it could count from") }
            if isShared { context.error(own, "a load that pods share counts from the start of the run") }
        }
        let profile: LoadProfile?
        if let value {
            profile = .constant(value)
        } else if let steps {
            profile = LoadProfile(steps, .steps)
        } else if let ramp {
            profile = LoadProfile(ramp, .ramp)
        } else {
            profile = growth ?? traced
        }
        return profile.map { ResourceLoad($0, isShared: isShared, isSinceStart: sinceStart || growth != nil) }
    }

    private mutating func growth(_ node: YAMLNode) -> LoadProfile? {
        guard let fields = open(node, ScenarioFormat.growth) else { return nil }
        let from = field(fields, "from").flatMap { amount($0) } ?? 0
        let ceiling = field(fields, "upTo").flatMap { amount($0) } ?? .infinity
        guard let perMinute = field(fields, "perMinute").flatMap({ amount($0) }) else { return nil }
        return .growth(from: from, perSecond: perMinute / 60, upTo: ceiling)
    }

    private mutating func trace(_ fields: Fields) -> LoadProfile? {
        let column = string(fields, "column")
        guard let node = field(fields, "trace") else {
            if let node = fields["column"] { context.error(node, "goes with \"trace\"") }
            return nil
        }
        guard let bytes = file(node) else { return nil }
        do {
            return LoadProfile(try UsageTrace.points(bytes, column: column), .steps)
        } catch {
            context.error(node, error.description)
            return nil
        }
    }

    mutating func nodeLoad(_ node: YAMLNode) -> OperatorAction? {
        guard let fields = open(node, ScenarioFormat.nodeLoad) else { return nil }
        let load = outsideLoad(fields)
        return selection(fields).map { .setNodeLoad($0, load) }
    }

    mutating func outsideLoad(_ fields: Fields) -> OutsideLoad {
        var load = OutsideLoad()
        if let cpu = field(fields, "cpu").flatMap({ amount($0) }) { load.cpu = cpu }
        if let memory = quantity(fields, "memory") { load.memory = memory.value }
        if let disk = quantity(fields, "disk") { load.disk = disk.value }
        if let inodes = quantity(fields, "inodes") { load.inodes = inodes.value }
        return load
    }

    private mutating func points(_ fields: Fields, _ name: String) -> [LoadProfile.Point]? {
        guard let node = field(fields, name) else { return nil }
        var points: [LoadProfile.Point] = []
        for element in list(fields, name) {
            guard let entry = open(element, ScenarioFormat.loadPoint), let time = time(entry, "at"),
                let value = field(entry, "value").flatMap({ amount($0) })
            else { continue }
            if let last = points.last, time < last.time {
                context.error(element, "is before the point above")
                continue
            }
            points.append(.init(time, value))
        }
        if points.isEmpty {
            if node.count == 0 { context.error(node, "has no points") }
            return nil
        }
        return points
    }

    /// A quantity in base units.
    private mutating func amount(_ node: YAMLNode) -> Double? {
        guard let quantity = Quantity.decode(node, &context) else { return nil }
        if quantity.sign < 0 {
            context.error(node, "must not be negative")
            return nil
        }
        return quantity.approximateDouble
    }

    mutating func metric(_ node: YAMLNode) -> CustomMetric? {
        guard let fields = open(node, ScenarioFormat.metric) else { return nil }
        let name = string(fields, "name")
        let labels = self.labels(fields, "external")
        let object = field(fields, "object")
        let pods = selector(fields, "pods")
        let namespace = string(fields, "namespace")
        let load = field(fields, "load").flatMap { self.load($0, ofContainer: false) }
        if let node = fields["namespace"], fields["pods"] == nil { context.error(node, "goes with \"pods\"") }
        guard let name, let load else { return nil }
        if let labels { return CustomMetric(name, .external(labels: labels), load) }
        if let pods { return CustomMetric(name, .pods(namespace: namespace, pods), load) }
        guard let object, let text = String.decode(object, &context) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), !parts.contains("") else {
            context.error(object, "Invalid value: \"\(text)\": expected kind/namespace/name")
            return nil
        }
        let key = NamespacedName(namespace: parts.count == 3 ? parts[1] : "default", name: parts[parts.count - 1])
        return CustomMetric(name, .object(kind: parts[0], key), load)
    }

    mutating func setLoad(_ node: YAMLNode) -> OperatorAction? {
        guard let fields = open(node, ScenarioFormat.setLoad) else { return nil }
        let selector = self.selector(fields, "selector") ?? LabelSelector(matchLabels: [:])
        let namespace = string(fields, "namespace")
        let resource: ResourceName = string(fields, "resource") == "memory" ? .memory : .cpu
        let total = field(fields, "total").flatMap { amount($0) }
        let each = field(fields, "each").flatMap { amount($0) }
        let isUnknown = boolean(fields, "unknown") ?? false
        let value: LoadChange.Value
        if let total {
            value = .total(total)
        } else if let each {
            value = .each(each)
        } else if isUnknown {
            value = .unknown
        } else {
            if let node = fields["unknown"] { context.error(node, "is true or left out") }
            return nil
        }
        return .setLoad(LoadChange(namespace: namespace, selector: selector, resource: resource, value))
    }
}
