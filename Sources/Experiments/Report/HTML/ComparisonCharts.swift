// The charts of a comparison: how policies differ, with intervals.

import DiscreteEvents

/// Draws `comparison.csv`.
struct ComparisonCharts {
    private let table: ResultFiles.Table
    /// In the order of the table.
    private let policies: [String]
    /// Whether there are intervals: with one seed there are none.
    private let hasIntervals: Bool

    init(_ table: ResultFiles.Table) {
        self.table = table
        var policies: [String] = []
        for row in table.rows where !policies.contains(table.text(row, "policy")) { policies.append(table.text(row, "policy")) }
        self.policies = policies
        hasIntervals = table.rows.contains { !table.text($0, "ci95_low").isEmpty }
    }

    /// A policy has one colour in all charts, also in those that leave the first one out.
    private var colors: JSONValue { ["domain": .array(policies.map { .string($0) })] }

    func charts() -> [Chart] { [differences, means].compactMap { $0 } }

    private var differences: Chart? {
        DifferenceChart(table, policies: policies, colors: colors).chart(hasIntervals: hasIntervals)
    }

    /// Each metric on its own axis.
    private var means: Chart? {
        var values: [JSONValue] = []
        var isConstant: [String: Bool] = [:]
        for row in table.rows {
            let metric = table.text(row, "metric")
            let first = table.rows.first { table.text($0, "metric") == metric } ?? row
            let (mean, deviation) = (table.number(row, "mean"), table.number(row, "standard_deviation"))
            // What differs by the last digits of sums is the same: an axis of it would have nothing to show.
            let noise = mean.magnitude * Statistics.noise
            let same = (mean - table.number(first, "mean")).magnitude <= noise && !(deviation > noise)
            isConstant[metric] = (isConstant[metric] ?? true) && same
        }
        for row in table.rows where isConstant[table.text(row, "metric")] == false {
            let mean = table.number(row, "mean")
            let (low, high) = (table.number(row, "ci95_low"), table.number(row, "ci95_high"))
            let unit = table.text(row, "unit")
            values.append([
                "metric": .string(table.text(row, "metric") + (unit == "1" ? "" : " (\(unit))")),
                "policy": .string(table.text(row, "policy")),
                "mean": .number(mean), "low": .number(low.isNaN ? mean : low), "high": .number(high.isNaN ? mean : high),
            ])
        }
        guard !values.isEmpty else { return nil }
        let y: JSONValue = ["field": "policy", "type": "nominal", "sort": .array(policies.map { .string($0) }), "title": .null]
        let color: JSONValue = ["field": "policy", "type": "nominal", "legend": .null, "scale": colors]
        var names: [JSONValue] = []
        for value in values { if let name = value["metric"], !names.contains(name) { names.append(name) } }
        return Chart(
            title: "Means", caption: hasIntervals ? "With their 95 % intervals." : "Of one seed.",
            specification: [
                "data": ["values": .array(values)], "columns": 3,
                "facet": ["field": "metric", "type": "nominal", "title": .null, "sort": .array(names), "header": ["labelLimit": 300]],
                "resolve": ["scale": ["x": "independent"]],
                "spec": [
                    "width": 270,
                    "layer": [
                        [
                            "mark": ["type": "rule", "strokeWidth": 2],
                            "encoding": [
                                "y": y, "color": color,
                                "x": ["field": "low", "type": "quantitative", "title": .null, "scale": ["zero": false]],
                                "x2": ["field": "high"],
                            ],
                        ],
                        [
                            "mark": ["type": "point", "filled": true, "size": 50, "tooltip": true],
                            "encoding": ["y": y, "color": color, "x": ["field": "mean", "type": "quantitative"]],
                        ],
                    ],
                ],
            ])
    }
}
