// Reading a KubeSchedulerConfiguration file, as strictly as the real scheduler: unknown fields and wrong values are refused.

import KubernetesAPI

extension SchedulerConfiguration: YAMLDecodable {
    package static let apiVersion = "kubescheduler.config.k8s.io/v1"
    package static let kind = "KubeSchedulerConfiguration"

    /// Reads a whole configuration. Mistakes are reported in `context`, with the real scheduler's words where it has any.
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> SchedulerConfiguration? {
        guard node.kind == .mapping else {
            context.expect("object", node)
            return nil
        }
        let mode = context.unknownFields
        context.unknownFields = .refuse
        defer { context.unknownFields = mode }
        let errorsBefore = context.errorCount
        var result = SchedulerConfiguration()
        var seenKind = false
        var seenVersion = false
        for (field, value) in node.entries {
            switch field {
            case "apiVersion":
                seenVersion = true
                if let text = String.decode(value, &context), text != apiVersion {
                    context.error(value, "no kind \"\(kind)\" is registered for version \"\(text)\"; expected \(apiVersion)")
                }
            case "kind":
                seenKind = true
                if let text = String.decode(value, &context), text != kind {
                    context.error(value, "no kind \"\(text)\" is registered for version \"\(apiVersion)\"; expected \(kind)")
                }
            case "profiles": result.readProfiles(value, &context)
            case "percentageOfNodesToScore":
                context.read(value, into: &result.percentageOfNodesToScore)
                SchedulerConfiguration.checkPercentage(result.percentageOfNodesToScore, value, &context)
            case "podInitialBackoffSeconds":
                context.read(value, into: &result.podInitialBackoffSeconds)
                if result.podInitialBackoffSeconds <= 0 {
                    invalid(value, String(result.podInitialBackoffSeconds), "must be greater than 0", &context)
                }
            case "podMaxBackoffSeconds": context.read(value, into: &result.podMaxBackoffSeconds)
            case "parallelism":
                if let workers = Int32.decode(value, &context), workers <= 0 {
                    invalid(value, String(workers), "should be an integer value greater than zero", &context)
                }
            case "clientConnection": result.readClient(value, &context)
            case "extenders": result.hasExtenders = value.count > 0
            case "leaderElection", "enableProfiling", "enableContentionProfiling", "delayCacheUntilActive": break
            default: context.unknownField(value)
            }
        }
        if !seenKind { context.error(node, "Object 'Kind' is missing: expected kind: \(kind)") }
        if !seenVersion { context.error(node, "apiVersion is missing: expected apiVersion: \(apiVersion)") }
        if result.podMaxBackoffSeconds < result.podInitialBackoffSeconds {
            invalid(
                node["podMaxBackoffSeconds"] ?? node["podInitialBackoffSeconds"] ?? node, String(result.podMaxBackoffSeconds),
                "must be greater than or equal to PodInitialBackoffSeconds", &context)
        }
        if context.errorCount == errorsBefore { SchedulerConfiguration.report(result.validate(), about: node, &context) }
        return result
    }

    /// Reports what keeps a configuration that reads well from making a scheduler, each at the nearest place the file has.
    private static func report(_ problems: [SchedulerConfigurationError], about node: YAMLNode, _ context: inout DecodingContext) {
        for problem in problems {
            var place = node
            for step in problem.path {
                let next: YAMLNode? =
                    switch step {
                    case .field(let name): place[name]
                    case .element(let index): place[index]
                    }
                guard let next else { break }
                place = next
            }
            context.error(place, problem.description)
        }
    }

    private static func invalid(_ node: YAMLNode, _ value: String, _ detail: String, _ context: inout DecodingContext) {
        context.error(node, "Invalid value: \(value): \(detail)")
    }

    fileprivate static func checkPercentage(_ value: Int32, _ node: YAMLNode, _ context: inout DecodingContext) {
        if !(0...100).contains(value) { invalid(node, String(value), "not in valid range [0-100]", &context) }
    }

    private mutating func readClient(_ node: YAMLNode, _ context: inout DecodingContext) {
        for (field, value) in node.entries {
            switch field {
            case "qps": context.read(value, into: &clientQueriesPerSecond)
            case "burst":
                context.read(value, into: &clientBurst)
                if let clientBurst, clientBurst < 0 {
                    SchedulerConfiguration.invalid(value, String(clientBurst), "must be non-negative", &context)
                }
            case "kubeconfig", "acceptContentTypes", "contentType": break
            default: context.unknownField(value)
            }
        }
    }

    private mutating func readProfiles(_ node: YAMLNode, _ context: inout DecodingContext) {
        guard node.kind == .sequence else { return context.expect("array", node) }
        var read: [(profile: ProfileConfiguration, node: YAMLNode)] = []
        for element in node.elements {
            if let profile = ProfileConfiguration.decode(element, &context) { read.append((profile, element)) }
        }
        // A single profile may do without a name.
        if read.count == 1, read[0].profile.schedulerName.isEmpty { read[0].profile.schedulerName = PodSpec.defaultScheduler }
        for (index, entry) in read.enumerated() {
            if entry.profile.schedulerName.isEmpty {
                context.error(entry.node["schedulerName"] ?? entry.node, "schedulerName: Required value")
            } else if read[..<index].contains(where: { $0.profile.schedulerName == entry.profile.schedulerName }) {
                context.error(
                    entry.node["schedulerName"] ?? entry.node, "Duplicate value: \(GoText.quoted(entry.profile.schedulerName))")
            }
        }
        if !read.isEmpty { profiles = read.map(\.profile) }
    }
}

extension ProfileConfiguration {
    fileprivate static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ProfileConfiguration? {
        guard node.kind == .mapping else {
            context.expect("object", node)
            return nil
        }
        var result = ProfileConfiguration(schedulerName: "")
        for (field, value) in node.entries {
            switch field {
            case "schedulerName": context.read(value, into: &result.schedulerName)
            case "percentageOfNodesToScore":
                context.read(value, into: &result.percentageOfNodesToScore)
                if let percentage = result.percentageOfNodesToScore {
                    SchedulerConfiguration.checkPercentage(percentage, value, &context)
                }
            case "plugins":
                if value.isNull { continue }
                guard value.kind == .mapping else {
                    context.expect("object", value)
                    continue
                }
                for (name, changes) in value.entries {
                    guard let point = ExtensionPoint(rawValue: name) else {
                        context.unknownField(changes)
                        continue
                    }
                    result.plugins.append(ExtensionPointConfiguration.decode(point, changes, &context))
                }
            case "pluginConfig":
                for element in value.elements {
                    guard let entry = PluginConfiguration.decode(element, &context) else { continue }
                    if result.arguments.contains(where: { $0.name == entry.name }) {
                        context.error(element, "Duplicate value: \(GoText.quoted(entry.name))")
                    }
                    result.arguments.append(entry)
                }
            default: context.unknownField(value)
            }
        }
        return result
    }
}

extension ExtensionPointConfiguration {
    fileprivate static func decode(
        _ point: ExtensionPoint, _ node: YAMLNode, _ context: inout DecodingContext
    ) -> ExtensionPointConfiguration {
        var result = ExtensionPointConfiguration(point)
        if node.isNull { return result }
        guard node.kind == .mapping else {
            context.expect("object", node)
            return result
        }
        for (field, value) in node.entries {
            guard field == "enabled" || field == "disabled" else {
                context.unknownField(value)
                continue
            }
            for element in value.elements {
                var plugin = WeightedPlugin("")
                for (field, value) in element.entries {
                    switch field {
                    case "name": context.read(value, into: &plugin.name)
                    case "weight":
                        context.read(value, into: &plugin.weight)
                        if plugin.weight < 0 {
                            context.error(value, "Invalid value: \(plugin.weight): must be greater than or equal to 0")
                        }
                    default: context.unknownField(value)
                    }
                }
                if field == "enabled" {
                    result.enabled.append(plugin)
                    if PluginRegistry.notBuilt.contains(plugin.name) {
                        context.warning(element, "plugin \(plugin.name) is not built yet: the profile does without it")
                    }
                } else {
                    result.disabled.append(plugin.name)
                }
            }
        }
        return result
    }
}

extension PluginConfiguration {
    fileprivate static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> PluginConfiguration? {
        guard node.kind == .mapping else {
            context.expect("object", node)
            return nil
        }
        var name = ""
        var arguments: YAMLNode?
        for (field, value) in node.entries {
            switch field {
            case "name": context.read(value, into: &name)
            case "args": arguments = value
            default: context.unknownField(value)
            }
        }
        guard let arguments, !arguments.isNull else { return PluginConfiguration(name: name, arguments: .unused([])) }
        switch name {
        case NodeResourcesFitPlugin.name:
            return PluginConfiguration(name: name, arguments: .nodeResourcesFit(.decode(arguments, &context)))
        case BalancedAllocationPlugin.name:
            return PluginConfiguration(name: name, arguments: .balancedAllocation(.decode(arguments, &context)))
        case NodeAffinityPlugin.name:
            return PluginConfiguration(name: name, arguments: .nodeAffinity(.decode(arguments, &context)))
        default:
            if PluginRegistry.notBuilt.contains(name) {
                context.warning(node, "plugin \(name) is not built yet: its arguments are ignored")
            }
            return PluginConfiguration(name: name, arguments: .unused(arguments.entries.map(\.key)))
        }
    }
}
