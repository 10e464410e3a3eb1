// The ways in which a comparison of timelines can be less than strict. Which are used where, and why, is the table of relaxations.

/// How two sequences of a field's values are made comparable.
enum SequenceRule {
    /// Not compared.
    case ignored
    /// Values that stand shorter than this (milliseconds) on one side may be missing on the other; what lasts must come on both, at
    /// most so much apart, and the last must be the same.
    case lasting(Double)
    /// As curves: the last values exactly; in between each number that stands must lie between those the other side takes on
    /// within the tolerance of time.
    case curve
    /// As curves, the first sizes exactly; and both sides' rollouts must keep the invariants of rollouts.
    case rollout
    /// That the numbers rise.
    case generations
}

/// How reports of Events are made comparable.
enum EventRule {
    /// Whether there are any, not how many or with which numbers.
    case presence
    /// How often it was reported, not with which count.
    case uncounted
    /// Whether there are any with these first words.
    case occurrence
    /// That a pod that was not there any more was not deleted counts as its deletion.
    case eitherDeleted
    /// Whether there are any, and how often within a fifth (at least two).
    case roughly
    /// Not compared.
    case ignored
}

/// By how much more than the tolerance times may differ.
enum TimeAllowance {
    /// Milliseconds, to both sides.
    case window(Double)
    /// What is measured from the recording, and only later than the simulator.
    case lateness
    /// The same, and only earlier than the simulator.
    case order
    /// What is measured of the Deployment controller, and only later than the simulator.
    case rollout
}

/// One way in which the comparison is less than strict, with its reason.
struct Relaxation {
    /// Where it is used.
    enum Use {
        /// The values of fields: of these kinds (none: all), these paths (`*` for anything).
        case fields([String], [String], SequenceRule, in: Circumstance = .always)
        /// Events of these reasons (none: all), with these words.
        case events([String], words: String? = nil, EventRule, in: Circumstance = .always)
        /// The times of changes of kinds (none: all; `Event` for Events): `created`, `gone`, `path=value`, a field of instants, or an
        /// Event's reason.
        case times([String], [String], TimeAllowance, in: Circumstance = .always)
        /// The order of two writes to one object of these kinds, one of which is of these (as with times): either, where they come at
        /// most so many milliseconds apart on one side; nil: what is measured of the recording's lateness.
        case order([String], [String], within: Double?)
        /// The replay itself, or the comparison as a whole: where the code says so.
        case code
    }
    enum Circumstance {
        case always
        /// Where pods ran under the real kubelet's code.
        case realKubelet
        /// Where the recording starts from a dump of a cluster.
        case snapshot
        /// Where a ReplicaSet, or one of a Deployment's, takes other sizes or takes them at other times.
        case otherSteps
        /// Where the Deployment controller took longer than other components may be late.
        case heldUpRollout
        /// Where more nodes stop or start at once than the node controller has workers.
        case burst
    }
    let name: String
    let uses: [Use]
    let reason: String

    /// Whether a text fits a pattern in which `*` stands for anything.
    static func fits(_ text: Substring, _ pattern: Substring) -> Bool {
        guard let star = pattern.firstIndex(of: "*") else { return text == pattern }
        guard text.hasPrefix(pattern[..<star]) else { return false }
        let rest = pattern[pattern.index(after: star)...]
        var tail = text.dropFirst(pattern[..<star].count)
        while true {
            if fits(tail, rest) { return true }
            if tail.isEmpty { return false }
            tail = tail.dropFirst()
        }
    }

    static func fits(_ text: String, anyOf patterns: [String]) -> Bool {
        patterns.isEmpty || patterns.contains { fits(text[...], $0[...]) }
    }
}

extension EventRule {
    /// An Event of a StatefulSet that says that it deleted a pod, or that the pod was not there any more, as one that says the former.
    static func deletion(_ event: ReportedEvent) -> ReportedEvent {
        let (failure, end) = (" failed error: pods ", " not found")
        guard event.reason == "FailedDelete", event.message.hasSuffix(end), let middle = event.message.split(separator: failure).first
        else { return event }
        var result = event
        result.reason = "SuccessfulDelete"
        result.type = "Normal"
        result.message = String(middle) + " successful"
        return result
    }

    /// Whether two numbers of reports are about the same.
    static func areClose(_ first: Int, _ second: Int) -> Bool {
        (first == 0) == (second == 0) && abs(first - second) <= max(2, max(first, second) / 5)
    }

    private static let mergedMark = "(combined from similar events): "

    /// A message without the mark of merged events.
    static func unmerged(_ message: String) -> String {
        message.hasPrefix(mergedMark) ? String(message.dropFirst(mergedMark.count)) : message
    }

    /// A message without its numbers and without the mark of merged events.
    static func withoutNumbers(_ message: String) -> String {
        unmerged(message).split(separator: " ").filter { Int($0) == nil }.joined(separator: " ")
    }
}
