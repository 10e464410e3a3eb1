// A scenario file, from reading to the finished record.

import ArgumentParser
import Experiments

struct ScenarioBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenario", abstract: "A scenario file: reading it, and running it without writing results.")

    @Argument(help: "Scenario files.")
    var files: [String]

    @Option(help: "How often each is run; the fastest counts.")
    var rounds = 3

    func run() throws {
        for file in files {
            var best = (reading: Double.infinity, running: Double.infinity)
            var simulated = 0.0
            var events = 0
            for _ in 0..<rounds {
                var loaded: Scenario?
                let reading = try wallTime { loaded = try ScenarioFile.load(file) }
                guard let scenario = loaded else { return }
                let running = try wallTime {
                    let outcome = try scenario.run()
                    simulated = outcome.end.seconds
                    events = outcome.record.handledEvents
                }
                best = (min(best.reading, reading), min(best.running, running))
            }
            line(
                "scenario, \(file.split(separator: "/").suffix(2).joined(separator: "/"))",
                "\(text(best.running, decimals: 3)) s wall for \(text(simulated)) simulated seconds "
                    + "(+ \(text(best.reading, decimals: 3)) s reading), \(text(Double(events) / best.running)) events/s, "
                    + "peak \(text(peakMemoryMiB())) MiB")
        }
    }
}
