// A profile ready to run: the plugins of each extension point, in order, with the weights of scores.

import KubernetesAPI

/// The plugins of one `schedulerName`, made once from its configuration. Immutable.
///
/// Plugins are numbered within the profile; verdicts and rejections refer to them by number.
public final class SchedulingProfile: Sendable {
    /// As many as verdicts and sets of plugins can tell apart.
    static let maximumPlugins = 64

    /// A plugin at an extension point, with its number.
    struct Entry<Value: Sendable>: Sendable {
        let number: Int
        let plugin: Value
    }
    struct ScoreEntry: Sendable {
        let number: Int
        let plugin: any ScorePlugin
        let weight: Int64
    }

    public let schedulerName: String
    let percentageOfNodesToScore: Int32?
    /// All plugins by number.
    let plugins: [any Plugin]
    let queueSort: any QueueSortPlugin
    let preEnqueue: [Entry<any PreEnqueuePlugin>]
    let preFilter: [Entry<any PreFilterPlugin>]
    let filter: [Entry<any FilterPlugin>]
    let postFilter: [Entry<any PostFilterPlugin>]
    let preScore: [Entry<any PreScorePlugin>]
    let score: [ScoreEntry]
    let reserve: [Entry<any ReservePlugin>]
    let permit: [Entry<any PermitPlugin>]
    let preBind: [Entry<any PreBindPlugin>]
    let bind: [Entry<any BindPlugin>]
    /// Plugins that listen to events, by number; nil for those that do not.
    let listeners: [(any EventListeningPlugin)?]
    /// Which plugins listen to each kind of event, by the kind's bit.
    private let listening: [PluginSet]
    /// Plugins of Kubernetes that the profile should have but that are not built yet.
    public let missingPlugins: [String]

    /// - Throws: ``SchedulerConfigurationError`` as the real scheduler words it when it cannot start.
    init(_ configuration: ProfileConfiguration, registry: PluginRegistry, nodes: inout NodeTable) throws {
        schedulerName = configuration.schedulerName
        percentageOfNodesToScore = configuration.percentageOfNodesToScore
        let multiPoint = SchedulingProfile.merge(PluginRegistry.defaultPlugins, with: configuration.changes(at: .multiPoint))

        func fail(_ text: String, at path: [SchedulerConfigurationError.Step] = [.field("plugins")]) -> SchedulerConfigurationError {
            SchedulerConfigurationError(
                "initializing profiles: creating profile for scheduler name \(configuration.schedulerName): " + text, at: path)
        }
        /// The last place where the configuration enables a plugin at a point: where mistakes about it are reported.
        func place(of name: String, at point: ExtensionPoint) -> [SchedulerConfigurationError.Step] {
            for point in [point, .multiPoint] {
                if let index = configuration.changes(at: point).enabled.lastIndex(where: { $0.name == name }) {
                    return [.field("plugins"), .field(point.rawValue), .field("enabled"), .element(index)]
                }
            }
            return [.field("plugins")]
        }
        /// Where the configuration changes a point, else where it could have.
        func place(changing point: ExtensionPoint) -> [SchedulerConfigurationError.Step] {
            let given = configuration.plugins.contains { $0.point == point } ? point : .multiPoint
            return [.field("plugins"), .field(given.rawValue)]
        }

        // All plugins named anywhere are made, each once.
        var plugins: [any Plugin] = []
        var missing: [String] = []
        func make(_ name: String, at point: ExtensionPoint) throws {
            if plugins.contains(where: { $0.name == name }) || missing.contains(name) { return }
            guard let factory = registry.factory(of: name) else {
                guard PluginRegistry.notBuilt.contains(name) else {
                    throw fail(
                        "\(point == .multiPoint ? "MultiPointPlugin" : point.pluginTypeName) \"\(name)\" does not exist",
                        at: place(of: name, at: point))
                }
                missing.append(name)
                return
            }
            let arguments = configuration.arguments.first { $0.name == name }?.arguments
            do {
                plugins.append(try factory(arguments, &nodes))
            } catch {
                let index = configuration.arguments.firstIndex { $0.name == name }
                throw fail(
                    "initializing plugin \"\(name)\": \(error)",
                    at: index.map { [.field("pluginConfig"), .element($0)] } ?? place(of: name, at: point))
            }
        }
        for plugin in multiPoint { try make(plugin.name, at: .multiPoint) }
        for changes in configuration.plugins where changes.point != .multiPoint {
            for plugin in changes.enabled { try make(plugin.name, at: changes.point) }
        }
        guard plugins.count <= SchedulingProfile.maximumPlugins else {
            throw fail("more than \(SchedulingProfile.maximumPlugins) plugins")
        }
        self.plugins = plugins
        missingPlugins = missing

        func resolve<Value: Sendable>(_ point: ExtensionPoint, _ cast: (any Plugin) -> Value?) throws -> [(Entry<Value>, Int32)] {
            let changes = configuration.changes(at: point)
            var result: [(Entry<Value>, Int32)] = []
            for plugin in try SchedulingProfile.expand(multiPoint, changes, plugins, cast: { cast($0) != nil }) {
                if missing.contains(plugin.name) { continue }
                guard let number = plugins.firstIndex(where: { $0.name == plugin.name }) else { continue }
                guard let value = cast(plugins[number]) else {
                    throw fail(
                        "plugin \"\(plugin.name)\" does not extend \(point.pluginTypeName) plugin", at: place(of: plugin.name, at: point))
                }
                if result.contains(where: { $0.0.number == number }) {
                    throw fail(
                        "plugin \"\(plugin.name)\" already registered as \"\(point.pluginTypeName)\"", at: place(of: plugin.name, at: point)
                    )
                }
                result.append((Entry(number: number, plugin: value), plugin.weight))
            }
            return result
        }

        preEnqueue = try resolve(.preEnqueue) { $0 as? any PreEnqueuePlugin }.map(\.0)
        preFilter = try resolve(.preFilter) { $0 as? any PreFilterPlugin }.map(\.0)
        filter = try resolve(.filter) { $0 as? any FilterPlugin }.map(\.0)
        postFilter = try resolve(.postFilter) { $0 as? any PostFilterPlugin }.map(\.0)
        preScore = try resolve(.preScore) { $0 as? any PreScorePlugin }.map(\.0)
        score = try resolve(.score) { $0 as? any ScorePlugin }.map { entry, weight in
            ScoreEntry(number: entry.number, plugin: entry.plugin, weight: weight == 0 ? 1 : Int64(weight))
        }
        reserve = try resolve(.reserve) { $0 as? any ReservePlugin }.map(\.0)
        permit = try resolve(.permit) { $0 as? any PermitPlugin }.map(\.0)
        preBind = try resolve(.preBind) { $0 as? any PreBindPlugin }.map(\.0)
        bind = try resolve(.bind) { $0 as? any BindPlugin }.map(\.0)

        let sorts = try resolve(.queueSort) { $0 as? any QueueSortPlugin }
        guard sorts.count == 1, let sort = sorts.first else {
            throw fail(
                "only one queue sort plugin required for profile with scheduler name \"\(configuration.schedulerName)\", "
                    + "but got \(sorts.count)", at: place(changing: .queueSort))
        }
        queueSort = sort.0.plugin
        guard !bind.isEmpty else {
            throw fail(
                "at least one bind plugin is needed for profile with scheduler name \"\(configuration.schedulerName)\"",
                at: place(changing: .bind))
        }
        // Scores are 64-bit in the real scheduler, too; the sum of all weighted maxima must fit.
        var total: Int64 = 0
        for entry in score {
            let (product, overflow) = entry.weight.multipliedReportingOverflow(by: NodeScore.maximum)
            let name = entry.plugin.name
            guard entry.weight > 0 else {
                throw fail(
                    "score plugin \"\(name)\": weight: Invalid value: \(entry.weight): must be greater than or equal to 0",
                    at: place(of: name, at: .score))
            }
            guard !overflow, product <= Int64.max - total else {
                throw fail("score plugins: total score of Score plugins could overflow", at: place(of: name, at: .score))
            }
            total += product
        }
        let listeners = plugins.map { $0 as? any EventListeningPlugin }
        self.listeners = listeners
        listening = (0..<64).map { bit in
            var set: PluginSet = []
            for (number, plugin) in listeners.enumerated() where (plugin?.events.rawValue ?? 0) & (1 << UInt64(bit)) != 0 {
                set.insert(PluginSet(plugin: number))
            }
            return set
        }
    }

    /// The plugins that listen to a kind of event.
    func listening(to kind: ClusterEventKinds) -> PluginSet { listening[kind.rawValue.trailingZeroBitCount & 63] }

    // MARK: Merging

    /// The default plugins as changed by the profile: a default that is enabled again is replaced in place, disabled ones go
    /// (`*`: all), new ones are added at the end.
    static func merge(_ defaults: [WeightedPlugin], with changes: ExtensionPointConfiguration) -> [WeightedPlugin] {
        var replaced: [String] = []
        var result: [WeightedPlugin] = []
        if !changes.disabled.contains("*") {
            for plugin in defaults where !changes.disabled.contains(plugin.name) {
                if let replacement = changes.enabled.first(where: { $0.name == plugin.name }) {
                    result.append(replacement)
                    replaced.append(plugin.name)
                } else {
                    result.append(plugin)
                }
            }
        }
        for plugin in changes.enabled where !replaced.contains(plugin.name) { result.append(plugin) }
        return result
    }

    /// The plugins of one extension point. In this order: those the point enables itself although `multiPoint` brings them (the
    /// point's weight wins), the rest of `multiPoint`, those only the point names. `*` among the disabled: the last only.
    static func expand(
        _ multiPoint: [WeightedPlugin], _ changes: ExtensionPointConfiguration, _ plugins: [any Plugin],
        cast: (any Plugin) -> Bool
    ) throws -> [WeightedPlugin] {
        if changes.disabled.contains("*") { return changes.enabled }
        var overridden: [String] = []
        var general: [WeightedPlugin] = []
        for plugin in multiPoint {
            guard let instance = plugins.first(where: { $0.name == plugin.name }), cast(instance),
                !changes.disabled.contains(plugin.name)
            else { continue }
            if changes.enabled.contains(where: { $0.name == plugin.name }) {
                overridden.append(plugin.name)
            } else {
                general.append(plugin)
            }
        }
        return changes.enabled.filter { overridden.contains($0.name) } + general
            + changes.enabled.filter { !overridden.contains($0.name) }
    }

    func name(of plugin: Int) -> String { plugins[plugin].name }

    /// The names of a set of plugins, sorted.
    func names(of set: PluginSet) -> [String] { set.numbers.map { plugins[$0].name }.sorted() }
}
