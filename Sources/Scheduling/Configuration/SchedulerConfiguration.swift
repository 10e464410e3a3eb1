// KubeSchedulerConfiguration: how the scheduler is set up. <https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/>

import KubernetesAPI

/// The part of a KubeSchedulerConfiguration that influences scheduling, with the real defaults.
public struct SchedulerConfiguration: Hashable, Sendable {
    public var profiles: [ProfileConfiguration]
    /// How many percent of the nodes are looked at; 0 adapts to the size of the cluster. A profile may say otherwise.
    public var percentageOfNodesToScore: Int32
    public var podInitialBackoffSeconds: Int64
    public var podMaxBackoffSeconds: Int64
    /// `clientConnection`; nil where the file says nothing.
    public var clientQueriesPerSecond: Double?
    public var clientBurst: Int32?
    /// Whether HTTP extenders are configured: the file is accepted, but they cannot be called.
    public var hasExtenders: Bool
    /// Extended resources that extenders look after: NodeResourcesFit leaves them alone.
    var resourcesOfExtenders: [ResourceName] = []

    public init() {
        profiles = [ProfileConfiguration()]
        percentageOfNodesToScore = 0
        podInitialBackoffSeconds = 1
        podMaxBackoffSeconds = 10
        hasExtenders = false
    }
}

/// One profile: pods choose it by `spec.schedulerName`.
public struct ProfileConfiguration: Hashable, Sendable {
    public var schedulerName: String
    public var percentageOfNodesToScore: Int32?
    /// What the profile changes in the default set of plugins, in the order of the extension points.
    public var plugins: [ExtensionPointConfiguration]
    public var arguments: [PluginConfiguration]

    public init(schedulerName: String = PodSpec.defaultScheduler) {
        self.schedulerName = schedulerName
        plugins = []
        arguments = []
    }

    func changes(at point: ExtensionPoint) -> ExtensionPointConfiguration {
        plugins.first { $0.point == point } ?? ExtensionPointConfiguration(point)
    }
}

/// The places where plugins act; `multiPoint` stands for all of them.
public enum ExtensionPoint: String, Hashable, Sendable, CaseIterable {
    case multiPoint, preEnqueue, queueSort, preFilter, filter, postFilter, preScore, score, reserve, permit, preBind, bind, postBind

    /// As the real scheduler's messages call plugins of the point.
    var pluginTypeName: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() + "Plugin" }
}

/// `plugins.<point>` of a profile.
public struct ExtensionPointConfiguration: Hashable, Sendable {
    public var point: ExtensionPoint
    public var enabled: [WeightedPlugin]
    /// Names; `*` stands for all.
    public var disabled: [String]

    public init(_ point: ExtensionPoint, enabled: [WeightedPlugin] = [], disabled: [String] = []) {
        self.point = point
        self.enabled = enabled
        self.disabled = disabled
    }
}

public struct WeightedPlugin: Hashable, Sendable {
    public var name: String
    /// For Score; 0 stands for 1.
    public var weight: Int32
    public init(_ name: String, weight: Int32 = 0) {
        self.name = name
        self.weight = weight
    }
}

/// An entry of `pluginConfig`.
public struct PluginConfiguration: Hashable, Sendable {
    public var name: String
    public var arguments: PluginArguments
    public init(name: String, arguments: PluginArguments) {
        self.name = name
        self.arguments = arguments
    }
}

/// Why no scheduler can be made from a configuration that reads well: the real scheduler's words.
public struct SchedulerConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A step from the configuration to the field that is wrong.
    public enum Step: Hashable, Sendable {
        case field(String)
        case element(Int)
    }
    public var description: String
    /// The way to the field, as far as it is known; empty: the configuration as a whole.
    public internal(set) var path: [Step]
    /// What is wrong with a plugin's arguments, field by field; then ``path`` leads to their entry in `pluginConfig`.
    public internal(set) var details: [FieldError] = []

    static let introduction = "initializing profiles: "

    init(_ description: String, at path: [Step] = [], details: [FieldError] = []) {
        self.description = description
        self.path = path
        self.details = details
    }

    /// The steps of a path as messages write it: `profiles[0].plugins`.
    static func path(_ text: String) -> [Step] {
        var steps: [Step] = []
        for part in text.split(separator: ".") {
            let pieces = part.split(separator: "[")
            if let name = pieces.first { steps.append(.field(String(name))) }
            // A label's key in brackets is no step.
            for piece in pieces.dropFirst() { if let index = Int(piece.dropLast()) { steps.append(.element(index)) } }
        }
        return steps
    }

    static func text(_ path: [Step]) -> String {
        var text = ""
        for step in path {
            switch step {
            case .field(let name): text += text.isEmpty ? name : "." + name
            case .element(let index): text += "[\(index)]"
            }
        }
        return text
    }
}

extension SchedulerConfiguration {
    /// Why no scheduler can be made from the configuration with the plugins of `registry`: the first mistake of each profile, and
    /// those of the whole. Empty if one can.
    public func validate(registry: PluginRegistry = PluginRegistry()) -> [SchedulerConfigurationError] {
        var problems: [SchedulerConfigurationError] = []
        if hasExtenders {
            problems.append(
                SchedulerConfigurationError(
                    "HTTP extenders cannot be called from a simulation; remove them", at: [.field("extenders")]))
        }
        var nodes = NodeTable()
        for (index, profile) in profiles.enumerated() {
            do {
                _ = try SchedulingProfile(profile, registry: registry, nodes: &nodes)
            } catch {
                var problem = error
                problem.path = [.field("profiles"), .element(index)] + problem.path
                problems.append(problem)
            }
        }
        return problems
    }

    /// As the scheduler takes the configuration to make itself: resources that extenders look after replace the ignored resources of
    /// NodeResourcesFit.
    func preparedForConstruction() throws(SchedulerConfigurationError) -> SchedulerConfiguration {
        guard !resourcesOfExtenders.isEmpty else { return self }
        var result = self
        for index in result.profiles.indices {
            guard let entry = result.profiles[index].arguments.firstIndex(where: { $0.name == NodeResourcesFitPlugin.name }) else {
                throw SchedulerConfigurationError("couldn't build extenders: can't find NodeResourcesFitArgs in plugin config")
            }
            if case .nodeResourcesFit(var arguments) = result.profiles[index].arguments[entry].arguments {
                arguments.ignoredResources = resourcesOfExtenders
                result.profiles[index].arguments[entry].arguments = .nodeResourcesFit(arguments)
            }
        }
        return result
    }
}
