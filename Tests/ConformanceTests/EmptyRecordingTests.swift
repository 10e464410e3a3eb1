// Recordings that are not there: never taken for agreement.

import Foundation
import Testing

@testable import seatrial_conformance

@Suite("Absent recordings")
struct EmptyRecordingTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("seatrial-empty-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    @Test("an empty file, a file of blank lines, an empty folder and an absent path are errors", arguments: ["", "\n\n"])
    func nothing(contents: String) throws {
        try withFolder { folder in
            #expect(throws: RecordingError.noRecordings(folder)) { try runTables([folder]) }
            #expect(throws: RecordingError.noRecordings(folder)) { try runDecisions([folder]) }
            #expect(throws: RecordingError.noRecordings(folder)) { try runLoop([folder]) }
            #expect(throws: RecordingError.noRecordings(folder)) { try runTimelines([folder]) }
            let file = folder + "/pod_qos.jsonl"
            #expect(throws: RecordingError.unreadable(file, "no such file or folder")) { try runTables([file]) }
            #expect(throws: RecordingError.unreadable(file, "no such file or folder")) { try runDecisions([file]) }
            #expect(throws: RecordingError.unreadable(file, "no such file or folder")) { try runLoop([file]) }
            #expect(throws: RecordingError.unreadable(file, "no such file or folder")) { try runTimelines([file]) }
            try Data(contents.utf8).write(to: URL(fileURLWithPath: file))
            #expect(throws: RecordingError.empty(file)) { try runTables([file]) }
            #expect(throws: RecordingError.empty(file)) { try runDecisions([file]) }
            #expect(throws: RecordingError.empty(file)) { try runLoop([file]) }
        }
    }
}
