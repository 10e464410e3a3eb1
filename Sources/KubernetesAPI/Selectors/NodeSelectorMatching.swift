// Node selectors judged on a node object by itself: for controllers and for scheduling hints, and as the reference the scheduler's
// compiled form is tested against.

extension NodeSelector {
    /// Whether one of the terms matches the node.
    package func matches(_ node: Node) -> Bool { terms.contains { $0.matches(node) } }
}

extension NodeSelectorTerm {
    /// Whether all conditions hold. A term without conditions, or with a malformed one, matches nothing.
    package func matches(_ node: Node) -> Bool {
        guard !matchExpressions.isEmpty || !matchFields.isEmpty else { return false }
        for expression in matchExpressions where !expression.matches(label: node.metadata.labels[expression.key]) { return false }
        for field in matchFields {
            guard field.key == NodeSelectorRequirement.nameField, field.values.count == 1 else { return false }
            switch field.operator {
            case .in: if field.values[0] != node.metadata.name { return false }
            case .notIn: if field.values[0] == node.metadata.name { return false }
            default: return false
            }
        }
        return true
    }
}

extension NodeSelectorRequirement {
    /// The only field that `matchFields` may name.
    package static let nameField = "metadata.name"

    /// Whether a label's value (nil: the node lacks the label) satisfies the condition.
    fileprivate func matches(label: String?) -> Bool {
        switch `operator` {
        case .in: return !values.isEmpty && label.map { values.contains($0) } ?? false
        case .notIn: return !values.isEmpty && !(label.map { values.contains($0) } ?? false)
        case .exists: return values.isEmpty && label != nil
        case .doesNotExist: return values.isEmpty && label == nil
        case .greaterThan, .lessThan:
            guard values.count == 1, let bound = Int64(values[0]), let label, let number = Int64(label) else { return false }
            return `operator` == .greaterThan ? number > bound : number < bound
        }
    }
}
