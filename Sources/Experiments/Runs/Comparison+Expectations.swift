// Tells of the expectations that do not hold in many runs, a line for each of them.

extension Comparison {
    /// A line for each expectation that some runs miss: which, in how many, and what the first of them observed. Empty: all hold.
    ///
    /// - Parameter noun: what the runs differ in: policies, or combinations of factors.
    public func failures(by noun: String) -> [String] {
        var order: [String] = []
        var missed: [String: (count: Int, first: String)] = [:]
        for run in runs {
            var seen: Set<String> = []
            for result in run.failed where seen.insert(result.expectation).inserted {
                if missed[result.expectation] == nil {
                    order.append(result.expectation)
                    let place = "\(noun) \(policies[run.policy]), seed \(run.seedText)"
                    missed[result.expectation] = (0, "\(place): observed \(result.observed)")
                }
                missed[result.expectation]?.count += 1
            }
        }
        return order.compactMap { expectation in
            missed[expectation].map { missed in
                "expected \(expectation): not so in \(missed.count) of \(Presentation.count(runs.count, "run")), first under \(missed.first)"
            }
        }
    }
}
