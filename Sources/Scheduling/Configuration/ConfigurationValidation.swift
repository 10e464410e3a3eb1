// Validation of a configuration with its defaults, in the real scheduler's order and words.

import DiscreteEvents
import KubernetesAPI

enum ConfigurationValidation {
    /// Everything that is wrong; empty for a configuration of which a scheduler may try to make itself.
    static func errors(in configuration: ConfigurationValue) -> [FieldError] {
        var errors: [FieldError] = []
        let burst = configuration["clientConnection"]?.integer("burst") ?? 0
        if burst < 0 { errors.append(.invalid("clientConnection.burst", burst, "must be non-negative")) }
        errors += leaderElection(configuration["leaderElection"] ?? .emptyObject)
        let workers = configuration.integer("parallelism")
        if workers <= 0 { errors.append(.invalid("parallelism", workers, "should be an integer value greater than zero")) }
        errors += profiles(configuration.list("profiles"))
        errors += percentage(configuration["percentageOfNodesToScore"], "percentageOfNodesToScore")
        let initial = configuration.integer("podInitialBackoffSeconds")
        let maximum = configuration.integer("podMaxBackoffSeconds")
        if initial <= 0 { errors.append(.invalid("podInitialBackoffSeconds", initial, "must be greater than 0")) }
        if maximum < initial {
            errors.append(.invalid("podMaxBackoffSeconds", maximum, "must be greater than or equal to PodInitialBackoffSeconds"))
        }
        errors += extenders(configuration.list("extenders"))
        return errors
    }

    private static func percentage(_ value: ConfigurationValue?, _ field: String) -> [FieldError] {
        guard case .integer(let percentage)? = value, !(0...100).contains(percentage) else { return [] }
        return [.invalid(field, percentage, "not in valid range [0-100]")]
    }

    // MARK: Leader election

    private static func leaderElection(_ election: ConfigurationValue) -> [FieldError] {
        guard election.flag("leaderElect") else { return [] }
        var errors: [FieldError] = []
        func field(_ name: String) -> String { "leaderElection." + name }
        func duration(_ name: String) -> SimulatedDuration { (try? SimulatedDuration(text: election.text(name))) ?? .zero }
        let (lease, renewal, retry) = (duration("leaseDuration"), duration("renewDeadline"), duration("retryPeriod"))
        for (name, value) in [("leaseDuration", lease), ("renewDeadline", renewal), ("retryPeriod", retry)] where value <= .zero {
            errors.append(.invalid(field(name), value.description, "must be greater than zero"))
        }
        // The message names the other value.
        if lease < renewal {
            errors.append(.invalid(field("leaseDuration"), renewal.description, "must be greater than `RenewDeadline`"))
        }
        for name in ["resourceLock", "resourceNamespace", "resourceName"] where election.text(name).isEmpty {
            errors.append(.invalid(field(name), "", name + " is required"))
        }
        if election.text("resourceLock") != "leases" {
            errors.append(.invalid(field("resourceLock"), election.text("resourceLock"), "resourceLock value must be \"leases\""))
        }
        return errors
    }

    // MARK: Profiles

    private static func profiles(_ profiles: [ConfigurationValue]) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, profile) in profiles.enumerated() {
            let path = "profiles[\(index)]"
            let name = profile.text("schedulerName")
            if name.isEmpty { errors.append(.required(path + ".schedulerName")) }
            errors += percentage(profile["percentageOfNodesToScore"], path + ".percentageOfNodesToScore")
            errors += arguments(profile.list("pluginConfig"), path + ".pluginConfig")
            if profiles[..<index].contains(where: { $0.text("schedulerName") == name }) {
                // The real message tries to show the path of the other one, which has no JSON.
                errors.append(FieldError(.duplicate, field: path + ".schedulerName", value: "{}", detail: ""))
            }
        }
        return errors + queueSort(profiles)
    }

    /// All profiles share one queue, so they must sort it alike.
    private static func queueSort(_ profiles: [ConfigurationValue]) -> [FieldError] {
        guard let first = profiles.first else { return [] }
        var errors: [FieldError] = []
        func changes(_ profile: ConfigurationValue) -> ConfigurationValue { profile["plugins"]?["queueSort"] ?? .emptyObject }
        let enabled = changes(first).list("enabled")
        if enabled.count > 1 {
            errors.append(
                .invalid("profiles[0].plugins.queueSort.Enabled", enabled.count, "only one queue sort plugin can be enabled"))
        }
        let sort = enabled.first?.text("name") ?? ""
        let arguments = first.list("pluginConfig").last { !sort.isEmpty && $0.text("name") == sort }?["args"]
        for (index, profile) in profiles.enumerated().dropFirst() {
            if changes(profile) != changes(first) {
                errors.append(
                    FieldError(
                        .invalid, field: "profiles[\(index)].plugins.queueSort", value: pluginSetText(changes(profile)),
                        detail: "must be the same for all profiles"))
            }
            for entry in profile.list("pluginConfig") where entry.text("name") == sort && entry["args"] != arguments {
                errors.append(
                    FieldError(
                        .invalid, field: "profiles[\(index)].pluginConfig.args", value: (entry["args"] ?? .null).json,
                        detail: "must be the same for all profiles"))
            }
        }
        return errors
    }

    /// A set of plugins as the real message shows it: with the names of Go's fields.
    private static func pluginSetText(_ set: ConfigurationValue) -> String {
        func plugins(_ name: String) -> String {
            let list = set.list(name)
            if list.isEmpty { return "null" }
            let texts = list.map { "{\"Name\":\(ConfigurationValue.string($0.text("name")).json),\"Weight\":\($0.integer("weight"))}" }
            return "[" + texts.joined(separator: ",") + "]"
        }
        return "{\"Enabled\":\(plugins("enabled")),\"Disabled\":\(plugins("disabled"))}"
    }

    private static func arguments(_ entries: [ConfigurationValue], _ path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, entry) in entries.enumerated() {
            let name = entry.text("name")
            let place = path + "[\(index)]"
            if entries[..<index].contains(where: { $0.text("name") == name }) { errors.append(.duplicate(place, name)) }
            if let arguments = entry["args"] {
                errors += ArgumentValidation.errors(in: arguments, of: name, at: place + ".args", whenConstructing: false)
            }
        }
        return errors
    }

    // MARK: Extenders

    private static func extenders(_ extenders: [ConfigurationValue]) -> [FieldError] {
        var errors: [FieldError] = []
        var managed: [String] = []
        for (index, extender) in extenders.enumerated() {
            let path = "extenders[\(index)]"
            if !extender.text("prioritizeVerb").isEmpty, extender.integer("weight") <= 0 {
                errors.append(.invalid(path + ".weight", extender.integer("weight"), "must have a positive weight applied to it"))
            }
            for (number, resource) in extender.list("managedResources").enumerated() {
                let name = resource.text("name")
                let field = path + ".managedResources[\(number)].name"
                let problems = NameValidation.qualifiedName(name)
                errors += problems.map { .invalid(field, name, $0) }
                if problems.isEmpty, !ResourceName(name).isExtended {
                    errors.append(.invalid(field, name, "is an invalid extended resource name"))
                }
                if managed.contains(name) { errors.append(.invalid(field, name, "duplicate extender managed resource name")) }
                managed.append(name)
            }
        }
        let binders = extenders.count { !$0.text("bindVerb").isEmpty }
        if binders > 1 {
            errors.append(
                .invalid("extenders", "found \(binders) extenders implementing bind", "only one extender can implement bind"))
        }
        return errors
    }
}
