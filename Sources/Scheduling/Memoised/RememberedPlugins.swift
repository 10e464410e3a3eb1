// Which answers of a profile's plugins about one class of pods can be remembered, and how.

import KubernetesAPI

/// The plugins of a profile that have anything to say about pods of one class, sorted by what becomes of their answers.
struct RememberedPlugins: Sendable {
    /// Stands for all pods of the class.
    let pod: PodInfo
    let profile: SchedulingProfile
    /// PreFilter's results by plugin, the same for all pods of the class.
    private(set) var filterStates: [PluginState?]
    /// PreScore's.
    private(set) var scoreStates: [PluginState?]
    private(set) var filters: [SchedulingProfile.Entry<any FilterPlugin>] = []
    /// Scores that add up.
    private(set) var plainScores: [SchedulingProfile.ScoreEntry] = []
    /// Scores that normalisation compares.
    private(set) var comparedScores: [SchedulingProfile.ScoreEntry] = []
    struct SignatureScore: Sendable {
        let plugin: any SignatureScorePlugin
        let weight: Int64
    }
    private(set) var signatureScores: [SignatureScore] = []
    /// By plugin: its place among the Filter plugins.
    private let filterPositions: [Int]

    /// nil if the answers about the pod may change with anything, or concern few nodes: there is nothing to remember then.
    init?(_ pod: PodInfo, _ profile: SchedulingProfile, _ cluster: ClusterSnapshot) {
        self.pod = pod
        self.profile = profile
        var positions = Array(repeating: Int.max, count: profile.plugins.count)
        for (position, entry) in profile.filter.enumerated() { positions[entry.number] = position }
        filterPositions = positions
        filterStates = Array(repeating: nil, count: profile.plugins.count)
        scoreStates = filterStates
        guard sortFilters(cluster), sortScores(cluster) else { return nil }
    }

    /// The place of a plugin among the profile's Filter plugins.
    func filterPosition(of plugin: Int) -> Int { filterPositions[plugin] }

    private mutating func sortFilters(_ cluster: ClusterSnapshot) -> Bool {
        var skipped: PluginSet = []
        for entry in profile.preFilter {
            switch entry.plugin.scope(for: pod) {
            case .nothing, .topology: skipped.insert(PluginSet(plugin: entry.number))
            case .node:
                switch entry.plugin.preFilter(pod, in: cluster) {
                case .proceed(let state): filterStates[entry.number] = state
                case .skip: skipped.insert(PluginSet(plugin: entry.number))
                case .restrict, .reject: return false
                }
            case .cluster: return false
            }
        }
        for entry in profile.filter where !skipped.has(entry.number) {
            switch entry.plugin.scope(for: pod) {
            case .nothing: continue
            case .node: filters.append(entry)
            case .topology: guard RememberedPlugins.isCounted(entry.plugin) else { return false }
            case .cluster: return false
            }
        }
        return true
    }

    private mutating func sortScores(_ cluster: ClusterSnapshot) -> Bool {
        var skipped: PluginSet = []
        for entry in profile.preScore {
            switch entry.plugin.scope(for: pod) {
            case .nothing, .topology: skipped.insert(PluginSet(plugin: entry.number))
            case .node:
                switch entry.plugin.preScore(pod, feasible: [], in: cluster) {
                case .proceed(let state): scoreStates[entry.number] = state
                case .skip: skipped.insert(PluginSet(plugin: entry.number))
                }
            case .cluster: return false
            }
        }
        for entry in profile.score where !skipped.has(entry.number) {
            switch entry.plugin.scope(for: pod) {
            case .nothing: continue
            case .node:
                if let plugin = entry.plugin as? any SignatureScorePlugin {
                    signatureScores.append(SignatureScore(plugin: plugin, weight: entry.weight))
                } else if entry.plugin.normalises {
                    comparedScores.append(entry)
                } else {
                    plainScores.append(entry)
                }
            case .topology: guard RememberedPlugins.isCounted(entry.plugin) else { return false }
            case .cluster: return false
            }
        }
        return true
    }

    /// Whether ``TopologyMemory`` answers for the plugin.
    private static func isCounted(_ plugin: any Plugin) -> Bool {
        plugin is PodTopologySpreadPlugin || plugin is InterPodAffinityPlugin
    }
}
