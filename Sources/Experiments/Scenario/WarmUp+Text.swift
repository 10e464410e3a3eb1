// How files say what a run's figures leave out at its beginning, `10m` or `mser5`, and which runs it goes with.

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

extension RecordingOptions {
    /// Why the warm-up cannot be taken off a run: no whole interval would be left, or there are no series to cut; nil: it can, or there is none.
    func warmUpProblem(over duration: SimulatedDuration) -> String? {
        guard let warmUp, warmUp.end != .zero else { return nil }
        if let end = warmUp.end, end >= .zero + duration {
            return "a warm-up of \(warmUp.text) leaves nothing of a run of \(duration.text)"
        }
        guard let interval else { return "a warm-up cannot be taken off without samples: set measure.interval" }
        // Figures begin with the first interval that opens when the warm-up is over.
        let last = SimulatedDuration(nanoseconds: (duration.nanoseconds - 1) / interval.nanoseconds * interval.nanoseconds)
        guard let end = warmUp.end, end > .zero + last else { return nil }
        return "a warm-up of \(warmUp.text) leaves nothing of a run of \(duration.text), whose last interval of \(interval.text) "
            + "(measure.interval) begins at \(last.text)"
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
        return duration(node).map { .until(.zero + $0) }
    }
}
