// Recorded timelines of the real control plane, replayed through the same runner as `seatrial-conformance timelines`.

import Foundation
import Testing

@testable import seatrial_conformance

@Suite("Recorded timelines")
struct TimelineRecordingTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Recordings/timelines").path

    /// The timelines that agree; the list grows with the controllers.
    private static let agreeing = [
        "deploy-create-10", "deploy-paused", "deploy-proportional-a", "deploy-recreate", "ds-maxunavail-50pct-mr3",
        "ds-rolling-maxunavail1", "pod-graceful-deletion", "podgc-unscheduled-terminating", "replicaset-adopt-delete", "rolling-0-1-mr5",
        "rolling-1-0-mr0", "rolling-1-0-mr5", "rolling-100-0-mr0", "rolling-25-25-mr0", "rolling-3-2-n7-mr0", "rolling-50-50-mr0",
        "sts-broken-update", "sts-maxunavailable", "sts-ondelete-minready", "sts-parallel", "zone-normal-2of6",
        "zone-partial-small-4of6",
    ]

    @Test("a timeline goes as recorded", arguments: agreeing)
    func timeline(name: String) throws {
        let result = try #require(try runTimelines([Self.folder + "/" + name + ".jsonl"]).first)
        #expect(result.objects > 0 && result.transitions > 0)
        for difference in result.differences.prefix(3) { Issue.record("\(difference.text)") }
        #expect(result.differences.isEmpty)
    }

    @Test("a line nobody understands is refused, never skipped")
    func unknownAction() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("timelines-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("{}".utf8).write(to: folder.appendingPathComponent("odd.yaml"))
        try Data(#"{"t":0,"ev":"ACTION","what":"juggle"}"#.utf8).write(to: folder.appendingPathComponent("odd.jsonl"))
        #expect(throws: TimelineError.self) { try runTimelines([folder.path]) }
    }

    @Test("a merge patch merges maps, removes what is null and replaces the rest")
    func mergePatch() {
        let tree = JSONTree.map([
            .init(key: "a", value: .map([.init(key: "x", value: .number("1")), .init(key: "y", value: .number("2"))])),
            .init(key: "list", value: .list([.number("1")])),
        ])
        let patch = JSONTree.map([
            .init(key: "a", value: .map([.init(key: "x", value: .null), .init(key: "z", value: .bool(true))])),
            .init(key: "list", value: .list([])),
        ])
        #expect(tree.merging(patch).json == #"{"a":{"y":2,"z":true},"list":[]}"#)
    }
}
