// Reading a KubeSchedulerConfiguration file in the three stages of the real scheduler: strict decoding, validation with defaults,
// construction. Each stage reports all it finds, and only if the one before found nothing.

import KubernetesAPI

extension SchedulerConfiguration: YAMLDecodable {
    /// A configuration that is valid, with the tree it was read from, defaults filled in.
    /// - Throws: what strict decoding or validation found.
    static func read(_ node: YAMLNode, source: String? = nil) throws(ConfigurationRefusal) -> (SchedulerConfiguration, ConfigurationValue) {
        let given = try ConfigurationReader.read(node, source: source)
        let complete = ConfigurationDefaults.apply(to: given)
        let errors = ConfigurationValidation.errors(in: complete)
        guard errors.isEmpty else { throw .validation(errors) }
        return (SchedulerConfiguration(complete, given: given), complete)
    }

    /// - Parameter given: the same without defaults.
    private init(_ complete: ConfigurationValue, given: ConfigurationValue) {
        self.init()
        percentageOfNodesToScore = Int32(clamping: complete.integer("percentageOfNodesToScore"))
        podInitialBackoffSeconds = complete.integer("podInitialBackoffSeconds")
        podMaxBackoffSeconds = complete.integer("podMaxBackoffSeconds")
        if let client = given["clientConnection"] {
            let (rate, burst) = (client.number("qps"), client.integer("burst"))
            if rate != 0 { clientQueriesPerSecond = rate }
            if burst != 0 { clientBurst = Int32(clamping: burst) }
        }
        let extenders = complete.list("extenders")
        hasExtenders = !extenders.isEmpty
        resourcesOfExtenders = extenders.flatMap { $0.list("managedResources") }.filter { $0.flag("ignoredByScheduler") }
            .map { ResourceName($0.text("name")) }
        let givenProfiles = given.list("profiles")
        profiles = complete.list("profiles").enumerated().map { index, profile in
            var result = ProfileConfiguration(schedulerName: profile.text("schedulerName"))
            if case .integer(let percentage)? = profile["percentageOfNodesToScore"] {
                result.percentageOfNodesToScore = Int32(clamping: percentage)
            }
            result.plugins = givenProfiles.indices.contains(index) ? ExtensionPointConfiguration.all(of: givenProfiles[index]) : []
            result.arguments = profile.list("pluginConfig").map { entry in
                let name = entry.text("name")
                return PluginConfiguration(name: name, arguments: PluginArguments.read(entry["args"] ?? .null, of: name))
            }
            return result
        }
    }

    /// Reads a whole configuration. Mistakes are reported in `context`, with the real scheduler's words where it has any, each at its
    /// line; nil if they keep it from being read.
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> SchedulerConfiguration? {
        decode(node, registry: PluginRegistry(), &context)
    }

    /// The same, where profiles may name the plugins of a registry.
    package static func decode(
        _ node: YAMLNode, registry: PluginRegistry, _ context: inout DecodingContext
    ) -> SchedulerConfiguration? {
        do throws(ConfigurationRefusal) {
            let (configuration, _) = try read(node)
            let problems = configuration.validate(registry: registry)
            if !problems.isEmpty { report(.construction(problems), about: node, &context) }
            return configuration
        } catch {
            report(error, about: node, &context)
            return nil
        }
    }

    // MARK: Reports

    private static func report(_ refusal: ConfigurationRefusal, about root: YAMLNode, _ context: inout DecodingContext) {
        switch refusal {
        case .decoding(let findings):
            let mode = context.unknownFields
            context.unknownFields = .refuse
            for finding in findings.sorted(by: { $0.place.line < $1.place.line }) {
                if finding.message.isEmpty {
                    context.unknownField(finding.place)
                } else {
                    context.error(finding.place, finding.message)
                }
            }
            context.unknownFields = mode
        case .validation(let errors):
            for error in errors { report(error.body, at: SchedulerConfigurationError.path(error.field), in: root, &context) }
        case .construction(let problems):
            for problem in problems {
                if problem.details.isEmpty { report(problem.description, at: problem.path, in: root, &context) }
                for detail in problem.details {
                    let path = problem.path + [.field("args")] + SchedulerConfigurationError.path(detail.field)
                    report(detail.body, at: path, in: root, &context)
                }
            }
        }
    }

    /// Reports a text at the place of a path, or at the nearest one the file has, naming the rest of the path.
    private static func report(
        _ text: String, at path: [SchedulerConfigurationError.Step], in root: YAMLNode, _ context: inout DecodingContext
    ) {
        var place = root
        for (index, step) in path.enumerated() {
            let next: YAMLNode? =
                switch step {
                // Some messages of the real scheduler name Go's field.
                case .field(let name): place[name] ?? place[name.prefix(1).lowercased() + name.dropFirst()]
                case .element(let number): place[number]
                }
            guard let next else {
                // A mistake of the configuration as a whole stands where the nearest part of it is.
                if text.hasPrefix(SchedulerConfigurationError.introduction) { return context.error(place, text) }
                return context.error(missing: SchedulerConfigurationError.text(Array(path[index...])), in: place, text)
            }
            place = next
        }
        context.error(place, text)
    }
}
