// Empirical distributions from files: measurements as people have them, one a line or in a column of a CSV file.

extension Distribution {
    /// The empirical distribution of the numbers in a text.
    ///
    /// Without `column`: one number a line; blank lines and lines that start with `#` are skipped, and so is a first line that is a word (a
    /// header). With `column`: a CSV file (RFC 4180 quoting, but no line breaks within fields) whose header row names the column.
    /// - Parameters:
    ///   - text: the file's content.
    ///   - file: its name, for messages.
    ///   - column: the name of the CSV column to read.
    /// - Throws: ``DistributionError`` with file and line.
    public static func empirical(
        readingFrom text: String, file: String, column: String? = nil
    ) throws(DistributionError) -> Distribution {
        var values: [Double] = []
        var position: Int?
        var isFirst = true
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let content = trimmed(line)
            if content.isEmpty || content.hasPrefix("#") { continue }
            defer { isFirst = false }
            guard let column else {
                if isFirst, content.first?.isLetter == true, Double(content) == nil, !content.contains(",") { continue }
                values.append(try number(content, file: file, line: index + 1))
                continue
            }
            let fields = csvFields(content)
            guard let position else {
                position = fields.firstIndex(of: column)
                if position == nil {
                    throw .noData(file: file, reason: "no column \"\(column)\"; the columns are \(fields.joined(separator: ", "))")
                }
                continue
            }
            if position >= fields.count {
                throw .unreadable(file: file, line: index + 1, text: content, reason: "this row has no column \"\(column)\"")
            }
            values.append(try number(fields[position], file: file, line: index + 1))
        }
        if values.isEmpty { throw .noData(file: file, reason: "no numbers in it; an empirical distribution needs at least one") }
        return try empirical(values)
    }

    private static func number(_ text: String, file: String, line: Int) throws(DistributionError) -> Double {
        guard let value = Double(trimmed(text[...])) else {
            let reason = text.contains(",") ? "not one number; to read a CSV file, name the column" : "not a number"
            throw .unreadable(file: file, line: line, text: text, reason: reason)
        }
        if !value.isFinite || value < 0 {
            throw .unreadable(file: file, line: line, text: text, reason: "must be a finite number, not negative")
        }
        return value
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        // A byte order mark, as spreadsheets write it, is no whitespace to Swift.
        while let first = text.first, first.isWhitespace || first == "\u{FEFF}" { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }

    /// The fields of one line: separated by commas, possibly in double quotes, which are doubled inside.
    private static func csvFields(_ line: String) -> [String] {
        var fields: [String] = []
        var field = ""
        var isQuoted = false
        var previous: Character?
        for character in line {
            switch character {
            case "\"":
                if !isQuoted, previous == "\"" { field.append(character) }
                isQuoted.toggle()
            case "," where !isQuoted:
                fields.append(field)
                field = ""
            default: field.append(character)
            }
            previous = character
        }
        fields.append(field)
        return fields.map { trimmed($0[...]) }
    }
}
