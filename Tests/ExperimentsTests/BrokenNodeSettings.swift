// Broken scenarios: settings of kubelets, and what containers use.

import DiscreteEvents
import Testing

@testable import Experiments

extension BrokenScenario {
    static let nodeSettings = [
        kubelet(
            "critical pods that get more time than there is", "shutdownGracePeriod: 30s, shutdownGracePeriodCriticalPods: 31s",
            "shutdownGracePeriodCriticalPods", "shutdownGracePeriod 30s"),
        kubelet("critical pods' time out of none", "shutdownGracePeriodCriticalPods: 10s", "shutdownGracePeriodCriticalPods", "longer"),
        kubelet("a shutdown of less than a second", "shutdownGracePeriod: 100ms", "shutdownGracePeriod", "1s"),
        kubelet("a crash back-off above the kubelet's", "crashBackoffMaximum: 301s", "crashBackoffMaximum", "5m"),
        kubelet("a crash back-off below the kubelet's", "crashBackoffMaximum: 999ms", "crashBackoffMaximum", "1s"),
        kubelet("a first back-off above the longest", "crashBackoffInitial: 60s, crashBackoffMaximum: 30s", "crashBackoffInitial", "30s"),
        kubelet("a first back-off above the usual longest", "crashBackoffInitial: 301s", "crashBackoffInitial", "5m"),
        kubelet("a first pull back-off above the longest", "imagePullBackoffInitial: 301s", "imagePullBackoffInitial", "5m"),
        spec("a fault of no time", "faults: [{at: 1m, node: node-0, down: 0s}]", "spec.faults[0].down", "longer than 0s"),
        spec(
            "an outage of no time", "faults: [{at: 1m, down: 0s, apiServer: {outage: true}}]", "spec.faults[0].down", "longer than 0s"),
        spec("a registry's outage of no time", "faults: [{at: 1m, registry: true, down: 0s}]", "spec.faults[0].down", "longer than 0s"),
        spec(
            "the use of a container that is not there", "workloads:\n- {selector: {}, usage: {cpu: 1, container: nope}}", line: 9,
            "spec.workloads[0].usage.container", "no container \"nope\"; they have web"),
        spec(
            "the same among several",
            "workloads:\n- selector: {matchLabels: {app: web}}\n  usage: [{cpu: 1, container: web}, {cpu: 1, container: x}]",
            line: 10, "spec.workloads[0].usage[1].container", "no container \"x\""),
        spec(
            "a volume that is no emptyDir", "workloads: [{selector: {}, emptyDirs: [{volume: nope, size: 1Gi}]}]",
            "spec.workloads[0].emptyDirs[0].volume", "no emptyDir volume \"nope\"; they have none"),
        spec(
            "a volume twice", "workloads: [{selector: {}, emptyDirs: [{volume: a, size: 1Gi}, {volume: a, size: 1Gi}]}]",
            "spec.workloads[0].emptyDirs[1]", "Duplicate value"),
        spec(
            "a volume that pods share", "workloads: [{selector: {}, emptyDirs: [{volume: a, size: {value: 1Gi, shared: true}}]}]",
            "spec.workloads[0].emptyDirs[0].size", "do not share"),
        spec(
            "a volume of no size", "workloads: [{selector: {}, emptyDirs: [{volume: a}]}]", "spec.workloads[0].emptyDirs[0]",
            "required field \"size\""),
    ]

    private static func kubelet(_ name: String, _ settings: String, _ field: String, _ words: String) -> BrokenScenario {
        spec(name, "controlPlane: {kubelet: {\(settings)}}", "spec.controlPlane.kubelet." + field, words)
    }
}

@Suite("Settings of nodes")
struct NodeSettingTests {
    private func load(_ lines: String) throws -> Scenario {
        let folder = try TemporaryFolder(["web.yaml": webManifest])
        try folder.write("scenario.yaml", BrokenScenario.base + lines + "\n")
        return try ScenarioFile.load(folder["scenario.yaml"])
    }

    @Test func `a longest back-off below the usual first wait is taken`() throws {
        let scenario = try load("  controlPlane: {kubelet: {crashBackoffMaximum: 1s}}")
        #expect(scenario.configuration.nodeAgent.crashBackoffMaximum == .seconds(1))
    }

    @Test func `all of a shutdown's time may be for critical pods`() throws {
        let scenario = try load("  controlPlane: {kubelet: {shutdownGracePeriod: 30s, shutdownGracePeriodCriticalPods: 30s}}")
        #expect(scenario.configuration.nodeAgent.shutdownGracePeriodCriticalPods == .seconds(30))
    }

    @Test func `what no pod is selected for may name any container`() throws {
        let scenario = try load("  workloads: [{selector: {matchLabels: {app: later}}, usage: {cpu: 1, container: nope}}]")
        #expect(scenario.configuration.behaviours[0].behaviour.usage[0].container == "nope")
    }
}
