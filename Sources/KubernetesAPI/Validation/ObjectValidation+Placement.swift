// Checks of what a pod spec says about where its pods go: tolerations, affinity, spreading.

extension PodSpec {
    func validatePlacement(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, toleration) in tolerations.enumerated() {
            errors += toleration.validate(at: "\(path).tolerations[\(index)]")
        }
        errors += affinity.validate(at: path + ".affinity")
        errors += validateSpreading(at: path + ".topologySpreadConstraints")
        return errors
    }

    private func validateSpreading(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, constraint) in topologySpreadConstraints.enumerated() {
            let place = "\(path)[\(index)]"
            errors += constraint.validate(at: place)
            let twin = topologySpreadConstraints[(index + 1)...].contains {
                $0.topologyKey == constraint.topologyKey && $0.whenUnsatisfiable == constraint.whenUnsatisfiable
            }
            if twin {
                let pair = "{\(constraint.topologyKey), \(constraint.whenUnsatisfiable.rawValue)}"
                errors.append(.duplicate(place + ".{topologyKey, whenUnsatisfiable}", pair))
            }
        }
        return errors
    }
}

extension TopologySpreadConstraint {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if maxSkew <= 0 { errors.append(.invalid(path + ".maxSkew", maxSkew, "must be greater than zero")) }
        if topologyKey.isEmpty {
            errors.append(.required(path + ".topologyKey", "can not be empty"))
        } else {
            errors += NameValidation.qualifiedName(topologyKey).map { .invalid(path + ".topologyKey", topologyKey, $0) }
        }
        if let minDomains {
            if minDomains <= 0 {
                errors.append(.invalid(path + ".minDomains", minDomains, "must be greater than zero"))
            } else if whenUnsatisfiable != .doNotSchedule {
                errors.append(
                    .invalid(
                        path + ".minDomains", minDomains,
                        "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \(whenUnsatisfiable.rawValue)"))
            }
        }
        errors += labelSelector?.validate(at: path + ".labelSelector") ?? []
        if labelSelector == nil, !matchLabelKeys.isEmpty {
            errors.append(.forbidden(path + ".matchLabelKeys", "must not be specified when labelSelector is not set"))
        }
        for (index, key) in matchLabelKeys.enumerated() {
            errors += NameValidation.qualifiedName(key).map { .invalid("\(path).matchLabelKeys[\(index)]", key, $0) }
        }
        return errors
    }
}

extension Toleration {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if !key.isEmpty { errors += NameValidation.qualifiedName(key).map { .invalid(path + ".key", key, $0) } }
        if key.isEmpty, `operator` != .exists {
            errors.append(
                .invalid(
                    path + ".operator", `operator`?.rawValue ?? "",
                    "operator must be Exists when `key` is empty, which means \"match all values and all keys\""))
        }
        if tolerationSeconds != nil, effect != .noExecute {
            errors.append(
                .invalid(path + ".effect", effect?.rawValue ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set"))
        }
        switch `operator` {
        case .exists:
            if !value.isEmpty {
                errors.append(.invalid(path + ".operator", value, "value must be empty when `operator` is 'Exists'"))
            }
        case .equal, nil:
            let messages = NameValidation.labelValue(value)
            if !messages.isEmpty { errors.append(.invalid(path + ".operator", value, messages.joined(separator: ";"))) }
        case .lessThan, .greaterThan:
            // The gate TaintTolerationComparisonOperators is off; the message lists what it would allow.
            errors.append(
                .notSupported(path + ".operator", `operator`?.rawValue ?? "", supported: ["Equal", "Exists", "Lt", "Gt"]))
        }
        return errors
    }
}

extension Affinity {
    private static let required = "requiredDuringSchedulingIgnoredDuringExecution"
    private static let preferred = "preferredDuringSchedulingIgnoredDuringExecution"

    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        let nodeAffinity = path + ".nodeAffinity."
        if let requiredNodeTerms {
            let place = nodeAffinity + Affinity.required + ".nodeSelectorTerms"
            if requiredNodeTerms.terms.isEmpty { errors.append(.required(place, "must have at least one node selector term")) }
            for (index, term) in requiredNodeTerms.terms.enumerated() {
                errors += term.validate(at: "\(place)[\(index)]", checksValues: true)
            }
        }
        for (index, preference) in preferredNodeTerms.enumerated() {
            let place = "\(nodeAffinity)\(Affinity.preferred)[\(index)]"
            errors += Affinity.validate(weight: preference.weight, at: place)
            errors += preference.preference.validate(at: place + ".preference")
        }
        for (field, required, preferred) in [
            ("podAffinity", requiredPodAffinity, preferredPodAffinity),
            ("podAntiAffinity", requiredPodAntiAffinity, preferredPodAntiAffinity),
        ] {
            for (index, term) in required.enumerated() { errors += term.validate(at: "\(path).\(field).\(Affinity.required)[\(index)]") }
            for (index, weighted) in preferred.enumerated() {
                let place = "\(path).\(field).\(Affinity.preferred)[\(index)]"
                errors += Affinity.validate(weight: weighted.weight, at: place)
                errors += weighted.term.validate(at: place + ".podAffinityTerm")
            }
        }
        return errors
    }

    private static func validate(weight: Int32, at path: String) -> [FieldError] {
        (1...100).contains(weight) ? [] : [.invalid(path + ".weight", weight, "must be in the range 1-100")]
    }
}

extension NodeSelectorTerm {
    /// `checksValues`: whether values must be such as labels can have. Of preferences that is not asked.
    fileprivate func validate(at path: String, checksValues: Bool = false) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, requirement) in matchExpressions.enumerated() {
            let place = "\(path).matchExpressions[\(index)]"
            errors += requirement.validate(at: place)
            guard checksValues else { continue }
            for (position, value) in requirement.values.enumerated() {
                errors += NameValidation.labelValue(value).map { .invalid("\(place).values[\(position)]", value, $0) }
            }
        }
        for (index, requirement) in matchFields.enumerated() {
            errors += requirement.validate(field: "\(path).matchFields[\(index)]")
        }
        return errors
    }
}

extension NodeSelectorRequirement {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        let place = path + ".values"
        switch `operator` {
        case .in, .notIn:
            if values.isEmpty { errors.append(.required(place, "must be specified when `operator` is 'In' or 'NotIn'")) }
        case .exists, .doesNotExist:
            if !values.isEmpty {
                errors.append(.forbidden(place, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
            }
        case .greaterThan, .lessThan:
            if values.count != 1 {
                errors.append(.required(place, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
            }
        }
        return errors + NameValidation.qualifiedName(key).map { .invalid(path + ".key", key, $0) }
    }

    /// A requirement on a field of the node; only its name can be asked for.
    fileprivate func validate(field path: String) -> [FieldError] {
        var errors: [FieldError] = []
        switch `operator` {
        case .in, .notIn:
            if values.count != 1 {
                errors.append(
                    .required(path + ".values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
            }
        default: errors.append(.invalid(path + ".operator", `operator`.rawValue, "not a valid selector operator"))
        }
        if key == "metadata.name" {
            for (index, value) in values.enumerated() {
                errors += NameValidation.dns1123Subdomain(value).map { .invalid("\(path).values[\(index)]", value, $0) }
            }
        } else {
            errors.append(.invalid(path + ".key", key, "not a valid field selector key"))
        }
        return errors
    }
}

extension PodAffinityTerm {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors = labelSelector?.validate(at: path + ".labelSelector") ?? []
        errors += namespaceSelector?.validate(at: path + ".namespaceSelector") ?? []
        for name in namespaces {
            errors += NameValidation.dns1123Label(name).map { .invalid(path + ".namespace", name, $0) }
        }
        for (field, keys) in [("matchLabelKeys", matchLabelKeys), ("mismatchLabelKeys", mismatchLabelKeys)] where !keys.isEmpty {
            if labelSelector == nil {
                errors.append(.forbidden("\(path).\(field)", "must not be specified when labelSelector is not set"))
            }
            for (index, key) in keys.enumerated() {
                errors += NameValidation.qualifiedName(key).map { .invalid("\(path).\(field)[\(index)]", key, $0) }
            }
        }
        if topologyKey.isEmpty { errors.append(.required(path + ".topologyKey", "can not be empty")) }
        errors += NameValidation.qualifiedName(topologyKey).map { .invalid(path + ".topologyKey", topologyKey, $0) }
        return errors
    }
}
