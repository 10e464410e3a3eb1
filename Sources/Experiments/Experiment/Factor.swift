// A factor: what an experiment varies, and through which values.

import KubernetesAPI

/// Something that differs from combination to combination.
public struct Factor: Sendable {
    /// A column of the results.
    public var name: String
    /// Where the experiment says so: FILE:LINE: FIELD
    var position: String
    var domain: Domain

    enum Domain: Sendable {
        case levels([FactorLevel])
        case range(FactorRange, [ScenarioField])
    }

    /// How many values it has.
    var count: Int {
        switch domain {
        case .levels(let levels): levels.count
        case .range(let range, _): range.count
        }
    }

    /// What it sets; empty if it is about the scheduler.
    var fields: [ScenarioField] {
        switch domain {
        case .range(_, let fields): return fields
        case .levels(let levels):
            guard case .edits(let edits)? = levels.first?.effect else { return [] }
            return edits.map(\.field)
        }
    }

    /// Whether it is about the scheduler.
    var isScheduler: Bool {
        if case .levels(let levels) = domain, case .scheduler? = levels.first?.effect { true } else { false }
    }

    /// One of its values, by number.
    func level(_ number: Int) -> FactorLevel {
        switch domain {
        case .levels(let levels): return levels[number]
        case .range(let range, let fields):
            let text = range.text(number)
            return FactorLevel(label: text, effect: .edits(fields.map { ScenarioEdit(field: $0, value: range.node(text)) }))
        }
    }

    /// A field of a scenario that a factor sets, and where the experiment says so.
    struct ScenarioField: Sendable {
        var path: FactorPath
        /// FILE:LINE: FIELD
        var position: String
    }
}

/// One value of a factor.
public struct FactorLevel: Sendable {
    /// How results name it.
    public var label: String
    var effect: Effect

    enum Effect: Sendable {
        /// The path of a KubeSchedulerConfiguration, or `default`.
        case scheduler(String)
        case edits([ScenarioEdit])
    }
}

/// A value for a field of a scenario.
struct ScenarioEdit: Sendable {
    var field: Factor.ScenarioField
    var value: YAMLNode

    /// The documents of the file that a place is in, with the value there.
    func apply(at place: FactorPath.Place) -> [YAMLNode] {
        place.node.file.edited(place.node, adding: place.missing, to: value).documents
    }

    /// A scenario file's document with the values that belong there; those of manifests are left to whoever reads them.
    ///
    /// - Parameter failures: what is wrong with paths is added to it.
    static func apply(_ edits: [ScenarioEdit], to document: YAMLNode, _ failures: inout [String]) -> YAMLNode {
        var document = document
        for edit in edits where edit.field.path.object == nil {
            // What else a document may be is told of when it is read.
            guard let spec = document["spec"], spec.kind == .mapping else { break }
            do throws(FactorPathError) {
                document = try edit.apply(at: edit.field.path.place(inSpec: spec)).first { !$0.isNull } ?? document
            } catch {
                failures.append("\(edit.field.position): \(error.message)")
            }
        }
        return document
    }
}

/// Numbers from one to another, evenly apart, with a unit behind them.
struct FactorRange: Sendable {
    /// Steps where the file does not say how far apart values are.
    static let usualSteps = 1000.0

    let from: Double
    let to: Double
    let step: Double
    let unit: String

    /// - Precondition: `from` is less than `to`, and the step is positive and no longer than what is between them.
    init(from: Double, to: Double, step: Double?, unit: String) {
        let step = step ?? (to - from) / FactorRange.usualSteps
        precondition(from < to && step > 0 && step <= to - from, "a range goes upwards, in steps it has room for")
        self.from = from
        self.to = to
        self.step = step
        self.unit = unit
    }

    /// The last value may fall short of the end.
    var count: Int { Int((to - from) / step * (1 + 1e-12)) + 1 }

    func text(_ number: Int) -> String { FactorRange.decimal(from + Double(number) * step) + unit }

    /// Twelve significant digits: sums of steps have noise behind them.
    private static func decimal(_ value: Double) -> String {
        let rounded = Double(Presentation.significant(value, digits: 12)) ?? value
        return rounded == rounded.rounded() && rounded.magnitude < 1e15 ? String(Int64(rounded)) : rounded.description
    }

    /// The text as the value of a field.
    func node(_ text: String) -> YAMLNode {
        guard let document = try? YAMLFile.parse(text, name: "range").documents.first else {
            preconditionFailure("a number with a unit is a scalar")
        }
        return document
    }
}
