// Recorded arrivals of an experiment on the openb trace: which pods came in which order, and which of equally good nodes was taken.

/// An order of arrival and the ranks of nodes, as the experiment with the published simulator recorded them: `arrival_index,name,base_pod,...`
/// and `tiebreak_rank,node`.
public struct OpenbRecording: Sendable {
    /// A pod that arrives.
    struct Arrival: Sendable {
        let name: String
        /// The pod of the trace that it is, or is a copy of.
        let base: String
        let line: Int
    }

    let orderFile: String
    let rankFile: String
    /// In the order in which they come.
    private(set) var arrivals: [Arrival] = []
    /// By node. Looked up, never iterated.
    private(set) var ranks: [String: Int] = [:]

    /// Reads both files.
    ///
    /// - Throws: `ScenarioError` for a file that cannot be read, or the first value that is wrong, with file, line and column.
    public init(orderFile: String, rankFile: String) throws(ScenarioError) {
        self.orderFile = orderFile
        self.rankFile = rankFile
        do {
            try readOrder(CSVTable(InputFiles.read(orderFile), file: orderFile))
            try readRanks(CSVTable(InputFiles.read(rankFile), file: rankFile))
        } catch {
            throw ScenarioError(["\(error)"])
        }
    }

    private mutating func readOrder(_ table: CSVTable) throws(CSVError) {
        let (index, name, base) = (try table.column("arrival_index"), try table.column("name"), try table.column("base_pod"))
        var seen: Set<String> = []
        for row in table.rows {
            if try table.count(row, index) != arrivals.count {
                throw table.error(row, index, "expected \(arrivals.count): arrivals are counted from 0, in their order")
            }
            let own = try OpenbImport.name(table, row, name, &seen)
            arrivals.append(Arrival(name: own, base: table.text(row, base), line: row.line))
        }
        if arrivals.isEmpty { throw CSVError(file: table.file, line: 1, column: "", message: "lists no arrivals") }
    }

    private mutating func readRanks(_ table: CSVTable) throws(CSVError) {
        let (rank, name) = (try table.column("tiebreak_rank"), try table.column("node"))
        var seen: Set<String> = []
        for row in table.rows {
            let node = try OpenbImport.name(table, row, name, &seen)
            ranks[node] = try table.count(row, rank)
        }
    }

    /// - Throws: `CSVError` for a node without a rank.
    func rank(of node: String) throws(CSVError) -> Int {
        guard let rank = ranks[node] else {
            throw CSVError(file: rankFile, line: 1, column: "node", message: "has no node \"\(node)\", which the list of nodes has")
        }
        return rank
    }
}
