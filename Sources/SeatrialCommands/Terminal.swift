// What of the terminal the commands use: errors beside results, progress only where somebody watches.

import ArgumentParser
import Experiments
import Foundation

enum Terminal {
    /// Whether somebody watches standard error.
    static var isWatched: Bool { isatty(STDERR_FILENO) != 0 }

    /// Writes a line to standard output.
    ///
    /// - Throws: `ResultError` when it does not arrive, for instance because a disk is full.
    static func say(_ text: some CustomStringConvertible, terminator: String = "\n") throws(ResultError) {
        var rest = Array((text.description + terminator).utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw ResultError("cannot write to standard output: \(String(cString: strerror(errno)))")
            }
        }
    }

    static func complain(_ message: String) {
        FileHandle.standardError.write(Data((message + "\n").utf8))
    }

    /// Shows a line that the next one overwrites.
    static func show(_ line: String) {
        FileHandle.standardError.write(Data(("\r\u{1B}[K" + line).utf8))
    }

    static func clearLine() {
        FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    }

    /// Tells of the expectations that do not hold in runs of a comparison.
    ///
    /// - Parameters:
    ///   - noun: what its runs differ in.
    ///   - shortfall: what a precision that was not reached is told of by.
    /// - Throws: `ExitCode` if there is any, or a shortfall.
    static func judge(_ comparison: Comparison, by noun: String, shortfall: String? = nil) throws {
        if let shortfall { complain(shortfall) }
        let failures = comparison.failures(by: noun)
        for line in failures { complain(line) }
        if !failures.isEmpty || shortfall != nil { throw ExitCode(ExitStatus.expectationFailed) }
    }

    static func warn(_ warnings: [String]) {
        for warning in warnings { complain("warning: " + warning) }
    }

    /// An empty name would be the root of the file system.
    static func checkOutput(_ folder: String) throws {
        if folder.isEmpty { throw ValidationError("--output names no folder.") }
    }

    /// Wall-clock seconds since some moment.
    static var clock: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
