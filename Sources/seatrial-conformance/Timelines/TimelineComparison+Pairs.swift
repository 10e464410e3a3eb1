// Which of several equal objects is which: random on both sides, so each is laid beside the one whose life is most like its own.

extension TimelineComparison {
    func pairs(_ left: [ObjectTrack], _ right: [ObjectTrack]) -> [(ObjectTrack, ObjectTrack)] {
        if left.count <= 1, right.count <= 1 { return Array(zip(left, right)) }
        var seen: Set<String> = []
        let kind = left.first?.kind ?? ""
        let all = (left + right).flatMap(\.history).filter { !isIgnored(kind, $0.path) }.map(\.path).filter { seen.insert($0).inserted }
        let lives = (left.map { life($0, all, recorded) }, right.map { life($0, all, simulated) })
        var costs: [(cost: Double, left: Int, right: Int)] = []
        for (row, mine) in lives.0.enumerated() {
            for (column, other) in lives.1.enumerated() { costs.append((mine.cost(to: other), row, column)) }
        }
        costs.sort { ($0.cost, $0.left, $0.right) < ($1.cost, $1.left, $1.right) }
        var (isLeftTaken, isRightTaken) = (Array(repeating: false, count: left.count), Array(repeating: false, count: right.count))
        var found: [(Int, Int)] = []
        for (_, row, column) in costs where !isLeftTaken[row] && !isRightTaken[column] {
            isLeftTaken[row] = true
            isRightTaken[column] = true
            found.append((row, column))
        }
        return found.sorted { $0 < $1 }.map { (left[$0.0], right[$0.1]) }
    }

    private func isIgnored(_ kind: String, _ path: String) -> Bool {
        if case .ignored? = Relaxations.sequenceRule(kind, path, circumstances)?.rule { true } else { false }
    }

    private func life(_ track: ObjectTrack, _ all: [String], _ view: TimelineView) -> ObjectLife {
        let fields = all.map { path -> (text: String, times: [Double]) in
            let values = sequence(track, path, view)
            return (TimelineFields.isTime(path) ? "" : values.map(\.value).joined(separator: ">"), values.map(\.time))
        }
        return ObjectLife(fields: fields, end: track.deleted)
    }
}

/// An object's life: field by field the values, without times, and their times.
private struct ObjectLife {
    let fields: [(text: String, times: [Double])]
    let end: Double?

    /// Another value costs more than any distance in time.
    private static let otherValues = 1e7
    private static let otherEnd = 1e8

    func cost(to other: ObjectLife) -> Double {
        var cost = 0.0
        for (first, second) in zip(fields, other.fields) {
            if first.text != second.text { cost += ObjectLife.otherValues }
            for (time, otherTime) in zip(first.times, second.times) { cost += abs(time - otherTime) }
        }
        if end != nil || other.end != nil { cost += abs((end ?? ObjectLife.otherEnd) - (other.end ?? ObjectLife.otherEnd)) }
        return cost
    }
}
