// An error about one field of an object, worded as the API server words it.

/// What is wrong with one field of an object (Kubernetes `field.Error`).
public struct FieldError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of error; the raw value is the API server's wording.
    public enum Kind: String, Sendable {
        case notFound = "Not found"
        case required = "Required value"
        case duplicate = "Duplicate value"
        case invalid = "Invalid value"
        case notSupported = "Unsupported value"
        case forbidden = "Forbidden"
        case tooLong = "Too long"
        case tooMany = "Too many"
        case internalError = "Internal error"
    }

    public let kind: Kind
    /// The reason by which clients tell causes apart (`status.details.causes[].reason`).
    public var causeReason: String {
        switch kind {
        case .notFound: "FieldValueNotFound"
        case .required: "FieldValueRequired"
        case .duplicate: "FieldValueDuplicate"
        case .invalid: "FieldValueInvalid"
        case .notSupported: "FieldValueNotSupported"
        case .forbidden: "FieldValueForbidden"
        case .tooLong: "FieldValueTooLong"
        case .tooMany: "FieldValueTooMany"
        case .internalError: "InternalError"
        }
    }

    /// The path of the field, such as `spec.selector.matchLabels`.
    public let field: String
    /// The offending value as it appears in the message, or nil.
    public let value: String?
    public let detail: String

    public init(_ kind: Kind, field: String, value: String? = nil, detail: String) {
        self.kind = kind
        self.field = field
        self.value = value
        self.detail = detail
    }

    /// The API server's sentence without the field: `Invalid value: "x": must be y`.
    public var body: String {
        var text = kind.rawValue
        if let value { text += ": " + value }
        if !detail.isEmpty { text += ": " + detail }
        return text
    }

    /// `spec.replicas: Invalid value: -1: must be greater than or equal to 0`
    public var description: String { field + ": " + body }

    public static func required(_ field: String, _ detail: String = "") -> FieldError {
        FieldError(.required, field: field, detail: detail)
    }

    public static func forbidden(_ field: String, _ detail: String) -> FieldError {
        FieldError(.forbidden, field: field, detail: detail)
    }

    /// A text value that is wrong; it is quoted in the message.
    public static func invalid(_ field: String, _ value: String, _ detail: String) -> FieldError {
        FieldError(.invalid, field: field, value: GoText.quoted(value), detail: detail)
    }

    /// A number that is wrong.
    public static func invalid(_ field: String, _ value: some BinaryInteger, _ detail: String) -> FieldError {
        FieldError(.invalid, field: field, value: String(value), detail: detail)
    }

    /// A list of texts that is wrong; the message has it as JSON, an empty list as `null`.
    public static func invalid(_ field: String, _ values: [String], _ detail: String) -> FieldError {
        FieldError(.invalid, field: field, value: GoText.jsonList(values), detail: detail)
    }

    /// A value that the message shows as it is, in its own form (JSON, mostly), when `quoted` is false.
    static func invalid(_ field: String, _ value: String, quoted: Bool, _ detail: String) -> FieldError {
        FieldError(.invalid, field: field, value: quoted ? GoText.quoted(value) : value, detail: detail)
    }

    /// A list that is too long, if it is.
    static func tooMany(_ field: String, _ count: Int, most: Int) -> [FieldError] {
        count > most ? [FieldError(.tooMany, field: field, value: String(count), detail: "must have at most \(most) items")] : []
    }

    public static func duplicate(_ field: String, _ value: String) -> FieldError {
        FieldError(.duplicate, field: field, value: GoText.quoted(value), detail: "")
    }

    /// A text that is none of the values supported.
    public static func notSupported(_ field: String, _ value: String, supported: [String]) -> FieldError {
        let list = supported.map(GoText.quoted).joined(separator: ", ")
        return FieldError(
            .notSupported, field: field, value: GoText.quoted(value), detail: list.isEmpty ? "" : "supported values: " + list)
    }

    /// Several errors in one text: one alone as it is, more as `[a, b]`, repeated texts once (Go's `ToAggregate`).
    public static func aggregate(_ errors: [FieldError]) -> String {
        var texts: [String] = []
        for text in errors.map(\.description) where !texts.contains(text) { texts.append(text) }
        return texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]"
    }
}
