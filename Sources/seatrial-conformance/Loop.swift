// The recordings of the scheduler's loop: one case a line, {"id", "in", "want"}; which replay answers which table.

import Foundation
import KubernetesAPI

/// Runs the tables found at `paths` (files, or folders of `.jsonl` files).
/// - Parameter show: the id of one case; only that one is run then.
func runLoop(_ paths: [String], show: String? = nil) throws -> [FamilyResult] {
    var results: [FamilyResult] = []
    for file in try recordings(at: paths) {
        let table = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
        let replay = LoopTables.replay(table)
        var result = FamilyResult(family: table)
        var families: [(name: String, passed: Int, total: Int)] = []
        for document in try YAMLFile.parse(try recordedBytes(file), name: file).documents {
            let id = document["id"]?.scalarText ?? "line \(document.line)"
            if let show, show != id { continue }
            let failure = LoopTables.failure(of: id, document, replay)
            result.count(failure)
            let name = (document["in"]?["family"] ?? document["in"]?["kind"] ?? document["want"]?["stage"])?.scalarText ?? "all"
            let family = families.firstIndex { $0.name == name } ?? families.count
            if family == families.count { families.append((name, 0, 0)) }
            families[family].total += 1
            if failure == nil { families[family].passed += 1 }
        }
        if show == nil, result.total == 0 { throw RecordingError.empty(file) }
        result.note = families.filter { $0.passed != $0.total }.map { "\($0.name) \($0.passed)/\($0.total)" }.sorted().joined(
            separator: ", ")
        if result.total > 0 { results.append(result) }
    }
    return results
}

/// The first thing that is not as recorded.
struct LoopDifference {
    var expected: String
    var got: String

    /// nil if the texts agree.
    static func between(_ expected: String, _ got: String, at place: String = "") -> LoopDifference? {
        if expected == got { return nil }
        let introduction = place.isEmpty ? "" : place + ": "
        return LoopDifference(expected: introduction + expected, got: introduction + got)
    }
}

enum LoopTables {
    /// Compares a case's `in` with its `want`.
    typealias Replay = (_ input: YAMLNode, _ want: YAMLNode) throws -> LoopDifference?

    /// The replay of a table; nil for tables nobody knows, whose cases count as failed.
    static func replay(_ table: String) -> Replay? {
        switch table {
        case "queue_trace", "queue_hint": QueueTable.difference
        case "node_order": NodeOrderTable.difference
        case "config_validation": ConfigurationTable.difference
        case "full_loop": FullLoopTable.difference
        default: nil
        }
    }

    static func failure(of id: String, _ document: YAMLNode, _ replay: Replay?) -> FamilyResult.Failure? {
        guard let input = document["in"], let want = document["want"] else {
            return FamilyResult.Failure(name: id, expected: "in and want", got: "a line without them")
        }
        guard let replay else { return FamilyResult.Failure(name: id, expected: "a table known here", got: "(not built)") }
        do {
            return try replay(input, want).map { FamilyResult.Failure(name: id, expected: $0.expected, got: $0.got) }
        } catch {
            return FamilyResult.Failure(name: id, expected: "an answer", got: "\(error)")
        }
    }
}
