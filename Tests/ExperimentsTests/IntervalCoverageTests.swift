// Whether the intervals that comparisons print hold what they promise: a queue whose mean sojourn is known, run as a scenario again and again.

import DiscreteEvents
import Foundation
import Testing

@testable import Experiments

@Suite("Coverage of intervals")
struct IntervalCoverageTests {
    /// An M/M/1 queue: Poisson arrivals at 60/s at a pod that serves one at a time, 5 ms each on average. The warm-up is many times the time in
    /// which the queue forgets that it began empty, 1 / (mu (1 - sqrt(rho))^2) = 24 ms.
    private static let scenario = """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: queue}
        spec:
          duration: 16s
          cluster:
            nodePools: [{name: node, count: 1, resources: {cpu: 4, memory: 8Gi, pods: 10}}]
            objects: [objects.yaml]
          workloads: [{selector: {}, start: 1s}]
          traffic:
            network: {sameNode: 0s}
            services: [{service: web, serviceTime: {exponential: {mean: 5ms}}}]
            sources: [{name: users, service: web, poisson: {rate: 60}, start: 5s}]
          measure: {interval: 1s, warmUp: 6s, events: false, scheduling: false}

        """
    private static let objects = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, labels: {app: web}}
        spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec: {selector: {app: web}, ports: [{port: 80}]}

        """
    private static let metric = "requests_users_latency_mean"

    @Test("Of 1,000 comparisons with five seeds each the 95 % intervals cover the mean sojourn of an M/M/1 queue in 93 to 97 %")
    func coverage() async throws {
        let scenario = try ScenarioFile.load(
            "scenario.yaml", files: [("scenario.yaml", Self.scenario), ("objects.yaml", Self.objects)])
        let seeds = (1...1000).map { UInt64($0) }
        let all = try await Comparison.run([scenario], Replicates(seeds), metrics: [Self.metric], output: nil)
        #expect(all.runs.count == 1000)
        // 1 / (mu - lambda).
        let truth = 1.0 / (200 - 60)
        let whole = try #require(all.metrics.first)
        #expect(whole.metric == Self.metric && whole.runs == 1000)
        #expect(abs(whole.mean / truth - 1) < 0.02, "\(whole.mean)")

        // Each run is in five experiments, and no two experiments have more than one in common: as good as 5,000 runs would be.
        var covered = 0
        for experiment in 0..<1000 {
            let chosen = [0, 1, 4, 13, 32].map { (experiment + $0) % 1000 }
            let comparison = Comparison(
                policies: [scenario.policy], Replicates(chosen.map { seeds[$0] }), runs: chosen.map { all.runs[$0] })
            let row = try #require(comparison.metrics.first)
            let halfWidth = try #require(row.halfWidth)
            if abs(row.mean - truth) <= halfWidth { covered += 1 }
            if experiment == 0 {
                // What is counted here is what is printed.
                let printed = ComparisonReport.interval(row.mean, halfWidth)
                #expect(printed.contains(" ± ") && ComparisonReport(comparison).description.contains(printed))
            }
        }
        #expect((930...970).contains(covered), "\(covered)")
    }
}
