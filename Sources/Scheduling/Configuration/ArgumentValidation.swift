// Validation of plugin arguments, in the real scheduler's order and words.

import DiscreteEvents
import KubernetesAPI

enum ArgumentValidation {
    /// What is wrong with the arguments of a plugin, with their defaults.
    /// - Parameter whenConstructing: the arguments of NodeResourcesFit and DynamicResources are looked at only when the plugin is
    ///   made, those of all others with the configuration.
    static func errors(
        in arguments: ConfigurationValue, of plugin: String, at path: String, whenConstructing: Bool
    ) -> [FieldError] {
        let place = path.isEmpty ? "" : path + "."
        switch plugin {
        case "NodeResourcesFit": return whenConstructing ? nodeResourcesFit(arguments, place) : []
        case "DynamicResources": return whenConstructing ? dynamicResources(arguments, place) : []
        default: break
        }
        if whenConstructing { return [] }
        switch plugin {
        case "DefaultPreemption": return defaultPreemption(arguments, place)
        case "InterPodAffinity": return interPodAffinity(arguments, place)
        case "NodeAffinity": return nodeAffinity(arguments, place)
        case "NodeResourcesBalancedAllocation": return balancedAllocation(arguments, place)
        case "PodTopologySpread": return podTopologySpread(arguments, place)
        case "VolumeBinding": return volumeBinding(arguments, place)
        default: return []
        }
    }

    private static func names(_ name: String, _ field: String) -> [FieldError] {
        NameValidation.qualifiedName(name).map { .invalid(field, name, $0) }
    }

    // MARK: Preemption, affinity, volumes, devices

    private static func defaultPreemption(_ arguments: ConfigurationValue, _ place: String) -> [FieldError] {
        var errors: [FieldError] = []
        let (percentage, absolute) = ("minCandidateNodesPercentage", "minCandidateNodesAbsolute")
        let (share, count) = (arguments.integer(percentage), arguments.integer(absolute))
        if !(0...100).contains(share) { errors.append(.invalid(place + percentage, share, "not in valid range [0, 100]")) }
        if count < 0 { errors.append(.invalid(place + absolute, count, "not in valid range [0, inf)")) }
        if share == 0, count == 0 {
            errors.append(.invalid(place + percentage, share, "cannot be zero at the same time as " + absolute))
            errors.append(.invalid(place + absolute, count, "cannot be zero at the same time as " + percentage))
        }
        return errors
    }

    private static func interPodAffinity(_ arguments: ConfigurationValue, _ place: String) -> [FieldError] {
        let weight = arguments.integer("hardPodAffinityWeight")
        return (0...100).contains(weight) ? [] : [.invalid(place + "hardPodAffinityWeight", weight, "not in valid range [0, 100]")]
    }

    private static func volumeBinding(_ arguments: ConfigurationValue, _ place: String) -> [FieldError] {
        var errors: [FieldError] = []
        let timeout = arguments.integer("bindTimeoutSeconds")
        if timeout < 0 {
            errors.append(
                .invalid(place + "bindTimeoutSeconds", timeout, "invalid BindTimeoutSeconds, should not be a negative value"))
        }
        if arguments["shape"] != nil {
            let points = arguments.list("shape").map { "{\"Utilization\":\($0.integer("utilization")),\"Score\":\($0.integer("score"))}" }
            errors.append(
                FieldError(
                    .invalid, field: place + "shape", value: "[" + points.joined(separator: ",") + "]",
                    detail: "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring"))
        }
        return errors
    }

    private static func dynamicResources(_ arguments: ConfigurationValue, _ place: String) -> [FieldError] {
        func check(_ name: String, atLeast least: SimulatedDuration, _ detail: String) -> [FieldError] {
            let text = arguments.text(name)
            guard let duration = try? SimulatedDuration(text: text), duration < least else { return [] }
            return [.invalid(place + name, text, detail)]
        }
        return check("filterTimeout", atLeast: .zero, "must be zero or positive")
            + check("bindingTimeout", atLeast: .seconds(1), "must be at least 1 second")
    }

    // MARK: Topology spread

    private static let spreadActions = ["DoNotSchedule", "ScheduleAnyway"]

    private static func podTopologySpread(_ arguments: ConfigurationValue, _ place: String) -> [FieldError] {
        var errors: [FieldError] = []
        let constraints = arguments.list("defaultConstraints")
        let type = arguments.text("defaultingType")
        if type != "System", type != "List" {
            errors.append(.notSupported(place + "defaultingType", type, supported: ["System", "List"]))
        } else if type == "System", !constraints.isEmpty {
            errors.append(.invalid(place + "defaultingType", type, "when .defaultConstraints are not empty"))
        }
        for (index, constraint) in constraints.enumerated() {
            let field = place + "defaultConstraints[\(index)]"
            let (key, action) = (constraint.text("topologyKey"), constraint.text("whenUnsatisfiable"))
            let skew = constraint.integer("maxSkew")
            if skew <= 0 { errors.append(.invalid(field + ".maxSkew", skew, "not in valid range (0, inf)")) }
            errors += key.isEmpty ? [.required(field + ".topologyKey", "can not be empty")] : names(key, field + ".topologyKey")
            if action.isEmpty {
                errors.append(.required(field + ".whenUnsatisfiable", "can not be empty"))
            } else if !spreadActions.contains(action) {
                errors.append(.notSupported(field + ".whenUnsatisfiable", action, supported: spreadActions))
            }
            if constraint["labelSelector"] != nil {
                errors.append(
                    .forbidden(
                        field + ".labelSelector", "constraint must not define a selector, as they deduced for each pod"))
            }
            if constraints[..<index].contains(where: { $0.text("topologyKey") == key && $0.text("whenUnsatisfiable") == action }) {
                errors.append(.duplicate(field, "{\(key), \(action)}"))
            }
        }
        return errors
    }

    // MARK: Resources

    private static func balancedAllocation(_ arguments: ConfigurationValue, _ place: String) -> [FieldError] {
        var errors: [FieldError] = []
        let resources = arguments.list("resources")
        for (index, resource) in resources.enumerated() {
            let (name, weight) = (resource.text("name"), resource.integer("weight"))
            let field = place + "resources[\(index)]"
            if resources[..<index].contains(where: { $0.text("name") == name }) { errors.append(.duplicate(field + ".name", name)) }
            if weight != 1 { errors.append(.invalid(field + ".weight", weight, "must be 1")) }
        }
        return errors
    }

    static let strategies = ["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"]

    private static func nodeResourcesFit(_ arguments: ConfigurationValue, _ place: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, name) in arguments.texts("ignoredResources").enumerated() {
            errors += names(name, place + "ignoredResources[\(index)]")
        }
        for (index, group) in arguments.texts("ignoredResourceGroups").enumerated() {
            let field = place + "ignoredResourceGroups[\(index)]"
            if group.contains("/") { errors.append(.invalid(field, group, "resource group name can't contain '/'")) }
            errors += names(group, field)
        }
        guard let strategy = arguments["scoringStrategy"] else { return errors }
        let type = strategy.text("type")
        let field = place + "scoringStrategy."
        if !strategies.contains(type) { errors.append(.notSupported(field + "type", type, supported: strategies)) }
        for (index, resource) in strategy.list("resources").enumerated() {
            let (name, weight) = (resource.text("name"), resource.integer("weight"))
            if !(1...100).contains(weight) {
                errors.append(
                    .invalid(
                        field + "resources[\(index)].weight", weight, "resource weight of \(name) not in valid range (0, 100]"))
            }
        }
        let shape = field + "requestedToCapacityRatio.shape"
        if let ratio = strategy["requestedToCapacityRatio"] {
            errors += functionShape(ratio.list("shape"), shape)
        } else if type == "RequestedToCapacityRatio" {
            // The real scheduler crashes here; this is what it says of an empty shape.
            errors.append(.required(shape, "at least one point must be specified"))
        }
        return errors
    }

    /// The points of a function of utilisation: utilisation strictly increasing.
    private static func functionShape(_ points: [ConfigurationValue], _ field: String) -> [FieldError] {
        guard !points.isEmpty else { return [.required(field, "at least one point must be specified")] }
        var errors: [FieldError] = []
        let utilizations = points.map { $0.integer("utilization") }
        if let index = utilizations.indices.dropFirst().first(where: { utilizations[$0 - 1] >= utilizations[$0] }) {
            errors.append(
                .invalid("\(field)[\(index)].utilization", utilizations[index], "values must be sorted in increasing order"))
        }
        for (index, point) in points.enumerated() {
            let score = point.integer("score")
            if !(0...100).contains(utilizations[index]) {
                errors.append(.invalid("\(field)[\(index)].utilization", utilizations[index], "not in valid range [0, 100]"))
            }
            if !(0...10).contains(score) { errors.append(.invalid("\(field)[\(index)].score", score, "not in valid range [0, 10]")) }
        }
        return errors
    }

    // MARK: Node affinity

    /// Weaker than for pods: only what keeps a selector from being made is wrong.
    private static func nodeAffinity(_ arguments: ConfigurationValue, _ place: String) -> [FieldError] {
        guard let affinity = arguments["addedAffinity"] else { return [] }
        var errors: [FieldError] = []
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        for (index, term) in (affinity[required]?.list("nodeSelectorTerms") ?? []).enumerated() {
            errors += nodeSelectorTerm(term, place + "addedAffinity.\(required).nodeSelectorTerms[\(index)]")
        }
        for (index, weighted) in affinity.list(preferred).enumerated() where weighted.integer("weight") != 0 {
            // The message leaves out `preference`.
            errors += nodeSelectorTerm(weighted["preference"] ?? .emptyObject, place + "addedAffinity.\(preferred)[\(index)]")
        }
        return errors
    }

    private static func nodeSelectorTerm(_ term: ConfigurationValue, _ place: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, requirement) in term.list("matchExpressions").enumerated() {
            errors += labelRequirement(requirement, place + ".matchExpressions[\(index)]")
        }
        for (index, requirement) in term.list("matchFields").enumerated() {
            let field = place + ".matchFields[\(index)]"
            let (relation, values) = (requirement.text("operator"), requirement.texts("values"))
            if relation != "In", relation != "NotIn" {
                errors.append(.notSupported(field + ".operator", relation, supported: ["In", "NotIn"]))
            } else if values.count != 1 {
                errors.append(.invalid(field + ".values", values, "must have one element"))
            }
        }
        return errors
    }

    private static func labelRequirement(_ requirement: ConfigurationValue, _ place: String) -> [FieldError] {
        let relation: SelectionOperator
        switch requirement.text("operator") {
        case "In": relation = .isIn
        case "NotIn": relation = .notIn
        case "Exists": relation = .exists
        case "DoesNotExist": relation = .doesNotExist
        case "Gt": relation = .greaterThan
        case "Lt": relation = .lessThan
        case let other:
            return [
                .notSupported(
                    place + ".operator", other, supported: ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"])
            ]
        }
        return Requirement.errors(key: requirement.text("key"), operator: relation, values: requirement.texts("values")).map {
            FieldError($0.kind, field: place + "." + $0.field, value: $0.value, detail: $0.detail)
        }
    }
}
