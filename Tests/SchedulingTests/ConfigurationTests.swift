// KubeSchedulerConfiguration files: what profiles they make, and how mistakes are reported.

import KubernetesAPI
import Testing

@testable import Scheduling

@Suite("Scheduler configuration")
struct ConfigurationTests {
    private static let head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

    private func read(_ body: String) throws -> (configuration: SchedulerConfiguration, findings: [Diagnostic]) {
        let file = try YAMLFile.parse(Self.head + body, name: "scheduler.yaml")
        var context = DecodingContext()
        let document = try #require(file.documents.first)
        let read = context.object(document, as: SchedulerConfiguration.self)
        return (try #require(read), context.diagnostics)
    }

    private func profile(_ body: String, mistakes: Int = 0) throws -> SchedulingProfile {
        let (configuration, findings) = try read(body)
        #expect(findings.filter { $0.severity == .error }.count == mistakes)
        var nodes = NodeTable()
        return try SchedulingProfile(configuration.profiles[0], registry: PluginRegistry(), nodes: &nodes)
    }

    @Test func defaultProfileHasTheRealOrderAndWeights() throws {
        let profile = try profile("")
        #expect(
            profile.filter.map(\.plugin.name) == [
                "NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts", "NodeResourcesFit",
            ])
        #expect(
            profile.score.map { "\($0.plugin.name) \($0.weight)" } == [
                "TaintToleration 3", "NodeAffinity 2", "NodeResourcesFit 1", "NodeResourcesBalancedAllocation 1", "ImageLocality 1",
            ])
        #expect(profile.missingPlugins.contains("PodTopologySpread"))
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
        #expect(inPlace.score.map(\.weight) == [3, 9, 1, 1, 1])
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
                "scheduler.yaml:5: profiles[1].schedulerName: Duplicate value: \"a\""
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
                "scheduler.yaml:9: profiles[0].plugins.multiPoint.enabled[1]", "MultiPointPlugin \"Coscheduling\" does not exist"
            ),
        ])
    func unusableProfiles(plugins: String, place: String, expected: String) throws {
        let body = "profiles:\n- schedulerName: default-scheduler\n  plugins:\n    \(plugins)"
        let findings = try read(body).findings.filter { $0.severity == .error }
        #expect(findings.map(\.description) == [place + ": " + Self.unusable + expected])
        #expect(throws: SchedulerConfigurationError.self) { try profile(body, mistakes: 1) }
    }

    @Test func negativeWeightsAndExtendersAreRefusedWhereTheyStand() throws {
        let weight = try read("profiles:\n- plugins:\n    score:\n      enabled:\n      - name: ImageLocality\n        weight: -3").findings
        #expect(
            weight.map(\.description) == [
                "scheduler.yaml:8: profiles[0].plugins.score.enabled[0].weight: Invalid value: -3: must be greater than or equal to 0"
            ])
        let extenders = try read("extenders:\n- urlPrefix: http://127.0.0.1:80").findings
        #expect(extenders.map(\.severity) == [.error])
        #expect(extenders.first?.description.contains(": extenders: HTTP extenders cannot be called from a simulation") == true)
        var configuration = SchedulerConfiguration()
        configuration.profiles[0].plugins = [
            ExtensionPointConfiguration(.score, enabled: [WeightedPlugin("ImageLocality", weight: -3)])
        ]
        #expect(
            configuration.validate().map(\.description) == [
                Self.unusable + "score plugin \"ImageLocality\": weight: Invalid value: -3: must be greater than or equal to 0"
            ])
        #expect(SchedulerConfiguration().validate().isEmpty)
    }
}
