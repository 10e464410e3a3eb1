// The published experiment, pod by pod: 10,866 arrivals in the recorded order, ties decided by the recorded ranks.

import KubernetesAPI
import Scheduling
import SchedulingPolicies
import Testing

@Suite(
    "Recorded placements of GPU-sharing policies",
    .enabled(if: RecordedPlacements.arePresent, "the published experiment is not in a folder shared/traces/openb beside the repository"))
struct RecordedPlacementTests {
    @Test("the typical pods are the 35 kinds that make up 95.26 % of the list")
    func typicalPods() throws {
        let recorded = try RecordedPlacements()
        let typical = recorded.typicalPods
        #expect(typical.count == 35)
        #expect(typical.reduce(0) { $0 + $1.pods } == 7766)
        #expect(recorded.arrivals.count { !$0.isClone } == 8152)
    }

    @Test("BestFit and FGD put every pod where the published simulator did, and drop those it dropped", arguments: ["BestFit", "FGD"])
    func agreesPodByPod(policy: String) throws {
        let recorded = try RecordedPlacements()
        let expected = try RecordedPlacements.nodes(under: policy)
        try #require(expected.count == recorded.arrivals.count && expected.count == 10_866)
        let arguments = policy == "FGD" ? recorded.fgdArguments : ""
        // Nodes are looked at in the order of their ranks, from the first on every time: the first of the best has the smallest.
        var maker = try DecisionMaker(
            configuration: GPUCluster.configuration(policy, arguments: arguments), registry: .withPolicies, nodes: recorded.nodes, pods: [])
        var disagreements: [String] = []
        for (arrival, node) in zip(recorded.arrivals, expected) {
            let placed = maker.place(Shared(GPUCluster.pod(arrival.name, arrival.spec))) { _ in 0 }
            if let placed { #expect(placed.evaluated == recorded.nodes.count) }
            if placed?.node ?? "" != node { disagreements.append("\(arrival.name): \(placed?.node ?? "dropped"), recorded \(node)") }
        }
        #expect(disagreements.isEmpty, "\(disagreements.count) disagreements, first \(disagreements.first ?? "")")
    }
}
