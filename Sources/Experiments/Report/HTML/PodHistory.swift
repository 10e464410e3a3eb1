// The lives of a run's pods, read back from pods.csv: who asked for how much, where and from when to when.

/// Pods over time, and what nodes have for them.
struct PodHistory {
    struct Pod {
        let created: Double
        /// NaN: it never had a node.
        let bound: Double
        /// When it held nothing any more: the run's end at the latest.
        let end: Double
        let node: String
        /// By resource.
        let requests: [Double]
    }

    struct Resource {
        let name: String
        /// How the columns end that are about it.
        fileprivate let suffix: String
        /// In nodes.csv.
        var allocatableColumn: String { "allocatable_" + suffix }
    }

    /// cpu and memory first, then others that pods ask for.
    let resources: [Resource]
    private(set) var pods: [Pod] = []
    /// Over all nodes, by resource.
    private(set) var allocatable: [Double]
    /// Seconds.
    let end: Double

    /// Points of a curve.
    private static let points = 800

    /// - Throws: `ScenarioError` for a table that is missing or none.
    init(_ files: ResultFiles, end: Double) throws(ScenarioError) {
        self.end = end
        let table = try files.table("pods.csv")
        let prefix = "requested_"
        resources = table.columns.filter { $0.hasPrefix(prefix) }.map { column in
            let suffix = String(column.dropFirst(prefix.count))
            let isBytes = suffix.hasSuffix("_bytes")
            return Resource(name: suffix == "cpu_cores" ? "cpu" : String(suffix.dropLast(isBytes ? 6 : 0)), suffix: suffix)
        }
        for row in table.rows {
            let created = max(0, table.number(row, "created_s"))
            let (node, scheduled) = (table.text(row, "node"), table.number(row, "scheduled_s"))
            // A pod of a snapshot may have its node since nobody knows when.
            let bound = scheduled.isNaN ? (node.isEmpty ? .nan : created) : max(0, scheduled)
            let ends = [table.number(row, "finished_s"), table.number(row, "deleted_s"), end].filter { !$0.isNaN }
            pods.append(
                Pod(
                    created: created, bound: bound, end: min(ends.min() ?? end, end), node: node,
                    requests: resources.map { table.number(row, prefix + $0.suffix) }))
        }
        let nodes = try files.table("nodes.csv")
        allocatable = resources.map { resource in
            nodes.rows.reduce(0) { sum, row in
                let amount = nodes.number(row, resource.allocatableColumn)
                return sum + (amount.isNaN ? 0 : amount)
            }
        }
    }

    /// The resources beside cpu and memory that nodes have and pods ask for.
    var others: [Int] {
        resources.indices.filter { index in index > 1 && allocatable[index] > 0 && pods.contains { $0.requests[index] > 0 } }
    }

    enum State: CaseIterable {
        case waiting, placed
        /// Gone without ever having had a node; counted from then on.
        case givenUp
    }

    /// When a pod is in a state.
    private func span(_ pod: Pod, _ state: State) -> (from: Double, to: Double)? {
        switch state {
        case .waiting: return (pod.created, pod.bound.isNaN ? pod.end : pod.bound)
        case .placed: return pod.bound.isNaN ? nil : (pod.bound, pod.end)
        case .givenUp: return pod.bound.isNaN && pod.end < end ? (pod.end, .infinity) : nil
        }
    }

    /// Sums over the pods in a state, at even times from 0 to the end.
    ///
    /// - Parameter amount: of a pod.
    func curve(of state: State, _ amount: (Pod) -> Double) -> [(time: Double, sum: Double)] {
        guard end > 0 else { return [] }
        let width = end / Double(PodHistory.points)
        var steps = Array(repeating: 0.0, count: PodHistory.points + 1)
        func place(_ time: Double) -> Int { min(Int((time / width).rounded(.up)), PodHistory.points) }
        for pod in pods {
            guard let span = span(pod, state), span.to > span.from else { continue }
            let value = amount(pod)
            guard value > 0 else { continue }
            steps[place(span.from)] += value
            // What lasts to the end is there at the end.
            if span.to < end { steps[place(span.to)] -= value }
        }
        var sum = 0.0
        return (0...PodHistory.points).map { point in
            sum += steps[point]
            // Sums of doubles may end a hair below zero.
            return (Double(point) * width, max(0, sum))
        }
    }
}
