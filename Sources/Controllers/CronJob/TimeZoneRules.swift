// Time zones as the simulation knows them: plain values, when the offset changes and to what. Nothing here asks the system; whoever
// reads the input reads the zones too (see TimeZoneFile.swift for the format) and hands them in, so that runs stay reproducible.

/// When a zone's offset from UTC changes, and to what.
package struct TimeZoneRules: Hashable, Sendable {
    /// From `start` on (seconds since 1970) clocks are `offset` seconds ahead of UTC.
    package struct Transition: Hashable, Sendable {
        package let start: Int64
        package let offset: Int64

        package init(start: Int64, offset: Int64) {
            self.start = start
            self.offset = offset
        }
    }

    /// The offset before the first transition.
    private let firstOffset: Int64
    private let transitions: [Transition]

    /// - Parameter transitions: in order of time.
    package init(firstOffset: Int64, transitions: [Transition] = []) {
        precondition(zip(transitions, transitions.dropFirst()).allSatisfy { $0.start < $1.start }, "transitions must be in order")
        self.firstOffset = firstOffset
        self.transitions = transitions
    }

    package static let utc = TimeZoneRules(firstOffset: 0)

    /// The offset at an instant (seconds since 1970) and the span in which it holds.
    package func period(at instant: Int64) -> (offset: Int64, span: Range<Int64>) {
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].start <= instant { low = middle + 1 } else { high = middle }
        }
        let end = low < transitions.count ? transitions[low].start : .max
        guard low > 0 else { return (firstOffset, .min..<end) }
        return (transitions[low - 1].offset, transitions[low - 1].start..<end)
    }

    /// What clocks show at an instant (seconds since 1970).
    package func civilTime(at instant: Int64) -> CivilTime {
        CivilTime(secondsSince1970: instant + period(at: instant).offset)
    }

    /// The instant at which clocks show a time, given as seconds from 1970-01-01 00:00 on those clocks.
    ///
    /// Where clocks show it twice or never, the answer is Go's (`time.Date`), because cron schedules inherit it: guess the offset as if
    /// the time were UTC; if the guess does not hold at the resulting instant, take the offset that does hold there.
    package func instant(ofLocal local: Int64) -> Int64 {
        let guess = period(at: local)
        let instant = local - guess.offset
        if guess.offset == 0 || guess.span.contains(instant) { return instant }
        return local - period(at: instant).offset
    }
}

/// Time zones by their names in the IANA database (`Europe/Amsterdam`).
package struct TimeZoneDatabase: Hashable, Sendable {
    private var zones: [String: TimeZoneRules] = [:]

    /// Only UTC.
    package init() {}

    package mutating func add(_ rules: TimeZoneRules, named name: String) { zones[name] = rules }

    /// A zone by name. The empty name is UTC; so is `Local`, the zone of the controller manager's container.
    package func rules(named name: String) -> TimeZoneRules? {
        switch name {
        case "", "UTC", "Local": .utc
        default: zones[name]
        }
    }
}
