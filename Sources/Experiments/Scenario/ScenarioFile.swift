// Loads a scenario file and everything it names.

import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI
import NodeAgent
import Scheduling

/// What the command line says instead of the file.
public struct ScenarioOverrides: Hashable, Sendable {
    public var seed: UInt64?
    public var duration: String?
    /// The path of a KubeSchedulerConfiguration, or `default`.
    public var scheduler: String?
    public var warmUp: WarmUpOverride?

    public init(seed: UInt64? = nil, duration: String? = nil, scheduler: String? = nil, warmUp: WarmUpOverride? = nil) {
        self.seed = seed
        self.duration = duration
        self.scheduler = scheduler
        self.warmUp = warmUp
    }
}

/// The time a run has reached.
public typealias ReachedTime = SimulatedTime

public enum ScenarioFile {
    static let defaultStart = "2026-01-01T00:00:00Z"
    static let defaultPolicy = "default"
    /// Messages shown at most.
    private static let maximumMessages = 100

    /// Reads a scenario.
    ///
    /// - Throws: `ScenarioError` with every mistake found, each with file, line and field.
    public static func load(_ path: String, overrides: ScenarioOverrides = ScenarioOverrides()) throws(ScenarioError) -> Scenario {
        var scenario = try finish(ScenarioReader(path: path, overrides: overrides))
        scenario.origin = ScenarioOrigin(file: path, scheduler: overrides.scheduler)
        return scenario
    }

    /// Reads a scenario with other values in some of its fields.
    ///
    /// - Throws: `ScenarioError` as ``load(_:overrides:)``, and for fields that cannot be found.
    static func load(_ path: String, overrides: ScenarioOverrides, edits: [ScenarioEdit]) throws(ScenarioError) -> Scenario {
        try finish(ScenarioReader(path: path, overrides: overrides, edits: edits))
    }

    /// Reads a scenario from texts that are on no disk.
    ///
    /// - Parameters:
    ///   - path: the name of the scenario file among `files`.
    ///   - files: every file that is read, by the name under which the scenario knows it.
    /// - Throws: `ScenarioError` with every mistake found.
    static func load(_ path: String, files: [(name: String, text: String)]) throws(ScenarioError) -> Scenario {
        var texts: [String: [UInt8]] = [:]
        for file in files { texts[file.name] = Array(file.text.utf8) }
        return try finish(ScenarioReader(path: path, overrides: ScenarioOverrides(), texts: texts))
    }

    private static func finish(_ reader: ScenarioReader) throws(ScenarioError) -> Scenario {
        var reader = reader
        let scenario = reader.read()
        let errors = reader.messages(.error)
        if let scenario, errors.isEmpty {
            var scenario = scenario
            scenario.warnings = reader.messages(.warning)
            return scenario
        }
        var shown = Array(errors.prefix(maximumMessages))
        if errors.count > maximumMessages { shown.append("... and \(errors.count - maximumMessages) more") }
        throw ScenarioError(shown)
    }
}

/// One reading of a scenario file.
struct ScenarioReader {
    private let path: String
    private let overrides: ScenarioOverrides
    /// Values to be put in the place of what files have, and not yet put there.
    private var edits: [ScenarioEdit]
    private(set) var decoder: ScenarioDecoder
    private var loader = ObjectLoader(options: ManifestLoader.Options())
    /// Findings that belong to no node of the scenario file.
    private var others: [Diagnostic] = []
    private var warnings: [String] = []
    private var failures: [String] = []

    init(path: String, overrides: ScenarioOverrides, texts: [String: [UInt8]] = [:], edits: [ScenarioEdit] = []) {
        self.path = path
        self.overrides = overrides
        self.edits = edits
        decoder = ScenarioDecoder(folder: PathText.split(path).folder, texts: texts)
    }

    /// Errors or warnings as text, in the order of the scenario file's lines, then of the files it names.
    func messages(_ severity: Diagnostic.Severity) -> [String] {
        var own = decoder.context.diagnostics.filter { $0.severity == severity }.enumerated().map { $0 }
        own.sort { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
        let rest = (loader.diagnostics + others).filter { $0.severity == severity }
        var result: [String] = severity == .error ? failures : []
        for message in own.map(\.element.description) + rest.map(\.description) + (severity == .warning ? warnings : [])
        where !result.contains(message) {
            result.append(message)
        }
        return result
    }

    /// The scenario, or nil; what is wrong is in ``messages(_:)``.
    mutating func read() -> Scenario? {
        var document: YAMLNode
        do {
            let bytes = try decoder.read(path, beside: false)
            let documents = try YAMLFile.parse(bytes, name: path).documents.filter { !$0.isNull }
            guard documents.count == 1 else {
                failures.append("\(path):1: expected one document, a Scenario; found \(documents.count)")
                return nil
            }
            document = documents[0]
        } catch let error as YAMLError {
            failures.append(error.line == 0 ? "\(path):1: \(error.message)" : error.description)
            return nil
        } catch {
            failures.append("\(error)")
            return nil
        }
        document = ScenarioEdit.apply(edits, to: document, &failures)
        edits.removeAll { $0.field.path.object == nil }
        return scenario(document)
    }

    private mutating func scenario(_ document: YAMLNode) -> Scenario? {
        guard let fields = decoder.open(document, ScenarioFormat.scenario) else { return nil }
        _ = decoder.string(fields, "apiVersion")
        _ = decoder.string(fields, "kind")
        let (name, description) = metadata(fields)
        guard let specNode = decoder.field(fields, "spec"), let spec = decoder.open(specNode, ScenarioFormat.spec) else { return nil }

        var configuration = ClusterConfiguration()
        configuration.plugins = ProgramPlugins.registry
        configuration.nodeAgent.behaviourAnnotations = BehaviourAnnotations.scenarioPrefix
        configuration.seed = overrides.seed ?? decoder.integer(spec, "seed").map { UInt64($0) } ?? 1
        let duration = duration(spec)
        let policy = scheduler(spec, into: &configuration)
        if let node = decoder.field(spec, "controlPlane") { decoder.controlPlane(node, into: &configuration) }
        let errorsBefore = errorCount
        let start = cluster(spec, into: &configuration)
        let clusterIsKnown = errorCount == errorsBefore
        let workloads = decoder.list(spec, "workloads").map { (node: $0, rule: decoder.workload($0)) }
        configuration.behaviours = workloads.compactMap(\.rule)
        if let node = decoder.field(spec, "registry") { decoder.registry(node, into: &configuration.nodeAgent) }
        if let node = decoder.field(spec, "storage") { decoder.storage(node, into: &configuration) }
        configuration.customMetrics = decoder.list(spec, "metrics").compactMap { decoder.metric($0) }
        if let node = decoder.field(spec, "traffic") { configuration.traffic = decoder.traffic(node) }
        let faults = decoder.list(spec, "faults").map { (node: $0, fault: decoder.fault($0)) }
        for (_, fault) in faults {
            switch fault {
            case .nodes(let fault)?: configuration.faults.append(fault)
            case .registry(let outage)?: configuration.registryOutages.append(outage)
            case .apiServer(let fault)?: configuration.apiServerFaults.append(fault)
            case .replay(let failures, _)?: configuration.faults += failures.map(\.fault)
            case nil: break
            }
        }
        var entries: [(node: YAMLNode, entry: TimelineEntry)] = []
        for node in decoder.list(spec, "timeline") {
            if let entry = decoder.timelineEntry(node, &loader) { entries.append((node, entry)) }
        }
        // Stable: entries of one time are done in the order written.
        configuration.timeline = entries.enumerated().sorted { ($0.element.entry.at, $0.offset) < ($1.element.entry.at, $1.offset) }
            .map(\.element.entry)
        configuration.nodeAgent.evictionByNode = decoder.evictionByNode
        readTimeZones(start, into: &configuration)
        warnings += (MissingControllers(configuration).warnings + [GangWarning(configuration).text].compactMap { $0 }).map {
            "\(path): \($0)"
        }
        let measure = decoder.field(spec, "measure")
        if let measure { configuration.recording = decoder.measure(measure) }
        warnings += AllocationWarning(configuration).texts.map { "\(path): \($0)" }
        if let node = measure?["requests"], configuration.traffic == nil { decoder.context.error(node, "the scenario has no traffic") }
        if let override = overrides.warmUp { configuration.recording.warmUp = override.warmUp }
        if let duration, let problem = configuration.recording.warmUpProblem(over: duration) {
            if let override = overrides.warmUp {
                failures.append("\(override.source): \(problem)")
            } else {
                decoder.context.error(measure?["warmUp"] ?? specNode, problem)
            }
        }
        if let duration {
            decoder.checkSamples(configuration.recording, duration, measure?["interval"] ?? spec["duration"] ?? specNode)
        }
        var expectations: [(node: YAMLNode, expectation: Expectation)] = []
        for node in decoder.list(spec, "expect") { expectations += decoder.expectations(node, under: policy).map { (node, $0) } }

        // What is not there because it could not be read is not missed as well.
        var references = ScenarioReferences(
            configuration, nodesAreKnown: clusterIsKnown && decoder.poolsAreKnown,
            workloadsAreKnown: clusterIsKnown && !loader.diagnostics.contains { $0.severity == .error })
        for (node, fault) in faults { if let fault { references.check(fault, node, &decoder) } }
        for (node, entry) in entries { references.check(entry.action, node, &decoder) }
        for (node, expectation) in expectations { references.check(expectation, node, &decoder) }
        for (node, rule) in workloads { if let rule { references.check(rule, node, &decoder) } }
        if let duration { references.checkTimes(faults, entries, expectations, of: configuration, end: .zero + duration, &decoder) }
        if let traffic = configuration.traffic, let node = spec["traffic"] {
            configuration.traffic = references.resolve(traffic, node, &decoder)
            if let duration { references.checkStarts(of: traffic, node, end: .zero + duration, &decoder) }
        }
        references.checkSizes(specNode, &decoder)

        guard let name, let duration, let start else { return nil }
        return Scenario(
            name: name, summary: description, policy: policy, duration: duration, startOnWall: start, configuration: configuration,
            expectations: expectations.map(\.expectation), inputs: decoder.inputs, warnings: [])
    }

    /// Errors found so far, wherever.
    private var errorCount: Int {
        (decoder.context.diagnostics + loader.diagnostics + others).count { $0.severity == .error } + failures.count
    }

    // MARK: Parts

    private mutating func metadata(_ fields: ScenarioDecoder.Fields) -> (name: String?, description: String) {
        guard let node = decoder.field(fields, "metadata"), let metadata = decoder.open(node, ScenarioFormat.metadata) else {
            return (nil, "")
        }
        let description = decoder.string(metadata, "description") ?? ""
        guard let name = decoder.string(metadata, "name") else { return (nil, description) }
        if let value = metadata["name"] {
            // It becomes the name of a folder.
            for problem in NameValidation.dns1123Label(name) { decoder.context.error(value, "Invalid value: \"\(name)\": \(problem)") }
        }
        return (name, description)
    }

    private mutating func duration(_ spec: ScenarioDecoder.Fields) -> SimulatedDuration? {
        let given = decoder.duration(spec, "duration")
        if let given, given == .zero, let node = spec["duration"] { decoder.context.error(node, "must be longer than 0") }
        guard let text = overrides.duration else { return given }
        do throws(DurationTextError) {
            let duration = try SimulatedDuration(text: text)
            if duration <= .zero {
                failures.append("--duration: must be longer than 0")
            } else if duration > .seconds(ScenarioFormat.maximumDurationSeconds) {
                failures.append("--duration: \(text) is longer than 20 years, the most a scenario may ask for")
            } else {
                return duration
            }
        } catch {
            failures.append("--duration: \(error)")
        }
        return nil
    }

    /// Reads the scheduler's configuration and returns the policy's name.
    private mutating func scheduler(_ spec: ScenarioDecoder.Fields, into configuration: inout ClusterConfiguration) -> String {
        let node = decoder.field(spec, "scheduler")
        var document: YAMLNode?
        var policy = ScenarioFile.defaultPolicy
        if let path = overrides.scheduler {
            if path == ScenarioFile.defaultPolicy { return policy }
            do throws(ResultError) {
                document = parseConfiguration(try decoder.read(path, beside: false), name: path)
                policy = PathText.baseName(path)
            } catch {
                failures.append(error.description)
            }
        } else if let node {
            if node.kind == .scalar {
                guard let bytes = decoder.file(node), let path = node.scalarText else { return policy }
                policy = PathText.baseName(path)
                document = parseConfiguration(bytes, name: decoder.location(of: path))
            } else {
                document = node
            }
        }
        // It becomes the name of a folder.
        if [".", "..", ""].contains(policy) {
            failures.append(
                "\(overrides.scheduler ?? path): a policy is called after its file, and \"\(policy)\" can be no folder's name: rename the file"
            )
        }
        guard let document else { return policy }
        var context = DecodingContext(unknownFields: .refuse)
        let plugins = configuration.plugins
        let scheduler = context.object(document) { SchedulerConfiguration.decode($0, registry: plugins, &$1) }
        others += context.diagnostics
        if let scheduler {
            configuration.scheduler = scheduler
            if let rate = scheduler.clientQueriesPerSecond { configuration.timing.schedulerLimit.queriesPerSecond = rate }
            if let burst = scheduler.clientBurst { configuration.timing.schedulerLimit.burst = Int(burst) }
        }
        return policy
    }

    private mutating func parseConfiguration(_ bytes: [UInt8], name: String) -> YAMLNode? {
        do throws(YAMLError) {
            let documents = try YAMLFile.parse(bytes, name: name).documents.filter { !$0.isNull }
            if documents.count == 1 { return documents[0] }
            failures.append("\(name):1: expected one document, a KubeSchedulerConfiguration; found \(documents.count)")
        } catch {
            failures.append(error.description)
        }
        return nil
    }

    /// Reads nodes and objects; returns the hour on the wall at time 0, nanoseconds since 1970.
    private mutating func cluster(_ spec: ScenarioDecoder.Fields, into configuration: inout ClusterConfiguration) -> Int64? {
        let given = decoder.field(spec, "start").flatMap { decoder.context.time($0) }
        guard let node = decoder.field(spec, "cluster"), let fields = decoder.open(node, ScenarioFormat.cluster) else { return nil }
        let snapshotNode = decoder.field(fields, "snapshot")
        let snapshot = snapshotNode.flatMap { decoder.file($0) }.flatMap { parse($0, snapshotNode) }
        let newest = snapshot.flatMap { Snapshot.newestTime(of: $0.documents) }
        let start = given ?? newest ?? RFC3339.nanoseconds(ScenarioFile.defaultStart) ?? 0
        // The API's times are whole seconds.
        let origin = start >= 0 ? start / 1_000_000_000 : 0
        loader = ObjectLoader(options: ManifestLoader.Options(origin: origin))

        for pool in decoder.list(fields, "nodePools") { configuration.nodes += decoder.nodePool(pool, &loader) }
        var manifests: [LoadedObject] = []
        loader.edits = edits
        for path in decoder.list(fields, "objects") { manifests += loader.load(path, &decoder) }
        failures += loader.takeEditFailures()
        loader.check(manifests)
        for object in manifests {
            if case .node(let node) = object.object {
                configuration.nodes.append(node.value)
            } else {
                configuration.objects.append(object.object)
            }
        }
        if let snapshot {
            var stored = ManifestLoader.Options.stored
            stored.origin = origin
            var snapshotLoader = ObjectLoader(options: stored)
            let objects = snapshotLoader.load(documents: snapshot.documents)
            others += snapshotLoader.diagnostics
            configuration.snapshot = objects.map(\.object)
            if objects.isEmpty, let snapshotNode { decoder.context.error(snapshotNode, "there are no objects in the snapshot") }
        }
        if let node = decoder.field(fields, "trace") { configuration.trace = decoder.trace(node, &loader) }
        let carried = configuration.objects + configuration.snapshot + configuration.trace.map(\.object)
        if let warning = Snapshot.warning(about: carried) { warnings.append("\(path): \(warning)") }
        if let node = decoder.field(fields, "arrivals") { decoder.arrivals(node, into: &configuration) }
        checkNames(node, configuration)
        return origin * 1_000_000_000
    }

    /// What CronJobs need: when time 0 is, and the zones they name.
    private mutating func readTimeZones(_ start: Int64?, into configuration: inout ClusterConfiguration) {
        configuration.controllerManager.originOnWall = (start ?? 0) / 1_000_000_000
        let applied = configuration.timeline.flatMap { entry -> [APIObject] in
            if case .apply(let objects) = entry.action { objects } else { [] }
        }
        let objects = configuration.objects + configuration.snapshot + configuration.trace.map(\.object) + applied
        do throws(ZoneInfoError) {
            configuration.controllerManager.timeZones = try ZoneInfoFolder.zones(named: ZoneInfoFolder.names(in: objects))
        } catch {
            failures.append(error.description)
        }
    }

    private mutating func parse(_ bytes: [UInt8], _ node: YAMLNode?) -> YAMLFile? {
        guard let path = node?.scalarText else { return nil }
        do throws(YAMLError) {
            return try YAMLFile.parse(bytes, name: decoder.location(of: path))
        } catch {
            failures.append(error.description)
            return nil
        }
    }

    /// No node may be there twice.
    private mutating func checkNames(_ node: YAMLNode, _ configuration: ClusterConfiguration) {
        var seen: Set<String> = []
        let inSnapshot = configuration.snapshot.filter { $0.kind == .node }.map(\.metadata.name)
        for name in configuration.nodes.map(\.metadata.name) + inSnapshot where !seen.insert(name).inserted {
            decoder.context.error(node, "there are two nodes named \"\(name)\"")
            return
        }
        if seen.isEmpty, !decoder.context.hasErrors, loader.diagnostics.isEmpty {
            decoder.context.error(node, "has no nodes: give nodePools, a snapshot, or objects with Nodes")
        }
    }
}
