// Files that are there as a whole or not at all: written under a temporary name, and renamed.

import Foundation

enum WholeFile {
    private static let mark = ".partial-"

    /// The name under which a file is written: this process's own, on this machine.
    static func temporaryName(for name: String) -> String { ".\(name)\(mark)\(getpid())-\(host)" }

    /// Writes a text, and sees to it that it is on the disk before the file has its name.
    ///
    /// - Throws: `ResultError` when it cannot be written.
    static func write(_ text: String, to path: String) throws(ResultError) { try write(Array(text.utf8), to: path) }

    /// The same with bytes.
    static func write(_ bytes: [UInt8], to path: String) throws(ResultError) {
        let (folder, name) = PathText.split(path)
        let temporary = PathText.join(folder.isEmpty ? "." : folder, temporaryName(for: name))
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(path) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                let error = failure(path)
                close(descriptor)
                unlink(temporary)
                throw error
            }
        }
        let isStored = fsync(descriptor) == 0
        let error = failure(path)
        guard close(descriptor) == 0, isStored else { throw error }
        // Somebody else may have written the same file, and tidied up.
        if rename(temporary, path) != 0, !(errno == ENOENT && InputFiles.exists(path)) { throw failure(path) }
    }

    /// Writes a table.
    ///
    /// - Throws: `ResultError` when it cannot be written.
    static func table(
        _ name: String, in folder: String, header: [String], _ rows: (inout CSVWriter) throws(ResultError) -> Void
    ) throws(ResultError) {
        let temporary = temporaryName(for: name)
        var csv = try CSVWriter(name: temporary, in: folder, header: header)
        try rows(&csv)
        _ = try csv.finish()
        let path = PathText.join(folder, name)
        guard rename(PathText.join(folder, temporary), path) == 0 else { throw failure(path) }
    }

    /// Removes what killed processes left in a folder.
    ///
    /// - Parameter others: also what processes of other machines left, of which nobody here knows whether they live.
    static func removeLeftovers(in folder: String, ofOthers others: Bool = false) {
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where entry.hasPrefix(".") {
            guard let range = entry.range(of: mark, options: .backwards) else { continue }
            let parts = entry[range.upperBound...].split(separator: "-", maxSplits: 1).map(String.init)
            guard parts.count == 2, let process = Int32(parts[0]) else { continue }
            let isDead = parts[1] == host && kill(process, 0) != 0 && errno == ESRCH
            if isDead || (others && process != getpid()) { unlink(PathText.join(folder, entry)) }
        }
    }

    private static func failure(_ path: String) -> ResultError {
        ResultError("cannot write \(path): \(String(cString: strerror(errno)))")
    }

    /// This machine: process numbers of different machines say nothing about each other.
    private static let host: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "here" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}
