// What a client remembers of the DNS' answers: until they expire, it goes on with what was true then.

import DiscreteEvents

/// Answers by name, each for its time to live.
///
/// Clients with a cache notice a change late: after the time to live at most, if they look again at all.
public struct DNSCache: Hashable, Sendable {
    private struct Entry: Hashable, Sendable {
        var answer: DNSAnswer
        var expires: SimulatedTime
    }
    private var entries: [String: Entry] = [:]

    public init() {}

    /// The remembered answer; nil: the server has to be asked.
    public func answer(to question: String, at now: SimulatedTime) -> DNSAnswer? {
        guard let entry = entries[question], now < entry.expires else { return nil }
        return entry.answer
    }

    /// Keeps an answer, also one that there is none.
    public mutating func keep(_ answer: DNSAnswer, to question: String, for time: SimulatedDuration, at now: SimulatedTime) {
        entries[question] = Entry(answer: answer, expires: now + time)
    }
}
