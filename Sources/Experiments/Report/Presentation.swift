// How figures are written for a person: durations with the units one would say, numbers without noise.

import DiscreteEvents
import Foundation

public enum Presentation {
    /// Without decimals if it is whole, otherwise with four significant digits at most and no zeros at the end.
    static func number(_ value: Double) -> String { number(value, digits: 4) }

    static func number(_ value: Double, digits: Int) -> String {
        if !value.isFinite { return value.isNaN ? "-" : value < 0 ? "-inf" : "inf" }
        if value == value.rounded(), value.magnitude < 1e15 { return String(Int64(value)) }
        if value.magnitude < 1e-6 || value.magnitude >= 1e15 { return String(format: "%.\(digits - 1)e", value) }
        let exponent = Int(log10(value.magnitude).rounded(.down))
        let decimals = max(0, digits - 1 - exponent)
        var text = String(format: "%.\(decimals)f", value)
        if decimals > 0 {
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return text
    }

    /// So many significant digits at most.
    static func significant(_ value: Double, digits: Int) -> String { String(format: "%.\(digits)g", value) }

    static func fixed(_ value: Double, decimals: Int) -> String { String(format: "%.\(decimals)f", value) }

    /// How far a run has come, in the words of its report.
    public static func progress(_ reached: SimulatedTime, of duration: SimulatedDuration) -> String {
        "\(reached.sinceStart.text) of \(duration.text) simulated"
    }

    static func percent(_ share: Double) -> String {
        // Sums of doubles may end a hair below zero.
        let percent = (share * 1000).rounded() / 10
        return String(format: "%.1f %%", percent == 0 ? 0 : percent)
    }

    /// Ascending numbers with runs of them drawn together: `1-5, 8, 10`; the first few of them.
    static func ranges(_ numbers: [Int], most: Int) -> String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        let texts = ranges.prefix(most).map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        return texts.joined(separator: ", ") + (ranges.count > most ? ", ..." : "")
    }

    static func count(_ number: Int, _ singular: String, _ plural: String? = nil) -> String {
        "\(number) " + (number == 1 ? singular : plural ?? singular + "s")
    }

    /// Names in a sentence: `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`.
    static func list(_ names: [String], most: Int = 3) -> String {
        let shown = names.prefix(most)
        let more = names.count - shown.count
        if more > 0 { return shown.joined(separator: ", ") + " and \(more) more" }
        return shown.count > 1 ? shown.dropLast().joined(separator: ", ") + " and " + (shown.last ?? "") : shown.first ?? ""
    }

    /// Columns padded to their widest cell; the first `textColumns` are aligned left, the others right.
    static func table(_ rows: [[String]], textColumns: Int = 1) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        var text = ""
        for row in rows {
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                if column > 0 { line += "  " }
                line += column < textColumns ? cell + padding : padding + cell
            }
            while line.hasSuffix(" ") { line.removeLast() }
            text += line + "\n"
        }
        return text
    }
}

extension SimulatedDuration {
    /// As a person says it: `2h5m`, `5m12s`, `41.3s`, `12ms`.
    var text: String {
        let total = nanoseconds.magnitude
        let sign = nanoseconds < 0 ? "-" : ""
        if total == 0 { return "0s" }
        if total < 1_000_000 { return sign + Presentation.number(Double(total) / 1000) + "us" }
        if total < 1_000_000_000 { return sign + Presentation.number((Double(total) / 1e5).rounded() / 10) + "ms" }
        // Tenths of seconds below an hour, whole seconds above.
        if total < 3_600_000_000_000 {
            let tenths = (total + 50_000_000) / 100_000_000
            let minutes = tenths / 600
            let rest = tenths % 600
            let seconds = rest % 10 == 0 ? "\(rest / 10)s" : "\(rest / 10).\(rest % 10)s"
            if minutes == 0 { return sign + seconds }
            return sign + "\(minutes)m" + (rest == 0 ? "" : seconds)
        }
        let seconds = (total + 500_000_000) / 1_000_000_000
        let parts: [(UInt64, String)] = [
            (seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"),
        ]
        return sign + parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
    }
}

extension SimulatedTime {
    /// `00:05:41.3`, a column of these lines up; days in front where there are any.
    var clock: String { clock(decimals: 1) }

    /// The same to the microsecond: what the parts of a control plane do within a tenth of a second.
    var exactClock: String { clock(decimals: 6) }

    private func clock(decimals: Int) -> String {
        let unit = (0..<(9 - decimals)).reduce(UInt64(1)) { product, _ in product * 10 }
        let perSecond = 1_000_000_000 / unit
        let total = (nanoseconds.magnitude + unit / 2) / unit
        let seconds = total / perSecond
        func padded(_ value: UInt64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let days = seconds / 86_400
        let time = "\(padded(seconds / 3600 % 24, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        return (nanoseconds < 0 ? "-" : "") + (days > 0 ? "\(days)d " : "") + time + "." + padded(total % perSecond, decimals)
    }
}
