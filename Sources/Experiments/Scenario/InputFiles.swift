// Reading input files, and paths as text: everything a person may type as a path ends in a file's bytes or in plain words.

import Foundation

/// Reading files whole.
enum InputFiles {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The bytes of a regular file. Folders, devices and pipes are refused before anything is read of them.
    ///
    /// - Throws: `ResultError` with the file and the reason.
    static func read(_ path: String) throws(ResultError) -> [UInt8] {
        // Without blocking: a pipe nobody writes to must not hold us up before it is refused.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw ResultError("no such file: \(path)") }
            throw ResultError("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ResultError("cannot read \(path): \(String(cString: strerror(errno)))") }
        let kind = status.st_mode & S_IFMT
        if kind == S_IFDIR { throw ResultError("\(path) is a directory, not a file") }
        if kind != S_IFREG { throw ResultError("\(path) is not a regular file") }
        var failure: Int32 = 0
        let size = Int(status.st_size)
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            while filled < size, failure == 0 {
                let count = pread(descriptor, buffer.baseAddress.map { $0 + filled }, size - filled, off_t(filled))
                if count == 0 { break }
                if count > 0 { filled += count } else if errno != EINTR { failure = errno }
            }
        }
        if failure != 0 { throw ResultError("cannot read \(path): \(String(cString: strerror(failure)))") }
        return bytes
    }
}

/// Paths cut and joined as text. Foundation's path functions trap on some paths a person may type, for instance ".".
enum PathText {
    /// What stands before the last slash (empty without one) and after it.
    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }

    static func join(_ folder: String, _ name: String) -> String { folder.hasSuffix("/") ? folder + name : folder + "/" + name }

    /// From the root, without `.` and `..`.
    static func standardised(_ path: String) -> String {
        var parts: [Substring] = []
        let whole = path.hasPrefix("/") ? path : join(FileManager.default.currentDirectoryPath, path)
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The way to a path from a folder, such as `../results/a`; empty if they are the same.
    static func relative(_ path: String, from folder: String) -> String {
        let (target, start) = (standardised(path).split(separator: "/"), standardised(folder).split(separator: "/"))
        let common = zip(target, start).prefix { $0 == $1 }.count
        return (Array(repeating: "..", count: start.count - common) + target.dropFirst(common)).joined(separator: "/")
    }

    /// The file's name without what follows its last dot.
    static func baseName(_ path: String) -> String {
        let name = split(path).name
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
        return String(name[..<dot])
    }
}

/// Making folders, with errors in plain words.
enum Folders {
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Makes a folder and those above it, where they do not exist.
    ///
    /// - Throws: `ResultError` naming the part of the path that is in the way.
    static func make(_ path: String) throws(ResultError) {
        var status = stat()
        if stat(path, &status) == 0 {
            if status.st_mode & S_IFMT == S_IFDIR { return }
            throw ResultError("cannot make folder \(path): there is a file of that name")
        }
        let parent = PathText.split(path).folder
        if !parent.isEmpty, parent != path { try make(parent) }
        if mkdir(path, 0o777) != 0, errno != EEXIST {
            throw ResultError("cannot make folder \(path): \(String(cString: strerror(errno)))")
        }
    }
}
