// A folder of results, read back for the report: tables by name, with numbers where numbers are wanted.

import Foundation
import KubernetesAPI

/// The files of one run, or of a comparison.
struct ResultFiles {
    let folder: String

    /// A result table. Numbers that are not there are NaN.
    struct Table {
        private let table: CSVTable
        private var places: [String: Int] = [:]

        init(_ table: CSVTable) {
            self.table = table
            for (index, name) in table.header.enumerated() { places[name] = index }
        }

        var columns: [String] { table.header }
        var rows: Range<Int> { table.rows.indices }
        func has(_ column: String) -> Bool { places[column] != nil }

        func text(_ row: Int, _ column: String) -> String {
            places[column].map { table.text(table.rows[row], $0) } ?? ""
        }

        func number(_ row: Int, _ column: String) -> Double { Double(text(row, column)) ?? .nan }
    }

    func has(_ file: String) -> Bool { InputFiles.exists(PathText.join(folder, file)) }

    /// - Throws: `ScenarioError` for a file that is missing or no table.
    func table(_ file: String) throws(ScenarioError) -> Table {
        let path = PathText.join(folder, file)
        do {
            return Table(try CSVTable(InputFiles.read(path), file: path))
        } catch {
            throw ScenarioError(["\(error)"])
        }
    }

    /// What a comparison in this folder is of: a sweep's folder may be called anything.
    var comparisonName: String {
        let sweep = try? YAMLFile.parse(InputFiles.read(PathText.join(folder, SweepFolder.manifestName)), name: folder).documents.first
        return sweep?["experiment"]?.scalarText ?? PathText.split(PathText.standardised(folder)).name
    }

    /// Folders of runs and comparisons below this one, at most as deep as those of runs are (scenario, policy, seed).
    var resultsInside: [String] {
        var found: [String] = []
        var level = [folder]
        for _ in 0..<3 {
            let folders = level.flatMap { parent in
                let names = (try? FileManager.default.contentsOfDirectory(atPath: parent))?.sorted() ?? []
                return names.map { PathText.join(parent, $0) }.filter { Folders.exists($0) }
            }
            // Those of runs are not looked for beside a comparison of them.
            level = folders.filter { !ResultFiles(folder: $0).isOfResults }
            found += folders.filter { ResultFiles(folder: $0).isOfResults }
        }
        return found
    }

    private var isOfResults: Bool { has("run.json") || has("comparison.csv") }

    /// A table that a run need not have.
    func optionalTable(_ file: String) throws(ScenarioError) -> Table? {
        has(file) ? try table(file) : nil
    }

    /// `run.json`.
    func manifest() throws(ScenarioError) -> YAMLNode {
        let path = PathText.join(folder, "run.json")
        do {
            guard let document = try YAMLFile.parse(InputFiles.read(path), name: path).documents.first else {
                throw ScenarioError(["\(path): is empty"])
            }
            return document
        } catch let error as ScenarioError {
            throw error
        } catch {
            throw ScenarioError(["\(error)"])
        }
    }
}
