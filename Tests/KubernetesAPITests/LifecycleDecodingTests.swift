// Reading what a container's spec says of its life.

import Testing

@testable import KubernetesAPI

@Suite("Probes, hooks and restart rules")
struct LifecycleDecodingTests {
    private func container(_ fields: String) throws -> Container {
        var loader = ManifestLoader()
        let text = """
            {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {restartPolicy: Never,
            containers: [{name: c, image: i, \(fields)}]}}
            """
        let result = loader.load(text, file: "a.yaml")
        #expect(result.diagnostics == [])
        return try #require(result.objects.first.flatMap { Pod.cast($0.object) }).value.spec.value.containers[0]
    }

    @Test func `a probe has its timing, its grace period and what it asks`() throws {
        let probe = try #require(
            container(
                """
                livenessProbe: {httpGet: {port: http, path: /live, scheme: HTTPS}, initialDelaySeconds: 5, periodSeconds: 3,
                terminationGracePeriodSeconds: 7}
                """
            ).livenessProbe)
        #expect(probe.initialDelaySeconds == 5 && probe.periodSeconds == 3 && probe.timeoutSeconds == 1)
        #expect(probe.terminationGracePeriodSeconds == 7)
        #expect(probe.handler == .httpGet(scheme: "HTTPS", host: "", port: .string("http"), path: "/live"))
        #expect(try container("startupProbe: {exec: {command: [cat, /x]}}").startupProbe?.handler == .exec(command: ["cat", "/x"]))
        #expect(try container("readinessProbe: {tcpSocket: {port: 80}}").readinessProbe?.handler == .tcpSocket(host: "", port: .int(80)))
        #expect(try container("readinessProbe: {grpc: {port: 80}}").readinessProbe?.handler == .grpc(port: 80))
    }

    @Test func `hooks sleep for a time of their own, or do something`() throws {
        let lifecycle = try container("lifecycle: {preStop: {sleep: {seconds: 5}}, postStart: {exec: {command: [x]}}}").lifecycle
        #expect(lifecycle == Lifecycle(postStart: .action, preStop: .sleep(seconds: 5)))
        #expect(try container("lifecycle: {}").lifecycle == nil)
        #expect(try container("lifecycle: {}") == container("ports: []"))
    }

    @Test func `hooks may sleep for no time, and for the whole grace period`() throws {
        let lifecycle = try container("lifecycle: {postStart: {sleep: {seconds: 0}}, preStop: {sleep: {seconds: 30}}}").lifecycle
        #expect(lifecycle == Lifecycle(postStart: .sleep(seconds: 0), preStop: .sleep(seconds: 30)))
    }

    @Test func `a stop signal is dropped with a warning, as its feature gate is off`() throws {
        func load(_ fields: String) -> ManifestLoader.Result {
            var loader = ManifestLoader()
            return loader.load(
                "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i\(fields)}]}}", file: "a.yaml")
        }
        let signalled = load(", lifecycle: {stopSignal: SIGUSR1}")
        #expect(
            signalled.diagnostics.map(\.description) == [
                "a.yaml:1: spec.containers[0].lifecycle.stopSignal: has no effect: the API server of Kubernetes 1.36 drops it, "
                    + "its feature gate being off"
            ])
        #expect(signalled.objects.map(\.object) == load("").objects.map(\.object))
    }

    @Test func `an operator nobody knows fits no exit, nor does a rule without exit codes`() {
        #expect(!RestartRule(action: "Restart", exitCodes: .init("Equals", [3])).matches(exitCode: 3))
        #expect(!RestartRule(action: "Restart").matches(exitCode: 3))
    }

    @Test func `restart rules are about exit codes, in a set or outside it`() throws {
        let rules = try container(
            """
            restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42, 43]}},
            {action: RestartAllContainers, exitCodes: {operator: NotIn, values: [0]}}]
            """
        ).restartRules
        #expect(
            rules == [
                RestartRule(action: RestartRule.restart, exitCodes: .init("In", [42, 43])),
                RestartRule(action: RestartRule.restartAllContainers, exitCodes: .init("NotIn", [0])),
            ])
        #expect(rules.map { $0.matches(exitCode: 42) } == [true, true] && rules.map { $0.matches(exitCode: 0) } == [false, false])
    }
}
