// The beginning of a run, which says little about its steady state: empty queues, no failure yet, pods that all start at once.

import DiscreteEvents

/// What the figures of the steady state leave out at the beginning of a run.
public enum WarmUp: Hashable, Sendable {
    /// All that was before a time.
    case until(SimulatedTime)
    /// Of each series as much as MSER-5 finds (``SteadyState/warmUp(of:)``).
    case mser5

    /// When it ends; nil: for each series at a time of its own.
    public var end: SimulatedTime? { if case .until(let end) = self { end } else { nil } }
}
