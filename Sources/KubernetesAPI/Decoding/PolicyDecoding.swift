// Reading LimitRanges and ResourceQuotas.

import DiscreteEvents

extension LimitRange: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> LimitRange? {
        var result = LimitRange(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec":
                context.fields(value) { field, value, context in
                    guard field == "limits" else { return false }
                    context.read(value, into: &result.limits)
                    return true
                }
            default: return false
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension LimitRangeItem: YAMLDecodable {
    /// Reads an item and completes it as the API server does.
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> LimitRangeItem? {
        var item = LimitRangeItem(.other(""))
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "type": context.read(value, into: &item.type)
            case "min": context.read(value, into: &item.min)
            case "max": context.read(value, into: &item.max)
            case "default": context.read(value, into: &item.defaultLimit)
            case "defaultRequest": context.read(value, into: &item.defaultRequest)
            case "maxLimitRequestRatio": context.read(value, into: &item.maxLimitRequestRatio)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        if context.objects.appliesDefaults { item.applyDefaults() }
        return item
    }
}

extension ResourceQuota: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ResourceQuota? {
        var result = ResourceQuota(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec": context.read(value, into: &result.spec)
            case "status":
                context.fields(value) { field, value, context in
                    switch field {
                    case "hard": context.read(value, into: &result.status.hard)
                    case "used": context.read(value, into: &result.status.used)
                    default: return false
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension ResourceQuotaSpec: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "hard": context.read(value, into: &hard)
        case "scopes":
            var names: [String] = []
            context.read(value, into: &names)
            scopes += names.compactMap(ScopeRequirement.Scope.init).map { ScopeRequirement($0, isByName: true) }
            for name in names where ScopeRequirement.Scope(rawValue: name) == nil {
                context.error(value, FieldError.invalid("", names, "unsupported scope").body)
            }
        case "scopeSelector":
            guard !value.isNull else { break }
            context.fields(value) { field, value, context in
                guard field == "matchExpressions" else { return false }
                context.elements(value) { element, context in
                    if let requirement = ScopeRequirement(element, of: value, &context) { scopes.append(requirement) }
                }
                return true
            }
        default: return false
        }
        return true
    }
}

extension ScopeRequirement {
    /// Reads an entry of the selector `list`. The API server does not say which entry is wrong.
    fileprivate init?(_ node: YAMLNode, of list: YAMLNode, _ context: inout DecodingContext) {
        let errorsBefore = context.errorCount
        guard let fields = RequirementFields(node, &context, key: "scopeName") else { return nil }
        guard let scope = Scope(rawValue: fields.key) else {
            context.error(missing: "scopeName", in: list, FieldError.invalid("", fields.key, "unsupported scope").body)
            return nil
        }
        self.init(scope, values: fields.values)
        if let known = fields.operator.flatMap(Operator.init) {
            `operator` = known
        } else if context.errorCount == errorsBefore {
            context.error(
                missing: "operator", in: list, FieldError.invalid("", fields.operator ?? "", "not a valid selector operator").body)
        }
    }
}
