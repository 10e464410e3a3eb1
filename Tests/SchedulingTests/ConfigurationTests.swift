// KubeSchedulerConfiguration files: what profiles they make, and how mistakes are reported.

import KubernetesAPI
import Testing

@testable import Scheduling

@Suite("Scheduler configuration")
struct ConfigurationTests {
    private static let head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

    private func read(_ body: String) throws -> (configuration: SchedulerConfiguration?, findings: [Diagnostic]) {
        let file = try YAMLFile.parse(Self.head + body, name: "scheduler.yaml")
        var context = DecodingContext()
        let document = try #require(file.documents.first)
        let read = context.object(document, as: SchedulerConfiguration.self)
        return (read, context.diagnostics)
    }

    private func profile(_ body: String, mistakes: Int = 0) throws -> SchedulingProfile {
        let (read, findings) = try read(body)
        let configuration = try #require(read)
        #expect(findings.filter { $0.severity == .error }.count == mistakes)
        var nodes = NodeTable()
        return try SchedulingProfile(configuration.profiles[0], registry: PluginRegistry(), nodes: &nodes)
    }

    @Test func defaultProfileHasTheRealOrderAndWeights() throws {
        let profile = try profile("")
        let filters = [
            "NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts", "NodeResourcesFit", "VolumeRestrictions",
            "NodeVolumeLimits", "VolumeBinding", "VolumeZone", "PodTopologySpread", "InterPodAffinity", "DynamicResources",
            "NodeDeclaredFeatures",
        ]
        #expect(profile.filter.map(\.plugin.name) == filters)
        let scores = [
            ("TaintToleration", 3), ("NodeAffinity", 2), ("NodeResourcesFit", 1), ("PodTopologySpread", 2), ("InterPodAffinity", 2),
            ("NodeResourcesBalancedAllocation", 1), ("ImageLocality", 1),
        ]
        #expect(profile.score.map { "\($0.plugin.name) \($0.weight)" } == scores.map { "\($0.0) \($0.1)" })
    }

    @Test("a plugin enabled again at a point comes first there, one disabled and enabled comes last")
    func overrides() throws {
        let front = try profile("profiles: [{plugins: {score: {enabled: [{name: ImageLocality, weight: 7}]}}}]")
        #expect(front.score.first?.plugin.name == "ImageLocality")
        #expect(front.score.first?.weight == 7)
        let back = try profile(
            "profiles: [{plugins: {score: {disabled: [{name: TaintToleration}], enabled: [{name: TaintToleration}]}}}]")
        #expect(back.score.last?.plugin.name == "TaintToleration")
        #expect(back.score.last?.weight == 1)
        let only = try profile(
            "profiles: [{plugins: {score: {disabled: [{name: '*'}], enabled: [{name: NodeResourcesFit, weight: 2}]}}}]")
        #expect(only.score.map(\.plugin.name) == ["NodeResourcesFit"])
        let inPlace = try profile("profiles: [{plugins: {multiPoint: {enabled: [{name: NodeAffinity, weight: 9}]}}}]")
        #expect(inPlace.score.map(\.weight) == [3, 9, 1, 2, 2, 1, 1])
        let without = try profile("profiles: [{plugins: {multiPoint: {disabled: [{name: TaintToleration}]}}}]")
        #expect(!without.filter.contains { $0.plugin.name == "TaintToleration" })
    }

    @Test(
        "mistakes are reported with line and field",
        arguments: [
            ("percentageOfNodesToScore: 150", "scheduler.yaml:3: percentageOfNodesToScore: Invalid value: 150: not in valid range [0-100]"),
            ("podInitialBackoffSeconds: 0", "scheduler.yaml:3: podInitialBackoffSeconds: Invalid value: 0: must be greater than 0"),
            (
                "podInitialBackoffSeconds: 5\npodMaxBackoffSeconds: 2",
                "scheduler.yaml:4: podMaxBackoffSeconds: Invalid value: 2: must be greater than or equal to PodInitialBackoffSeconds"
            ),
            ("parallelism: -1", "scheduler.yaml:3: parallelism: Invalid value: -1: should be an integer value greater than zero"),
            ("wobble: 1", "scheduler.yaml:3: wobble: unknown field"),
            (
                "profiles:\n- plugins: {scoring: {}}",
                "scheduler.yaml:4: profiles[0].plugins.scoring: unknown field"
            ),
            (
                "profiles:\n- schedulerName: a\n- schedulerName: a",
                "scheduler.yaml:5: profiles[1].schedulerName: Duplicate value: {}"
            ),
            (
                "profiles:\n- pluginConfig:\n  - name: NodeResourcesFit\n    args: {scoringStrategy: {type: Best}}",
                "scheduler.yaml:6: profiles[0].pluginConfig[0].args.scoringStrategy.type: Unsupported value: \"Best\": "
                    + "supported values: \"LeastAllocated\", \"MostAllocated\", \"RequestedToCapacityRatio\""
            ),
        ])
    func mistakes(body: String, expected: String) throws {
        let findings = try read(body).findings.filter { $0.severity == .error }
        #expect(findings.first?.description == expected)
    }

    private static let unusable = "initializing profiles: creating profile for scheduler name default-scheduler: "

    @Test(
        "profiles that cannot run say why and where",
        arguments: [
            (
                "bind: {disabled: [{name: '*'}]}", "scheduler.yaml:6: profiles[0].plugins.bind",
                "at least one bind plugin is needed for profile with scheduler name \"default-scheduler\""
            ),
            (
                "queueSort: {disabled: [{name: '*'}]}", "scheduler.yaml:6: profiles[0].plugins.queueSort",
                "only one queue sort plugin required for profile with scheduler name \"default-scheduler\", but got 0"
            ),
            (
                "permit: {enabled: [{name: NodeName}]}", "scheduler.yaml:6: profiles[0].plugins.permit.enabled[0]",
                "plugin \"NodeName\" does not extend PermitPlugin plugin"
            ),
            (
                "score:\n      enabled:\n      - name: ImageLocality\n      - name: ImageLocality",
                "scheduler.yaml:9: profiles[0].plugins.score.enabled[1]",
                "plugin \"ImageLocality\" already registered as \"ScorePlugin\""
            ),
            (
                "preFilter: {enabled: [{name: Coscheduling}]}", "scheduler.yaml:6: profiles[0].plugins.preFilter.enabled[0]",
                "PreFilterPlugin \"Coscheduling\" does not exist"
            ),
            (
                "multiPoint:\n      enabled:\n      - name: NodeName\n      - name: Coscheduling",
                "scheduler.yaml:9: profiles[0].plugins.multiPoint.enabled[1]", "PreFilterPlugin \"Coscheduling\" does not exist"
            ),
        ])
    func unusableProfiles(plugins: String, place: String, expected: String) throws {
        let body = "profiles:\n- schedulerName: default-scheduler\n  plugins:\n    \(plugins)"
        let findings = try read(body).findings.filter { $0.severity == .error }
        #expect(findings.map(\.description) == [place + ": " + Self.unusable + expected])
        #expect(throws: SchedulerConfigurationError.self) { try profile(body, mistakes: 1) }
    }

    @Test("every mistake of a stage is reported, and only that stage's")
    func stages() throws {
        let unknown = try read(
            "wobble: 1\nparallelism: many\npercentageOfNodesToScore: 150\nprofiles:\n- pluginConfig:\n"
                + "  - {name: VolumeBinding, args: {bindTimeout: 1, bindTimeoutSeconds: soon}}"
        ).findings
        #expect(
            unknown.map(\.description) == [
                "scheduler.yaml:3: wobble: unknown field",
                "scheduler.yaml:4: parallelism: invalid type: got \"string\", expected \"integer\"",
                "scheduler.yaml:8: profiles[0].pluginConfig[0].args.bindTimeout: unknown field",
                "scheduler.yaml:8: profiles[0].pluginConfig[0].args.bindTimeoutSeconds: invalid type: got \"string\", expected \"integer\"",
            ])
        let invalid = try read(
            "percentageOfNodesToScore: 150\nprofiles:\n- pluginConfig:\n  - name: InterPodAffinity\n    args: {hardPodAffinityWeight: 101}\n"
                + "  plugins: {bind: {disabled: [{name: '*'}]}}"
        ).findings
        #expect(
            invalid.map(\.description) == [
                "scheduler.yaml:7: profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]",
                "scheduler.yaml:3: percentageOfNodesToScore: Invalid value: 150: not in valid range [0-100]",
            ])
    }

    @Test("what is missing is reported at what should have it")
    func missing() throws {
        let findings = try read(
            "profiles:\n- pluginConfig:\n  - name: PodTopologySpread\n    args:\n      defaultingType: List\n      defaultConstraints:\n"
                + "      - {maxSkew: 1, whenUnsatisfiable: ScheduleAnyway}"
        ).findings
        #expect(
            findings.map(\.description) == [
                "scheduler.yaml:9: profiles[0].pluginConfig[0].args.defaultConstraints[0].topologyKey: Required value: can not be empty"
            ])
    }

    @Test("arguments reach the plugins")
    func arguments() throws {
        let configuration = try #require(
            try read(
                """
                profiles:
                - pluginConfig:
                  - {name: DefaultPreemption, args: {minCandidateNodesAbsolute: 7}}
                  - {name: InterPodAffinity, args: {ignorePreferredTermsOfExistingPods: true}}
                  - {name: VolumeBinding, args: {bindTimeoutSeconds: 5}}
                  - {name: DynamicResources, args: {filterTimeout: 1m}}
                  - name: PodTopologySpread
                    args:
                      defaultingType: List
                      defaultConstraints: [{maxSkew: 2, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]
                """
            ).configuration)
        func arguments(_ name: String) -> PluginArguments? { configuration.profiles[0].arguments.first { $0.name == name }?.arguments }
        var preemption = DefaultPreemptionArguments()
        preemption.minCandidateNodesAbsolute = 7
        #expect(arguments("DefaultPreemption") == .defaultPreemption(preemption))
        var affinity = InterPodAffinityArguments()
        affinity.ignorePreferredTermsOfExistingPods = true
        #expect(arguments("InterPodAffinity") == .interPodAffinity(affinity))
        var volumes = VolumeBindingArguments()
        volumes.bindTimeoutSeconds = 5
        #expect(arguments("VolumeBinding") == .volumeBinding(volumes))
        var devices = DynamicResourcesArguments()
        devices.filterTimeout = .seconds(60)
        #expect(arguments("DynamicResources") == .dynamicResources(devices))
        var spread = PodTopologySpreadArguments()
        spread.defaultingType = .list
        spread.defaultConstraints = [
            TopologySpreadConstraint(maxSkew: 2, topologyKey: "zone", whenUnsatisfiable: .doNotSchedule, labelSelector: nil)
        ]
        #expect(arguments("PodTopologySpread") == .podTopologySpread(spread))
        // Given none, a plugin has its defaults.
        #expect(arguments("NodeResourcesFit") == .nodeResourcesFit(NodeResourcesFitArguments()))
    }

    @Test("the configuration in effect can be shown")
    func effective() throws {
        let text = Self.head + "profiles: [{plugins: {score: {enabled: [{name: ImageLocality, weight: 7}]}}}]"
        let document = try #require(try YAMLFile.parse(text, name: "scheduler.yaml").documents.first)
        let effective = try EffectiveConfiguration.read(document, source: text)
        #expect(effective.fields["podMaxBackoffSeconds"] == .integer(10))
        let profile = try #require(effective.profiles.first)
        #expect(profile.schedulerName == "default-scheduler")
        #expect(profile.plugins["score"]?.json.hasPrefix("[[\"ImageLocality\",7],[\"TaintToleration\",3],") == true)
        #expect(profile.plugins["bind"]?.json == "[\"DefaultBinder\"]")
        #expect(profile.arguments["VolumeBinding"]?["bindTimeoutSeconds"] == .integer(600))
    }

    @Test func weightsThatOverflowAndExtendersAreRefusedWhereTheyStand() throws {
        let weight = try read("profiles:\n- plugins:\n    score:\n      enabled:\n      - name: ImageLocality\n        weight: -3").findings
        #expect(
            weight.map(\.description) == [
                "scheduler.yaml:7: profiles[0].plugins.score.enabled[0]: " + Self.unusable
                    + "score plugins: total score of Score plugins could overflow"
            ])
        let extenders = try read("extenders:\n- urlPrefix: http://127.0.0.1:80").findings
        #expect(extenders.map(\.severity) == [.error])
        #expect(extenders.first?.description.contains(": extenders: HTTP extenders cannot be called from a simulation") == true)
        #expect(SchedulerConfiguration().validate().isEmpty)
    }
}
