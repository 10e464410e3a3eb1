// What containers used, as a monitoring system recorded it: a CSV file.

import DiscreteEvents
import NodeAgent

/// A CSV file with a header row: seconds in the first column, values in others.
enum UsageTrace {
    /// - Parameter column: the name of the column of values; nil: the second one.
    /// - Throws: `ResultError` with the line and what is wrong with it.
    static func points(_ bytes: [UInt8], column: String?) throws(ResultError) -> [LoadProfile.Point] {
        var lines = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false) { $0.isNewline }.map(cells)
        while lines.last == [""] { lines.removeLast() }
        guard let header = lines.first, header.count > 1 else { throw ResultError("expected a header and at least two columns") }
        let place: Int
        if let column {
            guard let found = header.dropFirst().firstIndex(of: column) else {
                throw ResultError("there is no column \"\(column)\"; it has " + header.dropFirst().joined(separator: ", "))
            }
            place = found
        } else {
            place = 1
        }
        var points: [LoadProfile.Point] = []
        for (number, line) in lines.enumerated().dropFirst() {
            guard line.count > place, let seconds = Double(line[0]), let value = Double(line[place]) else {
                throw ResultError("line \(number + 1): expected seconds and a number")
            }
            guard seconds >= 0, seconds <= Double(ScenarioFormat.maximumDurationSeconds), value >= 0, value.isFinite else {
                throw ResultError("line \(number + 1): time and value must not be negative")
            }
            let time = SimulatedTime(seconds: seconds)
            if let last = points.last, time < last.time { throw ResultError("line \(number + 1): is before the line above") }
            points.append(LoadProfile.Point(time, value))
        }
        if points.isEmpty { throw ResultError("there are no values") }
        return points
    }

    private static func cells(_ line: Substring) -> [String] {
        line.split(separator: ",", omittingEmptySubsequences: false).map { cell in
            var cell = cell
            while let first = cell.first, first == " " || first == "\"" { cell.removeFirst() }
            while let last = cell.last, last == " " || last == "\"" { cell.removeLast() }
            return String(cell)
        }
    }
}
