// Which indexes of an Indexed Job are done, in the compressed form of `status.completedIndexes` and `status.failedIndexes`.
// The Job controller reads the text back from the status on every sync, so what it makes of a damaged text matters too.
// <https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode>

/// A list of index intervals as written in a Job's status: `1,3-5,7`.
///
/// A text written by the controller is ascending with gaps between the intervals. One that somebody edited is kept in its order.
package struct CompletedIndexes: Hashable, Sendable {
    /// The indexes `first` to `last`, both included.
    package struct Interval: Hashable, Sendable {
        package var first: Int
        package var last: Int

        package init(_ first: Int, _ last: Int) {
            self.first = first
            self.last = last
        }
    }

    package private(set) var intervals: [Interval]

    package init() { intervals = [] }

    /// Single indexes.
    /// - Parameter indexes: in ascending order.
    package init(ascending indexes: [Int]) {
        intervals = indexes.map { Interval($0, $0) }
    }

    /// Reads the text of a status.
    ///
    /// An interval that is not numeric is skipped. From the first interval at or above `completions` on, everything is dropped (the Job
    /// was scaled down), and an interval that reaches beyond is cut. Neighbouring intervals are joined.
    package init(text: String, completions: Int) {
        self.init()
        if text.isEmpty { return }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let limits = part.split(separator: "-", omittingEmptySubsequences: false)
            guard let first = Int(limits[0]) else { continue }
            if first >= completions { break }
            var last = first
            if limits.count > 1 {
                guard let limit = Int(limits[1]) else { continue }
                last = min(limit, completions - 1)
            }
            if let end = intervals.last?.last, end == first - 1 {
                intervals[intervals.count - 1].last = last
            } else {
                intervals.append(Interval(first, last))
            }
        }
    }

    /// How many indexes these are.
    package var count: Int { intervals.reduce(0) { $0 + $1.last - $1.first + 1 } }

    package func contains(_ index: Int) -> Bool { intervals.contains { $0.first <= index && index <= $0.last } }

    /// Both together: two ascending lists merged, overlapping and neighbouring intervals joined.
    package func merging(_ other: CompletedIndexes) -> CompletedIndexes {
        var result = CompletedIndexes()
        var left = intervals[...]
        var right = other.intervals[...]
        while let next = left.first ?? right.first {
            // Of equal starts the other list's comes first; joined, they give the same.
            if let candidate = right.first, left.isEmpty || next.first >= candidate.first {
                result.append(candidate)
                right.removeFirst()
            } else {
                result.append(next)
                left.removeFirst()
            }
        }
        return result
    }

    /// Appends an interval or lengthens the last one by it; one that lies before the last one's end adds nothing.
    private mutating func append(_ interval: Interval) {
        guard let last = intervals.last, interval.first <= last.last + 1 else {
            intervals.append(interval)
            return
        }
        intervals[intervals.count - 1].last = max(last.last, interval.last)
    }
}

extension CompletedIndexes: CustomStringConvertible {
    /// The text of the status: three or more in a row as `first-last`, two as `first,last`.
    package var description: String {
        intervals.map { interval in
            if interval.last <= interval.first { return String(interval.first) }
            return "\(interval.first)" + (interval.last == interval.first + 1 ? "," : "-") + "\(interval.last)"
        }.joined(separator: ",")
    }
}
