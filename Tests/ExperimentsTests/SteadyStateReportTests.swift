// A column of a result table becomes a mean with an interval, or a refusal that says what is missing.

import Foundation
import Testing

@testable import Experiments

@Suite("Steady states")
struct SteadyStateReportTests {
    private func report(
        _ values: [Double], column: String = "value", where condition: String? = nil, warmUp: String? = nil, batches: Int = 20
    ) throws -> SteadyStateReport {
        let rows = values.enumerated().map { "\($0.offset * 10),\($0.element),\($0.offset % 2 == 0 ? "even" : "odd")" }
        let folder = try TemporaryFolder(["cluster.csv": "time_s,value,kind\n" + rows.joined(separator: "\n") + "\n"])
        return try SteadyStateReport(
            of: folder.path, file: "cluster.csv", column: column, where: condition, warmUp: warmUp, batches: batches)
    }

    /// 40 values of a warm-up, then a saw with mean 10.
    private static let series: [Double] = {
        var series: [Double] = []
        for index in 0..<440 { series.append(Double(index < 40 ? 100 - index : index % 5 + 8)) }
        return series
    }()

    @Test("The warm-up is cut off, and the mean of the rest has an interval")
    func mean() throws {
        let text = try report(Self.series).description
        #expect(text.contains("until 6m40s, 40 values, by MSER-5"))
        #expect(text.contains("mean       10 ± 0 (95 %, 20 batches of 20)"))
        #expect(try report(Self.series, warmUp: "10m").description.contains("until 10m, 60 values, as given"))
        #expect(try report(Self.series, where: "kind=odd").description.contains("value: 220 values"))
    }

    @Test("A series that has not settled is told as such")
    func unsettled() throws {
        let report = try report((0..<400).map { Double($0) })
        #expect(!report.isSettled && report.description.contains("has not settled"))
    }

    @Test(
        "What cannot be answered says why",
        arguments: [
            ("nothing", nil, nil, "there is no column nothing"), ("value", "kind", nil, "COLUMN=TEXT"),
            ("value", nil, "soon", "--warm-up"), ("value", nil, "-1s", "--warm-up: -1s: must not be negative"),
            ("kind", nil, nil, "is not a number"), ("value", "kind=none", nil, "too few"),
        ] as [(String, String?, String?, String)])
    func refusals(column: String, condition: String?, warmUp: String?, expected: String) throws {
        do {
            _ = try report(Self.series, column: column, where: condition, warmUp: warmUp)
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains(expected), "\(error)")
        }
    }
}
