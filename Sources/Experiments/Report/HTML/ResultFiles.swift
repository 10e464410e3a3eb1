// A folder of results, read back for the report: tables by name, with numbers where numbers are wanted.

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
