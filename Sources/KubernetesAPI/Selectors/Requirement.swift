// One condition of a selector: key, operator, values. Both forms of label selectors are lists of these.

/// How a requirement relates a label to its values (Kubernetes `selection.Operator`; raw values as in its messages).
public enum SelectionOperator: String, Sendable, Hashable, CaseIterable {
    case isIn = "in"
    case notIn = "notin"
    case equals = "="
    case doubleEquals = "=="
    case notEquals = "!="
    case exists
    case doesNotExist = "!"
    case greaterThan = "gt"
    case lessThan = "lt"
}

/// One condition on labels (Kubernetes `labels.Requirement`).
public struct Requirement: Sendable, Hashable, CustomStringConvertible {
    public let key: String
    public let `operator`: SelectionOperator
    public let values: [String]

    /// A requirement that is known to be valid.
    package init(unchecked key: String, _ operator: SelectionOperator, _ values: [String]) {
        self.key = key
        self.operator = `operator`
        self.values = values
    }

    /// Checks key, number of values and values as Kubernetes' `NewRequirement` does.
    ///
    /// - Throws: `SelectorError` with the API server's text, several errors as `[a, b]`.
    public init(key: String, operator: SelectionOperator, values: [String]) throws(SelectorError) {
        let errors = Requirement.errors(key: key, operator: `operator`, values: values)
        guard errors.isEmpty else { throw SelectorError(FieldError.aggregate(errors)) }
        self.init(unchecked: key, `operator`, values)
    }

    /// What is wrong with a requirement, in Kubernetes' words; fields are relative to it.
    package static func errors(key: String, operator: SelectionOperator, values: [String]) -> [FieldError] {
        var errors: [FieldError] = []
        let keyMessages = NameValidation.qualifiedName(key)
        if !keyMessages.isEmpty { errors.append(.invalid("key", key, keyMessages.joined(separator: "; "))) }
        switch `operator` {
        case .isIn, .notIn:
            if values.isEmpty { errors.append(.invalid("values", values, "for 'in', 'notin' operators, values set can't be empty")) }
        case .equals, .doubleEquals, .notEquals:
            if values.count != 1 { errors.append(.invalid("values", values, "exact-match compatibility requires one single value")) }
        case .exists, .doesNotExist:
            if !values.isEmpty { errors.append(.invalid("values", values, "values set must be empty for exists and does not exist")) }
        case .greaterThan, .lessThan:
            if values.count != 1 {
                errors.append(.invalid("values", values, "for 'Gt', 'Lt' operators, exactly one value is required"))
            }
            for (index, value) in values.enumerated() where Requirement.integer(value) == nil {
                errors.append(.invalid("values[\(index)]", value, "for 'Gt', 'Lt' operators, the value must be an integer"))
            }
        }
        for (index, value) in values.enumerated() {
            let messages = NameValidation.labelValue(value)
            if !messages.isEmpty { errors.append(.invalid("values[\(index)][\(key)]", value, messages.joined(separator: "; "))) }
        }
        return errors
    }

    /// Whether the labels satisfy the requirement. What a missing label means follows Kubernetes: it satisfies only
    /// `notin`, `!=` and `!`.
    public func matches(_ labels: Labels) -> Bool { matches(value: labels[key]) }

    /// Whether a label's value, nil if there is none, satisfies the requirement.
    public func matches(value: String?) -> Bool {
        guard let value else {
            return `operator` == .notIn || `operator` == .notEquals || `operator` == .doesNotExist
        }
        switch `operator` {
        case .isIn, .equals, .doubleEquals: return values.contains(value)
        case .notIn, .notEquals: return !values.contains(value)
        case .exists: return true
        case .doesNotExist: return false
        case .greaterThan, .lessThan:
            guard values.count == 1, let limit = Requirement.integer(values[0]), let number = Requirement.integer(value) else {
                return false
            }
            return `operator` == .greaterThan ? number > limit : number < limit
        }
    }

    /// The canonical text: `app in (a,b)` with sorted values.
    public var description: String {
        switch `operator` {
        case .exists: key
        case .doesNotExist: "!" + key
        case .equals, .doubleEquals, .notEquals: key + `operator`.rawValue + valueList
        case .greaterThan: key + ">" + valueList
        case .lessThan: key + "<" + valueList
        case .isIn, .notIn: key + " " + `operator`.rawValue + " (" + valueList + ")"
        }
    }

    private var valueList: String { values.count == 1 ? values[0] : values.sorted().joined(separator: ",") }

    /// A decimal 64-bit integer with an optional sign, or nil: how `Gt` and `Lt` read labels (also in node affinity).
    package static func integer(_ text: String) -> Int64? { Int64(text) }
}

/// Why a selector is invalid; the text is Kubernetes'.
public struct SelectorError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
