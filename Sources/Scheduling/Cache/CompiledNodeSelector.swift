// Selectors on node labels, compiled against the node table: comparing numbers instead of texts.

import KubernetesAPI

/// One condition on a label (or the name) of a node.
public struct CompiledNodeRequirement: Hashable, Sendable {
    enum Test: Hashable, Sendable {
        case isIn([Int32])
        case notIn([Int32])
        case exists
        case doesNotExist
        case greaterThan(Int64)
        case lessThan(Int64)
    }
    let column: Int
    let test: Test

    func matches(_ slot: NodeSlot, _ nodes: NodeTable) -> Bool {
        let value = nodes.columns[column].valueOfNode[slot]
        switch test {
        case .isIn(let wanted): return value >= 0 && wanted.contains(value)
        case .notIn(let unwanted): return value < 0 || !unwanted.contains(value)
        case .exists: return value >= 0
        case .doesNotExist: return value < 0
        case .greaterThan(let bound):
            guard value >= 0, let number = nodes.columns[column].integers[Int(value)] else { return false }
            return number > bound
        case .lessThan(let bound):
            guard value >= 0, let number = nodes.columns[column].integers[Int(value)] else { return false }
            return number < bound
        }
    }
}

/// Conditions that must all hold; nil conditions match nothing (an empty or malformed term).
public struct CompiledNodeTerm: Hashable, Sendable {
    let requirements: [CompiledNodeRequirement]?

    func matches(_ slot: NodeSlot, _ nodes: NodeTable) -> Bool {
        guard let requirements else { return false }
        for requirement in requirements where !requirement.matches(slot, nodes) { return false }
        return true
    }

    init(_ term: NodeSelectorTerm, _ nodes: inout NodeTable) {
        guard !term.matchExpressions.isEmpty || !term.matchFields.isEmpty else {
            requirements = nil
            return
        }
        var compiled: [CompiledNodeRequirement] = []
        for expression in term.matchExpressions {
            let column = nodes.column(of: expression.key)
            guard let test = CompiledNodeTerm.test(expression, column, &nodes) else {
                requirements = nil
                return
            }
            compiled.append(CompiledNodeRequirement(column: column, test: test))
        }
        for field in term.matchFields {
            // The only field is the name, and it takes one value.
            guard field.key == CompiledNodeTerm.nameField, field.values.count == 1,
                field.operator == .in || field.operator == .notIn
            else {
                requirements = nil
                return
            }
            let column = nodes.columnOfNames()
            let value = nodes.number(of: field.values[0], in: column)
            compiled.append(CompiledNodeRequirement(column: column, test: field.operator == .in ? .isIn([value]) : .notIn([value])))
        }
        requirements = compiled
    }

    /// nil when the number of values or their form does not suit the operator.
    private static func test(
        _ expression: NodeSelectorRequirement, _ column: Int, _ nodes: inout NodeTable
    ) -> CompiledNodeRequirement.Test? {
        switch expression.operator {
        case .in, .notIn:
            guard !expression.values.isEmpty else { return nil }
            var numbers: [Int32] = []
            for value in expression.values { numbers.append(nodes.number(of: value, in: column)) }
            return expression.operator == .in ? .isIn(numbers) : .notIn(numbers)
        case .exists: return expression.values.isEmpty ? .exists : nil
        case .doesNotExist: return expression.values.isEmpty ? .doesNotExist : nil
        case .greaterThan, .lessThan:
            guard expression.values.count == 1, let bound = Int64(expression.values[0]) else { return nil }
            return expression.operator == .greaterThan ? .greaterThan(bound) : .lessThan(bound)
        }
    }

    static let nameField = "metadata.name"
}

/// Terms of which one must match.
public struct CompiledNodeSelector: Hashable, Sendable {
    let terms: [CompiledNodeTerm]

    init(_ selector: NodeSelector, _ nodes: inout NodeTable) {
        var terms: [CompiledNodeTerm] = []
        for term in selector.terms { terms.append(CompiledNodeTerm(term, &nodes)) }
        self.terms = terms
    }

    func matches(_ slot: NodeSlot, _ nodes: NodeTable) -> Bool {
        for term in terms where term.matches(slot, nodes) { return true }
        return false
    }
}

/// A term that adds to a node's score.
public struct CompiledPreferredTerm: Hashable, Sendable {
    let weight: Int64
    let term: CompiledNodeTerm

    /// The terms that count: weight 0 and empty preferences do not.
    static func compile(_ terms: [PreferredSchedulingTerm], _ nodes: inout NodeTable) -> [CompiledPreferredTerm] {
        var result: [CompiledPreferredTerm] = []
        for preferred in terms where preferred.weight != 0 {
            let term = CompiledNodeTerm(preferred.preference, &nodes)
            guard term.requirements != nil else { continue }
            result.append(CompiledPreferredTerm(weight: Int64(preferred.weight), term: term))
        }
        return result
    }
}
