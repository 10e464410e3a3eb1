// The charts of a comparison: how policies differ, with intervals.

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

    /// Pixels for a policy's point and interval, and for what is between two metrics.
    private static let rowHeight = 10
    private static let gap = 4

    func charts() -> [Chart] { [differences, means].compactMap { $0 } }

    /// Differences to the first policy as a share of its mean, so that all metrics have one axis.
    private var differences: Chart? {
        var base: [String: Double] = [:]
        for row in table.rows where table.text(row, "difference_mean").isEmpty {
            base[table.text(row, "metric")] = table.number(row, "mean")
        }
        var values: [JSONValue] = []
        var metrics: [String] = []
        for row in table.rows {
            let metric = table.text(row, "metric")
            let difference = table.number(row, "difference_mean")
            guard let mean = base[metric], mean > 0, difference.magnitude > mean * 1e-9 else { continue }
            let (low, high) = (table.number(row, "difference_ci95_low"), table.number(row, "difference_ci95_high"))
            let adjusted = table.number(row, "p_value_holm")
            let isSure = adjusted < 0.05
            if !metrics.contains(metric) { metrics.append(metric) }
            values.append([
                "metric": .string(metric), "policy": .string(table.text(row, "policy")), "difference": .number(difference / mean),
                "low": .number((low.isNaN ? difference : low) / mean), "high": .number((high.isNaN ? difference : high) / mean),
                "p (Holm)": .number(adjusted), "sure": .string(isSure ? "significant" : "not"),
            ])
        }
        guard !values.isEmpty else { return nil }
        let y: JSONValue = ["field": "metric", "type": "nominal", "sort": .null, "title": .null, "axis": ["labelLimit": 260]]
        let others = JSONValue.array(policies.dropFirst().map { .string($0) })
        // Combinations of factors have long names.
        let legend: JSONValue = ["values": others, "labelLimit": 400]
        let color: JSONValue = ["field": "policy", "type": "nominal", "title": .null, "scale": colors, "legend": legend]
        let offset: JSONValue = ["field": "policy", "scale": ["domain": others]]
        let x: JSONValue = ["type": "quantitative", "title": "difference to the first policy", "axis": ["format": "+%"]]
        func along(_ field: String) -> JSONValue {
            guard case .object(var members) = x else { return x }
            members.insert(.init(key: "field", value: .string(field)), at: 0)
            return .object(members)
        }
        let layers: [JSONValue] = [
            ["mark": ["type": "rule", "color": "#7a7f87"], "encoding": ["x": ["datum": 0]]],
            [
                "mark": ["type": "rule", "strokeWidth": 2],
                "encoding": ["y": y, "yOffset": offset, "color": color, "x": along("low"), "x2": ["field": "high"]],
            ],
            [
                "mark": ["type": "point", "size": 60, "tooltip": true],
                "encoding": [
                    "y": y, "yOffset": offset, "color": color, "x": along("difference"),
                    "fill": [
                        "condition": [
                            "test": "datum.sure === 'significant'", "field": "policy", "type": "nominal", "legend": legend,
                            "scale": colors,
                        ],
                        "value": "white",
                    ],
                    "tooltip": [
                        ["field": "metric"], ["field": "policy"], ["field": "difference", "format": "+.2%"],
                        ["field": "low", "format": "+.2%"],
                        ["field": "high", "format": "+.2%"], ["field": "p (Holm)", "format": ".3g"],
                    ],
                ],
            ],
        ]
        return Chart(
            title: "Differences",
            caption: hasIntervals
                ? "Paired by seed, with 95 % intervals, as a share of the first policy's mean. Filled: significant in view of their number (Holm)."
                : "As a share of the first policy's mean. One seed: how much of it is chance, nobody can say.",
            specification: [
                // Of layers a chart cannot be told the height of a step.
                "height": .integer(metrics.count * (Self.rowHeight * (policies.count - 1) + Self.gap)), "data": ["values": .array(values)],
                "layer": .array(layers),
                "resolve": ["scale": ["fill": "shared"]],
            ])
    }

    /// Each metric on its own axis.
    private var means: Chart? {
        var values: [JSONValue] = []
        var isConstant: [String: Bool] = [:]
        for row in table.rows {
            let metric = table.text(row, "metric")
            let first = table.rows.first { table.text($0, "metric") == metric } ?? row
            let same = table.number(row, "mean") == table.number(first, "mean") && !(table.number(row, "standard_deviation") > 0)
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
