// Recorded timelines of the real control plane, replayed through the same runner as `seatrial-conformance timelines`.

import Foundation
import Testing

@testable import seatrial_conformance

@Suite("Recorded timelines")
struct TimelineRecordingTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Recordings/timelines").path

    private static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { $0.hasSuffix(".jsonl") }.map { String($0.dropLast(".jsonl".count)) }.sorted()

    @Test("there are recordings, the live cluster's among them")
    func recordings() {
        #expect(Self.names.count == 59)
        #expect(Self.names.contains("node-4-fails"))
    }

    @Test("a timeline goes as recorded", arguments: names)
    func timeline(name: String) throws {
        let result = try #require(try runTimelines([Self.folder + "/" + name + ".jsonl"]).first)
        #expect(result.objects > 0 && result.transitions > 0)
        for difference in result.differences.prefix(3) { Issue.record("\(difference.text)") }
        #expect(result.differences.isEmpty)
    }

    @Test("a line nobody understands is told as a difference, never skipped")
    func unknownAction() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("timelines-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("{}".utf8).write(to: folder.appendingPathComponent("odd.yaml"))
        try Data(#"{"t":0,"ev":"ACTION","what":"juggle"}"#.utf8).write(to: folder.appendingPathComponent("odd.jsonl"))
        let result = try #require(try runTimelines([folder.path]).first)
        #expect(result.differences.first?.text.contains("juggle") == true)
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
