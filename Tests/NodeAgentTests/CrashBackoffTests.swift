// The waits between a container's runs, against recorded start times of the real back-off.

import DiscreteEvents
import Foundation
import Testing

@testable import NodeAgent

@Suite("Crash back-off")
struct CrashBackoffTests {
    /// A case of the recorded table `crashloop_backoff`.
    struct Recorded: Decodable, Sendable, CustomTestStringConvertible {
        struct Input: Decodable, Sendable {
            var maxContainerRestartPeriodSeconds: Int
            var runSeconds: [Int]
        }
        struct Output: Decodable, Sendable { var startAtSeconds: [Int] }
        var id: String
        var `in`: Input
        var want: Output
        var testDescription: String { id }

        static func all() throws -> [Recorded] {
            let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "Recordings/tables/crashloop_backoff.jsonl")
            return try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
                .map { try JSONDecoder().decode(Recorded.self, from: Data($0.utf8)) }
        }
    }

    @Test(arguments: try Recorded.all())
    func `a container starts when the recorded one did`(_ recorded: Recorded) {
        let input = recorded.in
        #expect(starts(runs: input.runSeconds, cap: input.maxContainerRestartPeriodSeconds) == recorded.want.startAtSeconds)
    }

    private func starts(runs: [Int], cap: Int) -> [Int] {
        var backoff = CrashBackoff()
        var starts = [0]
        for run in runs {
            let wait = backoff.next(
                ranFor: .seconds(run), initial: .seconds(10), maximum: .seconds(cap), reset: .seconds(600))
            starts.append(starts[starts.count - 1] + run + Int(wait.seconds))
        }
        return starts
    }

    @Test func `a back-off taken up from a snapshot is where the restarts left it`() {
        for restarts in 0..<12 {
            var lived = CrashBackoff()
            for _ in 0..<restarts {
                _ = lived.next(ranFor: .zero, initial: .seconds(10), maximum: .seconds(300), reset: .seconds(600))
            }
            #expect(CrashBackoff(restarts: restarts, initial: .seconds(10), maximum: .seconds(300)) == lived)
        }
    }
}
