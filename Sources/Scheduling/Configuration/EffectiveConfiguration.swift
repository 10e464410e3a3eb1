// The configuration in effect: what a file and all the defaults come to, for showing and comparing.

import KubernetesAPI

/// A configuration as the scheduler will work with it.
package struct EffectiveConfiguration: Sendable {
    /// The fields outside the profiles, with their defaults.
    package let fields: ConfigurationValue
    package let profiles: [Profile]

    package struct Profile: Sendable {
        package let schedulerName: String
        package let percentageOfNodesToScore: Int64?
        /// Extension points with the names of their plugins in order; at `score`, pairs of name and weight.
        package let plugins: ConfigurationValue
        /// Arguments by plugin, with their defaults; sorted by name.
        package let arguments: ConfigurationValue
    }

    /// Reads a document and makes its profiles; HTTP extenders are no obstacle here.
    /// - Parameter source: the text of the file, for messages that quote it.
    package static func read(
        _ node: YAMLNode, source: String? = nil, registry: PluginRegistry = PluginRegistry()
    ) throws(ConfigurationRefusal) -> EffectiveConfiguration {
        let (configuration, complete) = try SchedulerConfiguration.read(node, source: source)
        do throws(SchedulerConfigurationError) {
            return try EffectiveConfiguration(configuration.preparedForConstruction(), complete, registry)
        } catch {
            throw .construction([error])
        }
    }

    private init(
        _ configuration: SchedulerConfiguration, _ complete: ConfigurationValue, _ registry: PluginRegistry
    ) throws(SchedulerConfigurationError) {
        var profiles: [Profile] = []
        for (profile, value) in zip(configuration.profiles, complete.list("profiles")) {
            var nodes = NodeTable()
            let made = try SchedulingProfile(profile, registry: registry, nodes: &nodes)
            profiles.append(Profile(made, value, ignoring: configuration.resourcesOfExtenders))
        }
        self.profiles = profiles
        var fields = complete
        fields["profiles"] = nil
        self.fields = fields
    }
}

extension EffectiveConfiguration.Profile {
    fileprivate init(_ profile: SchedulingProfile, _ value: ConfigurationValue, ignoring resources: [ResourceName]) {
        schedulerName = profile.schedulerName
        percentageOfNodesToScore = profile.percentageOfNodesToScore.map(Int64.init)
        var plugins = ConfigurationValue.emptyObject
        for (point, entries) in profile.effectivePlugins {
            plugins[point.rawValue] = .list(
                entries.map { entry in
                    let name = ConfigurationValue.string(entry.name)
                    return point == .score ? .list([name, .integer(Int64(entry.weight))]) : name
                })
        }
        self.plugins = plugins
        var arguments = ConfigurationValue.emptyObject
        for entry in value.list("pluginConfig").sorted(by: { $0.text("name") < $1.text("name") }) {
            var given = entry["args"] ?? .null
            if entry.text("name") == NodeResourcesFitPlugin.name, !resources.isEmpty {
                given["ignoredResources"] = .list(resources.map { .string($0.rawValue) })
            }
            arguments[entry.text("name")] = given
        }
        self.arguments = arguments
    }
}
