// The search for the smallest rank among equally good nodes.

/// The one of the smallest rank so far; of equal ranks the first.
struct TieWinner {
    private(set) var index = 0
    private var rank: UInt64?

    mutating func consider(_ index: Int, rank: UInt64) {
        if let known = self.rank, known <= rank { return }
        (self.index, self.rank) = (index, rank)
    }
}
