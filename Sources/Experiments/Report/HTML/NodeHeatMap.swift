// The nodes of a run over time: what is requested of them or used, resource by resource, and when they are not Ready.

/// Cells of nodes and times. Many nodes share a row.
struct NodeHeatMap {
    private struct Row {
        var name: String
        var nodes = 0
        /// By resource.
        var allocatable: [Double]
        /// By resource, then by bin: amounts, as means over the bin.
        var requested: [[Double]]
        /// By bin, of nodes: the share of the bin in which they were not Ready.
        var notReady = Array(repeating: 0.0, count: NodeHeatMap.bins)
        /// By resource (cpu, memory), then by bin: sums of samples, and what the nodes have that were asked.
        var used: [[(sum: Double, of: Double)]]
    }

    /// What can be chosen to be shown.
    private struct Layer {
        let name: String
        let share: (Row, _ bin: Int) -> Double?
    }

    private static let mostRows = 120
    private static let bins = 160

    private let history: PodHistory
    private let axis: RunCharts.TimeAxis
    private var rows: [Row] = []
    private var rowOfNode: [String: Int] = [:]
    private var group = 1
    private var hasUsage = false
    /// How many bins fit between two samples: so far back a sample says what was used.
    private var usageReach = 0
    private var left: [String: Double] = [:]
    private var amounts: [String: [Double]] = [:]

    private var width: Double { history.end / Double(NodeHeatMap.bins) }

    /// - Throws: `ScenarioError` for a table that is none.
    init(_ files: ResultFiles, _ history: PodHistory, _ axis: RunCharts.TimeAxis) throws(ScenarioError) {
        self.history = history
        self.axis = axis
        guard history.end > 0 else { return }
        addNodes(try files.table("nodes.csv"))
        addPods()
        if let conditions = try files.optionalTable("conditions.csv") { addConditions(conditions) }
        if let usage = try files.optionalTable("node-usage.csv") { addUsage(usage) }
    }

    // MARK: Reading

    private mutating func addNodes(_ nodes: ResultFiles.Table) {
        let order = nodes.rows.sorted { left, right in
            (nodes.text(left, "zone"), left) < (nodes.text(right, "zone"), right)
        }
        group = max(1, (order.count + NodeHeatMap.mostRows - 1) / NodeHeatMap.mostRows)
        let none = Array(repeating: 0.0, count: NodeHeatMap.bins)
        for (index, node) in order.enumerated() {
            let (name, zone) = (nodes.text(node, "name"), nodes.text(node, "zone"))
            if index % group == 0 {
                let title = (zone.isEmpty ? "" : zone + " / ") + name + (group > 1 ? " ..." : "")
                rows.append(
                    Row(
                        name: title, allocatable: history.resources.map { _ in 0 }, requested: history.resources.map { _ in none },
                        used: Array(repeating: Array(repeating: (0, 0), count: NodeHeatMap.bins), count: 2)))
            }
            let row = rows.count - 1
            rowOfNode[name] = row
            left[name] = nodes.number(node, "left_s")
            rows[row].nodes += 1
            let amounts = history.resources.map { resource in
                let amount = nodes.number(node, resource.allocatableColumn)
                return amount.isNaN ? 0 : amount
            }
            self.amounts[name] = amounts
            for (resource, amount) in amounts.enumerated() { rows[row].allocatable[resource] += amount }
        }
    }

    /// Calls `body` with each bin that a span of time touches, and the part of the bin in it.
    private func forEachBin(from begin: Double, to end: Double, _ body: (Int, Double) -> Void) {
        let (begin, end) = (max(0, begin), min(end, history.end))
        guard end > begin else { return }
        for bin in min(Int(begin / width), NodeHeatMap.bins - 1)...min(Int(end / width), NodeHeatMap.bins - 1) {
            let overlap = min(end, Double(bin + 1) * width) - max(begin, Double(bin) * width)
            if overlap > 0 { body(bin, overlap / width) }
        }
    }

    private mutating func addPods() {
        var rows = rows
        for pod in history.pods {
            guard let row = rowOfNode[pod.node], !pod.bound.isNaN else { continue }
            for (resource, amount) in pod.requests.enumerated() where amount > 0 {
                forEachBin(from: pod.bound, to: pod.end) { rows[row].requested[resource][$0] += amount * $1 }
            }
        }
        self.rows = rows
    }

    /// When nodes were not Ready, from the changes of that condition.
    private mutating func addConditions(_ table: ResultFiles.Table) {
        var rows = rows
        var since: [String: Double] = [:]
        var order: [String] = []
        func close(_ node: String, at end: Double) {
            guard let begin = since.removeValue(forKey: node), let row = rowOfNode[node] else { return }
            forEachBin(from: begin, to: end) { rows[row].notReady[$0] += $1 }
        }
        for row in table.rows where table.text(row, "kind") == "Node" && table.text(row, "type") == "Ready" {
            let (node, time) = (table.text(row, "name"), table.number(row, "time_s"))
            if table.text(row, "status") == "True" {
                close(node, at: time)
            } else if since[node] == nil {
                since[node] = time
                order.append(node)
            }
        }
        for node in order {
            let gone = left[node] ?? .nan
            close(node, at: gone.isNaN ? history.end : gone)
        }
        self.rows = rows
    }

    private mutating func addUsage(_ table: ResultFiles.Table) {
        let times = Set(table.rows.map { table.number($0, "time_s") }.filter(\.isFinite)).sorted()
        if let interval = zip(times, times.dropFirst()).map({ $1 - $0 }).min() ?? times.first {
            // Times are rounded: an interval of whole bins must not fall short of them.
            usageReach = Int(max(0, min(interval, history.end)) / width + 1e-6)
        }
        for row in table.rows {
            let node = table.text(row, "node")
            guard let place = rowOfNode[node], let amounts = amounts[node], amounts.count >= 2 else { continue }
            // A sample is about the time before it.
            let bin = min(NodeHeatMap.bins - 1, max(0, Int((table.number(row, "time_s") / width).rounded(.up)) - 1))
            for (resource, column) in ["used_cpu_cores", "used_memory_bytes"].enumerated() {
                let used = table.number(row, column)
                guard !used.isNaN, amounts[resource] > 0 else { continue }
                rows[place].used[resource][bin].sum += used
                rows[place].used[resource][bin].of += amounts[resource]
                hasUsage = true
            }
        }
    }

    // MARK: Drawing

    private var layers: [Layer] {
        let others = history.others
        var layers = history.resources.indices.filter { history.allocatable[$0] > 0 && ($0 < 2 || others.contains($0)) }.map { index in
            Layer(name: history.resources[index].name) { row, bin in
                row.allocatable[index] > 0 ? row.requested[index][bin] / row.allocatable[index] : nil
            }
        }
        guard hasUsage else { return layers }
        let reach = usageReach
        for (index, name) in ["cpu", "memory"].enumerated() {
            layers.append(
                Layer(name: name + " used") { row, bin in
                    // Between two samples it is what it was at the next one; farther from it nobody knows.
                    row.used[index][bin...min(bin + reach, NodeHeatMap.bins - 1)].first { $0.of > 0 }.map { $0.sum / $0.of }
                })
        }
        return layers
    }

    /// nil: there are no nodes, or no time.
    func chart() -> Chart? {
        let layers = layers
        guard !rows.isEmpty, let first = layers.first else { return nil }
        var values: [JSONValue] = []
        var down: [JSONValue] = []
        for row in rows {
            for bin in 0..<NodeHeatMap.bins {
                let place: [(String, JSONValue)] = [
                    ("t", axis.value(Double(bin) * width)), ("until", axis.value(Double(bin + 1) * width)), ("node", .string(row.name)),
                ]
                let shares = layers.map { layer in
                    (layer.name, layer.share(row, bin).map { JSONValue.number(($0 * 1000).rounded() / 1000) } ?? .null)
                }
                values.append(.members(place + shares))
                let share = row.notReady[bin] / Double(row.nodes)
                if share > 0 {
                    let part = (min(1, share) * 1000).rounded() / 1000
                    down.append(.members(place + [("not Ready", .number(part)), ("opacity", .number(0.15 + 0.6 * part))]))
                }
            }
        }
        let y: JSONValue = ["field": "node", "type": "nominal", "sort": .null, "title": .null, "axis": RunCharts.nodeAxis]
        let x: JSONValue = [
            "field": "t", "type": "quantitative", "title": axis.title,
            "scale": ["domain": [0, axis.value(history.end)], "nice": false],
        ]
        let cells: JSONValue = [
            "transform": [["calculate": "datum[shown]", "as": "share"]], "mark": ["type": "rect", "tooltip": true],
            "encoding": [
                "x": x, "x2": ["field": "until"], "y": y,
                "color": [
                    "field": "share", "type": "quantitative", "title": "share of what the node has",
                    "legend": ["format": "%", "orient": "top", "gradientLength": 160],
                    "scale": ["scheme": "yellowgreenblue", "domain": [0, 1], "clamp": true],
                ],
            ],
        ]
        let marks: JSONValue = [
            "data": ["values": .array(down)], "mark": ["type": "rect", "color": "#d1342f"],
            "encoding": [
                "x": x, "x2": ["field": "until"], "y": y,
                // Without a scale, which would have a legend.
                "opacity": ["field": "opacity", "type": "quantitative", "scale": .null],
                "tooltip": [
                    ["field": "node", "type": "nominal"], ["field": "not Ready", "type": "quantitative", "format": ".0%"],
                ],
            ],
        ]
        let options = JSONValue.array(layers.map { .string($0.name) })
        let specification: JSONValue = [
            "height": .integer(min(620, max(160, rows.count * 13))), "data": ["values": .array(values)],
            "params": [["name": "shown", "value": .string(first.name), "bind": ["input": "select", "options": options, "name": "show "]]],
            "layer": .array(down.isEmpty ? [cells] : [cells, marks]),
        ]
        return Chart(
            title: "Utilisation of nodes over time",
            caption: "What pods request of what is allocatable" + (hasUsage ? ", or what is used of it" : "")
                + (group > 1 ? "; \(group) nodes of a zone to a row." : ", by node.") + " A pod counts from its binding to its end."
                + (down.isEmpty ? "" : " Red: not Ready."),
            specification: specification)
    }
}
