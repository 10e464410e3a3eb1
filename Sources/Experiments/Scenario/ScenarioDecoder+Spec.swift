// Reads the parts of a scenario that describe what happens: workloads, faults, timeline, measurement, tunables, expectations.

import APIServer
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension ScenarioDecoder {
    // MARK: Workloads

    mutating func workload(_ node: YAMLNode) -> BehaviourRule? {
        guard let fields = open(node, ScenarioFormat.workload) else { return nil }
        var behaviour = WorkloadBehaviour()
        if let value = distribution(fields, "start") { behaviour.start = value }
        if let value = distribution(fields, "ready") { behaviour.ready = value }
        behaviour.readyAfterRestart = distribution(fields, "readyAfterRestart")
        behaviour.waitsFor = waitsFor(fields, "waitsFor")
        behaviour.hang = distribution(fields, "hang", meanAtLeast: ScenarioFormat.minimumRunSeconds)
        behaviour.postStart = distribution(fields, "postStart")
        behaviour.preStop = distribution(fields, "preStop")
        failingHooks(fields, "failingHooks", &behaviour)
        if let value = distribution(fields, "init") { behaviour.initialise = value }
        behaviour.run = distribution(fields, "run", meanAtLeast: ScenarioFormat.minimumRunSeconds)
        if let value = integer(fields, "exitCode") { behaviour.exitCode = Int32(value) }
        behaviour.crash = distribution(fields, "crash", meanAtLeast: ScenarioFormat.minimumRunSeconds)
        if let value = distribution(fields, "stop") { behaviour.stop = value }
        behaviour.usage = usage(fields, "usage")
        behaviour.emptyDirs = emptyDirs(fields, "emptyDirs")
        behaviour.imageBytes = quantity(fields, "imageSize")?.value
        behaviour.layerBytes = quantity(fields, "layerSize")?.value
        let namespace = string(fields, "namespace")
        guard let selector = selector(fields, "selector") else { return nil }
        return BehaviourRule(namespace: namespace, selector: selector, image: string(fields, "image"), behaviour: behaviour)
    }

    // MARK: Nodes

    mutating func selection(_ fields: Fields) -> NodeSelection? {
        let name = string(fields, "node")
        let zone = string(fields, "zone")
        let all = string(fields, "nodes")
        let labels = selector(fields, "selector")
        if let name { return .node(name) }
        if let zone { return .zone(zone) }
        if let labels { return .labels(labels) }
        return all == nil ? nil : .all
    }

    mutating func selection(_ fields: Fields, _ name: String) -> NodeSelection? {
        guard let node = field(fields, name), let fields = open(node, ScenarioFormat.nodeSelection) else { return nil }
        return selection(fields)
    }

    // MARK: Timeline

    mutating func timelineEntry(_ node: YAMLNode, _ loader: inout ObjectLoader) -> TimelineEntry? {
        guard let fields = open(node, ScenarioFormat.timelineEntry) else { return nil }
        let at = time(fields, "at")
        guard let action = action(fields, &loader), let at else { return nil }
        return TimelineEntry(at: at, action: action)
    }

    private mutating func action(_ fields: Fields, _ loader: inout ObjectLoader) -> OperatorAction? {
        // Every field is asked for, so that all are checked.
        let applied = field(fields, "apply")
        let deleted = field(fields, "delete")
        let scaled = field(fields, "scale")
        let imageSet = field(fields, "setImage")
        let undone = field(fields, "rolloutUndo")
        let restarted = field(fields, "rolloutRestart")
        let paused = objectName(fields, "rolloutPause")
        let resumed = objectName(fields, "rolloutResume")
        let cordoned = selection(fields, "cordon")
        let uncordoned = selection(fields, "uncordon")
        let drained = field(fields, "drain")
        let loaded = field(fields, "setLoad")
        let nodeLoaded = field(fields, "setNodeLoad")
        let tainted = field(fields, "taint")
        let untainted = field(fields, "untaint")
        let added = field(fields, "addNodes")
        let maintained = field(fields, "maintain")
        if let applied {
            let paths = applied.kind == .sequence ? Array(applied.elements) : [applied]
            return .apply(paths.flatMap { loader.objects(in: $0, &self) })
        }
        if let deleted { return deletion(deleted) }
        if let scaled { return scale(scaled) }
        if let imageSet { return setImage(imageSet) }
        if let undone { return rolloutUndo(undone) }
        if let restarted { return rolloutRestart(restarted) }
        if let paused { return .rolloutPause(deployment: paused, paused: true) }
        if let resumed { return .rolloutPause(deployment: resumed, paused: false) }
        if let cordoned { return .cordon(cordoned) }
        if let uncordoned { return .uncordon(uncordoned) }
        if let drained { return drain(drained) }
        if let loaded { return setLoad(loaded) }
        if let nodeLoaded { return nodeLoad(nodeLoaded) }
        if let tainted { return nodeTaints(tainted).map { .taint($0.nodes, $0.taints) } }
        if let untainted { return nodeTaints(untainted).map { .untaint($0.nodes, $0.taints) } }
        if let added { return .addNodes(nodePool(added, &loader)) }
        if let maintained { return maintain(maintained) }
        return nil
    }

    private mutating func deletion(_ node: YAMLNode) -> OperatorAction? {
        guard node.kind == .mapping else { return objectKey(node).map { .delete($0) } }
        guard let fields = open(node, ScenarioFormat.delete) else { return nil }
        var options = DeleteOptions(propagation: .background)
        switch string(fields, "cascade") {
        case "foreground": options.propagation = .foreground
        case "orphan": options.propagation = .orphan
        default: break
        }
        // As kubectl has it: nothing at all is for those who force it.
        if let period = duration(fields, "gracePeriod") { options.gracePeriodSeconds = max(1, Int64(period.seconds.rounded(.up))) }
        if boolean(fields, "force") == true { options.gracePeriodSeconds = 0 }
        return field(fields, "object").flatMap { objectKey($0) }.map { .delete($0, options) }
    }

    private mutating func drain(_ node: YAMLNode) -> OperatorAction? {
        guard let fields = open(node, ScenarioFormat.drain) else { return nil }
        let options = drainOptions(fields)
        return selection(fields).map { .drain($0, options) }
    }

    private mutating func drainOptions(_ fields: Fields) -> DrainOptions {
        var options = DrainOptions()
        if let value = boolean(fields, "disableEviction") { options.disableEviction = value }
        if let value = boolean(fields, "force") { options.force = value }
        options.gracePeriod = duration(fields, "gracePeriod").map { Int64($0.seconds.rounded(.up)) }
        if let timeout = duration(fields, "timeout"), timeout > .zero { options.timeout = timeout }
        return options
    }

    private mutating func maintain(_ node: YAMLNode) -> OperatorAction? {
        guard let fields = open(node, ScenarioFormat.maintain) else { return nil }
        let atOnce = integer(fields, "maxUnavailable")
        let reboot = duration(fields, "reboot")
        let options = drainOptions(fields)
        return selection(fields).map {
            .maintain(MaintenancePlan(nodes: $0, maxUnavailable: atOnce ?? 1, reboot: reboot ?? .minutes(3), drain: options))
        }
    }

    private mutating func nodeTaints(_ node: YAMLNode) -> (nodes: NodeSelection, taints: [Taint])? {
        guard let fields = open(node, ScenarioFormat.nodeTaints) else { return nil }
        let taints = list(fields, "taints").compactMap { taint($0) }
        return selection(fields).map { ($0, taints) }
    }

    private mutating func scale(_ node: YAMLNode) -> OperatorAction? {
        guard let fields = open(node, ScenarioFormat.scale) else { return nil }
        let key = workload(fields, ScenarioFormat.scalable)
        let replicas = integer(fields, "replicas")
        guard let key, let replicas else { return nil }
        return .scale(key, replicas: Int32(replicas))
    }

    private mutating func setImage(_ node: YAMLNode) -> OperatorAction? {
        guard let fields = open(node, ScenarioFormat.setImage) else { return nil }
        let key = workload(fields, ScenarioFormat.templated)
        let container = string(fields, "container")
        let image = string(fields, "image")
        guard let key, let container, let image else { return nil }
        return .setImage(key, container: container, image: image)
    }

    private mutating func rolloutUndo(_ node: YAMLNode) -> OperatorAction? {
        guard let fields = open(node, ScenarioFormat.rolloutUndo) else { return nil }
        let key = workload(fields, ScenarioFormat.revised)
        let revision = integer(fields, "toRevision")
        return key.map { .rolloutUndo($0, toRevision: revision.map(Int64.init)) }
    }

    private mutating func rolloutRestart(_ node: YAMLNode) -> OperatorAction? {
        guard let fields = open(node, ScenarioFormat.rolloutRestart) else { return nil }
        return workload(fields, ScenarioFormat.revised).map { .rolloutRestart($0) }
    }

    /// The workload an action is about: of one of the kinds, named in the field of that kind.
    private mutating func workload(_ fields: Fields, _ kinds: [Kind]) -> ObjectKey? {
        var key: ObjectKey?
        // Every field is asked for, so that all are checked.
        for kind in kinds {
            if let name = objectName(fields, ScenarioFormat.fieldName(of: kind)) { key = key ?? ObjectKey(kind, name) }
        }
        return key
    }

    /// `kind/namespace/name`, or `kind/name` for kinds without namespaces and for namespace `default`.
    private mutating func objectKey(_ node: YAMLNode) -> ObjectKey? {
        guard let text = String.decode(node, &context) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), !parts.contains("") else {
            context.error(node, "Invalid value: \"\(text)\": expected kind/namespace/name")
            return nil
        }
        let kinds = Kind.allCases.filter { $0 != .unstructured && $0 != .event }
        guard let kind = kinds.first(where: { ScenarioDecoder.names(of: $0).contains(parts[0].lowercased()) }) else {
            context.error(node, "unknown kind \"\(parts[0])\"; expected one of " + kinds.map(\.description).joined(separator: ", "))
            return nil
        }
        if !kind.isNamespaced, parts.count == 3 {
            context.error(node, "a \(kind) is in no namespace: expected \(parts[0])/name")
            return nil
        }
        let namespace = kind.isNamespaced ? (parts.count == 3 ? parts[1] : "default") : ""
        return ObjectKey(kind, namespace: namespace, parts[parts.count - 1])
    }

    /// The names kubectl takes for a kind.
    private static func names(of kind: Kind) -> [String] {
        let singular = kind.description.lowercased()
        let short: [Kind: String] = [
            .deployment: "deploy", .replicaSet: "rs", .node: "no", .namespace: "ns", .priorityClass: "pc", .pod: "po",
            .service: "svc", .statefulSet: "sts", .daemonSet: "ds", .replicationController: "rc", .podDisruptionBudget: "pdb",
            .persistentVolume: "pv",
            .persistentVolumeClaim: "pvc", .storageClass: "sc",
        ]
        let plural =
            singular.hasSuffix("s") ? singular + "es" : singular.hasSuffix("y") ? String(singular.dropLast()) + "ies" : singular + "s"
        return [singular, plural] + (short[kind].map { [$0] } ?? [])
    }

    // MARK: Measurement

    mutating func measure(_ node: YAMLNode) -> RecordingOptions {
        var options = RecordingOptions()
        guard let fields = open(node, ScenarioFormat.measure) else { return options }
        if let interval = self.duration(fields, "interval") {
            options.interval = interval == .zero ? nil : interval
        }
        if let value = boolean(fields, "events") { options.events = value }
        if let value = boolean(fields, "scheduling") { options.schedulingAttempts = value }
        if let value = boolean(fields, "nodeUsage") { options.nodeUsage = value }
        options.requestSampling = integer(fields, "requests")
        options.warmUp = warmUp(fields)
        options.allocations = list(fields, "allocation").compactMap { allocation($0) }
        return options
    }

    /// Whether cluster.csv stays of a size somebody can use; the interval may be the default one.
    mutating func checkSamples(_ options: RecordingOptions, _ duration: SimulatedDuration, _ node: YAMLNode) {
        guard let interval = options.interval, interval > .zero,
            duration.nanoseconds / interval.nanoseconds > Int64(ScenarioFormat.maximumSamples)
        else { return }
        context.error(
            node,
            "a row every \(interval.text) over \(duration.text) would make more than \(ScenarioFormat.maximumSamples) rows of cluster.csv: "
                + "set measure.interval higher")
    }

    // MARK: Tunables

    mutating func controlPlane(_ node: YAMLNode, into configuration: inout ClusterConfiguration) {
        guard let fields = open(node, ScenarioFormat.controlPlane) else { return }
        tunables(Tunables.apiServer, fields, &configuration)
        let sections = [
            ("controllerManager", ScenarioFormat.controllerManager, Tunables.controllerManager),
            ("scheduler", ScenarioFormat.scheduler, Tunables.scheduler),
            ("kubelet", ScenarioFormat.kubelet, Tunables.kubelet + Tunables.eviction),
            ("metricsServer", ScenarioFormat.metricsServer, Tunables.metricsServer),
        ]
        for (name, type, table) in sections {
            guard let node = field(fields, name), let section = open(node, type) else { continue }
            tunables(table, section, &configuration)
            if name == "kubelet" {
                eviction(section, &configuration.nodeAgent.eviction)
                usualEviction = configuration.nodeAgent.eviction
                checkKubelet(section, configuration.nodeAgent)
            }
        }
    }

    mutating func tunables(_ table: [Tunable], _ fields: Fields, _ configuration: inout ClusterConfiguration) {
        for tunable in table {
            guard let node = field(fields, tunable.name) else { continue }
            switch tunable.place {
            case .duration(let path): if let value = duration(node) { configuration[keyPath: path] = value }
            case .period(let path, let least):
                guard let value = duration(node) else { continue }
                if value < least {
                    context.error(node, "must not be shorter than \(least.text)")
                } else {
                    configuration[keyPath: path] = value
                }
            case .share(let path): if let value = number(node, in: 0...1) { configuration[keyPath: path] = Float(value) }
            case .number(let path, let range): if let value = number(node, in: range) { configuration[keyPath: path] = value }
            case .integer(let path, let range): if let value = integer(node, in: range) { configuration[keyPath: path] = value }
            case .bytes(let path): if let value = quantity(fields, tunable.name) { configuration[keyPath: path] = value.value }
            case .bandwidth(let path):
                guard let value = quantity(fields, tunable.name) else { continue }
                if value.sign <= 0 {
                    context.error(node, "must be greater than 0")
                } else {
                    configuration[keyPath: path] = value.approximateDouble
                }
            case .addresses(let path):
                guard let text = String.decode(node, &context) else { continue }
                if let range = AddressRange(text) {
                    configuration[keyPath: path] = range
                } else {
                    context.error(node, "Invalid value: \"\(text)\": must be a valid CIDR value, (e.g. 10.9.8.0/24)")
                }
            case .flag(let path): if let value = Bool.decode(node, &context) { configuration[keyPath: path] = value }
            }
        }
    }
}
