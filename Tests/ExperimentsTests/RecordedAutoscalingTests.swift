// Autoscalers under recorded requests to a language model: the made-up ones that the scenario comes with, and Azure's trace of 2023 in their place,
// which is looked for in `shared/traces/azure-llm` beside the repository.

import DiscreteEvents
import Foundation
import Testing

@testable import ClusterSimulation
@testable import Experiments

@Suite("Autoscaling under a recorded trace")
struct RecordedAutoscalingTests {
    private static let scenario = packageRoot + "/scenarios/llm-autoscaling"
    private static let shipped = scenario + "/requests.csv"
    private static let azure = packageRoot + "/../shared/traces/azure-llm/conv.csv"

    /// Seconds since the first row, and what each row takes by the scenario.
    private func rows(of file: String) throws -> [(time: Double, work: Double)] {
        let table = try CSVTable(InputFiles.read(file), file: file)
        let columns = try ["TIMESTAMP", "ContextTokens", "GeneratedTokens"].map { try table.column($0) }
        // All of one day.
        let times = try table.rows.map { row in
            let clock = try table.text(row, columns[0]).split(separator: " ")[1].split(separator: ":").map { try #require(Double($0)) }
            return clock[0] * 3600 + clock[1] * 60 + clock[2]
        }
        return try zip(times, table.rows).map { time, row in
            let tokens = try columns.dropFirst().map { try #require(Double(table.text(row, $0))) }
            return (time - times[0], 0.1 + tokens[0] * 0.0002 + tokens[1] * 0.015)
        }
    }

    @Test("All requests of the scenario's file are sent and take what it says; the autoscaler with the higher target has fewer pods")
    func shippedTrace() throws { try follow(Self.shipped, minutes: 18) }

    // The first twenty minutes tell as much as all of it.
    @Test(
        "So are those of Azure's trace in their place",
        .enabled(
            if: FileManager.default.fileExists(atPath: azure),
            "Azure's trace is not in a folder shared/traces/azure-llm beside the repository"))
    func azureTrace() throws { try follow(Self.azure, minutes: 20) }

    private func follow(_ file: String, minutes: Int) throws {
        let folder = try TemporaryFolder()
        for name in ["scenario.yaml", "chat.yaml"] {
            try folder.write(name, String(contentsOfFile: "\(Self.scenario)/\(name)", encoding: .utf8))
        }
        try folder.write("requests.csv", String(contentsOfFile: file, encoding: .utf8))
        let outcome = try ScenarioFile.load(folder["scenario.yaml"], overrides: ScenarioOverrides(duration: "\(minutes)m")).run()
        let traffic = try #require(outcome.record.traffic)
        // The recording begins when the first minute is over.
        let rows = try rows(of: file).filter { $0.time + 60 <= Double(minutes * 60) }
        #expect(rows.count > 1_000)
        var pods: [Double] = []
        for (index, source) in traffic.sources.prefix(3).enumerated() {
            #expect(source.sent == UInt64(rows.count), "\(source.name)")
            // Those that were turned away or given up took less, and none more.
            let used = traffic.pods.filter { $0.service == source.target.service }.reduce(0) { $0 + $1.cpuSeconds }
            let work = rows.reduce(0) { $0 + $1.work }
            let answered = Double(source.count(.succeeded)) / Double(source.sent)
            #expect(used < work * 1.001 && used > work * (answered - 0.1), "\(source.name): \(used) of \(work)")
            let ready = traffic.intervals.filter { $0.source == index && $0.begin.seconds >= 60 }.map { Double($0.readyEndpoints) }
            #expect((ready.max() ?? 0) > (ready.first ?? 0) + 1, "\(source.name): \(ready)")
            pods.append(ready.reduce(0, +) / Double(ready.count))
            // Two pods' worth of cores at the least, and not many times what is used.
            let cores = used / Double(minutes * 60 - 60)
            #expect(pods[index] * 4 > cores && pods[index] * 4 < cores * 6, "\(source.name): \(pods[index]) pods for \(cores) cores")
        }
        #expect(traffic.sources.prefix(3).map(\.name) == ["to-roomy", "to-tight", "to-hasty"])
        #expect(pods[1] < pods[0] && pods[2] < pods[0], "\(pods)")
    }
}
