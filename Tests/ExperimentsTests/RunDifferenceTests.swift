// Runs that differ in anything that happens are told apart: requests, failures and their length as well as writes to the API.

import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Differences of runs")
struct RunDifferenceTests {
    private static let scenario = """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: shop}
        spec:
          duration: 2m
          cluster:
            nodePools: [{name: node, count: 3, resources: {cpu: 4, memory: 8Gi, pods: 20}}]
            objects: [objects.yaml]
          workloads: [{selector: {}, start: 1s}]
          faults: [{at: 90s, node: node-0, down: 5s}]
          traffic:
            services: [{service: web, serviceTime: {exponential: {mean: 5ms}}}]
            sources: [{name: users, service: web, constant: {rate: 20}}]

        """

    private static let objects =
        TrafficScenario.web + """

            ---
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec: {selector: {app: web}, ports: [{port: 80}]}

            """

    /// The difference between the scenario and another form of it, and what is said of it.
    private func difference(
        _ old: String, _ new: String, seed: UInt64? = nil
    ) throws -> (difference: FirstDifference?, text: String) {
        let changed = old.isEmpty ? Self.scenario : Self.scenario.replacing(old, with: new)
        #expect(old.isEmpty || changed != Self.scenario)
        let folder = try TemporaryFolder(["a.yaml": Self.scenario, "b.yaml": changed, "objects.yaml": Self.objects])
        let left = try RepeatableRun(folder["a.yaml"])
        let right = try RepeatableRun(folder["b.yaml"], overrides: ScenarioOverrides(seed: seed))
        let found = try FirstDifference.find(between: left, and: right)
        return (found, FirstDifferenceReport(found, between: left, and: right).description)
    }

    @Test("A run is the same as itself, requests included")
    func same() throws {
        let (found, text) = try difference("", "")
        #expect(found == nil)
        #expect(text.contains("They are the same, event by event, for 2m."))
    }

    @Test("Runs whose requests take longer part at the first answer, not at a write to the API")
    func serviceTimes() throws {
        let (found, text) = try difference("mean: 5ms", "mean: 6ms")
        let difference = try #require(found)
        guard case .requestEnded(let source, let one)? = difference.left.event, case .requestEnded(_, let other)? = difference.right.event
        else {
            Issue.record("\(difference)")
            return
        }
        // The first that a pod serves: sent alike, chosen alike.
        #expect(one.number == other.number && one.started == other.started && one.pod == other.pod && one.ended < other.ended)
        #expect(one.result == .succeeded && difference.time == one.ended && difference.pod == nil)
        #expect(text.contains("request \(one.number) of \(source) succeeded after"))
        #expect(text.contains("It was sent alike"))
    }

    @Test("Runs with another rate of requests part at the first that is sent")
    func rates() throws {
        let (found, text) = try difference("rate: 20", "rate: 10")
        let difference = try #require(found)
        guard case .requestSent(_, 0, let one, _)? = difference.left.event, case .requestSent(_, 0, let other, _)? = difference.right.event
        else {
            Issue.record("\(difference)")
            return
        }
        #expect(one < other && difference.time == one && difference.commonRequests == 0)
        #expect(text.contains("What sends requests differs"))
    }

    @Test("A failure is a difference when it begins, long before anybody notices")
    func failures() throws {
        let (found, text) = try difference("node: node-0", "node: node-1")
        let difference = try #require(found)
        #expect(difference.time == SimulatedTime(seconds: 90) && difference.commonWrites > 0 && difference.commonRequests > 1000)
        #expect(text.contains("FAULT node/node-0: nodes that fail: node-0") && text.contains("FAULT node/node-1"), "\(text)")
    }

    @Test("Of two runs of different length the shorter one's end is where they part")
    func lengths() throws {
        let (found, text) = try difference("duration: 2m", "duration: 3m")
        let difference = try #require(found)
        #expect(difference.time == SimulatedTime(seconds: 120) && difference.left.isOver && !difference.right.isOver)
        #expect(text.contains("they part at 00:02:00.000000, where one of them ends"), "\(text)")
        #expect(text.contains("run 1  is over") && text.contains("run 2  goes on"), "\(text)")
    }

    @Test("An event that one run has, and the other has not by then, is where they part; what the other does next follows")
    func oneSided() throws {
        var events = PairedEvents<RequestSending>()
        func sent(_ number: UInt64, at seconds: Double) -> RequestSending {
            let request = SentRequest(source: 0, number: number, time: SimulatedTime(seconds: seconds), client: nil)
            return RequestSending(request, ["users"])
        }
        events.add([sent(0, at: 1), sent(1, at: 2)], [sent(0, at: 1)])
        // By the moment up to which both have come, one has sent a request that the other has not.
        #expect(events.common == 1 && events.time == SimulatedTime(seconds: 2) && !events.isComplete)
        events.add([sent(2, at: 5)], [sent(1, at: 6)])
        #expect(events.isComplete && events.time == SimulatedTime(seconds: 2))
        #expect(events.left == sent(1, at: 2) && events.right == sent(1, at: 6))
    }

    // MARK: Where the scenario is

    @Test("A run is found again from another folder: beside its results, or where the user says")
    func elsewhere() throws {
        let folder = try TemporaryFolder(["shop/scenario.yaml": Self.scenario, "shop/objects.yaml": Self.objects])
        var scenario = try ScenarioFile.load(folder["shop/scenario.yaml"])
        // As if it had been made in that folder.
        scenario.origin?.file = "shop/scenario.yaml"
        try scenario.run().write(to: folder["results/shop/default/seed-1"])
        let repeated = try RepeatableRun(folder["results/shop/default/seed-1"])
        #expect(repeated.scenario.fingerprint == scenario.fingerprint)
        // Another scenario of that name is nearer.
        try folder.write("results/shop/scenario.yaml", Self.scenario.replacing("rate: 20", with: "rate: 10"))
        try folder.write("results/shop/objects.yaml", Self.objects)
        #expect(try RepeatableRun(folder["results/shop/default/seed-1"]).scenario.fingerprint == scenario.fingerprint)
        try FileManager.default.removeItem(atPath: folder["results/shop/scenario.yaml"])

        try FileManager.default.moveItem(atPath: folder["shop"], toPath: folder["moved"])
        let refused = #expect(throws: ScenarioError.self) { try RepeatableRun(folder["results/shop/default/seed-1"]) }
        #expect(refused?.description.contains("--scenario FILE") == true, "\(String(describing: refused))")
        let moved = try RepeatableRun(folder["results/shop/default/seed-1"], scenarioFile: folder["moved/scenario.yaml"])
        #expect(moved.scenario.fingerprint == scenario.fingerprint)
        let wrong = #expect(throws: ScenarioError.self) {
            try RepeatableRun(folder["moved/scenario.yaml"], scenarioFile: folder["moved/scenario.yaml"])
        }
        #expect(wrong?.description.contains("is no finished run") == true)
    }

    @Test("Mirror images are written as the seed they mirror, and repeated from their results")
    func mirrored() throws {
        for (text, seed) in [("7", 7), ("7-mirrored", 7 | RandomStream.mirror)] as [(String, UInt64)] {
            #expect(SeedText.text(seed) == text && SeedText.seed(of: text) == seed)
            #expect(SeedFolder.seed(of: "seed-" + text) == seed)
        }
        for text in ["", "-mirrored", "-7", "7-mirror", "9223372036854775808"] { #expect(SeedText.seed(of: text) == nil) }

        let folder = try TemporaryFolder(["scenario.yaml": Self.scenario, "objects.yaml": Self.objects])
        let overrides = ScenarioOverrides(seed: 7 | RandomStream.mirror)
        let outcome = try ScenarioFile.load(folder["scenario.yaml"], overrides: overrides).run()
        try outcome.write(to: folder["results"])
        #expect(try String(contentsOfFile: folder["results/run.json"], encoding: .utf8).contains("\"seed\": \"7-mirrored\""))
        #expect(RunReport(outcome).description.contains("seed 7-mirrored"))
        let repeated = try RepeatableRun(folder["results"])
        #expect(repeated.scenario.configuration.seed == 7 | RandomStream.mirror)
        let comparison = Comparison(
            policies: ["a"], Replicates([7], antithetic: true),
            runs: [7, 7 | RandomStream.mirror].map { seed in
                ComparedRun(policy: 0, seed: seed, summary: RunSummary([Metric(name: "x", value: 1, unit: "s")]), failed: [])
            })
        // Into a folder that is there, as that of the runs.
        try comparison.write(to: folder["results"])
        let runs = try String(contentsOfFile: folder["results/runs.csv"], encoding: .utf8).split(whereSeparator: \.isNewline)
        #expect(runs.dropFirst().map(String.init) == ["a,7,x,1,s", "a,7-mirrored,x,1,s"])
    }
}
