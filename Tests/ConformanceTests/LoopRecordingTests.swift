// The recorded steps of the real scheduler's queue, node order, configuration and loop, through the same runner as
// `seatrial-conformance loop`.

import Foundation
import Testing

@testable import seatrial_conformance

@Suite("Recorded loop")
struct LoopRecordingTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Recordings/scheduler-loop").path

    @Test(
        "every case of a table goes as recorded", arguments: ["queue_trace", "queue_hint", "node_order", "config_validation", "full_loop"])
    func table(name: String) throws {
        let result = try #require(try runLoop([Self.folder + "/" + name + ".jsonl"]).first)
        #expect(result.total > 0)
        for failure in result.failures.prefix(3) {
            Issue.record("\(failure.name)\nexpected: \(failure.expected)\ngot: \(failure.got)")
        }
        #expect(result.passed == result.total)
    }
}
