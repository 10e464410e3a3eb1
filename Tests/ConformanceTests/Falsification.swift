// Ways to falsify one thing in a recorded timeline: what the comparison must notice.

import Foundation
import KubernetesAPI

@testable import seatrial_conformance

/// The lines of a recording, to be changed.
struct RecordedLines {
    var lines: [JSONTree]

    init(text: String) throws {
        lines = try YAMLFile.parse(Array(text.utf8), name: "recording").documents.map { JSONTree($0) }
    }

    /// The lines in order of their times.
    var text: String {
        let ordered = lines.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
        return ordered.map { $0.element.json + "\n" }.joined()
    }

    /// The places of the lines that fit.
    func places(_ isWanted: (JSONTree) -> Bool) -> [Int] { lines.indices.filter { isWanted(lines[$0]) } }

    /// The lines that show changes of an object of a kind.
    func changes(of kind: String, _ field: String? = nil) -> [Int] {
        places { line in
            guard line.kind == kind, line.isChange else { return false }
            guard let field else { return true }
            guard let value = line["set"]?[field] else { return false }
            return value != .null
        }
    }
}

extension JSONTree {
    var time: Int { self["t"]?.integer ?? 0 }
    var kind: String { self["kind"]?.string ?? "" }
    var event: String { self["ev"]?.string ?? "" }
    var isChange: Bool { event == "ADDED" || event == "MODIFIED" }
    func text(_ key: String) -> String { self["set"]?[key]?.string ?? "" }

    func replacing(_ key: String, _ value: JSONTree) -> JSONTree {
        var found = entries
        if let index = found.firstIndex(where: { $0.key == key }) {
            found[index].value = value
        } else {
            found.append(.init(key: key, value: value))
        }
        return .map(found)
    }

    /// With another value of one of the fields that the line sets.
    func setting(_ key: String, _ value: JSONTree) -> JSONTree { replacing("set", (self["set"] ?? .map([])).replacing(key, value)) }

    func later(by milliseconds: Int) -> JSONTree { replacing("t", .number(String(time + milliseconds))) }
}

/// One thing that can be falsified.
struct Falsification: Sendable, CustomStringConvertible {
    let description: String
    /// The places where it can be done.
    let places: @Sendable (RecordedLines) -> [Int]
    let falsify: @Sendable (inout RecordedLines, Int) -> Void

    static let all: [Falsification] = events + pods + counters + objects + answers + times

    private static func isEvent(_ line: JSONTree) -> Bool { line.kind == "Event" && line.isChange && line["set"]?["reason"] != nil }

    // MARK: Events

    private static let events: [Falsification] = [
        Falsification("an Event is missing", { $0.places(isCompared) }) { $0.lines.remove(at: $1) },
        Falsification("an Event has another reason", { $0.places(isCompared) }) {
            $0.lines[$1] = $0.lines[$1].setting("reason", .text("Other"))
        },
        Falsification("an Event has another type", { $0.places(isCompared) }) { $0.lines[$1] = $0.lines[$1].setting("type", .text("Odd")) },
        Falsification("an Event has another word", { $0.places(isCompared) }) {
            $0.lines[$1] = $0.lines[$1].setting("message", .text($0.lines[$1].text("message") + " indeed"))
        },
        Falsification("an Event is of another component", { $0.places(isCompared) }) {
            $0.lines[$1] = $0.lines[$1].setting("from", .text("somebody"))
        },
        Falsification("an Event is about another object", { $0.places(isCompared) }) {
            $0.lines[$1] = $0.lines[$1].setting("about", .text("Pod/nobody"))
        },
        Falsification("an Event comes twice", { $0.places(isCompared) }) { $0.lines.insert($0.lines[$1], at: $1) },
        Falsification("an Event has another count", { lines in lines.places { isCompared($0) && $0["set"]?["count"]?.integer != nil } }) {
            $0.lines[$1] = $0.lines[$1].setting("count", .number("17"))
        },
        Falsification("an Event comes three seconds late", { $0.places(isCompared) }) { $0.lines[$1] = $0.lines[$1].later(by: 3000) },
    ]

    /// Whether one Event more or less matters: of attempts it does not.
    private static func isCompared(_ line: JSONTree) -> Bool {
        isEvent(line)
            && ![
                "FailedCreate", "SawCompletedJob", "FailedScheduling", "NodeNotReady", "NoPods", "FailedToUpdateEndpointSlices",
            ].contains(line.text("reason"))
    }

    // MARK: Pods

    private static func isOf(_ line: JSONTree, _ condition: String) -> Bool { line["set"]?["conds"]?[condition]?.string != nil }

    private static func condition(_ line: JSONTree, _ name: String, _ value: String) -> JSONTree {
        line.setting("conds", (line["set"]?["conds"] ?? .map([])).replacing(name, .text(value)))
    }

    private static let pods: [Falsification] = [
        Falsification("there is a pod more", { $0.places { $0.kind == "Pod" && $0.event == "ADDED" } }) {
            $0.lines.append($0.lines[$1].replacing("name", .text(($0.lines[$1]["name"]?.string ?? "") + "x")))
        },
        Falsification("there is a pod less", { $0.places { $0.kind == "Pod" && $0.event == "ADDED" } }) { lines, place in
            let name = lines.lines[place]["name"]
            lines.lines.removeAll { $0.kind == "Pod" && $0["name"] == name && $0.event != "ACTION" }
        },
        Falsification("a pod never goes", { $0.places { $0.kind == "Pod" && $0.event == "DELETED" } }) { $0.lines.remove(at: $1) },
        Falsification("a pod goes without being asked to", { $0.changes(of: "Pod", "deletionTimestamp") }) { $0.lines.remove(at: $1) },
        Falsification("a pod is on another node", { $0.changes(of: "Pod", "node") }) {
            $0.lines[$1] = $0.lines[$1].setting("node", .text("node-77"))
        },
        Falsification("a pod never runs", { lines in lines.places { $0.kind == "Pod" && $0.text("phase") == "Running" } }) {
            $0.lines.remove(at: $1)
        },
        Falsification("a pod ends in another way", { lines in lines.places { $0.kind == "Pod" && $0.text("phase") == "Succeeded" } }) {
            $0.lines[$1] = $0.lines[$1].setting("phase", .text("Failed"))
        },
        Falsification(
            "a container ends with another code",
            { lines in
                lines.places { $0.kind == "Pod" && $0["set"]?["containers"]?.elements.first?.string == "terminated:0" }
            }
        ) { $0.lines[$1] = $0.lines[$1].setting("containers", .list([.text("terminated:3")])) },
        Falsification(
            "a pod is not ready for another reason",
            { lines in
                lines.places {
                    $0.kind == "Pod" && $0.isChange && $0["set"]?["conds"]?["ContainersReady"]?.string?.hasPrefix("False/") ?? false
                }
            }
        ) { $0.lines[$1] = condition($0.lines[$1], "ContainersReady", "False/Whatever") },
        Falsification(
            "a pod becomes unready",
            { lines in
                lines.places { $0.kind == "Pod" && $0.isChange && $0["set"]?["conds"]?["Ready"]?.string == "True" }
            }
        ) { $0.lines[$1] = condition($0.lines[$1], "Ready", "False/Whatever") },
        Falsification("a pod is of another quality of service", { $0.changes(of: "Pod", "qos") }) {
            $0.lines[$1] = $0.lines[$1].setting("qos", .text("Odd"))
        },
        Falsification("a pod has another owner", { $0.changes(of: "Pod", "owner") }) {
            $0.lines[$1] = $0.lines[$1].setting("owner", .list([.text("ReplicaSet/nobody*")]))
        },
        Falsification("a pod has another time to stop", { $0.changes(of: "Pod", "grace") }) {
            $0.lines[$1] = $0.lines[$1].setting("grace", .number("77"))
        },
        Falsification("a container was restarted", { $0.changes(of: "Pod", "restarts") }) {
            $0.lines[$1] = $0.lines[$1].setting("restarts", .number("7"))
        },
    ]

    // MARK: Counters

    /// The last changes of all counters of objects that stay, if they are to a number.
    private static func lastCounts(_ lines: RecordedLines) -> [(place: Int, field: String)] {
        var found: [String: (place: Int, field: String)] = [:]
        for place in lines.places({ $0.isChange && !["Event", "Pod", "Node"].contains($0.kind) }) {
            let line = lines.lines[place]
            for entry in line["set"]?.entries ?? [] where !TimelineFields.isTime(entry.key) {
                found[line.kind + "/" + (line["name"]?.string ?? "") + " " + entry.key] = (place, entry.key)
            }
        }
        return found.filter { entry in
            let name = lines.lines[entry.value.place]["name"]
            return lines.lines[entry.value.place]["set"]?[entry.value.field]?.integer != nil
                && !lines.lines.contains { $0.event == "DELETED" && $0["name"] == name }
        }.values.sorted { ($0.place, $0.field) < ($1.place, $1.field) }
    }

    private static let counters: [Falsification] = [
        Falsification("the last value of a counter is another", { lines in lines.indices(of: lastCounts(lines)) }) { lines, index in
            let (place, field) = lastCounts(lines)[index]
            let number = lines.lines[place]["set"]?[field]?.integer ?? 0
            lines.lines[place] = lines.lines[place].setting(field, .number(String(number + 1)))
        },
        Falsification("a quota's use is another at the end", { lines in Array(lines.changes(of: "ResourceQuota", "used").suffix(1)) }) {
            $0.lines[$1] = $0.lines[$1].setting("used", .map([.init(key: "pods", value: .text("77"))]))
        },
        Falsification(
            "a controller's condition has another reason",
            { lines in
                lines.places { line in
                    line.isChange && !["Pod", "Node", "Event"].contains(line.kind)
                        && line["set"]?["conds"]?.entries.contains { $0.value.string?.contains("/") ?? false } ?? false
                }
            }
        ) { lines, place in
            let conditions = lines.lines[place]["set"]?["conds"]?.entries ?? []
            guard let first = conditions.first(where: { $0.value.string?.contains("/") ?? false }) else { return }
            lines.lines[place] = condition(lines.lines[place], first.key, "True/Whatever")
        },
    ]

    // MARK: Other objects

    private static let objects: [Falsification] = [
        Falsification(
            "a ReplicaSet gets another last size",
            { lines in
                var last: [String: Int] = [:]
                for place in lines.changes(of: "ReplicaSet", "spec_replicas") { last[lines.lines[place]["name"]?.string ?? ""] = place }
                return last.values.sorted()
            }
        ) { $0.lines[$1] = $0.lines[$1].setting("spec_replicas", .number("77")) },
        Falsification("a taint is missing", { $0.changes(of: "Node", "taints") }) { $0.lines.remove(at: $1) },
        Falsification("a taint is another", { $0.changes(of: "Node", "taints") }) {
            $0.lines[$1] = $0.lines[$1].setting("taints", .list([.text("node.kubernetes.io/odd:NoSchedule")]))
        },
        Falsification("a node's condition is another", { $0.changes(of: "Node", "conds") }) {
            $0.lines[$1] = condition($0.lines[$1], "Ready", "Odd/Whatever")
        },
        Falsification(
            "an endpoint is missing at the end",
            { lines in
                var last: [String: Int] = [:]
                for place in lines.changes(of: "EndpointSlice", "endpoints") { last[lines.lines[place]["name"]?.string ?? ""] = place }
                return last.values.sorted().filter { place in
                    let name = lines.lines[place]["name"]
                    // Near the end of the recording it would only be early.
                    guard let end = lines.lines.map(\.time).max(), lines.lines[place].time < end - 3000 else { return false }
                    return !(lines.lines[place]["set"]?["endpoints"]?.elements.isEmpty ?? true)
                        && !lines.lines.contains { $0.event == "DELETED" && $0["name"] == name }
                }
            }
        ) {
            let endpoints = $0.lines[$1]["set"]?["endpoints"]?.elements ?? []
            $0.lines[$1] = $0.lines[$1].setting("endpoints", .list(Array(endpoints.dropLast())))
        },
        Falsification("an object that nobody made", { $0.places { $0.event == "ADDED" && $0.kind != "Event" && $0.kind != "Pod" } }) {
            $0.lines.append($0.lines[$1].replacing("name", .text(($0.lines[$1]["name"]?.string ?? "") + "-copy")))
        },
        Falsification("an object that should go stays", { $0.places { $0.event == "DELETED" && $0.kind != "Pod" } }) {
            $0.lines.remove(at: $1)
        },
        Falsification(
            "an object has another finalizer",
            { lines in
                lines.places { $0.isChange && !($0["set"]?["finalizers"]?.elements.isEmpty ?? true) }
            }
        ) { $0.lines[$1] = $0.lines[$1].setting("finalizers", .list([.text("odd/finalizer")])) },
    ]

    // MARK: Answers

    private static func isRefusal(_ line: JSONTree) -> Bool {
        line.event == "ACTION" && (line["error"]?.elements.count == 2 || line["code"]?.integer ?? 0 >= 400)
    }

    private static let answers: [Falsification] = [
        Falsification("a refusal has another text", { $0.places(isRefusal) }) { lines, place in
            let line = lines.lines[place]
            if let parts = line["error"]?.elements, let code = parts.first, let text = parts.last?.string {
                lines.lines[place] = line.replacing("error", .list([code, .text(text + " indeed")]))
            } else {
                lines.lines[place] = line.replacing("message", .text((line["message"]?.string ?? "") + " indeed"))
            }
        },
        Falsification("a refusal has another code", { $0.places(isRefusal) }) { lines, place in
            let line = lines.lines[place]
            if let text = line["error"]?.elements.last {
                lines.lines[place] = line.replacing("error", .list([.number("418"), text]))
            } else {
                lines.lines[place] = line.replacing("code", .number("418"))
            }
        },
        Falsification("what was refused is accepted", { $0.places(isRefusal) }) { lines, place in
            lines.lines[place] = .map(lines.lines[place].entries.filter { !["error", "code", "message"].contains($0.key) })
        },
        Falsification(
            "what was accepted is refused",
            { lines in
                lines.places { $0.event == "ACTION" && $0["what"]?.string == "patch" && !isRefusal($0) }
            }
        ) { $0.lines[$1] = $0.lines[$1].replacing("error", .list([.number("422"), .text("no")])) },
    ]

    // MARK: Times and order

    /// Pairs of successive lines about one pod that the kubelet or the scheduler wrote.
    private static func successions(_ lines: RecordedLines) -> [(Int, Int)] {
        var last: [String: Int] = [:]
        var found: [(Int, Int)] = []
        for place in lines.places({ $0.kind == "Pod" && $0.event == "MODIFIED" && $0["set"]?["conds"] != nil }) {
            let name = lines.lines[place]["name"]?.string ?? ""
            if let before = last[name], lines.lines[before].time < lines.lines[place].time { found.append((before, place)) }
            last[name] = place
        }
        return found
    }

    private static let times: [Falsification] = [
        Falsification("two changes of a pod come the other way round", { lines in lines.indices(of: successions(lines)) }) { lines, index in
            let (first, second) = successions(lines)[index]
            let (one, other) = (lines.lines[first]["set"], lines.lines[second]["set"])
            lines.lines[first] = lines.lines[first].replacing("set", other ?? .null)
            lines.lines[second] = lines.lines[second].replacing("set", one ?? .null)
        },
        Falsification("a pod runs three seconds late", { lines in lines.places { $0.kind == "Pod" && $0.text("phase") == "Running" } }) {
            $0.lines[$1] = $0.lines[$1].later(by: 3000)
        },
        Falsification("an object goes three seconds late", { $0.places { $0.event == "DELETED" } }) {
            $0.lines[$1] = $0.lines[$1].later(by: 3000)
        },
        Falsification(
            "a controller's status comes three seconds late",
            { lines in
                lines.places { $0.event == "MODIFIED" && ["Job", "CronJob", "HorizontalPodAutoscaler", "DaemonSet"].contains($0.kind) }
            }
        ) { $0.lines[$1] = $0.lines[$1].later(by: 3000) },
        Falsification(
            "an instant is another",
            { lines in
                lines.places { line in
                    line.isChange && line.kind != "Pod"
                        && line["set"]?.entries.contains { TimelineFields.isTime($0.key) && $0.value.double != nil } ?? false
                }
            }
        ) { lines, place in
            guard let entry = lines.lines[place]["set"]?.entries.first(where: { TimelineFields.isTime($0.key) }) else { return }
            lines.lines[place] = lines.lines[place].setting(entry.key, .number(String((entry.value.double ?? 0) + 8)))
        },
    ]

    init(
        _ description: String, _ places: @escaping @Sendable (RecordedLines) -> [Int],
        _ falsify: @escaping @Sendable (inout RecordedLines, Int) -> Void
    ) {
        self.description = description
        self.places = places
        self.falsify = falsify
    }
}

extension RecordedLines {
    /// 0, 1, ... for things that are no lines.
    fileprivate func indices<Thing>(of things: [Thing]) -> [Int] { Array(things.indices) }
}
