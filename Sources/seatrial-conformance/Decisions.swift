// Recorded scheduling decisions against ours: every filter, score, total and message of each case.

import Foundation
import KubernetesAPI
import Scheduling

/// Runs the families of decisions found at `paths` (files, or folders of `.jsonl` files). A file that cannot be read is an error.
/// - Parameter show: the name of one case; only that one is run then.
func runDecisions(_ paths: [String], show: String? = nil) throws -> [FamilyResult] {
    var results: [FamilyResult] = []
    for file in try recordings(at: paths) {
        let bytes = try recordedBytes(file)
        let family = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
        var result = FamilyResult(family: family)
        for document in try YAMLFile.parse(bytes, name: file).documents {
            let name = document["name"]?.scalarText ?? "line \(document.line)"
            if let show, show != name { continue }
            let isSequence = SequenceCase.isSequence(document)
            result.count(isSequence ? SequenceCase(name: name, document).run() : DecisionCase(name: name, document).run())
        }
        if show == nil, result.total == 0 { throw RecordingError.empty(file) }
        if result.total > 0 { results.append(result) }
    }
    return results
}

/// The files named, and the `.jsonl` files of the folders named, in order of their names.
func recordings(at paths: [String]) throws -> [String] {
    var files: [String] = []
    for path in paths {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".jsonl") }.sorted()
            if names.isEmpty { throw RecordingError.noRecordings(path) }
            files += names.map { path + "/" + $0 }
        } else {
            files.append(path)
        }
    }
    return files
}

/// A path that holds no recordings to compare with: never taken for agreement.
enum RecordingError: Error, Hashable, CustomStringConvertible {
    case empty(String)
    case noRecordings(String)
    case unreadable(String, String)

    var description: String {
        switch self {
        case .empty(let path): "\(path): no recorded cases in it; was the file cut short?"
        case .noRecordings(let path): "\(path): no .jsonl files in this folder"
        case .unreadable(let path, let why): "\(path): \(why)"
        }
    }
}

/// The contents of a file of recordings.
func recordedBytes(_ path: String) throws -> [UInt8] {
    guard FileManager.default.fileExists(atPath: path) else { throw RecordingError.unreadable(path, "no such file or folder") }
    guard let data = FileManager.default.contents(atPath: path) else {
        throw RecordingError.unreadable(path, "the file cannot be read")
    }
    return [UInt8](data)
}

/// One recorded case.
struct DecisionCase {
    let name: String
    private let document: YAMLNode

    init(name: String, _ document: YAMLNode) {
        self.name = name
        self.document = document
    }

    /// nil if every part of the decision is as recorded.
    func run() -> FamilyResult.Failure? {
        guard let expect = document["expect"], let podNode = document["pod"], let objects = document["objects"] else {
            return failure("a decision case", "a line without expect, pod or objects")
        }
        let decision: Decision
        do {
            decision = try decide(podNode, objects)
        } catch {
            return failure("a decision", "\(error)")
        }
        let recorded = DecisionText(recorded: expect)
        let ours = DecisionText(decision, like: recorded)
        let different = zip(recorded.parts, ours.parts).filter { $0.0.text != $0.1.text }
        guard !different.isEmpty else { return nil }
        return failure(
            different.map { "\($0.0.name): \($0.0.text)" }.joined(separator: "\n"),
            different.map { "\($0.1.name): \($0.1.text)" }.joined(separator: "\n"))
    }

    private func failure(_ expected: String, _ got: String) -> FamilyResult.Failure {
        FamilyResult.Failure(name: name, expected: expected, got: got)
    }

    private func decide(_ podNode: YAMLNode, _ objectsNode: YAMLNode) throws -> Decision {
        var objects = try CaseObjects(Array(objectsNode.elements) + [podNode])
        guard let pod = objects.pods.popLast() else { throw UnreadableCase(description: "no pod") }
        let configuration = try CaseObjects.configuration(document["schedulerConfig"])
        var maker = try DecisionMaker(
            configuration: configuration, nodes: objects.nodes, pods: objects.pods, objects: objects.others)
        guard let decision = maker.decide(pod) else { throw UnreadableCase(description: "no profile for the pod") }
        if let disagreement = maker.disagreement(with: decision, about: pod) { throw UnreadableCase(description: disagreement) }
        return decision
    }
}
