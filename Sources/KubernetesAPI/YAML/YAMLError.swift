// Why a file could not be read as YAML or JSON.

/// A file that is not YAML: where it stops being YAML, and why.
public struct YAMLError: Error, Sendable, Equatable, CustomStringConvertible {
    public let file: String
    /// From 1; 0 when the error concerns the file as a whole.
    public let line: Int
    /// From 1; 0 when not known.
    public let column: Int
    public let message: String

    /// FILE:LINE:COLUMN: message
    public var description: String {
        if line == 0 { return "\(file): \(message)" }
        return column == 0 ? "\(file):\(line): \(message)" : "\(file):\(line):\(column): \(message)"
    }
}
