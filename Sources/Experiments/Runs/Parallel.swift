// Independent work on all cores.

import Foundation

enum Parallel {
    /// Cores of this machine.
    static var cores: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

    /// Does something for each number from 0 on, a few at a time.
    ///
    /// - Parameters:
    ///   - jobs: how many at a time at most.
    ///   - finished: called after each with how many are done.
    /// - Returns: the results in the order of the numbers.
    /// - Throws: the first error; what has not begun is not begun any more.
    static func map<Result: Sendable>(
        _ count: Int, jobs: Int = cores, finished: (Int) -> Void = { _ in }, _ body: @escaping @Sendable (Int) throws -> Result
    ) async throws -> [Result] {
        var results: [Result?] = Array(repeating: nil, count: count)
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var next = 0
            var done = 0
            func start() {
                guard next < count else { return }
                let number = next
                next += 1
                group.addTask { (number, try body(number)) }
            }
            for _ in 0..<jobs { start() }
            while let (number, result) = try await group.next() {
                results[number] = result
                done += 1
                finished(done)
                start()
            }
        }
        return results.compactMap { $0 }
    }
}
