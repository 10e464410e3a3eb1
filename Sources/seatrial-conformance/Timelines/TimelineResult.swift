// What the comparison of one timeline found: what was compared, what was compared less than strictly, what differs.

/// What a comparison found.
struct TimelineResult {
    struct Difference {
        /// Milliseconds; nil: about the whole.
        var time: Double?
        var subject: String
        var recorded: String
        var simulated: String
        /// Differences of one write are one.
        var group = ""
    }
    let name: String
    var objects = 0
    var transitions = 0
    var events = 0
    var refusals = 0
    /// How often each relaxation was needed, by its name.
    private(set) var relaxed: [(name: String, count: Int)] = []
    var differences: [Difference] = []
    /// Writes whose times were compared less than strictly already: the fields of one write need a relaxation once.
    private var relaxedWrites: Set<String> = []

    init(name: String) { self.name = name }

    mutating func relax(_ relaxation: Relaxation, times: Int = 1) {
        guard times > 0 else { return }
        if let index = relaxed.firstIndex(where: { $0.name == relaxation.name }) {
            relaxed[index].count += times
        } else {
            relaxed.append((relaxation.name, times))
        }
    }

    mutating func relax(_ relaxation: Relaxation, ofWrite write: String) {
        if relaxedWrites.insert(relaxation.name + write).inserted { relax(relaxation) }
    }

    mutating func differ(at time: Double?, _ subject: String, recorded: String, simulated: String) {
        differences.append(Difference(time: time, subject: subject, recorded: recorded, simulated: simulated))
    }

    /// The fields of one write are one difference.
    mutating func differ(ofWrite group: String, at time: Double?, _ subject: String, recorded: String, simulated: String) {
        if differences.contains(where: { $0.group == group }) { return }
        differences.append(Difference(time: time, subject: subject, recorded: recorded, simulated: simulated, group: group))
    }

    /// One line: what was compared and what differs.
    var line: String {
        var text = "\(name): \(objects) objects, \(transitions) transitions, \(events) events, \(refusals) refusals"
        if !relaxed.isEmpty { text += " (" + relaxed.map { "\($0.name) \($0.count)" }.joined(separator: ", ") + ")" }
        guard let first = differences.first else { return text + ": agree" }
        return text + ": \(differences.count) differ, first \(first.subject)"
    }
}

extension TimelineResult.Difference {
    var text: String {
        (time.map { TimelineComparison.seconds($0) + " " } ?? "") + subject + "\n    recorded:  " + recorded + "\n    simulated: "
            + simulated
    }
}
