// seatrial-conformance: recorded answers of the real components against ours.

import ArgumentParser
import Foundation

/// One line a family; exit code 1 if anything differs, 2 if there is nothing to compare with.
struct Conformance: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seatrial-conformance", abstract: "Compares recorded decisions of real Kubernetes components with Seatrial's.",
        subcommands: [Decisions.self, Tables.self, Loop.self, Timelines.self])

    struct Decisions: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Scheduling decisions: which nodes, which scores, which messages.")
        @OptionGroup var options: FamilyOptions

        func run() throws { try options.report(runDecisions) }
    }

    struct Tables: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Tables of single functions: quantities, rollout steps, tolerations, ...")
        @OptionGroup var options: FamilyOptions

        func run() throws { try options.report(runTables) }
    }

    struct Loop: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The scheduler's queue, node order, configuration and whole loop, step by step.")
        @OptionGroup var options: FamilyOptions

        func run() throws { try options.report(runLoop) }
    }

    struct Timelines: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Timelines of a real control plane, replayed on a simulated cluster: objects, Events, refusals, step by step.")
        @OptionGroup var options: TimelineOptions

        func run() throws { try options.report() }
    }
}

struct FamilyOptions: ParsableArguments {
    @Argument(help: "Files in the format of conformance/README.md, or folders of them.")
    var paths: [String]
    @Option(help: "Run only the case of this name, and print expected beside got.")
    var show: String?

    /// Runs the families; prints a line each, and the failures of the case asked for. Exit code 2: there was nothing to compare with.
    func report(_ run: ([String], String?) throws -> [FamilyResult]) throws {
        let results: [FamilyResult]
        do {
            results = try run(paths, show)
        } catch {
            FileHandle.standardError.write(Data("seatrial-conformance: \(error)\n".utf8))
            throw ExitCode(2)
        }
        var differs = false
        for result in results {
            let note = result.note.isEmpty ? "" : " (\(result.note))"
            print("\(result.family) \(result.passed)/\(result.total)\(note)")
            differs = differs || result.passed != result.total
            if show != nil {
                for failure in result.failures {
                    print("\(failure.name)\n  expected: \(failure.expected)\n  got:      \(failure.got)")
                }
            }
        }
        if let show, results.allSatisfy({ $0.total == 0 }) { throw ValidationError("there is no case named \(show)") }
        if differs { throw ExitCode(1) }
    }
}

Conformance.main()
