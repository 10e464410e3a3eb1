// What batch systems need of a sweep: the commands to run, and cases dealt out to tasks.

/// Cases in groups of one size, one group a task, numbered from 0.
struct SweepTasks: Hashable, Sendable {
    /// Cases a task; the last may have fewer.
    let size: Int
    let count: Int

    /// - Precondition: at least one case, and one task.
    init(cases: Int, most tasks: Int) {
        precondition(cases > 0 && tasks > 0, "a sweep has cases and somebody to run them")
        size = (cases + tasks - 1) / tasks
        count = (cases + size - 1) / size
    }
}

/// Where a sweep's parts are, as paths from the root, so that commands mean the same in every folder.
struct SweepPlace: Sendable {
    let program: String
    let experiment: String
    let output: String

    init(program: String, experiment: String, output: String) {
        self.program = PathText.standardised(program)
        self.experiment = PathText.standardised(experiment)
        self.output = PathText.standardised(output)
    }

    /// A part of a sweep as a line for a shell.
    func command(_ part: String) -> String {
        [program, "sweep", part, experiment, "--output", output].map(SweepPlace.quoted).joined(separator: " ")
    }

    private static func quoted(_ text: String) -> String {
        let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-".contains($0)) }
        return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }
}
