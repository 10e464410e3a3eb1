// Recorded timelines of the real control plane, replayed through the same runner as `seatrial-conformance timelines`.

import Foundation
import KubernetesAPI
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

    @Test("every relaxation has a name of its own and a reason, and is used somewhere")
    func relaxations() {
        let names = Relaxations.table.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Relaxations.table.allSatisfy { $0.reason.count > 40 && !$0.uses.isEmpty })
    }

    @Test("what is relaxed is counted on the timeline's line")
    func relaxedLine() throws {
        let result = try #require(try runTimelines([Self.folder + "/rolling-25-25-mr0.jsonl"]).first)
        #expect(result.relaxed.contains { $0.name == "rollout steps" && $0.count > 0 })
        for (name, count) in result.relaxed { #expect(result.line.contains("\(name) \(count)")) }
        #expect(Set(result.relaxed.map(\.name)).isSubset(of: Set(Relaxations.table.map(\.name))))
    }

    @Test("times: 150 ms or a tenth, at most a second; what is allowed beyond is measured from the recording, at most a second")
    func tolerance() throws {
        #expect(Relaxations.tolerance(sinceAction: 100) == 150)
        #expect(Relaxations.tolerance(sinceAction: 4000) == 400)
        #expect(Relaxations.tolerance(sinceAction: 600_000) == 1000)
        for name in Self.names {
            var view = TimelineView()
            for change in try TimelineRecording(file: Self.folder + "/" + name + ".jsonl").changes { view.observe(change) }
            #expect((350...1000).contains(Relaxations.lateness(view)))
        }
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

    private static func actions(_ lines: String) throws -> [TimelineAction] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("timelines-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("{}".utf8).write(to: folder.appendingPathComponent("some.yaml"))
        let start = #"{"t":0,"ev":"INITIAL","kind":"Namespace","name":"some","set":{}}"# + "\n"
        try Data((start + lines).utf8).write(to: folder.appendingPathComponent("some.jsonl"))
        return try TimelineRecording(file: folder.appendingPathComponent("some.jsonl").path).actions.map(\.action)
    }

    @Test("commands about a node are read with their flags wherever these stand; an unknown flag is refused")
    func commands() throws {
        let text = "kubectl drain --ignore-daemonsets node-1 --force --grace-period=5 (a remark)"
        let read = try Self.actions(#"{"t":1,"ev":"ACTION","what":"\#(text)"}"#)
        guard case .drain(node: "node-1", let options)? = read.first else {
            Issue.record("\(read)")
            return
        }
        #expect(options.force && options.gracePeriod == 5 && !options.disableEviction)
        let back = try Self.actions(#"{"t":1,"ev":"ACTION","what":"kubectl uncordon node-1"}"#)
        guard case .patch(kind: "Node", name: "node-1", let patch, status: false)? = back.first else {
            Issue.record("\(back)")
            return
        }
        #expect(patch.json == #"{"spec":{"unschedulable":null}}"#)
        #expect(throws: TimelineError.self) { try Self.actions(#"{"t":1,"ev":"ACTION","what":"kubectl drain node-1 --loudly"}"#) }
    }

    @Test("a patch of a pod's status sets the conditions it names and keeps the others; what is not understood is refused")
    func podStatusPatches() throws {
        var patches = TimelinePatches(namespace: "some")
        func tree(_ text: String) throws -> JSONTree {
            JSONTree(try YAMLFile.parse(Array(text.utf8), name: "text").documents[0])
        }
        let text = #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}"#
        let pod = try patches.create(try tree(text), kind: "Pod", name: "p")
        let unready = try tree(#"{"status":{"conditions":[{"type":"Ready","status":"False","reason":"Because"}]}}"#)
        let failed = try tree(#"{"status":{"phase":"Failed","reason":"Evicted"}}"#)
        let once = try patches.patch(pod, kind: "Pod", unready, status: true)
        guard case .pod(let result) = try patches.patch(once, kind: "Pod", failed, status: true) else {
            Issue.record("no pod")
            return
        }
        #expect(result.value.status.phase == .failed && result.value.status.reason == "Evicted")
        #expect(result.value.status.conditions[.ready]?.reason == "Because")
        for (odd, isOfStatus) in [(#"{"status":{"hostIP":"1.2.3.4"}}"#, true), (#"{"metadata":{"generateName":"x"}}"#, false)] {
            #expect(throws: TimelineError.self) { try patches.patch(pod, kind: "Pod", try tree(odd), status: isOfStatus) }
        }
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
