// Recordings in which one thing is falsified: the comparison must notice it, whatever it is, or it would notice nothing in the
// simulator either.

import Foundation
import Testing

@testable import seatrial_conformance

@Suite("Falsified timelines")
struct FalsifiedTimelineTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Recordings/timelines")

    /// One recording of each kind of thing, small ones where there is a choice.
    static let names =
        [
            "deploy-create-10", "rolling-25-25-mr0", "sts-ordered", "ds-rolling-maxunavail1", "job-indexed-5", "job-deadline",
            "cron-allow-long", "hpa-limits-missing", "quota-limitrange", "pdb-eviction", "svc-endpointslice-readiness",
            "pod-graceful-deletion", "node-object-deleted", "node-out-of-service", "namespace-deletion", "node-4-fails",
        ]

    /// So many recordings are falsified in each way.
    private static let tries = 5

    @Test("there are many ways to falsify a recording")
    func many() { #expect(Set(Falsification.all.map(\.description)).count >= 40) }

    @Test("one thing that is falsified is noticed", arguments: Falsification.all)
    func noticed(falsification: Falsification) throws {
        var tried = 0
        for (number, name) in Self.names.enumerated() where tried < Self.tries {
            let text = try String(contentsOf: Self.folder.appendingPathComponent(name + ".jsonl"), encoding: .utf8)
            let lines = try RecordedLines(text: text)
            let places = falsification.places(lines)
            guard !places.isEmpty else { continue }
            // One in the middle here, one near the end there.
            let place = number.isMultiple(of: 2) ? places[places.count / 2] : places[places.count - 1 - places.count / 10]
            var falsified = lines
            falsification.falsify(&falsified, place)
            tried += 1
            let result = try Self.compare(name, falsified)
            #expect(!result.differences.isEmpty, "\(name), place \(place): \(result.line)")
        }
        #expect(tried > 1)
    }

    /// The comparison of a recording with other lines.
    private static func compare(_ name: String, _ lines: RecordedLines) throws -> TimelineResult {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("falsified-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        for input in [name + ".yaml", "cluster.yaml"] {
            let source = folder.appendingPathComponent(input)
            guard FileManager.default.fileExists(atPath: source.path), (input == "cluster.yaml") == (name == "node-4-fails") else {
                continue
            }
            try FileManager.default.copyItem(at: source, to: scratch.appendingPathComponent(input))
        }
        let file = scratch.appendingPathComponent(name + ".jsonl")
        try Data(lines.text.utf8).write(to: file)
        return try #require(try runTimelines([file.path]).first)
    }
}
