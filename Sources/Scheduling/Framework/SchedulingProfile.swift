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
    /// Those of them whose state follows pods that come and go.
    let preFilterExtensions: [Entry<any PreFilterExtensions>]
    let filter: [Entry<any FilterPlugin>]
    let postFilter: [Entry<any PostFilterPlugin>]
    let preScore: [Entry<any PreScorePlugin>]
    let score: [ScoreEntry]
    /// Whether the profile has Score plugins at all, those included that have nothing to do here.
    let scoresNodes: Bool
    /// Decides between equally good nodes; nil: a draw does.
    let tieBreak: (any TieBreakPlugin)?
    let reserve: [Entry<any ReservePlugin>]
    let permit: [Entry<any PermitPlugin>]
    let preBind: [Entry<any PreBindPlugin>]
    let bind: [Entry<any BindPlugin>]
    /// Plugins that listen to events, by number; nil for those that do not.
    let listeners: [(any EventListeningPlugin)?]
    /// Which plugins listen to each kind of event, by the kind's bit.
    private let listening: [PluginSet]
    /// The plugins of each extension point that has any, in the order in which they are asked, with the weights of scores.
    let effectivePlugins: [(point: ExtensionPoint, plugins: [WeightedPlugin])]

    /// - Throws: as the real scheduler words it when it cannot start.
    init(
        _ configuration: ProfileConfiguration, registry: PluginRegistry, nodes: inout NodeTable
    ) throws(SchedulerConfigurationError) {
        var builder = ProfileBuilder(configuration, registry)
        try builder.makePlugins(&nodes)
        try builder.resolve()
        let weights = try builder.weights()
        let plugins = builder.plugins

        func entries<Value: Sendable>(_ point: ExtensionPoint, _ cast: (any Plugin) -> Value?) -> [Entry<Value>] {
            builder.names(at: point).compactMap { name in
                guard let number = plugins.firstIndex(where: { $0.name == name }), let value = cast(plugins[number]) else { return nil }
                return Entry(number: number, plugin: value)
            }
        }
        schedulerName = configuration.schedulerName
        percentageOfNodesToScore = configuration.percentageOfNodesToScore
        self.plugins = plugins
        effectivePlugins = ExtensionPoint.allCases.compactMap { point in
            let names = builder.names(at: point)
            if names.isEmpty { return nil }
            return (point, names.map { WeightedPlugin($0, weight: point == .score ? weights[$0] ?? 1 : 0) })
        }
        preEnqueue = entries(.preEnqueue) { $0 as? any PreEnqueuePlugin }
        preFilter = entries(.preFilter) { $0 as? any PreFilterPlugin }
        preFilterExtensions = preFilter.compactMap { entry in
            (entry.plugin as? any PreFilterExtensions).map { Entry(number: entry.number, plugin: $0) }
        }
        filter = entries(.filter) { $0 as? any FilterPlugin }
        postFilter = entries(.postFilter) { $0 as? any PostFilterPlugin }
        preScore = entries(.preScore) { $0 as? any PreScorePlugin }
        score = entries(.score) { $0 as? any ScorePlugin }.map {
            ScoreEntry(number: $0.number, plugin: $0.plugin, weight: Int64(weights[$0.plugin.name] ?? 1))
        }
        tieBreak = score.lazy.compactMap { $0.plugin as? any TieBreakPlugin }.first
        scoresNodes = !builder.names(at: .score).isEmpty
        reserve = entries(.reserve) { $0 as? any ReservePlugin }
        permit = entries(.permit) { $0 as? any PermitPlugin }
        preBind = entries(.preBind) { $0 as? any PreBindPlugin }
        bind = entries(.bind) { $0 as? any BindPlugin }
        guard let sort = entries(.queueSort, { $0 as? any QueueSortPlugin }).first else {
            throw builder.failure("the queue sort plugin does not sort", at: [.field("plugins")])
        }
        queueSort = sort.plugin
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

    package func name(of plugin: Int) -> String { plugins[plugin].name }

    /// A plugin as a set of one; nil if the profile has no plugin of the name.
    package func set(of plugin: String) -> PluginSet? {
        plugins.firstIndex { $0.name == plugin }.map { PluginSet(plugin: $0) }
    }

    /// The names of a set of plugins, sorted.
    package func names(of set: PluginSet) -> [String] { set.numbers.map { plugins[$0].name }.sorted() }
}
