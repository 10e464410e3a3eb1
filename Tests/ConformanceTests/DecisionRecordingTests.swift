// The recorded decisions of the real scheduler, family by family.

import Foundation
import Testing

@testable import seatrial_conformance

@Suite("Recorded decisions")
struct DecisionRecordingTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Recordings/decisions").path

    @Test(
        "every case of a family is decided as recorded",
        arguments: [
            "fit-least", "fit-most", "fit-ratio", "fit-extended", "fit-podlevel", "balanced", "taints", "node-affinity",
            "ports-nodename-unschedulable", "image-locality", "declared-features", "volumes", "preemption", "preemption-pdb",
            "nominated", "pod-affinity-preferred", "pod-affinity-required", "spread-default", "spread-hard", "spread-soft", "profiles",
            "mixed-small", "mixed-big", "sequences",
        ])
    func family(name: String) throws {
        let results = try runDecisions([Self.folder + "/" + name + ".jsonl"])
        let result = try #require(results.first)
        #expect(result.total > 0)
        for failure in result.failures.prefix(3) {
            Issue.record("\(failure.name)\nexpected: \(failure.expected)\ngot: \(failure.got)")
        }
        #expect(result.passed == result.total)
    }
}
