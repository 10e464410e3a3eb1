// trace.json: a run as a timeline that Perfetto and chrome://tracing open: nodes as processes, pods as slices.
// <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU> (Trace Event Format)

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// Writes a run's timeline.
struct TraceWriter: ~Copyable {
    /// The track of a node on which its own fortunes are told; pods are on those after it.
    private static let nodeTrack = 0

    /// A pod's time on its node.
    private struct Stay {
        let pod: PodRecord
        let node: Int
        let begin: SimulatedTime
        let end: SimulatedTime
        /// The track, so that pods of one track do not overlap.
        var lane = 0
    }

    private let record: RunRecord
    private let end: SimulatedTime
    private var file: BufferedFile
    private var rows = 0
    /// The process of each node, by name; a node that joined anew under its name goes on in it.
    private var processes: [String: Int] = [:]
    private var names: [String] = []

    static func write(_ record: RunRecord, end: SimulatedTime, in folder: String) throws(ResultError) -> WrittenFile {
        var writer = try TraceWriter(record, end: end, in: folder)
        writer.writeEvents()
        return try writer.file.finish(rows: writer.rows)
    }

    private init(_ record: RunRecord, end: SimulatedTime, in folder: String) throws(ResultError) {
        self.record = record
        self.end = end
        file = try BufferedFile(name: "trace.json", in: folder)
    }

    private mutating func writeEvents() {
        file.append("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n")
        for node in record.nodes where processes[node.name] == nil {
            processes[node.name] = names.count + 1
            names.append(node.name)
            let title = node.zone.isEmpty ? node.name : "\(node.name) (\(node.zone))"
            event("M", process: names.count, arguments: [("name", .string(title))], name: "process_name")
            event("M", process: names.count, arguments: [("sort_index", .integer(names.count))], name: "process_sort_index")
            event("M", process: names.count, arguments: [("name", .string("node"))], name: "thread_name")
        }
        let stays = stays()
        for stay in stays { write(stay) }
        writeNodes()
        writeArrows(stays)
        file.append("\n]}\n")
    }

    // MARK: Pods

    /// Every pod that had a node, with a lane there.
    private func stays() -> [Stay] {
        var stays: [Stay] = []
        for pod in record.pods {
            guard let name = pod.node, let node = processes[name], let scheduled = pod.scheduled ?? pod.started else { continue }
            let begin = max(scheduled, .zero)
            stays.append(Stay(pod: pod, node: node, begin: begin, end: max(begin, pod.finished ?? pod.deleted ?? end)))
        }
        // The first free lane for each, in the order in which they came to their nodes.
        var lanes = Array(repeating: [SimulatedTime](), count: names.count + 1)
        for index in stays.indices.sorted(by: { (stays[$0].begin, $0) < (stays[$1].begin, $1) }) {
            let stay = stays[index]
            let lane = lanes[stay.node].firstIndex { $0 <= stay.begin } ?? lanes[stay.node].count
            if lane == lanes[stay.node].count { lanes[stay.node].append(stay.end) } else { lanes[stay.node][lane] = stay.end }
            stays[index].lane = lane + 1
        }
        return stays
    }

    private mutating func write(_ stay: Stay) {
        let pod = stay.pod
        var arguments: [(String, JSONValue)] = [("namespace", .string(pod.name.namespace))]
        if !pod.owner.isEmpty { arguments.append(("owner", .string(pod.owner))) }
        arguments.append(("phase", .string(pod.phase.rawValue)))
        if !pod.reason.isEmpty { arguments.append(("reason", .string(pod.reason))) }
        if pod.restarts > 0 { arguments.append(("restarts", .integer(pod.restarts))) }
        slice(pod.name.name, from: stay.begin, to: stay.end, process: stay.node, track: stay.lane, category: "pod", arguments: arguments)
        let ready = min(pod.ready ?? stay.end, stay.end)
        if ready > stay.begin { slice("starting", from: stay.begin, to: ready, process: stay.node, track: stay.lane, category: "start") }
        if let requested = pod.deletionRequested, requested > ready, requested < stay.end {
            slice("terminating", from: requested, to: stay.end, process: stay.node, track: stay.lane, category: "end")
        }
    }

    // MARK: Nodes

    private mutating func writeNodes() {
        for failure in record.recoveries {
            // A machine that has got its notice works on.
            guard let down = failure.down else { continue }
            for process in failure.nodeNames.compactMap({ processes[$0] }) {
                slice(
                    failure.effect.name, from: down, to: failure.returned ?? end, process: process, track: Self.nodeTrack,
                    category: "failure", arguments: [("subject", .string(failure.subject))])
            }
        }
        for (index, name) in names.enumerated() {
            var since: (time: SimulatedTime, reason: String)?
            func close(at time: SimulatedTime) {
                guard let since, time > since.time else { return }
                slice(
                    "not ready", from: since.time, to: time, process: index + 1, track: Self.nodeTrack, category: "condition",
                    arguments: [("reason", .string(since.reason))])
            }
            for change in record.conditions
            where change.object.kind == .node && change.object.name.name == name && change.condition.type == .ready {
                if change.condition.status == .true {
                    close(at: change.time)
                    since = nil
                } else if since == nil {
                    since = (change.time, change.condition.reason)
                }
            }
            close(at: end)
        }
    }

    // MARK: Arrows

    /// From each failure to the pods that were made in the place of those it took.
    private mutating func writeArrows(_ stays: [Stay]) {
        var number = 0
        var isReplacement = Array(repeating: false, count: stays.count)
        for failure in record.recoveries {
            for lost in stays where lost.begin <= failure.failed && failure.nodeNames.contains(names[lost.node - 1]) {
                guard !lost.pod.owner.isEmpty, let gone = lost.pod.deletionRequested ?? lost.pod.finished, gone >= failure.failed,
                    gone <= failure.recovered ?? end
                else { continue }
                let next = stays.indices.first { index in
                    !isReplacement[index] && stays[index].pod.owner == lost.pod.owner && stays[index].pod.created >= gone
                }
                guard let next else { continue }
                isReplacement[next] = true
                number += 1
                arrow(
                    number, from: (failure.failed, lost.node, Self.nodeTrack), to: (stays[next].begin, stays[next].node, stays[next].lane))
            }
        }
    }

    private typealias Place = (time: SimulatedTime, process: Int, track: Int)

    private mutating func arrow(_ number: Int, from start: Place, to end: Place) {
        for (phase, place) in [("s", start), ("f", end)] {
            event(
                phase, at: place.time, process: place.process, track: place.track, category: "replacement",
                more: [("id", .integer(number))] + (phase == "f" ? [("bp", .string("e"))] : []), name: "replaced")
        }
    }

    // MARK: Events

    private mutating func slice(
        _ name: String, from begin: SimulatedTime, to end: SimulatedTime, process: Int, track: Int, category: String,
        arguments: [(String, JSONValue)] = []
    ) {
        let duration = JSONValue.number(TraceWriter.microseconds(max(.zero, end - begin)))
        event(
            "X", at: begin, process: process, track: track, category: category, more: [("dur", duration)], arguments: arguments, name: name)
    }

    private mutating func event(
        _ phase: String, at time: SimulatedTime? = nil, process: Int, track: Int = nodeTrack, category: String = "",
        more: [(String, JSONValue)] = [], arguments: [(String, JSONValue)] = [], name: String
    ) {
        var members: [(String, JSONValue)] = [
            ("name", .string(name)), ("ph", .string(phase)), ("pid", .integer(process)), ("tid", .integer(track)),
        ]
        if !category.isEmpty { members.append(("cat", .string(category))) }
        if let time { members.append(("ts", .number(TraceWriter.microseconds(time.sinceStart)))) }
        members += more
        if !arguments.isEmpty { members.append(("args", .members(arguments))) }
        if rows > 0 { file.append(",\n") }
        file.append(JSONValue.members(members).line)
        file.endOfLine()
        rows += 1
    }

    /// Thousandths are nanoseconds.
    private static func microseconds(_ duration: SimulatedDuration) -> String {
        let nanoseconds = duration.nanoseconds
        let rest = String(nanoseconds % 1000)
        return "\(nanoseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
