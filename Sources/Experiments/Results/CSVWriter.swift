// Writes CSV as RFC 4180 has it, fast: bytes into a buffer, the buffer into a file, a fingerprint on the way.

import DiscreteEvents
import Foundation

/// What a finished result file was: listed in `run.json`.
public struct WrittenFile: Hashable, Sendable {
    public var name: String
    public var bytes: Int
    /// Rows below the header; lines for other files.
    public var rows: Int
    public var fingerprint: Fingerprint
}

/// A file being written through a buffer. Errors of the file system are kept and thrown by ``finish()``.
struct BufferedFile: ~Copyable {
    private static let flushSize = 1 << 20

    private let name: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var bytes = 0
    private var fingerprint = Fingerprint()
    private var failure: Int32 = 0

    /// - Throws: `ResultError` when the file cannot be created.
    init(name: String, in folder: String) throws(ResultError) {
        self.name = name
        let path = folder + "/" + name
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        if descriptor < 0 { throw ResultError("cannot write \(path): \(String(cString: strerror(errno)))") }
        buffer.reserveCapacity(BufferedFile.flushSize + 4096)
    }

    deinit { close(descriptor) }

    mutating func append(_ byte: UInt8) { buffer.append(byte) }

    mutating func append(_ text: String) { buffer.append(contentsOf: text.utf8) }

    mutating func append(_ text: StaticString) {
        buffer.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func withBuffer(_ change: (inout [UInt8]) -> Void) { change(&buffer) }

    /// To be called at the end of every line: writes the buffer out when it is full.
    mutating func endOfLine() {
        if buffer.count >= BufferedFile.flushSize { flush() }
    }

    private mutating func flush() {
        fingerprint.add(buffer)
        bytes += buffer.count
        buffer.withUnsafeBytes { all in
            var rest = all[...]
            while !rest.isEmpty, failure == 0 {
                let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0 {
                    if errno != EINTR { failure = errno }
                } else {
                    rest = rest.dropFirst(count)
                }
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    mutating func finish(rows: Int) throws(ResultError) -> WrittenFile {
        flush()
        if failure != 0 { throw ResultError("cannot write \(name): \(String(cString: strerror(failure)))") }
        return WrittenFile(name: name, bytes: bytes, rows: rows, fingerprint: fingerprint)
    }
}

/// Results cannot be written; the message says which file and why.
public struct ResultError: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// One CSV table: a header, then rows of as many fields. Lines end with CR LF only where RFC 4180 readers need it: they do
/// not, and pandas, DuckDB and a person's tools prefer a plain LF, so LF it is.
struct CSVWriter: ~Copyable {
    private var file: BufferedFile
    private let columns: Int
    private var filled = 0
    private var rows = 0

    init(name: String, in folder: String, header: [String]) throws(ResultError) {
        file = try BufferedFile(name: name, in: folder)
        columns = header.count
        for column in header { field(column) }
        endRow()
        rows = 0
    }

    private mutating func separate() {
        if filled > 0 { file.append(UInt8(ascii: ",")) }
        filled += 1
    }

    /// A missing value.
    mutating func missing() { separate() }

    mutating func field(_ text: String) {
        separate()
        file.append(CSVWriter.quoted(text))
    }

    /// A field as it stands in a file: in quotes if it needs them.
    static func quoted(_ text: String) -> String {
        var text = text
        let quotes = text.withUTF8 { bytes in
            bytes.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 0x0A || $0 == 0x0D }
        }
        return quotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }

    mutating func field(_ value: Int) {
        separate()
        file.withBuffer { Decimal10.append(Int64(value), to: &$0) }
    }

    /// A real number in the shortest form that reads back as the same number; infinities and not-a-numbers are missing.
    mutating func field(_ value: Int?) {
        if let value { field(value) } else { field("") }
    }

    mutating func field(_ value: Double?) {
        separate()
        guard let value, value.isFinite else { return }
        if value == value.rounded(), value.magnitude < 1e15 {
            file.withBuffer { Decimal10.append(Int64(value), to: &$0) }
        } else {
            file.append(value.description)
        }
    }

    mutating func field(_ value: Bool) {
        separate()
        file.append(value ? "true" : "false")
    }

    /// A time in seconds, exact.
    mutating func field(_ time: SimulatedTime?) {
        separate()
        if let time { file.withBuffer { time.appendSecondsText(to: &$0) } }
    }

    /// A duration in seconds, exact.
    mutating func field(_ duration: SimulatedDuration?) {
        separate()
        if let duration { file.withBuffer { duration.appendSecondsText(to: &$0) } }
    }

    mutating func endRow() {
        precondition(filled == columns, "a row of \(filled) fields below a header of \(columns)")
        filled = 0
        rows += 1
        file.append(UInt8(ascii: "\n"))
        file.endOfLine()
    }

    mutating func finish() throws(ResultError) -> WrittenFile { try file.finish(rows: rows) }
}

/// Decimal digits of integers, without a String on the way.
enum Decimal10 {
    static func append(_ value: Int64, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        append(digits: value.magnitude, to: &bytes)
    }

    private static func append(digits value: UInt64, to bytes: inout [UInt8]) {
        let first = bytes.count
        var rest = value
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
            rest = quotient
        } while rest > 0
        bytes[first...].reverse()
    }
}
