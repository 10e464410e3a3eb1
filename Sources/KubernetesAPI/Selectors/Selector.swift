// A list of requirements on labels, and its text form: "a=b,c in (x,y),!d,k>3".

/// Requirements that labels must all satisfy, or the selector that selects nothing (Kubernetes `labels.Selector`).
public struct Selector: Sendable, Hashable, CustomStringConvertible {
    /// The requirements ordered by key.
    public let requirements: [Requirement]
    /// Whether the selector matches nothing at all (an unset selector of most objects).
    public let selectsNothing: Bool

    /// Matches every object.
    public static let everything = Selector([])
    /// Matches no object.
    public static let nothing = Selector(requirements: [], selectsNothing: true)

    /// Labels must satisfy all of the requirements. They are ordered by key, equal keys in the order given.
    public init(_ requirements: [Requirement]) {
        self.init(requirements: requirements.sorted { $0.key < $1.key }, selectsNothing: false)
    }

    /// Labels must have all of these labels with these values; nothing is validated.
    public init(matching labels: Labels) {
        self.init(
            requirements: labels.map { Requirement(unchecked: $0.key, .equals, [$0.value]) }, selectsNothing: false)
    }

    /// Reads the text form, as in `kubectl get -l` and `scale.status.selector`.
    public init(text: String) throws(SelectorError) {
        var parser = SelectorParser(text)
        self.init(try parser.parse())
    }

    private init(requirements: [Requirement], selectsNothing: Bool) {
        self.requirements = requirements
        self.selectsNothing = selectsNothing
    }

    /// Whether all requirements are satisfied.
    public func matches(_ labels: Labels) -> Bool {
        if selectsNothing { return false }
        for requirement in requirements where !requirement.matches(labels) { return false }
        return true
    }

    /// Whether the selector restricts nothing.
    public var isEmpty: Bool { !selectsNothing && requirements.isEmpty }

    /// Whether the selector consists of requirements (the selector of nothing does not).
    public var isSelectable: Bool { !selectsNothing }

    /// The canonical text.
    public var description: String { requirements.map(\.description).joined(separator: ",") }
}

/// A recursive descent parser of the text form, with Kubernetes' tokens and messages.
private struct SelectorParser {
    private enum Token {
        case end, comma, open, close, not, identifier
        case comparison(SelectionOperator)
        /// The words "in" and "notin": operators where one is expected, names and values elsewhere.
        case word(SelectionOperator)
    }

    private var tokens: [(token: Token, text: String)] = []
    private var position = 0

    init(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while let first = bytes.first, first != 0 {
            switch first {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): bytes.removeFirst()
            case UInt8(ascii: "("): take(.open, 1, from: &bytes)
            case UInt8(ascii: ")"): take(.close, 1, from: &bytes)
            case UInt8(ascii: ","): take(.comma, 1, from: &bytes)
            case UInt8(ascii: ">"): take(.comparison(.greaterThan), 1, from: &bytes)
            case UInt8(ascii: "<"): take(.comparison(.lessThan), 1, from: &bytes)
            case UInt8(ascii: "="):
                if bytes.dropFirst().first == first {
                    take(.comparison(.doubleEquals), 2, from: &bytes)
                } else {
                    take(.comparison(.equals), 1, from: &bytes)
                }
            case UInt8(ascii: "!"):
                if bytes.dropFirst().first == UInt8(ascii: "=") {
                    take(.comparison(.notEquals), 2, from: &bytes)
                } else {
                    take(.not, 1, from: &bytes)
                }
            default: takeWord(from: &bytes)
            }
        }
        tokens.append((.end, ""))
    }

    private mutating func take(_ token: Token, _ length: Int, from bytes: inout ArraySlice<UInt8>) {
        tokens.append((token, String(decoding: bytes.prefix(length), as: UTF8.self)))
        bytes.removeFirst(length)
    }

    private mutating func takeWord(from bytes: inout ArraySlice<UInt8>) {
        let word = bytes.prefix { !"=!(),><\t\r\n \0".utf8.contains($0) }
        let text = String(decoding: word, as: UTF8.self)
        switch text {
        case "in": tokens.append((.word(.isIn), text))
        case "notin": tokens.append((.word(.notIn), text))
        default: tokens.append((.identifier, text))
        }
        bytes.removeFirst(word.count)
    }

    private var next: (token: Token, text: String) { tokens[min(position, tokens.count - 1)] }

    private mutating func consume() -> (token: Token, text: String) {
        defer { position += 1 }
        return next
    }

    mutating func parse() throws(SelectorError) -> [Requirement] {
        var requirements: [Requirement] = []
        while true {
            switch next.token {
            case .identifier, .word, .not: break
            case .end: return requirements
            default: throw SelectorError("found '\(next.text)', expected: !, identifier, or 'end of string'")
            }
            do {
                requirements.append(try requirement())
            } catch {
                throw SelectorError("unable to parse requirement: \(error)")
            }
            let separator = consume()
            switch separator.token {
            case .end: return requirements
            case .comma:
                switch next.token {
                case .identifier, .word, .not: break
                default: throw SelectorError("found '\(next.text)', expected: identifier after ','")
                }
            default: throw SelectorError("found '\(separator.text)', expected: ',' or 'end of string'")
            }
        }
    }

    private mutating func requirement() throws(SelectorError) -> Requirement {
        var isNegated = false
        var name = consume()
        if case .not = name.token {
            isNegated = true
            name = consume()
        }
        switch name.token {
        case .identifier, .word: break
        default: throw SelectorError("found '\(name.text)', expected: identifier")
        }
        let messages = NameValidation.qualifiedName(name.text)
        if !messages.isEmpty {
            throw SelectorError(FieldError.invalid("<nil>", name.text, messages.joined(separator: "; ")).description)
        }
        switch next.token {
        case .end, .comma:
            return try Requirement(key: name.text, operator: isNegated ? .doesNotExist : .exists, values: [])
        default: break
        }
        // "!key" followed by anything else was "does not exist" from the start: what follows is refused by the caller.
        if isNegated { return try Requirement(key: name.text, operator: .doesNotExist, values: []) }
        let comparison = consume()
        switch comparison.token {
        case .word(let selection): return try Requirement(key: name.text, operator: selection, values: try valueSet())
        case .comparison(let selection): return try Requirement(key: name.text, operator: selection, values: [try exactValue()])
        default: throw SelectorError("found '\(comparison.text)', expected: in, notin, =, ==, !=, gt, lt")
        }
    }

    /// The one value of a comparison; none at all is the empty string.
    private mutating func exactValue() throws(SelectorError) -> String {
        switch next.token {
        case .end, .comma: return ""
        default: break
        }
        let value = consume()
        switch value.token {
        case .identifier, .word: return value.text
        default: throw SelectorError("found '\(value.text)', expected: identifier")
        }
    }

    /// "(a,b)", sorted and without repetitions; an empty place is the empty string.
    private mutating func valueSet() throws(SelectorError) -> [String] {
        let open = consume()
        guard case .open = open.token else { throw SelectorError("found '\(open.text)' expected: '('") }
        var values: [String] = []
        func insert(_ value: String) {
            if !values.contains(value) { values.append(value) }
        }
        switch next.token {
        case .identifier, .word, .comma: break
        case .close:
            position += 1
            return [""]
        default: throw SelectorError("found '\(next.text)', expected: ',', ')' or identifier")
        }
        while true {
            let item = consume()
            switch item.token {
            case .identifier, .word:
                insert(item.text)
                switch next.token {
                case .comma: continue
                case .close:
                    position += 1
                    return values.sorted()
                default: throw SelectorError("found '\(next.text)', expected: ',' or ')'")
                }
            case .comma:
                if values.isEmpty { insert("") }
                switch next.token {
                case .close:
                    insert("")
                    position += 1
                    return values.sorted()
                case .comma:
                    position += 1
                    insert("")
                default: break
                }
            default: throw SelectorError("found '\(item.text)', expected: ',', or identifier")
            }
        }
    }
}
