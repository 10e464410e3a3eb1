// One self-contained HTML page about results: charts, tables, links to the CSV files. It needs no network.

import Foundation
import KubernetesAPI

/// What `seatrial report` writes.
public struct HTMLReport {
    /// Where the page is to stand, and what is on it.
    public let path: String
    private let page: String
    /// What is missing in it.
    public private(set) var warnings: [String] = []

    /// Reads results.
    ///
    /// - Parameters:
    ///   - folder: of a run (with a `run.json`), or of a comparison (with a `comparison.csv`): then each policy's first run is shown, too.
    ///   - path: nil: `report.html` in the folder.
    /// - Throws: `ScenarioError` if there are no results, or they cannot be read.
    public init(of folder: String, to path: String? = nil) throws(ScenarioError) {
        let files = ResultFiles(folder: folder)
        self.path = path ?? PathText.join(folder, "report.html")
        var body = HTMLBody()
        // Links are from where the page stands.
        let way = PathText.relative(folder, from: PathText.split(self.path).folder)
        let link = way.isEmpty ? "" : way + "/"
        if files.has("run.json") {
            try HTMLReport.add(run: files, link: link, to: &body)
        } else if files.has("comparison.csv") || files.has("branch-comparison.csv") {
            try HTMLReport.add(comparison: files, link: link, to: &body, &warnings)
        } else {
            throw ScenarioError([
                "\(folder): no run.json and no comparison.csv in this folder: expected the results of a run or of a comparison"
                    + HTMLReport.hint(files.resultsInside)
            ])
        }
        page = try body.page()
    }

    /// Writes the page; it is there as a whole or not at all.
    ///
    /// - Throws: `ResultError` when it cannot be written.
    public func write() throws(ResultError) {
        let (folder, name) = PathText.split(path)
        let temporary = ".\(name).partial-\(getpid())"
        let place = folder.isEmpty ? "." : folder
        var file = try BufferedFile(name: temporary, in: place)
        file.append(page)
        _ = try file.finish(rows: 0)
        guard rename(PathText.join(place, temporary), path) == 0 else {
            throw ResultError("cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    // MARK: A run

    private static func add(run files: ResultFiles, link: String, to body: inout HTMLBody) throws(ScenarioError) {
        let manifest = try files.manifest()
        let name = manifest["scenario"]?["name"]?.scalarText ?? "?"
        let policy = manifest["policy"]?.scalarText ?? "?"
        body.heading("\(name) · policy \(policy) · seed \(manifest["seed"]?.scalarText ?? "?")")
        body.verdicts(manifest["expectations"])
        for chart in try RunCharts(files).charts() { body.add(chart) }
        if let recoveries = try files.optionalTable("recoveries.csv"), !recoveries.rows.isEmpty {
            body.table(
                "Failures and recoveries", recoveries,
                [
                    "subject", "effect", "nodes", "failed_s", "detected_s", "evicted_pods", "recovered_s", "returned_s", "recovery_s",
                    "requests_lost",
                    "error_seconds",
                ])
        }
        body.table("Summary", try files.table("summary.csv"), ["metric", "value", "unit"])
        var names: [String] = []
        if let written = manifest["files"] { for file in written.elements { names.append(file["name"]?.scalarText ?? "") } }
        body.links("Files", (names + ["run.json"]).filter { files.has($0) }.map { (link + $0, $0) })
    }

    // MARK: A comparison

    private static func add(
        comparison files: ResultFiles, link: String, to body: inout HTMLBody, _ warnings: inout [String]
    ) throws(ScenarioError) {
        for prefix in ["", "branch-"] where files.has(prefix + "comparison.csv") {
            let table = try files.table(prefix + "comparison.csv")
            let subject = prefix.isEmpty ? files.has(ExperimentTables.cases.file) ? "combinations" : "policies" : "branches"
            body.heading("\(files.comparisonName) · \(subject) compared")
            for chart in ComparisonCharts(table).charts() { body.add(chart) }
            body.table("All figures", table, table.columns)
            body.links(
                "Files",
                [prefix + "comparison.csv", prefix + "runs.csv", prefix + "cases.csv"].filter { files.has($0) }.map { (link + $0, $0) })
            var policies: [String] = []
            for row in table.rows where !policies.contains(table.text(row, "policy")) { policies.append(table.text(row, "policy")) }
            for policy in policies {
                guard let run = firstRun(of: policy, in: files.folder) else {
                    // An experiment keeps the figures of its runs only.
                    if files.has(prefix + ExperimentTables.cases.file) { continue }
                    let folder = PathText.join(files.folder, policy)
                    warnings.append("\(folder) has no run: of \(policy) the page shows what \(prefix)comparison.csv says, and no more")
                    body.note("There is no run under \(policy) any more.")
                    continue
                }
                body.open(policy)
                try add(run: ResultFiles(folder: PathText.join(files.folder, run)), link: link + run + "/", to: &body)
                body.close()
            }
        }
    }

    /// The run with the smallest seed.
    private static func firstRun(of policy: String, in folder: String) -> String? {
        SeedFolder.seeds(in: PathText.join(folder, policy)).first.map { "\(policy)/\(SeedFolder.name($0))" }
    }

    /// Names folders that may have been meant.
    private static func hint(_ folders: [String]) -> String {
        let shown = folders.prefix(5).joined(separator: ", ") + (folders.count > 5 ? ", ..." : "")
        return folders.isEmpty ? "" : "; there are results in \(shown)"
    }
}
