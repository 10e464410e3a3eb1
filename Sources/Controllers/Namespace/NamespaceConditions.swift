// The conditions of a namespace that is being deleted: how far its content is, in the words of the real controller.

import DiscreteEvents
import KubernetesAPI

/// What a pass over a namespace left behind.
struct RemainingContent: Sendable {
    /// Objects by resource ("pods."), and by finalizer: in the order in which they were found.
    private(set) var resources: [(name: String, count: Int)] = []
    private(set) var finalizers: [(name: String, count: Int)] = []

    var isEmpty: Bool { resources.isEmpty }

    mutating func add(_ object: APIObject) {
        RemainingContent.count(RemainingContent.resource(of: object), in: &resources)
        for finalizer in object.metadata.finalizers { RemainingContent.count(finalizer, in: &finalizers) }
    }

    private static func count(_ name: String, in counts: inout [(name: String, count: Int)]) {
        if let index = counts.firstIndex(where: { $0.name == name }) {
            counts[index].count += 1
        } else {
            counts.append((name, 1))
        }
    }

    /// Resource and group with a dot between, also where the group is empty.
    private static func resource(of object: APIObject) -> String {
        guard case .unstructured(let other) = object else {
            let name = object.kind.resource
            return name.contains(".") ? name : name + "."
        }
        let version = other.value.apiVersion
        let group = version.contains("/") ? version.prefix { $0 != "/" } : ""
        return Unstructured.plural(other.value.kindName) + "." + group
    }
}

enum NamespaceConditions {
    private struct Kind {
        let type: ConditionType
        let reason: String
        let message: String
    }

    private static let contentFailure = ConditionType(rawValue: "NamespaceDeletionContentFailure")
    private static let contentRemaining = ConditionType(rawValue: "NamespaceContentRemaining")
    private static let finalizersRemaining = ConditionType(rawValue: "NamespaceFinalizersRemaining")

    /// All of them, with what they say when there is nothing to say.
    private static let kinds = [
        Kind(
            type: ConditionType(rawValue: "NamespaceDeletionDiscoveryFailure"), reason: "ResourcesDiscovered",
            message: "All resources successfully discovered"),
        Kind(
            type: ConditionType(rawValue: "NamespaceDeletionGroupVersionParsingFailure"), reason: "ParsedGroupVersions",
            message: "All legacy kube types successfully parsed"),
        Kind(
            type: contentFailure, reason: "ContentDeleted", message: "All content successfully deleted, may be waiting on finalization"),
        Kind(type: contentRemaining, reason: "ContentRemoved", message: "All content successfully removed"),
        Kind(type: finalizersRemaining, reason: "ContentHasNoFinalizers", message: "All content-preserving finalizers finished"),
    ]

    /// The conditions after a pass.
    /// - Parameters:
    ///   - remaining: what is left of the content; nil if the pass ended before all of it was counted.
    ///   - failures: what could not be deleted, and why.
    static func after(
        _ remaining: RemainingContent?, failures: [String], over old: [Condition], at now: SimulatedTime
    ) -> [Condition] {
        var conditions = old
        for kind in kinds {
            var condition = Condition(
                kind.type, .false, reason: kind.reason, message: kind.message, lastTransitionTime: now.truncatedToSeconds)
            if let (reason, message) = problem(kind.type, remaining, failures) {
                condition.status = .true
                condition.reason = reason
                condition.message = message
            }
            conditions.set(condition)
        }
        return conditions
    }

    private static func problem(
        _ type: ConditionType, _ remaining: RemainingContent?, _ failures: [String]
    ) -> (reason: String, message: String)? {
        switch type {
        case contentFailure where !failures.isEmpty:
            return (
                "ContentDeletionFailed",
                "Failed to delete all resource types, \(failures.count) remaining: " + failures.joined(separator: ", ")
            )
        case contentRemaining:
            guard let remaining, !remaining.resources.isEmpty else { return nil }
            let list = remaining.resources.map { "\($0.name) has \($0.count) resource instances" }.sorted()
            return ("SomeResourcesRemain", "Some resources are remaining: " + list.joined(separator: ", "))
        case finalizersRemaining:
            guard let remaining, !remaining.finalizers.isEmpty else { return nil }
            let list = remaining.finalizers.map { "\($0.name) in \($0.count) resource instances" }.sorted()
            return (
                "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: " + list.joined(separator: ", ")
            )
        default: return nil
        }
    }
}
