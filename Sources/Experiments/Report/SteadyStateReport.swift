// What a single long run says of its steady state: the warm-up that is left out, and a mean with an interval from batches.

import DiscreteEvents
import KubernetesAPI

/// One column of a result table as a series over time.
public struct SteadyStateReport: CustomStringConvertible {
    private let name: String
    /// The time of each value, seconds, and the values.
    private let times: [Double]
    private let values: [Double]
    /// How many values are left out; nil: the series has not settled.
    private let warmUp: Int?
    private let isWarmUpGiven: Bool
    private let batches: Int

    /// Values below which batches mean nothing.
    private static let fewest = 5

    /// Reads a series.
    ///
    /// - Parameters:
    ///   - folder: the results of a run.
    ///   - file: a table with a column `time_s`.
    ///   - column: the numbers; rows where it is empty are left out.
    ///   - condition: `column=text`: only these rows.
    ///   - warmUp: what to leave out at the beginning; nil: as much as MSER-5 finds.
    /// - Throws: `ScenarioError` for a table, column or row that is not there, and for a series that is too short.
    public init(
        of folder: String, file: String, column: String, where condition: String?, warmUp text: String?, batches: Int
    ) throws(ScenarioError) {
        let table = try ResultFiles(folder: folder).table(file)
        let path = PathText.join(folder, file)
        for needed in ["time_s", column] where !table.has(needed) {
            throw ScenarioError(["\(path):1: there is no column \(needed); the columns are \(table.columns.joined(separator: ", "))"])
        }
        let filter = try SteadyStateReport.filter(condition, table, path)
        var times: [Double] = []
        var values: [Double] = []
        for row in table.rows {
            if let filter, table.text(row, filter.column) != filter.value { continue }
            let text = table.text(row, column)
            if text.isEmpty { continue }
            guard let value = Double(text), value.isFinite else {
                throw ScenarioError(["\(path):\(row + 2): \(column): \"\(text)\" is not a number"])
            }
            let time = table.number(row, "time_s")
            guard time.isFinite else {
                throw ScenarioError(["\(path):\(row + 2): time_s: \"\(table.text(row, "time_s"))\" is not a number"])
            }
            times.append(time)
            values.append(value)
        }
        var given: Int?
        if let text {
            do throws(DurationTextError) {
                let end = try SimulatedDuration(text: text).seconds
                given = end < 0 ? nil : times.firstIndex { $0 >= end } ?? times.count
            } catch {
                throw ScenarioError(["--warm-up: \(error)"])
            }
            if given == nil { throw ScenarioError(["--warm-up: \(text): must not be negative"]) }
        }
        isWarmUpGiven = given != nil
        warmUp = given ?? SteadyState.warmUp(of: values)
        guard values.count - (warmUp ?? 0) >= batches * SteadyStateReport.fewest else {
            throw ScenarioError([
                "\(path): \(values.count - (warmUp ?? 0)) values of \(column) are too few for \(batches) batches of "
                    + "\(SteadyStateReport.fewest) or more: run longer, measure more often, or give fewer --batches"
            ])
        }
        name = column
        self.times = times
        self.values = values
        self.batches = batches
    }

    private static func filter(
        _ condition: String?, _ table: ResultFiles.Table, _ path: String
    ) throws(ScenarioError) -> (column: String, value: String)? {
        guard let condition else { return nil }
        let parts = condition.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, table.has(parts[0]) else {
            throw ScenarioError(["--where \(condition): expected COLUMN=TEXT with a column of \(path)"])
        }
        return (parts[0], parts[1])
    }

    /// Whether the series has settled.
    public var isSettled: Bool { warmUp != nil }

    public var description: String {
        guard let warmUp else {
            return
                "\(name): has not settled: the best place to cut the warm-up off (MSER-5) is beyond half of \(values.count) values. Run longer.\n"
        }
        let rest = Array(values[warmUp...])
        var text = "\(name): \(values.count) values\n"
        let until = warmUp > 0 && warmUp < times.count ? SimulatedDuration(seconds: times[warmUp]).text : "0s"
        text += "warm-up    until \(until), \(warmUp) values, " + (isWarmUpGiven ? "as given" : "by MSER-5") + "\n"
        if let interval = SteadyState.interval(rest, batches: batches) {
            text += "mean       \(Presentation.number(interval.mean)) ± \(Presentation.number(interval.halfWidth, digits: 2))"
            text += " (95 %, \(batches) batches of \(rest.count / batches))\n"
        }
        text += "median     \(Presentation.number(Statistics.quantile(rest, at: 0.5)))\n"
        return text
    }
}
