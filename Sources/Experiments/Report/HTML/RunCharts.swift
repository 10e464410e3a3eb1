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
    /// Names left of all charts take the same room, so that their times stand below each other.
    private static let leftOfAxis = 130
    static let nodeAxis: JSONValue = [
        "labelLimit": .integer(leftOfAxis - 10), "labelFontSize": 9, "labelOverlap": true, "minExtent": .integer(leftOfAxis),
        "maxExtent": .integer(leftOfAxis),
    ]
    /// No legend stands beside a chart, for the same reason.
    private static let legend: JSONValue = ["orient": "top"]

    private let history: PodHistory
    /// Whether cluster.csv tells of what was between the beginning and the end.
    private let hasSamples: Bool

    init(_ files: ResultFiles) throws(ScenarioError) {
        self.files = files
        let cluster = try files.table("cluster.csv")
        end = cluster.rows.last.map { cluster.number($0, "time_s") } ?? 0
        axis = TimeAxis(upTo: end)
        hasSamples = cluster.rows.count > 2
        history = try PodHistory(files, end: end)
    }

    func charts() throws(ScenarioError) -> [Chart] {
        var charts = [try clusterState(), try requested()]
        // Extended resources: GPUs and the like.
        charts += history.others.filter { history.resources[$0].name.contains("/") }.map { demand(for: $0) }
        if let heat = try NodeHeatMap(files, history, axis).chart() { charts.append(heat) }
        return charts + (try services())
    }

    // MARK: Cluster

    /// Failures as bands from their beginning to the recovery, over the pods of the cluster.
    private func clusterState() throws(ScenarioError) -> Chart {
        let series =
            hasSamples
            ? RunCharts.sampledStates.map { (name: $0.name, color: $0.color) }
            : RunCharts.livedStates.map { (name: $0.name, color: $0.color) }
        let lines: JSONValue = [
            "data": ["values": .array(hasSamples ? try sampledPods() : livedPods())], "params": [zoom],
            "mark": ["type": "line", "interpolate": "step-after", "tooltip": true],
            "encoding": [
                "x": x, "y": ["field": "pods", "type": "quantitative", "axis": yAxis()],
                "color": [
                    "field": "state", "type": "nominal", "title": .null, "legend": RunCharts.legend,
                    "scale": ["domain": .array(series.map { .string($0.name) }), "range": .array(series.map { .string($0.color) })],
                ],
            ],
        ]
        return Chart(
            title: "Pods of the cluster, and its failures",
            caption:
                "Bands reach from a failure to the recovery of all it touched; to the end where there was none. Drag and scroll to look closer.",
            specification: ["height": 260, "layer": .array(try failureBands() + [lines])])
    }

    /// What a line is called, the column of cluster.csv that it shows (empty: it is computed), and its colour.
    private static let sampledStates: [(name: String, column: String, color: String)] = [
        ("ready", "pods_ready", "#1b7f4b"), ("running, not ready", "", "#8bc34a"), ("starting", "pods_starting", "#f2a900"),
        ("no node", "pods_unscheduled", "#d1342f"), ("terminating", "pods_terminating", "#7a7f87"),
    ]

    private func sampledPods() throws(ScenarioError) -> [JSONValue] {
        let table = try files.table("cluster.csv")
        var values: [JSONValue] = []
        for row in thinned(table.rows) {
            for (name, column, _) in RunCharts.sampledStates {
                let number =
                    column.isEmpty
                    ? max(0, table.number(row, "pods_running") - table.number(row, "pods_ready")) : table.number(row, column)
                values.append(["t": axis.value(table.number(row, "time_s")), "pods": .number(number), "state": .string(name)])
            }
        }
        return values
    }

    /// The same from the lives of pods, where the cluster was not looked at in between.
    private static let livedStates: [(name: String, state: PodHistory.State, color: String)] = [
        ("on a node", .placed, "#1b7f4b"), ("no node", .waiting, "#d1342f"), ("gone without a node, in all", .givenUp, "#7a7f87"),
    ]

    private func livedPods() -> [JSONValue] {
        RunCharts.livedStates.flatMap { name, state, _ in
            history.curve(of: state) { _ in 1 }.map { time, sum in
                ["t": axis.value(time), "pods": .number(sum), "state": .string(name)] as JSONValue
            }
        }
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
        let others = history.others
        let resources = history.resources.indices.filter { history.allocatable[$0] > 0 && ($0 < 2 || others.contains($0)) }
        var values: [JSONValue] = []
        for index in resources {
            let name = history.resources[index].name
            let column = "utilisation_" + name
            let curve =
                hasSamples
                ? thinned(table.rows).map { (time: table.number($0, "time_s"), sum: table.number($0, column)) }
                : history.curve(of: .placed) { $0.requests[index] }.map { (time: $0.time, sum: $0.sum / history.allocatable[index]) }
            values += curve.map { point -> JSONValue in
                ["t": axis.value(point.time), "share": .number(point.sum), "resource": .string(name)]
            }
        }
        return Chart(
            title: "Requested of what there is",
            caption: hasSamples
                ? "Mean over nodes of requested / allocatable." : "Requested of all pods with a node / allocatable of all nodes.",
            specification: [
                "height": 180, "data": ["values": .array(values)], "params": [zoom],
                "mark": ["type": "line", "interpolate": "step-after", "tooltip": true],
                "encoding": [
                    "x": x, "y": ["field": "share", "type": "quantitative", "title": "requested", "axis": yAxis("%")],
                    "color": [
                        "field": "resource", "type": "nominal", "title": .null, "legend": RunCharts.legend,
                        "scale": ["domain": .array(resources.map { .string(history.resources[$0].name) })],
                    ],
                ],
            ])
    }

    /// Of a resource such as GPUs: what pods have of it, wait for, and went without.
    private func demand(for resource: Int) -> Chart {
        let states: [(name: String, state: PodHistory.State)] = [
            ("allocated", .placed), ("waited for", .waiting), ("asked for by pods that went without, in all", .givenUp),
        ]
        var values: [JSONValue] = []
        for (name, state) in states {
            let curve = history.curve(of: state) { $0.requests[resource] }
            guard state == .placed || curve.contains(where: { $0.sum > 0 }) else { continue }
            values += curve.map { time, sum in
                ["t": axis.value(time), "share": .number(sum / history.allocatable[resource]), "what": .string(name)] as JSONValue
            }
        }
        return Chart(
            title: "\(history.resources[resource].name): allocated and asked for",
            caption:
                "Of all there is. What nobody has while pods wait for it or went without is in pieces that fit none of them, or lacks cpu or memory beside it.",
            specification: [
                "height": 180, "data": ["values": .array(values)], "params": [zoom],
                "mark": ["type": "line", "interpolate": "step-after", "tooltip": true],
                "encoding": [
                    "x": x, "y": ["field": "share", "type": "quantitative", "title": "of all", "axis": yAxis("%")],
                    "color": [
                        "field": "what", "type": "nominal", "title": .null, "legend": ["orient": "top", "labelLimit": 400],
                        "scale": ["domain": .array(states.map { .string($0.name) })],
                    ],
                ],
            ])
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
        let color: JSONValue = ["field": "source", "type": "nominal", "title": .null, "legend": RunCharts.legend]
        return [
            Chart(
                title: "Latency of requests",
                caption: "Of good answers, by source of requests: the median, and the 99th percentile dashed.",
                specification: [
                    "height": 220, "data": ["values": .array(latencies)], "params": [zoom], "mark": ["type": "line", "tooltip": true],
                    "encoding": [
                        "x": x,
                        "y": ["field": "ms", "type": "quantitative", "scale": ["type": "log"], "title": "latency (ms)", "axis": yAxis()],
                        "color": color,
                        "strokeDash": ["field": "quantile", "type": "nominal", "title": .null, "legend": RunCharts.legend],
                    ],
                ]),
            Chart(
                title: "Requests that failed", caption: "The share of those that ended in an interval, by source.",
                specification: [
                    "height": 180, "data": ["values": .array(errors)], "params": [zoom],
                    "mark": ["type": "line", "interpolate": "step-before", "tooltip": true],
                    "encoding": [
                        "x": x, "y": ["field": "share", "type": "quantitative", "title": "failed", "axis": yAxis("%")], "color": color,
                    ],
                ]),
        ]
    }

    // MARK: Parts

    private var x: JSONValue {
        ["field": "t", "type": "quantitative", "title": axis.title, "scale": ["domain": [0, axis.value(end)], "nice": false]]
    }

    private func yAxis(_ format: String? = nil) -> JSONValue {
        let room: [(String, JSONValue)] = [("minExtent", .integer(RunCharts.leftOfAxis)), ("maxExtent", .integer(RunCharts.leftOfAxis))]
        return .members(room + (format.map { [("format", .string($0))] } ?? []))
    }

    private var zoom: JSONValue { ["name": "zoom", "select": ["type": "interval", "encodings": ["x"]], "bind": "scales"] }

    /// Some of the rows, evenly, the last among them.
    private func thinned(_ rows: Range<Int>) -> [Int] {
        let step = max(1, (rows.count + RunCharts.mostPoints - 1) / RunCharts.mostPoints)
        return rows.filter { $0 % step == 0 || $0 == rows.upperBound - 1 }
    }
}
