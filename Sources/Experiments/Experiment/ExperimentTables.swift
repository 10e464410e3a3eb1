// The tables of an experiment: its cases, one a row.

enum ExperimentTables {
    /// The factor that a list of policies is short for.
    static let scheduler = "scheduler"
    /// Columns that no factor may be called after.
    static let reserved = ["case", "combination", "seed", "expectations_failed"]

    static let cases = ResultTable(
        file: "cases.csv", row: "a case of an experiment: one combination of its factors' values with one seed",
        columns: [
            ResultColumn("case", .integer, "Its number, from 1."),
            ResultColumn("combination", .text, "What `comparison.csv` and `runs.csv` have as the policy."),
            ResultColumn("{factor}", .text, "The factor's value, one column for each factor."),
            ResultColumn("seed", .text, "The run's seed; that of a mirror image as `7-mirrored`."),
            ResultColumn(
                "{metric}", .number, optional: true,
                "As in summary.csv, one column for each figure kept; empty where there was nothing to measure."),
            ResultColumn("expectations_failed", .integer, "How many of the scenario's expectations did not hold."),
        ])
}

extension ExperimentOutcome {
    /// Writes `cases.csv`, `runs.csv` and `comparison.csv` into a folder.
    ///
    /// - Throws: `ResultError` when a file cannot be written.
    public func write(to folder: String) throws(ResultError) {
        try Folders.make(folder)
        try writeCases(to: folder)
        try comparison.write(to: folder)
    }

    private func writeCases(to folder: String) throws(ResultError) {
        var names: [String] = []
        var known: Set<String> = []
        for run in comparison.runs {
            for metric in run.summary.metrics where known.insert(metric.name).inserted { names.append(metric.name) }
        }
        let header = ["case", "combination"] + experiment.factors.map(\.name) + ["seed"] + names + ["expectations_failed"]
        try WholeFile.table(ExperimentTables.cases.file, in: folder, header: header) { (csv) throws(ResultError) in
            for (index, run) in comparison.runs.enumerated() {
                let combination = experiment.combinations[run.policy]
                csv.field(index + 1)
                csv.field(combination.label)
                for level in combination.levels { csv.field(level.label) }
                csv.field(SeedText.text(run.seed))
                for name in names { csv.field(run.summary[name]) }
                csv.field(run.failed.count)
                csv.endRow()
            }
        }
    }
}
