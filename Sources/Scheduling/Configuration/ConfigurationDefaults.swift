// What a configuration means where it says nothing: the defaults of kubescheduler.config.k8s.io/v1.

import KubernetesAPI

extension ConfigurationValue {
    /// The value of a member, set first if there is none.
    fileprivate mutating func setDefault(_ name: String, _ value: ConfigurationValue) {
        if self[name] == nil { self[name] = value }
    }

    /// Sets a member that is absent or has Go's zero value.
    fileprivate mutating func setDefaultIfZero(_ name: String, _ value: ConfigurationValue) {
        switch self[name] {
        case nil, .null, .string(""), .string("0s"), .integer(0), .list([]): self[name] = value
        default: break
        }
    }
}

enum ConfigurationDefaults {
    /// A decoded configuration with everything filled in that was not given, as the real scheduler shows it.
    static func apply(to configuration: ConfigurationValue) -> ConfigurationValue {
        var result = configuration
        result.setDefault("parallelism", .integer(16))
        result.setDefault("percentageOfNodesToScore", .integer(0))
        result.setDefault("podInitialBackoffSeconds", .integer(1))
        result.setDefault("podMaxBackoffSeconds", .integer(10))
        result.setDefault("enableProfiling", .boolean(true))
        // Profiling of contention comes with profiling.
        result.setDefault("enableContentionProfiling", .boolean(result.flag("enableProfiling")))

        var client = result["clientConnection"] ?? .emptyObject
        client.setDefaultIfZero("contentType", .string("application/vnd.kubernetes.protobuf"))
        client.setDefaultIfZero("qps", .integer(50))
        client.setDefaultIfZero("burst", .integer(100))
        result["clientConnection"] = client

        var election = result["leaderElection"] ?? .emptyObject
        election.setDefault("leaderElect", .boolean(true))
        election.setDefaultIfZero("leaseDuration", .string("15s"))
        election.setDefaultIfZero("renewDeadline", .string("10s"))
        election.setDefaultIfZero("retryPeriod", .string("2s"))
        election.setDefaultIfZero("resourceLock", .string("leases"))
        election.setDefaultIfZero("resourceName", .string("kube-scheduler"))
        election.setDefaultIfZero("resourceNamespace", .string("kube-system"))
        result["leaderElection"] = election

        var extenders = result.list("extenders")
        for index in extenders.indices { extenders[index].setDefaultIfZero("httpTimeout", .string("5s")) }
        if !extenders.isEmpty { result["extenders"] = .list(extenders) }

        var profiles = result.list("profiles")
        if profiles.isEmpty { profiles = [.emptyObject] }
        // A name given as "" is a name, though not a valid one.
        if profiles.count == 1 { profiles[0].setDefault("schedulerName", .string(PodSpec.defaultScheduler)) }
        for index in profiles.indices { profiles[index] = profile(profiles[index]) }
        result["profiles"] = .list(profiles)
        return result
    }

    // MARK: Profiles

    private static func profile(_ profile: ConfigurationValue) -> ConfigurationValue {
        var result = profile
        let changes = ExtensionPointConfiguration.all(of: profile)
        var merged = ConfigurationValue.emptyObject
        var names: [String] = []
        for point in ExtensionPoint.allCases {
            let change = changes.first { $0.point == point } ?? ExtensionPointConfiguration(point)
            let defaults = point == .multiPoint ? PluginRegistry.defaultPlugins : []
            let enabled = SchedulingProfile.merge(defaults, with: change)
            for plugin in enabled where !names.contains(plugin.name) { names.append(plugin.name) }
            var set = ConfigurationValue.emptyObject
            if !enabled.isEmpty { set["enabled"] = .list(enabled.map { plugin($0.name, weight: $0.weight) }) }
            if !change.disabled.isEmpty { set["disabled"] = .list(change.disabled.map { plugin($0, weight: 0) }) }
            merged[point.rawValue] = set
        }
        result["plugins"] = merged

        var entries = profile.list("pluginConfig")
        for index in entries.indices {
            if let given = entries[index]["args"] { entries[index]["args"] = arguments(given, of: entries[index].text("name")) }
        }
        // Plugins in use that take arguments but were given none.
        for name in ConfigurationSchema.pluginsWithArguments where names.contains(name) {
            if entries.contains(where: { $0.text("name") == name }) { continue }
            guard case .object(let fields)? = ConfigurationSchema.arguments(of: name) else { continue }
            var none = ConfigurationReader.absent(fields)
            none["apiVersion"] = .string(ConfigurationSchema.apiVersion)
            none["kind"] = .string(name + "Args")
            entries.append(.object([.init("name", .string(name)), .init("args", arguments(none, of: name))]))
        }
        result["pluginConfig"] = .list(entries)
        return result
    }

    private static func plugin(_ name: String, weight: Int32) -> ConfigurationValue {
        .object([.init("name", .string(name)), .init("weight", .integer(Int64(weight)))])
    }

    // MARK: Arguments

    private static func arguments(_ given: ConfigurationValue, of plugin: String) -> ConfigurationValue {
        var result = given
        switch plugin {
        case "DefaultPreemption":
            result.setDefault("minCandidateNodesPercentage", .integer(10))
            result.setDefault("minCandidateNodesAbsolute", .integer(100))
        case "DynamicResources":
            result.setDefault("filterTimeout", .string("10s"))
            result.setDefault("bindingTimeout", .string("10m0s"))
        case "InterPodAffinity": result.setDefault("hardPodAffinityWeight", .integer(1))
        case "NodeResourcesBalancedAllocation": result["resources"] = resources(result)
        case "NodeResourcesFit":
            var strategy = result["scoringStrategy"] ?? .object([.init("type", .string("LeastAllocated"))])
            strategy["resources"] = resources(strategy)
            result["scoringStrategy"] = strategy
        case "PodTopologySpread": result.setDefaultIfZero("defaultingType", .string("System"))
        case "VolumeBinding": result.setDefault("bindTimeoutSeconds", .integer(600))
        default: break
        }
        return result
    }

    /// CPU and memory unless others are named; an absent weight is 1.
    private static func resources(_ owner: ConfigurationValue) -> ConfigurationValue {
        var list = owner.list("resources")
        if list.isEmpty { list = ["cpu", "memory"].map { .object([.init("name", .string($0))]) } }
        for index in list.indices { list[index].setDefaultIfZero("weight", .integer(1)) }
        return .list(list)
    }
}

extension ExtensionPointConfiguration {
    /// What a decoded profile changes, in the order of the extension points.
    static func all(of profile: ConfigurationValue) -> [ExtensionPointConfiguration] {
        ExtensionPoint.allCases.compactMap { point in
            guard let set = profile["plugins"]?[point.rawValue] else { return nil }
            return ExtensionPointConfiguration(
                point,
                enabled: set.list("enabled").map { WeightedPlugin($0.text("name"), weight: Int32(clamping: $0.integer("weight"))) },
                disabled: set.list("disabled").map { $0.text("name") })
        }
    }
}
