// Reading where pods want to be: affinity and topology spread constraints.

import DiscreteEvents

private enum FieldName {
    static let required = "requiredDuringSchedulingIgnoredDuringExecution"
    static let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
}

extension Affinity: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "nodeAffinity":
            context.fields(value) { field, value, context in
                switch field {
                case FieldName.required: context.read(value, into: &requiredNodeTerms)
                case FieldName.preferred: context.read(value, into: &preferredNodeTerms)
                default: return false
                }
                return true
            }
        case "podAffinity":
            context.fields(value) { field, value, context in
                switch field {
                case FieldName.required: context.read(value, into: &requiredPodAffinity)
                case FieldName.preferred: context.read(value, into: &preferredPodAffinity)
                default: return false
                }
                return true
            }
        case "podAntiAffinity":
            context.fields(value) { field, value, context in
                switch field {
                case FieldName.required: context.read(value, into: &requiredPodAntiAffinity)
                case FieldName.preferred: context.read(value, into: &preferredPodAntiAffinity)
                default: return false
                }
                return true
            }
        default: return false
        }
        return true
    }
}

extension NodeSelector: YAMLFields {
    package init() { self.init(terms: []) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        guard field == "nodeSelectorTerms" else { return false }
        context.read(value, into: &terms)
        return true
    }
}

extension NodeSelectorTerm: YAMLFields {
    package init() { self.init(matchExpressions: []) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "matchExpressions": context.read(value, into: &matchExpressions)
        case "matchFields": context.read(value, into: &matchFields)
        default: return false
        }
        return true
    }
}

extension NodeSelectorRequirement: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> NodeSelectorRequirement? {
        let errorsBefore = context.errorCount
        guard let fields = RequirementFields(node, &context) else { return nil }
        var result = NodeSelectorRequirement(key: fields.key, operator: .exists)
        result.values = fields.values
        if let known = fields.operator.flatMap(Operator.init) {
            result.operator = known
        } else if context.errorCount == errorsBefore {
            let message = FieldError.invalid("", fields.operator ?? "", "not a valid selector operator").body
            if let place = node["operator"], fields.operator != nil {
                context.error(place, message)
            } else {
                context.error(missing: "operator", in: node, message)
            }
        }
        return result
    }
}

extension PreferredSchedulingTerm: YAMLFields {
    package init() { self.init(weight: 0, preference: NodeSelectorTerm()) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "weight": context.read(value, into: &weight)
        case "preference": context.read(value, into: &preference)
        default: return false
        }
        return true
    }
}

extension PodAffinityTerm: YAMLFields {
    package init() { self.init(labelSelector: nil, topologyKey: "") }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "labelSelector": context.read(value, into: &labelSelector)
        case "topologyKey": context.read(value, into: &topologyKey)
        case "namespaces": context.read(value, into: &namespaces)
        case "namespaceSelector": context.read(value, into: &namespaceSelector)
        case "matchLabelKeys": context.read(value, into: &matchLabelKeys)
        case "mismatchLabelKeys": context.read(value, into: &mismatchLabelKeys)
        default: return false
        }
        return true
    }
}

extension WeightedPodAffinityTerm: YAMLFields {
    package init() { self.init(weight: 0, term: PodAffinityTerm()) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "weight": context.read(value, into: &weight)
        case "podAffinityTerm": context.read(value, into: &term)
        default: return false
        }
        return true
    }
}

extension TopologySpreadConstraint: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> TopologySpreadConstraint? {
        var result = TopologySpreadConstraint(maxSkew: 0, topologyKey: "", whenUnsatisfiable: .doNotSchedule, labelSelector: nil)
        var hasAction = false
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "maxSkew": context.read(value, into: &result.maxSkew)
            case "topologyKey": context.read(value, into: &result.topologyKey)
            case "whenUnsatisfiable":
                hasAction = !value.isNull
                context.choose(value, into: &result.whenUnsatisfiable, of: actions)
            case "labelSelector": context.read(value, into: &result.labelSelector)
            case "minDomains": context.read(value, into: &result.minDomains)
            case "nodeAffinityPolicy": context.choose(value, into: &result.nodeAffinityPolicy, of: ["Ignore", "Honor"])
            case "nodeTaintsPolicy": context.choose(value, into: &result.nodeTaintsPolicy, of: ["Ignore", "Honor"])
            case "matchLabelKeys": context.read(value, into: &result.matchLabelKeys)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        if !hasAction {
            context.error(missing: "whenUnsatisfiable", in: node, FieldError.notSupported("", "", supported: actions).body)
        }
        return result
    }

    private static let actions = ["DoNotSchedule", "ScheduleAnyway"]
}
