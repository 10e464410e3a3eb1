// The command line: arguments in, text out. What the commands do is in Experiments.

import ArgumentParser
import Experiments
import Foundation
import Scheduling

struct Seatrial: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seatrial",
        abstract: "Puts a Kubernetes cluster through its sea trials: a deterministic simulator.",
        discussion: """
            Exit codes: 0 all went well; 1 an expectation of a scenario does not hold, a storm broke an invariant, two runs differ, a series has not settled, or a precision is not reached; 2 the arguments or a file are wrong; 3 results \
            cannot be written.
            """,
        version: SeatrialVersion.current,
        subcommands: [
            RunCommand.self, CompareCommand.self, ExperimentCommand.self, SweepCommand.self, BranchCommand.self, ExplainCommand.self,
            DiffCommand.self,
            ReportCommand.self, SteadyCommand.self, StormCommand.self, ValidateCommand.self, SchemaCommand.self, ImportCommand.self,
            DocsCommand.self,
        ])
}

/// What the process ends with.
enum ExitStatus {
    static let expectationFailed: Int32 = 1
    static let badInput: Int32 = 2
    static let cannotWrite: Int32 = 3
}

/// The program: all commands, over the plugins that a program registers.
public enum SeatrialTool {
    /// Reads the arguments of the process, and runs the command they name. Does not return if the command fails: the process ends with
    /// the command's exit code then.
    ///
    /// - Parameter register: adds the program's own plugins to those that KubeSchedulerConfigurations may name: Kubernetes' and this
    ///   package's policies. Nothing by default.
    public static func main(plugins register: (inout PluginRegistry) -> Void = { _ in }) async {
        ProgramPlugins.register(register)
        do {
            var command = try Seatrial.parseAsRoot()
            if var asynchronous = command as? AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as ScenarioError {
            Terminal.complain(error.description)
            exit(ExitStatus.badInput)
        } catch let error as ResultError {
            Terminal.complain(error.description)
            exit(ExitStatus.cannotWrite)
        } catch {
            let code = Seatrial.exitCode(for: error)
            // Wrong arguments are wrong input.
            if code == .validationFailure {
                Terminal.complain(Seatrial.fullMessage(for: error))
                exit(ExitStatus.badInput)
            }
            Seatrial.exit(withError: error)
        }
    }
}
