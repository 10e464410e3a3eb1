// The fields of KubeSchedulerConfiguration and of plugin arguments, version kubescheduler.config.k8s.io/v1.
// <https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/>

/// What a field may hold.
package indirect enum ConfigurationShape: Sendable {
    case string, boolean, int32, int64, float, duration
    case list(ConfigurationShape)
    case object([ConfigurationField])
    /// A map of strings.
    case labels
    /// Anything: read by somebody else.
    case raw
}

package struct ConfigurationField: Sendable {
    /// When a field appears in the configuration as it is shown.
    package enum Presence: Sendable {
        /// Always, with the zero value if it was not given.
        case always
        /// Only if it is not zero, false or empty.
        case unlessEmpty
        /// Only if it was given.
        case ifGiven
    }
    let name: String
    let shape: ConfigurationShape
    let presence: Presence

    init(_ name: String, _ shape: ConfigurationShape, _ presence: Presence = .unlessEmpty) {
        self.name = name
        self.shape = shape
        self.presence = presence
    }
}

/// The kinds of the group and version.
package enum ConfigurationSchema {
    static let group = "kubescheduler.config.k8s.io"
    static let apiVersion = group + "/v1"
    static let kind = "KubeSchedulerConfiguration"

    private static func field(
        _ name: String, _ shape: ConfigurationShape, _ presence: ConfigurationField.Presence = .unlessEmpty
    ) -> ConfigurationField {
        ConfigurationField(name, shape, presence)
    }

    private static let typeMeta = [field("apiVersion", .string), field("kind", .string)]

    static let configuration = ConfigurationShape.object(
        typeMeta + [
            field("parallelism", .int32, .ifGiven),
            field("leaderElection", leaderElection, .always),
            field("clientConnection", clientConnection, .always),
            field("enableProfiling", .boolean, .ifGiven),
            field("enableContentionProfiling", .boolean, .ifGiven),
            field("percentageOfNodesToScore", .int32, .ifGiven),
            field("podInitialBackoffSeconds", .int64, .ifGiven),
            field("podMaxBackoffSeconds", .int64, .ifGiven),
            field("profiles", .list(profile)),
            field("extenders", .list(extender)),
            field("delayCacheUntilActive", .boolean),
        ])

    private static let leaderElection = ConfigurationShape.object([
        field("leaderElect", .boolean, .ifGiven),
        field("leaseDuration", .duration, .always), field("renewDeadline", .duration, .always),
        field("retryPeriod", .duration, .always),
        field("resourceLock", .string, .always), field("resourceName", .string, .always),
        field("resourceNamespace", .string, .always),
    ])

    private static let clientConnection = ConfigurationShape.object([
        field("kubeconfig", .string, .always), field("acceptContentTypes", .string, .always),
        field("contentType", .string, .always), field("qps", .float, .always), field("burst", .int32, .always),
    ])

    private static let profile = ConfigurationShape.object([
        field("schedulerName", .string, .ifGiven),
        field("percentageOfNodesToScore", .int32, .ifGiven),
        field("plugins", .object(ExtensionPoint.allCases.map { field($0.rawValue, pluginSet) }), .ifGiven),
        field("pluginConfig", .list(.object([field("name", .string, .always), field("args", .raw, .ifGiven)]))),
    ])

    private static let pluginSet = ConfigurationShape.object([field("enabled", .list(plugin)), field("disabled", .list(plugin))])
    private static let plugin = ConfigurationShape.object([field("name", .string, .always), field("weight", .int32, .ifGiven)])

    private static let extender = ConfigurationShape.object([
        field("urlPrefix", .string, .always),
        field("filterVerb", .string), field("preemptVerb", .string), field("prioritizeVerb", .string), field("weight", .int64),
        field("bindVerb", .string), field("enableHTTPS", .boolean),
        field(
            "tlsConfig",
            .object([
                field("insecure", .boolean), field("serverName", .string), field("certFile", .string), field("keyFile", .string),
                field("caFile", .string), field("certData", .string), field("keyData", .string), field("caData", .string),
            ]), .ifGiven),
        field("httpTimeout", .duration, .always), field("nodeCacheCapable", .boolean),
        field("managedResources", .list(.object([field("name", .string, .always), field("ignoredByScheduler", .boolean)]))),
        field("ignorable", .boolean),
    ])

    // MARK: Arguments

    /// The arguments of a plugin of Kubernetes that takes any; nil for others.
    static func arguments(of plugin: String) -> ConfigurationShape? {
        switch plugin {
        case "DefaultPreemption":
            arguments(field("minCandidateNodesPercentage", .int32, .ifGiven), field("minCandidateNodesAbsolute", .int32, .ifGiven))
        case "DynamicResources":
            arguments(field("filterTimeout", .duration, .ifGiven), field("bindingTimeout", .duration, .ifGiven))
        case "InterPodAffinity":
            arguments(
                field("hardPodAffinityWeight", .int32, .ifGiven), field("ignorePreferredTermsOfExistingPods", .boolean, .always))
        case "NodeAffinity": arguments(field("addedAffinity", nodeAffinity, .ifGiven))
        case "NodeResourcesBalancedAllocation": arguments(field("resources", .list(resource)))
        case "NodeResourcesFit":
            arguments(
                field("ignoredResources", .list(.string)), field("ignoredResourceGroups", .list(.string)),
                field("scoringStrategy", scoringStrategy, .ifGiven))
        case "PodTopologySpread": arguments(field("defaultConstraints", .list(spreadConstraint)), field("defaultingType", .string))
        case "VolumeBinding": arguments(field("bindTimeoutSeconds", .int64, .ifGiven), field("shape", .list(shapePoint), .ifGiven))
        default: nil
        }
    }

    /// Plugins that take arguments, sorted.
    static let pluginsWithArguments = [
        "DefaultPreemption", "DynamicResources", "InterPodAffinity", "NodeAffinity", "NodeResourcesBalancedAllocation",
        "NodeResourcesFit", "PodTopologySpread", "VolumeBinding",
    ]

    private static func arguments(_ fields: ConfigurationField...) -> ConfigurationShape { .object(typeMeta + fields) }

    private static let resource = ConfigurationShape.object([field("name", .string, .always), field("weight", .int64)])
    private static let shapePoint = ConfigurationShape.object([
        field("utilization", .int32, .always), field("score", .int32, .always),
    ])
    private static let scoringStrategy = ConfigurationShape.object([
        field("type", .string), field("resources", .list(resource)),
        field("requestedToCapacityRatio", .object([field("shape", .list(shapePoint))]), .ifGiven),
    ])

    private static let requirement = ConfigurationShape.object([
        field("key", .string, .always), field("operator", .string, .always), field("values", .list(.string)),
    ])
    private static let nodeSelectorTerm = ConfigurationShape.object([
        field("matchExpressions", .list(requirement)), field("matchFields", .list(requirement)),
    ])
    private static let nodeAffinity = ConfigurationShape.object([
        field(
            "requiredDuringSchedulingIgnoredDuringExecution",
            .object([field("nodeSelectorTerms", .list(nodeSelectorTerm), .always)]), .ifGiven),
        field(
            "preferredDuringSchedulingIgnoredDuringExecution",
            .list(.object([field("weight", .int32, .always), field("preference", nodeSelectorTerm, .always)]))),
    ])
    private static let spreadConstraint = ConfigurationShape.object([
        field("maxSkew", .int32, .always), field("topologyKey", .string, .always), field("whenUnsatisfiable", .string, .always),
        field(
            "labelSelector", .object([field("matchLabels", .labels), field("matchExpressions", .list(requirement))]), .ifGiven),
        field("minDomains", .int32, .ifGiven), field("nodeAffinityPolicy", .string, .ifGiven),
        field("nodeTaintsPolicy", .string, .ifGiven), field("matchLabelKeys", .list(.string)),
    ])
}
