// A gang that does not fit keeps the scheduler busy without end unless it is held back: whoever simulates one is told.

import Testing

@testable import Experiments

@Suite("Gangs that are tried without a pause")
struct GangWarningTests {
    private static let group = """
        apiVersion: scheduling.x-k8s.io/v1alpha1
        kind: PodGroup
        metadata: {name: gang, namespace: default}
        spec: {minMember: 3}

        """

    private func warnings(plugin: String = "Coscheduling", arguments: String?, objects: String = group) throws -> [String] {
        let scheduler = """
            apiVersion: kubescheduler.config.k8s.io/v1
            kind: KubeSchedulerConfiguration
            profiles:
              - plugins: {multiPoint: {enabled: [{name: \(plugin)}]}, queueSort: {enabled: [{name: \(plugin)}], disabled: [{name: "*"}]}}
            \(arguments.map { "    pluginConfig: [{name: \(plugin), args: \($0)}]" } ?? "")

            """
        let scenario = BrokenScenario.base.replacingOccurrences(of: "spec:\n", with: "spec:\n  scheduler: gang.yaml\n")
        return try ScenarioFile.load(
            "scenario.yaml", files: [("scenario.yaml", scenario), ("web.yaml", webManifest + "---\n" + objects), ("gang.yaml", scheduler)]
        ).warnings
    }

    @Test(
        "There is a warning without a back-off of groups",
        arguments: [nil, "{}", "{podGroupBackoffSeconds: 0}", "{permitWaitingTimeSeconds: 9}"])
    func warned(arguments: String?) throws {
        #expect(try warnings(arguments: arguments).contains { $0.contains("give Coscheduling a podGroupBackoffSeconds") })
    }

    @Test("There is none with one, and none without a group")
    func notWarned() throws {
        #expect(try warnings(arguments: "{podGroupBackoffSeconds: 10}").isEmpty)
        #expect(try warnings(arguments: nil, objects: "").isEmpty)
        #expect(try warnings(plugin: "PrioritySort", arguments: nil).isEmpty)
    }
}
