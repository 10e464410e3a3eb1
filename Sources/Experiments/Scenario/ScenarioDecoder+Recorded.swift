// Reads recorded requests: when they came, and how much work each was.

import DiscreteEvents
import Foundation
import KubernetesAPI

/// The rows of a recording.
struct RecordedRequests {
    var times: [SimulatedTime]
    /// Seconds of service of each; empty: not recorded.
    var serviceTimes: [Double] = []
}

extension ScenarioDecoder {
    /// A service time that is a linear function of a row.
    private struct Work {
        var base = 0.0
        var shares: [(column: String, seconds: Double)] = []
    }

    /// - Parameter start: what the times of the recording count from.
    mutating func recordedRequests(_ node: YAMLNode, from start: SimulatedTime) -> RecordedRequests? {
        guard let fields = open(node, ScenarioFormat.recordedArrivals) else { return nil }
        let column = string(fields, "column")
        let speed = field(fields, "speed").flatMap { number($0, in: 0.000_001...1_000_000) } ?? 1
        let work = field(fields, "serviceTime").flatMap { recordedWork($0) }
        guard let path = field(fields, "file"), let bytes = file(path), let name = path.scalarText, let column else { return nil }
        do throws(CSVError) {
            let table = try CSVTable(bytes, file: location(of: name))
            var requests = RecordedRequests(times: try ScenarioDecoder.arrivals(table, column, speed, from: start))
            if let work { requests.serviceTimes = try ScenarioDecoder.serviceTimes(table, work) }
            return requests
        } catch {
            context.error(path, "\(error)")
            return nil
        }
    }

    private mutating func recordedWork(_ node: YAMLNode) -> Work? {
        guard let fields = open(node, ScenarioFormat.recordedWork) else { return nil }
        var work = Work(base: duration(fields, "base")?.seconds ?? 0)
        for element in list(fields, "columns") {
            guard let entry = open(element, ScenarioFormat.recordedShare) else { continue }
            let each = duration(entry, "each")
            if let column = string(entry, "column"), let each { work.shares.append((column, each.seconds)) }
        }
        return work
    }

    private static func serviceTimes(_ table: CSVTable, _ work: Work) throws(CSVError) -> [Double] {
        var times = Array(repeating: work.base, count: table.rows.count)
        for share in work.shares {
            let column = try table.column(share.column)
            for (index, row) in table.rows.enumerated() {
                guard let units = Double(table.text(row, column)), units.isFinite, units >= 0 else {
                    throw table.error(row, column, "expected a number, not negative")
                }
                times[index] += units * share.seconds
            }
        }
        return times
    }

    private static func arrivals(
        _ table: CSVTable, _ name: String, _ speed: Double, from start: SimulatedTime
    ) throws(CSVError) -> [SimulatedTime] {
        let column = try table.column(name)
        var times: [SimulatedTime] = []
        var first: Int64?
        for row in table.rows {
            let text = table.text(row, column)
            let nanoseconds: Int64
            if let seconds = Double(text), seconds >= 0, seconds < Double(ScenarioFormat.maximumDurationSeconds) {
                nanoseconds = Int64(seconds * 1e9)
            } else if let date = RFC3339.nanoseconds(text.replacing(" ", with: "T") + "Z") {
                // Dates are counted from the first; seconds are what they are.
                nanoseconds = date - (first ?? date)
                first = first ?? date
            } else {
                throw table.error(row, column, "expected seconds, or a date as 2023-11-16 18:15:46.68")
            }
            // What comes after the end of every scenario never comes.
            let longest = Double(SimulatedDuration.seconds(ScenarioFormat.maximumDurationSeconds).nanoseconds)
            let time = start + SimulatedDuration(nanoseconds: Int64(max(-longest, min(Double(nanoseconds) / speed, longest))))
            if let last = times.last, time < last { throw table.error(row, column, "is before the row above") }
            times.append(time)
        }
        if times.isEmpty { throw CSVError(file: table.file, line: 1, column: name, message: "has no rows") }
        return times
    }
}
