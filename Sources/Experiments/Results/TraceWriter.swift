// trace.json: a run as a timeline that Perfetto and chrome://tracing open: nodes as processes, pods as slices.
// <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU> (Trace Event Format)

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// Writes a run's timeline.
struct TraceWriter: ~Copyable {
    /// The tracks of a node before those of its pods: what strikes it, and its condition Ready. Neither fits into the other: a node is not ready
    /// from some time after its failure until some time after its return.
    private static let failureTrack = 0
    private static let conditionTrack = 1
    private static let firstPodTrack = 2
    /// Failures that strike while others last go on in tracks after all pods could need.
    private static let firstOverlapTrack = 1_000_000

    /// A pod's time on its node.
    private struct Stay {
        let pod: PodRecord
        let node: Int
        let begin: SimulatedTime
        let end: SimulatedTime
        /// So that pods of one track do not overlap.
        var track = 0
    }

    private let record: RunRecord
    private let end: SimulatedTime
    private var file: BufferedFile
    private var rows = 0
    /// The process of each node, by name; a node that joined anew under its name goes on in it.
    private var processes: [String: Int] = [:]
    private var names: [String] = []
    /// Of each failure: the tracks that tell of it, one on each of its nodes.
    private var failureTracks: [[(process: Int, track: Int)]] = []

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
            for (track, title) in [(Self.failureTrack, "failures"), (Self.conditionTrack, "condition Ready")] {
                event("M", process: names.count, track: track, arguments: [("name", .string(title))], name: "thread_name")
            }
        }
        let stays = stays()
        for stay in stays { write(stay) }
        writeFailures()
        writeConditions()
        writeArrows(stays)
        file.append("\n]}\n")
    }

    // MARK: Pods

    /// Every pod that had a node, with a track there.
    private func stays() -> [Stay] {
        var stays: [Stay] = []
        for pod in record.pods {
            guard let name = pod.node, let node = processes[name], let scheduled = pod.scheduled ?? pod.started else { continue }
            let begin = max(scheduled, .zero)
            stays.append(Stay(pod: pod, node: node, begin: begin, end: max(begin, pod.finished ?? pod.deleted ?? end)))
        }
        // In the order in which they came to their nodes.
        var lanes = Array(repeating: Lanes(), count: names.count + 1)
        for index in stays.indices.sorted(by: { (stays[$0].begin, $0) < (stays[$1].begin, $1) }) {
            stays[index].track = Self.firstPodTrack + lanes[stays[index].node].place(from: stays[index].begin, to: stays[index].end)
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
        slice(pod.name.name, from: stay.begin, to: stay.end, process: stay.node, track: stay.track, category: "pod", arguments: arguments)
        let ready = min(pod.ready ?? stay.end, stay.end)
        if ready > stay.begin { slice("starting", from: stay.begin, to: ready, process: stay.node, track: stay.track, category: "start") }
        if let requested = pod.deletionRequested, requested > ready, requested < stay.end {
            slice("terminating", from: requested, to: stay.end, process: stay.node, track: stay.track, category: "end")
        }
    }

    // MARK: Nodes

    private mutating func writeFailures() {
        let failures = record.recoveries
        failureTracks = Array(repeating: [], count: failures.count)
        var lanes = Array(repeating: Lanes(), count: names.count + 1)
        for index in failures.indices.sorted(by: { (failures[$0].failed, $0) < (failures[$1].failed, $1) }) {
            let failure = failures[index]
            let until = max(failure.failed, failure.returned ?? end)
            for process in failure.nodeNames.compactMap({ processes[$0] }) {
                let known = lanes[process].count
                let lane = lanes[process].place(from: failure.failed, to: until)
                let track = lane == 0 ? Self.failureTrack : Self.firstOverlapTrack + lane
                if lane == known, lane > 0 {
                    event("M", process: process, track: track, arguments: [("name", .string("failures \(lane + 1)"))], name: "thread_name")
                }
                failureTracks[index].append((process, track))
                write(failure, until: until, process: process, track: track)
            }
        }
    }

    /// A machine that is taken back works on for the time of its notice.
    private mutating func write(_ failure: RecoveryRecord, until: SimulatedTime, process: Int, track: Int) {
        let down = min(failure.down ?? until, until)
        for (name, begin, end) in [("notice", failure.failed, down), (failure.effect.name, down, until)] where end > begin {
            slice(
                name, from: begin, to: end, process: process, track: track, category: "failure",
                arguments: [("subject", .string(failure.subject))])
        }
    }

    private mutating func writeConditions() {
        for (index, name) in names.enumerated() {
            var since: (time: SimulatedTime, reason: String)?
            func close(at time: SimulatedTime) {
                guard let since, time > since.time else { return }
                slice(
                    "not ready", from: since.time, to: time, process: index + 1, track: Self.conditionTrack, category: "condition",
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
        for (index, failure) in record.recoveries.enumerated() {
            for lost in stays where lost.begin <= failure.failed && failure.nodeNames.contains(names[lost.node - 1]) {
                guard !lost.pod.owner.isEmpty, let gone = lost.pod.deletionRequested ?? lost.pod.finished, gone >= failure.failed,
                    gone <= failure.recovered ?? end
                else { continue }
                let next = stays.indices.first { index in
                    !isReplacement[index] && stays[index].pod.owner == lost.pod.owner && stays[index].pod.created >= gone
                }
                guard let next, let track = failureTracks[index].first(where: { $0.process == lost.node })?.track else { continue }
                isReplacement[next] = true
                number += 1
                arrow(
                    number, from: (failure.failed, lost.node, track),
                    to: (stays[next].begin, stays[next].node, stays[next].track))
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
        let duration = max(0, TraceWriter.microseconds(end) - TraceWriter.microseconds(begin))
        event(
            "X", at: begin, process: process, track: track, category: category, more: [("dur", .integer(duration))], arguments: arguments,
            name: name)
    }

    private mutating func event(
        _ phase: String, at time: SimulatedTime? = nil, process: Int, track: Int = failureTrack, category: String = "",
        more: [(String, JSONValue)] = [], arguments: [(String, JSONValue)] = [], name: String
    ) {
        var members: [(String, JSONValue)] = [
            ("name", .string(name)), ("ph", .string(phase)), ("pid", .integer(process)), ("tid", .integer(track)),
        ]
        if !category.isEmpty { members.append(("cat", .string(category))) }
        if let time { members.append(("ts", .integer(TraceWriter.microseconds(time)))) }
        members += more
        if !arguments.isEmpty { members.append(("args", .members(arguments))) }
        if rows > 0 { file.append(",\n") }
        file.append(JSONValue.members(members).line)
        file.endOfLine()
        rows += 1
    }

    /// The format's unit. Whole ones: viewers add beginnings and durations as doubles, and where these are inexact the end of a slice falls behind
    /// the end of the one that it lies in.
    private static func microseconds(_ time: SimulatedTime) -> Int { Int(time.sinceStart.nanoseconds / 1000) }
}

/// Tracks for what may overlap in time: on each, one thing begins when another is over.
private struct Lanes {
    private var ends: [SimulatedTime] = []

    var count: Int { ends.count }

    /// The first lane that is free from a time on, and is taken until another; to be asked in the order of the beginnings.
    mutating func place(from begin: SimulatedTime, to end: SimulatedTime) -> Int {
        let lane = ends.firstIndex { $0 <= begin } ?? ends.count
        if lane == ends.count { ends.append(end) } else { ends[lane] = end }
        return lane
    }
}
