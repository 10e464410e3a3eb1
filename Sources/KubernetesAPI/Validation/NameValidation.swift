// Which names, label keys and values Kubernetes accepts, and what it says about the others.
//
// Each function returns the API server's messages; an empty list means the text is valid. Sources: RFC 1123, RFC 1035,
// RFC 6335 and Kubernetes' "Object Names and IDs" and "Labels and Selectors" concept pages. Lengths are in UTF-8 bytes.

/// Validation of names and labels with the API server's messages.
public enum NameValidation {
    /// A name of at most 63 lower case letters, digits and hyphens: namespaces, containers, volumes.
    public static func dns1123Label(_ value: String) -> [String] {
        var messages = lengthMessage(value, limit: 63)
        if !isLabel(value.utf8[...]) {
            messages.append(isSubdomain(value.utf8[...]) ? "must not contain dots" : Message.dns1123Label)
        }
        return messages
    }

    /// DNS labels joined by dots, at most 253 bytes: the name of most objects.
    public static func dns1123Subdomain(_ value: String) -> [String] {
        lengthMessage(value, limit: 253) + (isSubdomain(value.utf8[...]) ? [] : [Message.dns1123Subdomain])
    }

    /// As `dns1123Label`, but starting with a letter: the name of a Service.
    public static func dns1035Label(_ value: String) -> [String] {
        let isValid = isLabel(value.utf8[...]) && !isDigit(value.utf8.first ?? 0)
        return lengthMessage(value, limit: 63) + (isValid ? [] : [Message.dns1035Label])
    }

    /// "*." and a DNS subdomain: the host of an Ingress.
    public static func wildcardSubdomain(_ value: String) -> [String] {
        let isValid = value.utf8.starts(with: "*.".utf8) && isSubdomain(value.utf8.dropFirst(2))
        return lengthMessage(value, limit: 253) + (isValid ? [] : [Message.wildcardSubdomain])
    }

    /// The value of a label: empty, or at most 63 bytes of letters, digits, '-', '_' and '.'.
    public static func labelValue(_ value: String) -> [String] {
        var messages: [String] = []
        if value.utf8.count > 63 { messages.append("must be no more than 63 bytes") }
        if !value.isEmpty, !isQualifiedPart(value.utf8[...]) { messages.append(Message.labelValue) }
        return messages
    }

    /// A label key, resource name or finalizer: an optional DNS subdomain and slash, then a name of at most 63 bytes.
    public static func qualifiedName(_ value: String) -> [String] {
        if isPlainQualifiedName(value) { return [] }
        let parts = value.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var messages: [String] = []
        switch parts.count {
        case 1: break
        case 2 where parts[0].isEmpty: messages.append("prefix part must be non-empty")
        case 2: messages += dns1123Subdomain(String(parts[0]) ?? "").map { "prefix part " + $0 }
        default: return [Message.labelKeyShape]
        }
        let name = parts[parts.count - 1]
        if name.isEmpty {
            messages.append("name part must be non-empty")
        } else if name.count > 63 {
            messages.append("name part must be no more than 63 bytes")
        }
        if !isQualifiedPart(name) { messages.append("name part " + Message.qualifiedPart) }
        return messages
    }

    /// The strict form of an environment variable's name.
    public static func envVarName(_ value: String) -> [String] {
        let isValid = !value.isEmpty && !isDigit(value.utf8.first ?? 0) && value.utf8.allSatisfy(isConfigKeyByte)
        return (isValid ? [] : [Message.envVarName]) + directoryMessages(value)
    }

    /// The name of an environment variable of a container: anything printable but the sign that ends it.
    public static func relaxedEnvVarName(_ value: String) -> [String] {
        let isValid = !value.isEmpty && value.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=") }
        return isValid ? [] : [Message.relaxedEnvVarName]
    }

    /// A key of a ConfigMap or Secret.
    public static func configMapKey(_ value: String) -> [String] {
        let isValid = !value.isEmpty && value.utf8.allSatisfy(isConfigKeyByte)
        return lengthMessage(value, limit: 253) + (isValid ? [] : [Message.configMapKey]) + directoryMessages(value)
    }

    /// A text that may be one part of a URL's path: the name of a metric, say.
    public static func pathSegment(_ value: String) -> [String] {
        if value == "." || value == ".." { return ["may not be '\(value)'"] }
        return ["/", "%"].filter { value.contains($0) }.map { "may not contain '\($0)'" }
    }

    /// The name of a port (RFC 6335 service name): at most 15 letters, digits and hyphens.
    public static func portName(_ value: String) -> [String] {
        let bytes = value.utf8
        var messages = lengthMessage(value, limit: 15)
        if bytes.isEmpty || !bytes.allSatisfy(isLabelByte) {
            messages.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: isLowerCase) { messages.append("must contain at least one letter (a-z)") }
        if zip(bytes, bytes.dropFirst()).contains(where: { $0 == hyphen && $1 == hyphen }) {
            messages.append("must not contain consecutive hyphens")
        }
        if bytes.first == hyphen || bytes.last == hyphen { messages.append("must not begin or end with a hyphen") }
        return messages
    }

    /// Whether the text is a qualified name of the usual kind; says no to some unusual ones. Allocates nothing, since large dumps
    /// have hundreds of thousands of them.
    private static func isPlainQualifiedName(_ value: String) -> Bool {
        var copy = value
        return copy.withUTF8 { bytes in
            guard !bytes.isEmpty, bytes.count <= 63 else { return false }
            var isStart = true
            var slash = -1
            for (index, byte) in bytes.enumerated() {
                if isDigit(byte) || isLowerCase(byte) {
                    isStart = false
                } else if isStart {
                    return false
                } else if byte == UInt8(ascii: "/") {
                    guard slash < 0, isLetterOrDigit(bytes[index - 1]) else { return false }
                    slash = index
                    isStart = true
                } else if byte == UInt8(ascii: ".") {
                    guard isLetterOrDigit(bytes[index - 1]) else { return false }
                    isStart = slash < 0
                } else if byte != hyphen {
                    return false
                }
            }
            return isLetterOrDigit(bytes[bytes.count - 1])
        }
    }

    // MARK: Character classes

    private static let hyphen = UInt8(ascii: "-")

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    private static func isLowerCase(_ byte: UInt8) -> Bool { byte &- 0x61 < 26 }
    private static func isLetterOrDigit(_ byte: UInt8) -> Bool { isDigit(byte) || isLowerCase(byte | 0x20) }
    private static func isLabelByte(_ byte: UInt8) -> Bool { isDigit(byte) || isLowerCase(byte) || byte == hyphen }
    private static func isConfigKeyByte(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || byte == hyphen || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }

    /// [a-z0-9]([-a-z0-9]*[a-z0-9])?
    private static func isLabel(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return first != hyphen && last != hyphen && bytes.allSatisfy(isLabelByte)
    }

    /// Labels joined by dots.
    private static func isSubdomain(_ bytes: Substring.UTF8View) -> Bool {
        bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(isLabel)
    }

    /// ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]
    private static func isQualifiedPart(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return isLetterOrDigit(first) && isLetterOrDigit(last) && bytes.allSatisfy(isConfigKeyByte)
    }

    private static func lengthMessage(_ value: String, limit: Int) -> [String] {
        value.utf8.count > limit ? ["must be no more than \(limit) characters"] : []
    }

    /// Keys become file names, so those that lead out of a directory are refused.
    private static func directoryMessages(_ value: String) -> [String] {
        if value == "." { return ["must not be '.'"] }
        if value == ".." { return ["must not be '..'"] }
        if value.hasPrefix("..") { return ["must not start with '..'"] }
        return []
    }
}

/// The longer messages, word for word the API server's.
private enum Message {
    static let label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    static let subdomain = label + "(\\." + label + ")*"
    static let part = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

    static let dns1123Label = expression(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
            + "alphanumeric character", label, "my-name", "123-abc")
    static let dns1123Subdomain = expression(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
            + "with an alphanumeric character", subdomain, "example.com")
    static let dns1035Label = expression(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end "
            + "with an alphanumeric character", "[a-z]([-a-z0-9]*[a-z0-9])?", "my-name", "abc-123")
    static let wildcardSubdomain = expression(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case "
            + "alphanumeric characters, '-' or '.' and end with an alphanumeric character", "\\*\\." + subdomain, "*.example.com")
    static let labelValue = expression(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end "
            + "with an alphanumeric character", "(" + part + ")?", "MyValue", "my_value", "12345")
    static let qualifiedPart = expression(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        part, "MyName", "my.name", "123-abc")
    static let labelKeyShape =
        "a valid label key " + qualifiedPart + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
    static let envVarName = expression(
        "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start "
            + "with a digit", "[-._a-zA-Z][-._a-zA-Z0-9]*", "my.env-name", "MY_ENV.NAME", "MyEnvName1")
    static let relaxedEnvVarName = "a valid environment variable name must consist only of printable ASCII characters other than '='"
    static let configMapKey = expression(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name")

    private static func expression(_ rule: String, _ pattern: String, _ examples: String...) -> String {
        rule + " (e.g. " + examples.map { "'\($0)', " }.joined(separator: " or ") + "regex used for validation is '\(pattern)')"
    }
}
