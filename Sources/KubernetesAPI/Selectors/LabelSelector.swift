// The LabelSelector object of Deployments, Services' peers, affinities and budgets.

/// A selector as objects carry it (Kubernetes `metav1.LabelSelector`). An empty one matches everything; where it is
/// optional, an absent one matches nothing.
public struct LabelSelector: Sendable, Hashable {
    /// Labels that must be there with these values.
    public var matchLabels: Labels
    /// Further conditions; all must hold.
    public var matchExpressions: [LabelSelectorRequirement]

    public init(matchLabels: Labels = [:], matchExpressions: [LabelSelectorRequirement] = []) {
        self.matchLabels = matchLabels
        self.matchExpressions = matchExpressions
    }

    /// Whether the selector has no condition at all.
    public var isEmpty: Bool { matchLabels.isEmpty && matchExpressions.isEmpty }

    /// Whether the labels satisfy all conditions. An invalid operator is never satisfied.
    public func matches(_ labels: Labels) -> Bool {
        for (key, value) in matchLabels where labels[key] != value { return false }
        for expression in matchExpressions where !expression.matches(labels) { return false }
        return true
    }

    /// The selector as a list of requirements (Kubernetes `LabelSelectorAsSelector`).
    ///
    /// - Throws: `SelectorError` for the first condition that is invalid, labels before expressions.
    public func selector() throws(SelectorError) -> Selector {
        var requirements: [Requirement] = []
        requirements.reserveCapacity(matchLabels.count + matchExpressions.count)
        for (key, value) in matchLabels { requirements.append(try Requirement(key: key, operator: .equals, values: [value])) }
        for expression in matchExpressions {
            guard let selection = expression.operator.selection else {
                throw SelectorError("\(GoText.quoted(expression.operator.rawValue)) is not a valid label selector operator")
            }
            requirements.append(try Requirement(key: expression.key, operator: selection, values: expression.values))
        }
        return Selector(requirements)
    }

    /// What the API server's validation says about the selector at `path`, such as `spec.selector`.
    public func validate(at path: String) -> [FieldError] {
        var errors = LabelSelector.validate(labels: matchLabels, at: path + ".matchLabels")
        for (index, expression) in matchExpressions.enumerated() {
            errors += expression.validate(at: "\(path).matchExpressions[\(index)]")
        }
        return errors
    }

    /// What the API server's validation says about labels at `path` (Kubernetes `ValidateLabels`).
    public static func validate(labels: Labels, at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (key, value) in labels {
            errors += NameValidation.qualifiedName(key).map { .invalid(path, key, $0) }
            errors += NameValidation.labelValue(value).map { .invalid(path, value, $0) }
        }
        return errors
    }
}

/// One condition of a `LabelSelector`.
public struct LabelSelectorRequirement: Sendable, Hashable {
    /// The operator as given; only the four constants are valid.
    public struct Operator: RawRepresentable, Sendable, Hashable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public static let isIn = Operator(rawValue: "In")
        public static let notIn = Operator(rawValue: "NotIn")
        public static let exists = Operator(rawValue: "Exists")
        public static let doesNotExist = Operator(rawValue: "DoesNotExist")

        var selection: SelectionOperator? {
            switch rawValue {
            case "In": .isIn
            case "NotIn": .notIn
            case "Exists": .exists
            case "DoesNotExist": .doesNotExist
            default: nil
            }
        }
    }

    public var key: String
    public var `operator`: Operator
    public var values: [String]

    public init(key: String, operator: Operator, values: [String] = []) {
        self.key = key
        self.operator = `operator`
        self.values = values
    }

    /// Whether the labels satisfy the condition.
    public func matches(_ labels: Labels) -> Bool {
        guard let selection = `operator`.selection else { return false }
        return Requirement(unchecked: key, selection, values).matches(labels)
    }

    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        switch `operator` {
        case .isIn, .notIn:
            if values.isEmpty { errors.append(.required(path + ".values", "must be specified when `operator` is 'In' or 'NotIn'")) }
        case .exists, .doesNotExist:
            if !values.isEmpty {
                errors.append(.forbidden(path + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
            }
        default: errors.append(.invalid(path + ".operator", `operator`.rawValue, "not a valid selector operator"))
        }
        errors += NameValidation.qualifiedName(key).map { .invalid(path + ".key", key, $0) }
        for (index, value) in values.enumerated() {
            errors += NameValidation.labelValue(value).map { .invalid("\(path).values[\(index)]", value, $0) }
        }
        return errors
    }
}
