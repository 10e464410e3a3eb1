// Checks of ResourceQuotas, LimitRanges and ServiceAccounts.

extension ServiceAccount: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}

// MARK: ResourceQuota

extension ResourceQuota: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        for (name, quantity) in spec.hard {
            let path = "spec.hard[\(name)]"
            errors += name.validateForQuota(at: path)
            if quantity.sign < 0 { errors.append(.invalid(path, quantity.description, "must be greater than or equal to 0")) }
            if QuotaNames.counts.contains(name.rawValue), quantity.hasFraction {
                errors.append(.invalid(path, quantity.description, "must be an integer"))
            }
        }
        return errors + spec.validateScopes()
    }
}

/// The names of what a quota can bound without a prefix.
private enum QuotaNames {
    static let podCompute = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"]
    static let counts = [
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps",
        "services.nodeports", "services.loadbalancers",
    ]
    private static let storage = ["requests.storage", "ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage"]

    static func isStandard(_ name: String) -> Bool {
        podCompute.contains(name) || counts.contains(name) || storage.contains(name) || name.hasPrefix("hugepages-")
            || name.hasPrefix("requests.hugepages-")
    }
}

extension ResourceName {
    fileprivate func validateForQuota(at path: String) -> [FieldError] {
        let messages = NameValidation.qualifiedName(rawValue)
        if !messages.isEmpty { return messages.map { .invalid(path, rawValue, $0) } }
        guard !rawValue.contains("/"), !QuotaNames.isStandard(rawValue) else { return [] }
        let isResource = self == .storage
        return (isResource ? [] : [.invalid(path, rawValue, "must be a standard resource type or fully qualified")])
            + [.invalid(path, rawValue, "must be a standard resource for quota")]
    }
}

extension ResourceQuotaSpec {
    /// Scopes given by name have neither operator nor values; the others come from the selector.
    fileprivate func validateScopes() -> [FieldError] {
        var errors: [FieldError] = []
        let byName = scopes.filter { $0.operator == .exists && $0.values.isEmpty }
        let list = byName.map(\.scope.rawValue)
        func invalid(_ detail: String) { errors.append(.invalid("spec.scopes", list, detail)) }
        for requirement in scopes {
            let isByName = requirement.operator == .exists && requirement.values.isEmpty
            for name in hard.names where QuotaNames.isStandard(name.rawValue) && !requirement.scope.covers(name.rawValue) {
                if isByName {
                    invalid("unsupported scope applied to resource")
                } else {
                    errors.append(
                        .invalid(
                            "spec.scopeSelector.matchExpressions.scopeName", requirement.scope.rawValue,
                            "unsupported scope applied to resource"))
                }
            }
            if !isByName { errors += requirement.validate(at: "spec.scopeSelector.matchExpressions") }
        }
        for (one, other) in [(ScopeRequirement.Scope.bestEffort, ScopeRequirement.Scope.notBestEffort), (.terminating, .notTerminating)]
        where byName.contains(where: { $0.scope == one }) && byName.contains(where: { $0.scope == other }) {
            invalid("conflicting scopes")
        }
        return errors
    }
}

extension ScopeRequirement {
    fileprivate func validate(at path: String) -> [FieldError] {
        switch scope {
        case .priorityClass, .volumeAttributesClass: break
        default:
            if `operator` != .exists {
                return [
                    .invalid(
                        path + ".operator", `operator`.rawValue,
                        "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
                            + "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
                            + "ResourceQuotaScopeCrossNamespacePodAffinity")
                ]
            }
        }
        switch `operator` {
        case .isIn, .notIn:
            return values.isEmpty
                ? [
                    .required(
                        path + ".values", "must be atleast one value when `operator` is 'In' or 'NotIn' for scope selector")
                ] : []
        case .exists, .doesNotExist:
            return values.isEmpty
                ? []
                : [
                    .invalid(
                        path + ".values", values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
                ]
        }
    }
}

extension ScopeRequirement.Scope {
    /// Whether a bound on the resource makes sense for the objects in scope.
    fileprivate func covers(_ resource: String) -> Bool {
        switch self {
        case .bestEffort: resource == "pods"
        case .terminating, .notTerminating, .notBestEffort, .priorityClass, .crossNamespacePodAffinity:
            resource == "pods" || QuotaNames.podCompute.contains(resource)
        case .volumeAttributesClass: resource == "persistentvolumeclaims" || resource == "requests.storage"
        }
    }
}

// MARK: LimitRange

extension LimitRange: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        for (index, item) in limits.enumerated() {
            let path = "spec.limits[\(index)]"
            errors += NameValidation.qualifiedName(item.type.rawValue).map { .invalid(path + ".type", item.type.rawValue, $0) }
            if limits[..<index].contains(where: { $0.type == item.type }) {
                errors.append(.duplicate(path + ".type", item.type.rawValue))
            }
            errors += item.validate(at: path)
        }
        return errors
    }
}

extension LimitRangeItem {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if type == .pod {
            for (field, list) in [("default", defaultLimit), ("defaultRequest", defaultRequest)] where !list.isEmpty {
                errors.append(.forbidden("\(path).\(field)", "may not be specified when `type` is 'Pod'"))
            }
        }
        if type == .persistentVolumeClaim, min[.storage] == nil, max[.storage] == nil {
            errors.append(.required(path + ".limits", "either minimum or maximum storage value is required, but neither was provided"))
        }
        var names: [ResourceName] = []
        for list in [max, min, defaultLimit, defaultRequest, maxLimitRequestRatio] {
            for name in list.names where !names.contains(name) { names.append(name) }
        }
        for name in names.sorted(by: { $0.rawValue < $1.rawValue }) { errors += validate(name, at: path) }
        return errors
    }

    private func validate(_ name: ResourceName, at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        /// `small` must not be above `large`, else `field` (whose value is `shown`) is wrong.
        func compare(
            _ small: (text: String, value: Quantity?), _ large: (text: String, value: Quantity?), _ field: String, _ shown: Quantity?
        ) {
            guard let left = small.value, let right = large.value, left > right, let shown else { return }
            errors.append(
                .invalid(
                    "\(path).\(field)[\(name)]", shown.description,
                    "\(small.text) value \(left) is greater than \(large.text) value \(right)"))
        }
        let (least, most) = (("min", min[name]), ("max", max[name]))
        let (request, limit) = (("default request", defaultRequest[name]), ("default limit", defaultLimit[name]))
        compare(least, most, "min", min[name])
        compare(least, request, "defaultRequest", defaultRequest[name])
        compare(request, most, "defaultRequest", defaultRequest[name])
        compare(request, limit, "defaultRequest", defaultRequest[name])
        compare(least, ("default", defaultLimit[name]), "default", min[name])
        compare(("default", defaultLimit[name]), most, "default", max[name])
        if let ratio = maxLimitRequestRatio[name], ratio < Quantity(1) {
            errors.append(.invalid("\(path).maxLimitRequestRatio[\(name)]", ratio.description, "ratio \(ratio) is less than 1"))
        }
        return errors
    }
}
