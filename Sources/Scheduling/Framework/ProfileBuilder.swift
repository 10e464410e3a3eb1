// From what a profile's configuration says to the plugins of each extension point, with the real scheduler's rules and refusals.

import KubernetesAPI

/// Makes the plugins of a profile and lines them up.
struct ProfileBuilder {
    typealias Step = SchedulerConfigurationError.Step

    private let configuration: ProfileConfiguration
    private let registry: PluginRegistry
    /// The plugins that act wherever they can.
    private let multiPoint: [WeightedPlugin]
    private(set) var plugins: [any Plugin] = []
    private var resolved: [(point: ExtensionPoint, names: [String])] = []

    init(_ configuration: ProfileConfiguration, _ registry: PluginRegistry) {
        self.configuration = configuration
        self.registry = registry
        multiPoint = SchedulingProfile.merge(PluginRegistry.defaultPlugins, with: configuration.changes(at: .multiPoint))
    }

    func failure(_ text: String, at path: [Step], details: [FieldError] = []) -> SchedulerConfigurationError {
        SchedulerConfigurationError(
            SchedulerConfigurationError.introduction + "creating profile for scheduler name \(configuration.schedulerName): " + text,
            at: path, details: details)
    }

    /// The last place where the configuration enables a plugin at a point: where mistakes about it are reported.
    private func place(of name: String, at point: ExtensionPoint) -> [Step] {
        for point in [point, .multiPoint] {
            if let index = configuration.changes(at: point).enabled.lastIndex(where: { $0.name == name }) {
                return [.field("plugins"), .field(point.rawValue), .field("enabled"), .element(index)]
            }
        }
        return [.field("plugins")]
    }

    /// Where the configuration changes a point, else where it could have.
    private func place(changing point: ExtensionPoint) -> [Step] {
        let given = configuration.plugins.contains { $0.point == point } ? point : .multiPoint
        return [.field("plugins"), .field(given.rawValue)]
    }

    // MARK: Plugins

    /// Makes every plugin named anywhere, each once. Names nobody knows are left to ``resolve()``.
    mutating func makePlugins(_ nodes: inout NodeTable) throws(SchedulerConfigurationError) {
        var named = multiPoint.map { ($0.name, ExtensionPoint.multiPoint) }
        for changes in configuration.plugins where changes.point != .multiPoint {
            named += changes.enabled.map { ($0.name, changes.point) }
        }
        for (name, point) in named where !isKnown(name) {
            guard let factory = registry.factory(of: name) else { continue }
            let entry = configuration.arguments.firstIndex { $0.name == name }
            let path = entry.map { [Step.field("pluginConfig"), .element($0)] } ?? place(of: name, at: point)
            let arguments = entry.map { configuration.arguments[$0].arguments }
            if case .refused(let errors)? = arguments {
                throw failure("initializing plugin \"\(name)\": \(FieldError.aggregate(errors))", at: path, details: errors)
            }
            do {
                plugins.append(try factory(arguments, &nodes))
            } catch {
                throw failure("initializing plugin \"\(name)\": \(error)", at: path)
            }
        }
        guard plugins.count <= SchedulingProfile.maximumPlugins else {
            throw failure("more than \(SchedulingProfile.maximumPlugins) plugins", at: [.field("plugins")])
        }
    }

    private func isKnown(_ name: String) -> Bool { plugins.contains { $0.name == name } }

    /// Whether a plugin that exists acts at a point.
    private func acts(_ name: String, at point: ExtensionPoint) -> Bool {
        if PluginRegistry.acts(name, at: point) { return true }
        guard let plugin = plugins.first(where: { $0.name == name }) else { return false }
        switch point {
        case .preEnqueue: return plugin is any PreEnqueuePlugin
        case .queueSort: return plugin is any QueueSortPlugin
        case .preFilter: return plugin is any PreFilterPlugin
        case .filter: return plugin is any FilterPlugin
        case .postFilter: return plugin is any PostFilterPlugin
        case .preScore: return plugin is any PreScorePlugin
        case .score: return plugin is any ScorePlugin
        case .reserve: return plugin is any ReservePlugin
        case .permit: return plugin is any PermitPlugin
        case .preBind: return plugin is any PreBindPlugin
        case .bind: return plugin is any BindPlugin
        case .postBind, .multiPoint: return false
        }
    }

    // MARK: Extension points

    /// The order in which the real scheduler lines up its extension points: decides which mistake is the first.
    private static let order: [ExtensionPoint] = [
        .preFilter, .filter, .postFilter, .reserve, .preScore, .score, .preBind, .bind, .postBind, .permit, .preEnqueue, .queueSort,
    ]

    func names(at point: ExtensionPoint) -> [String] { resolved.first { $0.point == point }?.names ?? [] }

    /// Lines up the plugins of all extension points.
    mutating func resolve() throws(SchedulerConfigurationError) {
        for point in ProfileBuilder.order { try check(point) }
        for point in ProfileBuilder.order { resolved.append((point, try expand(point))) }
        let sorts = names(at: .queueSort).count
        guard sorts == 1 else {
            throw failure(
                "only one queue sort plugin required for profile with scheduler name \"\(configuration.schedulerName)\", "
                    + "but got \(sorts)", at: place(changing: .queueSort))
        }
        guard !names(at: .bind).isEmpty else {
            throw failure(
                "at least one bind plugin is needed for profile with scheduler name \"\(configuration.schedulerName)\"",
                at: place(changing: .bind))
        }
    }

    /// Checks what a point enables itself.
    private func check(_ point: ExtensionPoint) throws(SchedulerConfigurationError) {
        var seen: [String] = []
        for plugin in configuration.changes(at: point).enabled {
            let path = place(of: plugin.name, at: point)
            guard isKnown(plugin.name) else {
                throw failure("\(point.pluginTypeName) \"\(plugin.name)\" does not exist", at: path)
            }
            guard acts(plugin.name, at: point) else {
                throw failure("plugin \"\(plugin.name)\" does not extend \(point.pluginTypeName) plugin", at: path)
            }
            guard !seen.contains(plugin.name) else {
                throw failure("plugin \"\(plugin.name)\" already registered as \"\(point.pluginTypeName)\"", at: path)
            }
            seen.append(plugin.name)
        }
    }

    /// The plugins of one extension point. In this order: those the point enables itself although `multiPoint` brings them, the rest
    /// of `multiPoint`, those only the point names. `*` among the disabled: those the point enables, and no others.
    private func expand(_ point: ExtensionPoint) throws(SchedulerConfigurationError) -> [String] {
        let changes = configuration.changes(at: point)
        let own = changes.enabled.map(\.name)
        if changes.disabled.contains("*") || multiPoint.isEmpty { return own }
        var overridden: [String] = []
        var general: [String] = []
        for plugin in multiPoint {
            guard isKnown(plugin.name) else {
                throw failure("\(point.pluginTypeName) \"\(plugin.name)\" does not exist", at: place(of: plugin.name, at: .multiPoint))
            }
            guard acts(plugin.name, at: point), !changes.disabled.contains(plugin.name) else { continue }
            if own.contains(plugin.name) {
                overridden.append(plugin.name)
            } else if general.contains(plugin.name) {
                throw failure(
                    "plugin \"\(plugin.name)\" already registered as \"\(point.pluginTypeName)\"",
                    at: place(of: plugin.name, at: .multiPoint))
            } else {
                general.append(plugin.name)
            }
        }
        return own.filter { overridden.contains($0) } + general + own.filter { !overridden.contains($0) }
    }

    // MARK: Weights

    /// The weights of Score plugins by name: the point's own entry wins over that of `multiPoint`; 0 stands for 1.
    ///
    /// The sum of all weighted maxima must fit into 64 bits. The test is the real one, with its two's complement arithmetic: it is what
    /// refuses (some) negative weights.
    func weights() throws(SchedulerConfigurationError) -> [String: Int32] {
        var weights: [String: Int32] = [:]
        var total: Int64 = 0
        for plugin in configuration.changes(at: .score).enabled + multiPoint where acts(plugin.name, at: .score) {
            if weights[plugin.name] != nil { continue }
            let weight = plugin.weight == 0 ? 1 : plugin.weight
            weights[plugin.name] = weight
            let share = Int64(weight) * NodeScore.maximum
            if share > Int64.max &- total {
                // What is wrong is a negative weight; this one, or one before it.
                let culprit = (configuration.changes(at: .score).enabled + multiPoint).first { $0.weight < 0 } ?? plugin
                throw failure("score plugins: total score of Score plugins could overflow", at: place(of: culprit.name, at: .score))
            }
            total &+= share
        }
        return weights
    }
}

extension SchedulingProfile {
    /// The default plugins as changed by a profile: a default that is enabled again is replaced in place by the last entry of its name,
    /// disabled ones go (`*`: all), new ones are added at the end, and so are further entries of a name.
    static func merge(_ defaults: [WeightedPlugin], with changes: ExtensionPointConfiguration) -> [WeightedPlugin] {
        var replacements: [Int] = []
        var result: [WeightedPlugin] = []
        if !changes.disabled.contains("*") {
            for plugin in defaults where !changes.disabled.contains(plugin.name) {
                if let index = changes.enabled.lastIndex(where: { $0.name == plugin.name }) {
                    result.append(changes.enabled[index])
                    replacements.append(index)
                } else {
                    result.append(plugin)
                }
            }
        }
        for (index, plugin) in changes.enabled.enumerated() where !replacements.contains(index) { result.append(plugin) }
        return result
    }
}
