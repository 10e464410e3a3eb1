// A warm-up of an experiment or of the command line, which goes before the scenario's own.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// A warm-up that stands in the place of the scenario's own; one of no time leaves nothing out.
public struct WarmUpOverride: Hashable, Sendable {
    public let warmUp: WarmUp
    /// Who says so, as messages begin: `--warm-up`, or FILE:LINE: FIELD.
    let source: String

    init(_ warmUp: WarmUp, source: String) {
        self.warmUp = warmUp
        self.source = source
    }

    /// A warm-up as the command line says it.
    ///
    /// - Throws: `ScenarioError` for what is neither a time nor `mser5`.
    public init(option text: String) throws(ScenarioError) {
        source = "--warm-up"
        if text == ScenarioFormat.mser5 {
            warmUp = .mser5
            return
        }
        let duration: SimulatedDuration
        do throws(DurationTextError) {
            duration = try SimulatedDuration(text: text)
        } catch {
            throw ScenarioError(["\(source): \(error), nor is it \(ScenarioFormat.mser5)"])
        }
        if duration < .zero { throw ScenarioError(["\(source): \(text): must not be negative"]) }
        warmUp = .until(.zero + duration)
    }
}
