// Measures the simulator. Figures are printed, never asserted: machines are noisy.

import ArgumentParser

@main
struct SeatrialBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seatrial-benchmark",
        abstract: "Measure the simulator: rates, wall time and peak memory.",
        subcommands: [
            QueueBenchmark.self, YAMLBenchmark.self, SchedulingBenchmark.self, LoopBenchmark.self, ScaleBenchmark.self, WeekBenchmark.self,
            ManifestsBenchmark.self, RequestBenchmark.self,
            ScenarioBenchmark.self, PreemptionBenchmark.self, All.self,
        ])

    struct All: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Run every benchmark with its defaults.")

        func run() throws {
            try QueueBenchmark.parse([]).run()
            try YAMLBenchmark.parse([]).run()
            try RequestBenchmark.parse([]).run()
            try SchedulingBenchmark.parse([]).run()
            try LoopBenchmark.parse([]).run()
            try PreemptionBenchmark.parse([]).run()
            try ScaleBenchmark.parse([]).run()
            try WeekBenchmark.parse([]).run()
        }
    }
}
