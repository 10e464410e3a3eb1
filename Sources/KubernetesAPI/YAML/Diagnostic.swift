// What reading objects found wrong, with file, line and field.

/// One finding about an input file.
public struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
    public enum Severity: Sendable { case warning, error }

    public let severity: Severity
    public let file: String
    /// From 1.
    public let line: Int
    /// The path of the field, such as `spec.template.spec.containers[0].resources.requests[cpu]`; empty for a whole object.
    public let field: String
    public let message: String

    public init(severity: Severity, file: String, line: Int, field: String, message: String) {
        self.severity = severity
        self.file = file
        self.line = line
        self.field = field
        self.message = message
    }

    /// FILE:LINE: FIELD: message
    public var description: String {
        field.isEmpty ? "\(file):\(line): \(message)" : "\(file):\(line): \(field): \(message)"
    }
}
