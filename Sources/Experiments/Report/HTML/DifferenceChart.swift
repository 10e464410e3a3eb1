// The chart of how policies differ from the first one, all figures on one axis.

/// Draws the differences of `comparison.csv` as shares of the first policy's mean.
///
/// The axis is linear about 0 and logarithmic beyond, so that two per cent can be read beside ten times as much. What is farther out than
/// ``limit``, and what has no share because the first policy's mean is 0, is an arrow at the edge with both means beside it.
struct DifferenceChart {
    private let table: ResultFiles.Table
    /// The one that differences are to.
    private let first: String
    /// The others, in the order of the table.
    private let others: [String]
    /// A policy has one colour in all charts.
    private let colors: JSONValue

    /// Ten times as much again.
    private static let limit = 10.0
    /// Where the axis turns from linear to logarithmic.
    private static let bend = 0.2
    /// Pixels for a policy's point and interval, and for what is between two metrics.
    private static let rowHeight = 12
    private static let gap = 6

    /// What is drawn of one row of the table.
    private struct Entry {
        let metric: String
        let policy: String
        /// Of the first policy and of this one.
        let means: (first: Double, own: Double)
        let difference: Double
        let ends: (low: Double, high: Double)
        let adjusted: Double

        private var base: Double { means.first.magnitude }
        /// nil: there is none.
        private var share: Double? { base > 0 ? difference / base : nil }

        /// Whether it is an arrow.
        var isBeyond: Bool { share.map { $0.magnitude > DifferenceChart.limit } ?? true }

        /// Where on the axis the point stands, and from where to where its interval reaches; nil for an arrow.
        var place: (point: Double, low: Double, high: Double)? {
            guard let share, !isBeyond else { return nil }
            let (low, high) = (ends.low.isNaN ? difference : ends.low, ends.high.isNaN ? difference : ends.high)
            func clamped(_ value: Double) -> Double { min(max(value / base, -DifferenceChart.limit), DifferenceChart.limit) }
            return (share, clamped(low), clamped(high))
        }

        /// `0 -> 596`
        var text: String { "\(Presentation.number(means.first)) → \(Presentation.number(means.own))" }
    }

    /// - Parameter policies: in the order of the table.
    init(_ table: ResultFiles.Table, policies: [String], colors: JSONValue) {
        self.table = table
        self.colors = colors
        // Only others have differences. A policy that never had a figure together with the first has none either, and comes later.
        let differing = Set(table.rows.filter { !table.text($0, "difference_mean").isEmpty }.map { table.text($0, "policy") })
        let first = policies.first { !differing.contains($0) } ?? ""
        self.first = first
        others = policies.filter { $0 != first }
    }

    /// - Parameter hasIntervals: with one seed there are none.
    func chart(hasIntervals: Bool) -> Chart? {
        let entries = self.entries
        if entries.isEmpty { return nil }
        let ways =
            "On an axis that is linear up to \(Presentation.number(Self.bend * 100)) % and logarithmic beyond; an arrow with both means: the first "
            + "is 0, or the difference more than \(Presentation.number(Self.limit * 100)) %."
        let caption =
            hasIntervals
            ? "Paired by seed, with 95 % intervals, as a share of \(first)'s mean. Filled: significant in view of their number (Holm). "
            : "As a share of \(first)'s mean. One seed: how much of it is chance, nobody can say. "
        return Chart(title: "Differences", caption: caption + ways + unpaired, specification: specification(entries))
    }

    private var entries: [Entry] {
        var means: [String: Double] = [:]
        for row in table.rows where table.text(row, "policy") == first { means[table.text(row, "metric")] = table.number(row, "mean") }
        return table.rows.compactMap { row in
            let metric = table.text(row, "metric")
            let (difference, own) = (table.number(row, "difference_mean"), table.number(row, "mean"))
            // The last digits of sums are noise.
            guard let base = means[metric], difference.magnitude > max(base.magnitude, own.magnitude) * 1e-9 else { return nil }
            return Entry(
                metric: metric, policy: table.text(row, "policy"), means: (base, own), difference: difference,
                ends: (table.number(row, "difference_ci95_low"), table.number(row, "difference_ci95_high")),
                adjusted: table.number(row, "p_value_holm"))
        }
    }

    /// Names the figures that some policy has without having any pair with the first.
    private var unpaired: String {
        var texts: [String] = []
        for row in table.rows where table.text(row, "policy") != first && table.text(row, "difference_mean").isEmpty {
            texts.append("\(table.text(row, "metric")) (\(table.text(row, "policy")))")
        }
        return texts.isEmpty ? "" : " In no pair of runs, so not drawn: \(Presentation.list(texts, most: 20))."
    }

    // MARK: Specification

    private func specification(_ entries: [Entry]) -> JSONValue {
        var metrics: [String] = []
        for entry in entries where !metrics.contains(entry.metric) { metrics.append(entry.metric) }
        let reach = reach(entries)
        let values = entries.map { value($0, edge: $0.difference < 0 ? reach.low : reach.high) }
        let y: JSONValue = ["field": "metric", "type": "nominal", "sort": .null, "title": .null, "axis": ["labelLimit": 260]]
        let others = JSONValue.array(self.others.map { .string($0) })
        // Combinations of factors have long names.
        let legend: JSONValue = ["values": others, "labelLimit": 400]
        let color: JSONValue = ["field": "policy", "type": "nominal", "title": .null, "scale": colors, "legend": legend]
        let offset: JSONValue = ["field": "policy", "scale": ["domain": others]]
        let axis: JSONValue = ["format": "+~%", "values": .array(ticks(reach).map { .number($0) }), "labelOverlap": "greedy"]
        let scale: JSONValue = [
            "type": "symlog", "constant": .number(Self.bend), "domain": [.number(reach.low), .number(reach.high)], "nice": false,
        ]
        func along(_ field: String) -> JSONValue {
            [
                "field": .string(field), "type": "quantitative", "title": .string("difference to \(first)"), "scale": scale, "axis": axis,
            ]
        }
        let fill: JSONValue = [
            "condition": [
                "test": "datum.sure === 'significant'", "field": "policy", "type": "nominal", "legend": legend, "scale": colors,
            ],
            "value": "white",
        ]
        let tooltip: JSONValue = [
            ["field": "metric"], ["field": "policy"], ["field": "means"], ["field": "difference"], ["field": "interval"],
            ["field": "p (Holm)", "format": ".3g"],
        ]
        func only(_ kind: String) -> JSONValue { [["filter": .string("datum.kind === '\(kind)'")]] }
        func arrow(_ shape: String, _ kind: String) -> JSONValue {
            [
                "transform": only(kind), "mark": ["type": "point", "shape": .string(shape), "size": 60],
                "encoding": ["y": y, "yOffset": offset, "color": color, "x": along("at"), "fill": fill, "tooltip": tooltip],
            ]
        }
        func label(_ kind: String, _ align: String, _ dx: Int) -> JSONValue {
            [
                "transform": only(kind),
                "mark": ["type": "text", "align": .string(align), "dx": .integer(dx), "baseline": "middle", "fontSize": 10],
                "encoding": ["y": y, "yOffset": offset, "x": along("at"), "text": ["field": "means"]],
            ]
        }
        let layers: [JSONValue] = [
            ["mark": ["type": "rule", "color": "#7a7f87"], "encoding": ["x": ["datum": 0]]],
            [
                "transform": only("point"), "mark": ["type": "rule", "strokeWidth": 2],
                "encoding": ["y": y, "yOffset": offset, "color": color, "x": along("low"), "x2": ["field": "high"]],
            ],
            [
                "transform": only("point"), "mark": ["type": "point", "size": 60],
                "encoding": ["y": y, "yOffset": offset, "color": color, "x": along("at"), "fill": fill, "tooltip": tooltip],
            ],
            arrow("triangle-left", "less"), arrow("triangle-right", "more"), label("less", "left", 9), label("more", "right", -9),
        ]
        return [
            // Of layers a chart cannot be told the height of a step.
            "height": .integer(metrics.count * (Self.rowHeight * self.others.count + Self.gap)), "data": ["values": .array(values)],
            "layer": .array(layers),
            "resolve": ["scale": ["fill": "shared"]],
        ]
    }

    /// - Parameter edge: where on the axis it stands if it is an arrow.
    private func value(_ entry: Entry, edge: Double) -> JSONValue {
        let place = entry.place
        let kind = place != nil ? "point" : entry.difference < 0 ? "less" : "more"
        let interval =
            entry.ends.low.isNaN ? "-" : "\(Presentation.number(entry.ends.low)) to \(Presentation.number(entry.ends.high))"
        return .members([
            ("metric", .string(entry.metric)), ("policy", .string(entry.policy)), ("kind", .string(kind)),
            ("at", .number(place?.point ?? edge)), ("low", .number(place?.low ?? edge)), ("high", .number(place?.high ?? edge)),
            ("means", .string(entry.text)), ("difference", .string(Presentation.number(entry.difference))),
            ("interval", .string(interval)), ("p (Holm)", .number(entry.adjusted)),
            ("sure", .string(entry.adjusted < 0.05 ? "significant" : "not")),
        ])
    }

    /// From where to where the axis goes: as far as points and intervals do, and as far as there is room for arrows' texts.
    private func reach(_ entries: [Entry]) -> (low: Double, high: Double) {
        let places = entries.compactMap(\.place)
        var low = min(0, places.map { min($0.low, $0.point) }.min() ?? 0)
        var high = max(0, places.map { max($0.high, $0.point) }.max() ?? 0)
        for entry in entries where entry.isBeyond {
            if entry.difference < 0 { low = min(low, -Self.bend) } else { high = max(high, Self.limit) }
        }
        // Nothing stands on the edge but arrows, and one side is not squeezed to a line.
        let margin = max(high, -low) * 0.05
        return (low - margin, high + margin)
    }

    /// 1, 2 and 5 per cent and their multiples of ten that lie within reach, but for those too close to 0 to be told apart.
    private func ticks(_ reach: (low: Double, high: Double)) -> [Double] {
        let width = max(reach.high, -reach.low)
        var ticks: [Double] = []
        for decade in [0.0001, 0.001, 0.01, 0.1, 1, 10] { for step in [1.0, 2, 5] { ticks.append(step * decade) } }
        let shown = ticks.filter { $0 >= min(width / 4, Self.bend / 2) }
        return (shown.reversed().map { -$0 } + [0] + shown).filter { $0 >= reach.low && $0 <= reach.high }
    }
}
