// The charts of one run, as Vega-Lite specifications with their data: <https://vega.github.io/vega-lite/docs/>.

import DiscreteEvents

/// What a chart shows, and under which heading.
struct Chart {
    var title: String
    /// A sentence below the heading.
    var caption: String
    var specification: JSONValue
}

/// Draws a run from its tables.
struct RunCharts {
    private let files: ResultFiles
    /// Seconds.
    private let end: Double
    private let axis: TimeAxis

    /// The unit in which a person reads times of this run.
    struct TimeAxis {
        let unit: String
        let seconds: Double

        init(upTo end: Double) {
            (unit, seconds) = end <= 600 ? ("s", 1) : end <= 4 * 3600 ? ("min", 60) : end <= 96 * 3600 ? ("h", 3600) : ("d", 86_400)
        }

        func value(_ time: Double) -> JSONValue { .number(time / seconds) }
        var title: JSONValue { .string("time (\(unit))") }
    }

    /// Points of a line at most: more are not to be seen.
    private static let mostPoints = 1500
    private static let mostRows = 120
    private static let bins = 160

    init(_ files: ResultFiles) throws(ScenarioError) {
        self.files = files
        let cluster = try files.table("cluster.csv")
        end = cluster.rows.last.map { cluster.number($0, "time_s") } ?? 0
        axis = TimeAxis(upTo: end)
    }

    func charts() throws(ScenarioError) -> [Chart] {
        var charts = [try clusterState(), try requested()]
        if let heat = try utilisation() { charts.append(heat) }
        return charts + (try services())
    }

    // MARK: Cluster

    /// Failures as bands from their beginning to the recovery, over the pods of the cluster.
    private func clusterState() throws(ScenarioError) -> Chart {
        let table = try files.table("cluster.csv")
        let series = [
            ("ready", "pods_ready"), ("running, not ready", ""), ("starting", "pods_starting"), ("no node", "pods_unscheduled"),
            ("terminating", "pods_terminating"),
        ]
        var values: [JSONValue] = []
        for row in thinned(table.rows) {
            for (name, column) in series {
                let number =
                    column.isEmpty
                    ? max(0, table.number(row, "pods_running") - table.number(row, "pods_ready")) : table.number(row, column)
                values.append(["t": axis.value(table.number(row, "time_s")), "pods": .number(number), "state": .string(name)])
            }
        }
        let lines: JSONValue = [
            "data": ["values": .array(values)], "params": [zoom],
            "mark": ["type": "line", "interpolate": "step-after", "tooltip": true],
            "encoding": [
                "x": x, "y": ["field": "pods", "type": "quantitative"],
                "color": [
                    "field": "state", "type": "nominal", "title": .null,
                    "scale": [
                        "domain": .array(series.map { .string($0.0) }), "range": ["#1b7f4b", "#8bc34a", "#f2a900", "#d1342f", "#7a7f87"],
                    ],
                ],
            ],
        ]
        return Chart(
            title: "Pods of the cluster, and its failures",
            caption:
                "Bands reach from a failure to the recovery of all it touched; to the end where there was none. Drag and scroll to look closer.",
            specification: ["height": 260, "layer": .array(try failureBands() + [lines])])
    }

    private func failureBands() throws(ScenarioError) -> [JSONValue] {
        guard let table = try files.optionalTable("recoveries.csv"), !table.rows.isEmpty else { return [] }
        let values: [JSONValue] = table.rows.prefix(500).map { row in
            let recovered = table.number(row, "recovered_s")
            return [
                "t": axis.value(table.number(row, "failed_s")), "until": axis.value(recovered.isNaN ? end : recovered),
                "failure": .string("\(table.text(row, "subject")): \(table.text(row, "effect"))"),
                "recovery": .string(recovered.isNaN ? "none" : "after \(Presentation.number(recovered - table.number(row, "failed_s"))) s"),
            ]
        }
        let data: JSONValue = ["values": .array(values)]
        let tooltip: JSONValue = [["field": "failure"], ["field": "recovery"]]
        return [
            [
                "data": data, "mark": ["type": "rect", "color": "#d1342f", "opacity": 0.12],
                "encoding": ["x": x, "x2": ["field": "until"], "tooltip": tooltip],
            ],
            ["data": data, "mark": ["type": "rule", "color": "#d1342f"], "encoding": ["x": x, "tooltip": tooltip]],
        ]
    }

    private func requested() throws(ScenarioError) -> Chart {
        let table = try files.table("cluster.csv")
        let resources = ["cpu", "memory"].filter { table.has("utilisation_\($0)") }
        var values: [JSONValue] = []
        for row in thinned(table.rows) {
            for resource in resources {
                let share = table.number(row, "utilisation_\(resource)")
                values.append(["t": axis.value(table.number(row, "time_s")), "share": .number(share), "resource": .string(resource)])
            }
        }
        return Chart(
            title: "Requested of what there is", caption: "Mean over nodes of requested / allocatable.",
            specification: [
                "height": 180, "data": ["values": .array(values)], "params": [zoom],
                "mark": ["type": "line", "interpolate": "step-after", "tooltip": true],
                "encoding": [
                    "x": x, "y": ["field": "share", "type": "quantitative", "title": "requested", "axis": ["format": "%"]],
                    "color": ["field": "resource", "type": "nominal", "title": .null, "scale": ["range": ["#2b6cb0", "#b7791f"]]],
                ],
            ])
    }

    // MARK: Nodes

    /// A node's allocatable cpu, and its pods' requests over time.
    private struct Row {
        var name: String
        var nodes = 0
        var cores = 0.0
        var requested: [Double]
    }

    /// Requested cpu per node over time, from the pods' times on their nodes; many nodes share a row.
    private func utilisation() throws(ScenarioError) -> Chart? {
        let nodes = try files.table("nodes.csv")
        guard nodes.has("allocatable_cpu_cores"), !nodes.rows.isEmpty, end > 0 else { return nil }
        let order = nodes.rows.sorted { left, right in
            (nodes.text(left, "zone"), left) < (nodes.text(right, "zone"), right)
        }
        let group = (order.count + RunCharts.mostRows - 1) / RunCharts.mostRows
        var rows: [Row] = []
        var rowOfNode: [String: Int] = [:]
        for (index, node) in order.enumerated() {
            let (name, zone) = (nodes.text(node, "name"), nodes.text(node, "zone"))
            if index % group == 0 {
                let title = (zone.isEmpty ? "" : zone + " / ") + name + (group > 1 ? " ..." : "")
                rows.append(Row(name: title, requested: Array(repeating: 0, count: RunCharts.bins)))
            }
            rowOfNode[name] = rows.count - 1
            rows[rows.count - 1].nodes += 1
            let cores = nodes.number(node, "allocatable_cpu_cores")
            if !cores.isNaN { rows[rows.count - 1].cores += cores }
        }
        try addPods(to: &rows, rowOfNode)
        let width = end / Double(RunCharts.bins)
        var values: [JSONValue] = []
        for row in rows where row.cores > 0 {
            for (bin, cores) in row.requested.enumerated() {
                values.append([
                    "t": axis.value(Double(bin) * width), "until": axis.value(Double(bin + 1) * width), "node": .string(row.name),
                    "cpu": .number((cores / row.cores * 1000).rounded() / 1000),
                ])
            }
        }
        let specification: JSONValue = [
            "height": .integer(min(620, max(160, rows.count * 13))), "data": ["values": .array(values)],
            "mark": ["type": "rect", "tooltip": true],
            "encoding": [
                "x": x, "x2": ["field": "until"],
                "y": [
                    "field": "node", "type": "nominal", "sort": .null, "title": .null,
                    "axis": ["labelLimit": 160, "labelFontSize": 9, "labelOverlap": true],
                ],
                "color": [
                    "field": "cpu", "type": "quantitative", "title": "requested cpu", "legend": ["format": "%"],
                    "scale": ["scheme": "yellowgreenblue", "domain": [0, 1], "clamp": true],
                ],
            ],
        ]
        return Chart(
            title: "Utilisation of nodes over time",
            caption: "Requested / allocatable cpu" + (group > 1 ? ", \(group) nodes of a zone to a row." : " of each node.")
                + " A pod counts from its binding to its end.",
            specification: specification)
    }

    private func addPods(to rows: inout [Row], _ rowOfNode: [String: Int]) throws(ScenarioError) {
        let pods = try files.table("pods.csv")
        let width = end / Double(RunCharts.bins)
        for pod in pods.rows {
            guard let row = rowOfNode[pods.text(pod, "node")] else { continue }
            let cores = pods.number(pod, "requested_cpu_cores")
            guard cores > 0 else { continue }
            let begin = max(0, pods.number(pod, "scheduled_s"))
            guard !begin.isNaN else { continue }
            let ends = [pods.number(pod, "finished_s"), pods.number(pod, "deleted_s"), end].filter { !$0.isNaN }
            let last = min(ends.min() ?? end, end)
            guard last > begin else { continue }
            // The part of each bin in which it was there.
            for bin in Int(begin / width)...min(Int(last / width), RunCharts.bins - 1) {
                let overlap = min(last, Double(bin + 1) * width) - max(begin, Double(bin) * width)
                rows[row].requested[bin] += cores * max(0, overlap) / width
            }
        }
    }

    // MARK: Services

    private func services() throws(ScenarioError) -> [Chart] {
        guard let table = try files.optionalTable("services.csv"), !table.rows.isEmpty else { return [] }
        var latencies: [JSONValue] = []
        var errors: [JSONValue] = []
        for row in table.rows {
            let time = axis.value(table.number(row, "time_s"))
            let source = JSONValue.string(table.text(row, "source"))
            for (name, column) in [("p50", "latency_p50_s"), ("p99", "latency_p99_s")] {
                // Without good answers there is none: the line ends, and begins anew.
                let seconds = table.number(row, column)
                latencies.append([
                    "t": time, "ms": .number(seconds > 0 ? seconds * 1000 : .nan), "quantile": .string(name), "source": source,
                ])
            }
            let failed = ["refused", "overloaded", "timed_out", "reset", "failed"].reduce(0.0) { $0 + table.number(row, $1) }
            let ended = failed + table.number(row, "succeeded")
            guard ended > 0 else { continue }
            errors.append(["t": time, "share": .number(failed / ended), "source": source])
        }
        let color: JSONValue = ["field": "source", "type": "nominal", "title": .null]
        return [
            Chart(
                title: "Latency of requests",
                caption: "Of good answers, by source of requests: the median, and the 99th percentile dashed.",
                specification: [
                    "height": 220, "data": ["values": .array(latencies)], "params": [zoom], "mark": ["type": "line", "tooltip": true],
                    "encoding": [
                        "x": x, "y": ["field": "ms", "type": "quantitative", "scale": ["type": "log"], "title": "latency (ms)"],
                        "color": color,
                        "strokeDash": ["field": "quantile", "type": "nominal", "title": .null],
                    ],
                ]),
            Chart(
                title: "Requests that failed", caption: "The share of those that ended in an interval, by source.",
                specification: [
                    "height": 180, "data": ["values": .array(errors)], "params": [zoom],
                    "mark": ["type": "line", "interpolate": "step-before", "tooltip": true],
                    "encoding": [
                        "x": x, "y": ["field": "share", "type": "quantitative", "title": "failed", "axis": ["format": "%"]], "color": color,
                    ],
                ]),
        ]
    }

    // MARK: Parts

    private var x: JSONValue {
        ["field": "t", "type": "quantitative", "title": axis.title, "scale": ["domain": [0, axis.value(end)], "nice": false]]
    }

    private var zoom: JSONValue { ["name": "zoom", "select": ["type": "interval", "encodings": ["x"]], "bind": "scales"] }

    /// Some of the rows, evenly, the last among them.
    private func thinned(_ rows: Range<Int>) -> [Int] {
        let step = max(1, (rows.count + RunCharts.mostPoints - 1) / RunCharts.mostPoints)
        return rows.filter { $0 % step == 0 || $0 == rows.upperBound - 1 }
    }
}
