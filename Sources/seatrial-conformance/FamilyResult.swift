// What a family of recorded cases came to.

/// The outcome of one family: a file of decisions or a table.
struct FamilyResult {
    struct Failure {
        var name: String
        var expected: String
        var got: String
    }
    var family: String
    var passed = 0
    var total = 0
    /// What was left out of the comparison, if anything.
    var note = ""
    var failures: [Failure] = []

    init(family: String, note: String = "") {
        self.family = family
        self.note = note
    }

    mutating func count(_ failure: Failure?) {
        total += 1
        if let failure { failures.append(failure) } else { passed += 1 }
    }
}
