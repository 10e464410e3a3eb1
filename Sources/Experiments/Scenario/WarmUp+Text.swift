// How files and the command line say what a run's figures leave out at its beginning: `10m`, or `mser5`.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

extension WarmUp {
    /// As it would stand in a file.
    var text: String {
        switch self {
        case .until(let end): end.sinceStart.text
        case .mser5: ScenarioFormat.mser5
        }
    }
}

extension ScenarioOverrides {
    /// A warm-up as the command line says it; nil for no time at all, which leaves nothing out.
    ///
    /// - Throws: `ScenarioError` for what is neither a time nor `mser5`.
    public static func warmUp(_ text: String) throws(ScenarioError) -> WarmUp? {
        if text == ScenarioFormat.mser5 { return .mser5 }
        let duration: SimulatedDuration
        do throws(DurationTextError) {
            duration = try SimulatedDuration(text: text)
        } catch {
            throw ScenarioError(["--warm-up: \(error), nor is it \(ScenarioFormat.mser5)"])
        }
        if duration < .zero { throw ScenarioError(["--warm-up: \(text): must not be negative"]) }
        return duration == .zero ? nil : .until(.zero + duration)
    }
}

extension ScenarioDecoder {
    /// A warm-up of a scenario or of an experiment.
    mutating func warmUp(_ fields: Fields) -> WarmUp? {
        guard let node = field(fields, "warmUp") else { return nil }
        if node.scalarText == ScenarioFormat.mser5 { return .mser5 }
        if let text = node.scalarText, text.first?.isLetter ?? false {
            context.error(node, "Unsupported value: \"\(text)\": expected a time such as 10m, or \(ScenarioFormat.mser5)")
            return nil
        }
        return duration(node).flatMap { $0 == .zero ? nil : .until(.zero + $0) }
    }

    /// Whether anything is left of a run, and whether there are series to cut; what is wrong with them is said of a node.
    mutating func check(_ warmUp: WarmUp, _ options: RecordingOptions, _ duration: SimulatedDuration, _ node: YAMLNode) {
        if let end = warmUp.end, end >= .zero + duration {
            context.error(node, "a warm-up of \(warmUp.text) leaves nothing of a run of \(duration.text)")
        }
        if options.interval == nil { context.error(node, "a warm-up cannot be taken off without samples: set measure.interval") }
    }
}
