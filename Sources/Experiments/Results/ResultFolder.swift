// The folder of one run's results: complete or not there at all.

import Foundation

/// Writes files into a temporary sibling of the wanted folder and renames it when all of them are complete, so that a run
/// that is killed leaves an earlier result as it was and never half of a new one.
struct ResultFolder: Sendable {
    let path: String
    let temporaryPath: String

    /// - Throws: `ResultError` when the folders above cannot be made.
    init(replacing path: String) throws(ResultError) {
        try ResultFolder.check(path)
        var (parent, name) = PathText.split(path)
        if parent.isEmpty { parent = "." }
        self.path = path
        temporaryPath = PathText.join(parent, ".\(name).partial-\(getpid())")
        try Folders.make(parent)
        ResultFolder.sweep(parent, name: name)
        try? FileManager.default.removeItem(atPath: temporaryPath)
        try Folders.make(temporaryPath)
    }

    /// Whether results may be written to a path: nothing is there, or an empty folder, or earlier results, which they replace.
    ///
    /// - Throws: `ResultError` if there is something else, which is somebody's.
    static func check(_ path: String) throws(ResultError) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw ResultError("cannot write results to \(path): there is a file of that name")
        }
        guard let contents = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw ResultError("cannot write results to \(path): the folder that is there cannot be read")
        }
        if contents.isEmpty { return }
        let manifest = try? InputFiles.read(PathText.join(path, "run.json"))
        guard let manifest, String(decoding: manifest.prefix(64), as: UTF8.self).contains("\"seatrial\"") else {
            throw ResultError(
                "cannot write results to \(path): the folder that is there holds no results (it has no run.json of seatrial); "
                    + "move it away or choose another --output")
        }
    }

    /// Puts the new folder in the place of an old one, if there is one.
    func commit() throws(ResultError) {
        let aside = temporaryPath + ".old"
        let replaces = rename(path, aside) == 0
        guard rename(temporaryPath, path) == 0 else {
            let reason = String(cString: strerror(errno))
            if replaces { _ = rename(aside, path) }
            throw ResultError("cannot rename \(temporaryPath) to \(path): \(reason)")
        }
        if replaces { try? FileManager.default.removeItem(atPath: aside) }
    }

    func discard() { try? FileManager.default.removeItem(atPath: temporaryPath) }

    /// Removes what killed runs left behind: temporary folders of processes that are no more.
    private static func sweep(_ parent: String, name: String) {
        let prefix = ".\(name).partial-"
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] where entry.hasPrefix(prefix) {
            let digits = entry.dropFirst(prefix.count).prefix { $0.isNumber }
            guard let process = Int32(digits), kill(process, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(atPath: PathText.join(parent, entry))
        }
    }
}
