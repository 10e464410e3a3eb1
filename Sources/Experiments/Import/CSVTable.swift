// Reads CSV as RFC 4180 has it, with positions for messages.

/// Something wrong in a table, with its place.
public struct CSVError: Error, Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// From 1.
    public var line: Int
    /// The column's name, or empty.
    public var column: String
    public var message: String

    /// FILE:LINE: COLUMN: message
    public var description: String { "\(file):\(line): " + (column.isEmpty ? "" : column + ": ") + message }
}

/// A table with a header; rows keep the line they start on.
struct CSVTable {
    struct Row {
        var line: Int
        fileprivate var fields: [String]
    }

    let file: String
    let header: [String]
    let rows: [Row]

    init(_ bytes: [UInt8], file: String) throws(CSVError) {
        self.file = file
        var records = try CSVTable.records(bytes, file: file)
        guard !records.isEmpty else { throw CSVError(file: file, line: 1, column: "", message: "is empty; expected a header row") }
        header = records.removeFirst().fields.map(\.trimmed)
        for record in records where record.fields.count != header.count {
            throw CSVError(
                file: file, line: record.line, column: "",
                message: "has \(record.fields.count) fields where the header has \(header.count)")
        }
        rows = records
    }

    /// The place of a column in the header.
    func column(_ name: String) throws(CSVError) -> Int {
        if let index = header.firstIndex(of: name) { return index }
        throw CSVError(
            file: file, line: 1, column: name, message: "there is no such column; the header has " + header.joined(separator: ", "))
    }

    func text(_ row: Row, _ column: Int) -> String { row.fields[column].trimmed }

    /// A whole number that is not negative.
    func count(_ row: Row, _ column: Int, maximum: Int = Int(Int32.max)) throws(CSVError) -> Int {
        guard let value = Int(text(row, column)), value >= 0, value <= maximum else {
            throw error(row, column, "expected a whole number from 0 to \(maximum)")
        }
        return value
    }

    func error(_ row: Row, _ column: Int, _ message: String) -> CSVError {
        CSVError(file: file, line: row.line, column: header[column], message: "\"\(text(row, column))\": " + message)
    }

    private static func records(_ bytes: [UInt8], file: String) throws(CSVError) -> [Row] {
        var rows: [Row] = []
        var fields: [String] = []
        var field: [UInt8] = []
        var line = 1
        var start = 1
        var quoted = false
        var position = 0
        // A byte order mark says nothing.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        func endField() {
            fields.append(String(decoding: field, as: UTF8.self))
            field.removeAll(keepingCapacity: true)
        }
        func endRow() {
            endField()
            if fields != [""] { rows.append(Row(line: start, fields: fields)) }
            fields.removeAll(keepingCapacity: true)
        }
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == 0x0A { line += 1 }
            if quoted {
                if byte != UInt8(ascii: "\"") {
                    field.append(byte)
                } else if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
                    field.append(byte)
                    position += 1
                } else {
                    quoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where field.isEmpty: quoted = true
            case UInt8(ascii: ","): endField()
            case 0x0D where position < bytes.count && bytes[position] == 0x0A: break
            case 0x0A:
                endRow()
                start = line
            case 0: throw CSVError(file: file, line: line, column: "", message: "is not text: it has a zero byte")
            default: field.append(byte)
            }
        }
        if quoted { throw CSVError(file: file, line: start, column: "", message: "has a quote that is never closed") }
        if !field.isEmpty || !fields.isEmpty { endRow() }
        return rows
    }
}
