// A sweep as jobs of Slurm: an array that runs the cases, and a job after it that merges them. <https://slurm.schedmd.com/job_array.html>

import Foundation

/// The scripts of a sweep for Slurm, in the sweep's folder.
public struct SlurmJobs: Sendable {
    /// The smallest limit that Slurm has without configuration: MaxArraySize 1001, indices 0 to 1000.
    public static let usualTasks = 1001

    /// How cases are dealt out to the array's tasks.
    let tasks: SweepTasks
    private let sweep: SweepPlace
    private let options: [String]

    /// Lays down the scripts.
    ///
    /// - Parameters:
    ///   - tasks: at most so many tasks in the array; nil: as many as Slurm says it allows.
    ///   - options: of sbatch, for example `--partition=long`; both jobs get them.
    /// - Throws: `ScenarioError` for mistakes in the files; `ResultError` if they cannot be written, or Slurm does not answer.
    public init(_ file: String, output: String?, program: String, tasks: Int?, options: [String]) throws {
        let sweep = try Sweep(file, output: output)
        self.sweep = SweepPlace(program: program, experiment: file, output: sweep.path)
        self.tasks = SweepTasks(cases: sweep.experiment.caseCount, most: try tasks ?? SlurmJobs.allowedTasks())
        self.options = options
        try Folders.make(logs)
        try WholeFile.write(arrayScript(name: sweep.experiment.name), to: arrayPath)
        try WholeFile.write(collectScript(name: sweep.experiment.name), to: collectPath)
    }

    private var logs: String { PathText.join(sweep.output, "slurm") }
    public var arrayPath: String { PathText.join(logs, "cases.sh") }
    public var collectPath: String { PathText.join(logs, "collect.sh") }

    /// Hands both jobs to Slurm.
    ///
    /// - Returns: their numbers.
    /// - Throws: `ResultError` with what Slurm said if it refused.
    public func submit() throws(ResultError) -> (cases: String, collect: String) {
        let cases = try SlurmJobs.call("sbatch", ["--parsable", arrayPath])
        // Whether or not all went well: what is missing is told of.
        let collect = try SlurmJobs.call("sbatch", ["--parsable", "--dependency=afterany:\(cases)", collectPath])
        return (cases, collect)
    }

    // MARK: Scripts

    private func arrayScript(name: String) -> String {
        header(name: "seatrial-\(name)", log: "%A_%a.log", more: ["--array=0-\(tasks.count - 1)"])
            + """
            # Each task runs \(Presentation.count(tasks.size, "case")); those that are done are left out, so this may be submitted again.
            first=$((SLURM_ARRAY_TASK_ID * \(tasks.size) + 1))
            exec \(sweep.command("run")) --case "$first-$((first + \(tasks.size - 1)))"

            """
    }

    private func collectScript(name: String) -> String {
        header(name: "seatrial-\(name)-collect", log: "collect.log", more: []) + "exec \(sweep.command("collect"))\n"
    }

    private func header(name: String, log: String, more: [String]) -> String {
        // In the path of a log, % begins a pattern.
        let log = PathText.join(logs, "").replacing("%", with: "%%") + log
        let all = ["--job-name=\(name)", "--ntasks=1", "--output=\"\(log)\""] + more + options
        return "#!/bin/bash\n# Written by seatrial sweep submit.\n" + all.map { "#SBATCH \($0)\n" }.joined()
    }

    // MARK: Slurm

    private static func allowedTasks() throws(ResultError) -> Int {
        let text = try call("scontrol", ["show", "config"])
        for line in text.split(separator: "\n") where line.hasPrefix("MaxArraySize") {
            if let number = line.split(separator: "=").last.flatMap({ Int(String($0).trimmed) }), number > 0 { return number }
        }
        return usualTasks
    }

    /// What a command of Slurm's prints.
    private static func call(_ command: String, _ arguments: [String]) throws(ResultError) -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [command] + arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        do {
            try process.run()
        } catch {
            throw ResultError("cannot call \(command): \(error)")
        }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ResultError("\(command) failed with exit code \(process.terminationStatus): \(complaint.trimmed)")
        }
        return text.trimmed
    }
}
