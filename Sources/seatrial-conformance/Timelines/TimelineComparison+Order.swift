// The order of the writes of one object: what the recording shows one after the other must not come the other way round.

/// A transition of an object, when it came in the recording and when in the replay.
struct MatchedWrite {
    var what: String
    var recorded: Double
    var simulated: Double
}

extension TimelineComparison {
    mutating func compareOrder(_ subject: String) {
        let kind = String(subject.prefix { $0 != " " })
        // Graces come with the times of deletion.
        let ordered = writes.filter { !$0.what.hasPrefix("grace=") }.sorted {
            ($0.recorded, $0.simulated, $0.what) < ($1.recorded, $1.simulated, $1.what)
        }
        for (index, later) in ordered.enumerated() {
            for earlier in ordered[..<index] where earlier.recorded < later.recorded && earlier.simulated > later.simulated {
                let size = min(later.recorded - earlier.recorded, earlier.simulated - later.simulated)
                let use = Relaxations.orderUse(kind, [earlier.what, later.what], size: size, lateness: lateness)
                if let use {
                    result.relax(use, ofWrite: "\(subject) \(earlier.recorded) \(later.recorded)")
                } else {
                    result.differ(
                        ofWrite: "\(subject) \(earlier.recorded) \(later.recorded)", at: earlier.recorded, subject + " order",
                        recorded: "\(earlier.what) before \(later.what)", simulated: "the other way round")
                }
            }
        }
    }
}
