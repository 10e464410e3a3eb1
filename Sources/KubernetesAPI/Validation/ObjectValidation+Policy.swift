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
        let errors = validateName(at: path)
        if rawValue.contains("/") || QuotaNames.isStandard(rawValue) { return errors }
        return errors + [.invalid(path, rawValue, "must be a standard resource for quota")]
    }
}

extension ResourceQuotaSpec {
    fileprivate func validateScopes() -> [FieldError] {
        let names = scopes.filter(\.isByName)
        let selected = scopes.filter { !$0.isByName }
        let list = GoText.jsonList(names.map(\.scope.rawValue))
        let place = "spec.scopeSelector.matchExpressions"
        var errors: [FieldError] = []
        for requirement in names {
            for _ in requirement.scope.uncovered(of: hard) {
                errors.append(.invalid("spec.scopes", list, quoted: false, "unsupported scope applied to resource"))
            }
        }
        errors += ResourceQuotaSpec.conflicts(among: names, shown: list, at: "spec.scopes")
        for requirement in selected {
            for _ in requirement.scope.uncovered(of: hard) {
                errors.append(
                    .invalid(
                        place, ResourceQuotaSpec.goJSONText(selected), quoted: false, "unsupported scope applied to resource"))
            }
            errors += requirement.validate(at: place)
        }
        // The message shows the scopes by name, whichever are in conflict.
        return errors + ResourceQuotaSpec.conflicts(among: selected, shown: list, at: place)
    }

    /// Pairs of scopes that no object is in.
    private static func conflicts(among scopes: [ScopeRequirement], shown list: String, at path: String) -> [FieldError] {
        let pairs = [(ScopeRequirement.Scope.bestEffort, ScopeRequirement.Scope.notBestEffort), (.terminating, .notTerminating)]
        return pairs.filter { one, other in scopes.contains { $0.scope == one } && scopes.contains { $0.scope == other } }
            .map { _ in .invalid(path, list, quoted: false, "conflicting scopes") }
    }

    /// A selector as the API server prints its own value of it.
    private static func goJSONText(_ scopes: [ScopeRequirement]) -> String {
        let list = scopes.map {
            "{\"ScopeName\":\(JSONText.quoted($0.scope.rawValue)),\"Operator\":\(JSONText.quoted($0.operator.rawValue)),"
                + "\"Values\":\(GoText.jsonList($0.values))}"
        }
        return "{\"MatchExpressions\":[\(list.joined(separator: ","))]}"
    }
}

extension ScopeRequirement {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        switch scope {
        case .priorityClass, .volumeAttributesClass: break
        default:
            if `operator` != .exists {
                errors.append(
                    .invalid(
                        path + ".operator", `operator`.rawValue,
                        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
                            + "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
                            + "ResourceQuotaScopeCrossNamespacePodAffinity"))
            }
        }
        switch `operator` {
        case .isIn, .notIn:
            if values.isEmpty {
                errors.append(
                    .required(
                        path + ".values", "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"))
            }
        case .exists, .doesNotExist:
            if !values.isEmpty {
                errors.append(
                    .invalid(
                        path + ".values", values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"))
            }
        }
        return errors
    }
}

extension ScopeRequirement.Scope {
    /// The bounds that make no sense for the objects in scope.
    fileprivate func uncovered(of hard: ResourceList) -> [ResourceName] {
        hard.names.filter { QuotaNames.isStandard($0.rawValue) && !covers($0.rawValue) }
    }

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
            errors += item.type.validate(at: path + ".type")
            if limits[..<index].contains(where: { $0.type == item.type }) {
                errors.append(.duplicate(path + ".type", item.type.rawValue))
            }
            errors += item.validate(at: path)
        }
        return errors
    }
}

extension LimitRangeItem.LimitType {
    fileprivate func validate(at path: String) -> [FieldError] {
        guard case .other(let name) = self else { return [] }
        let errors = NameValidation.qualifiedName(name).map { FieldError.invalid(path, name, $0) }
        if !errors.isEmpty || name.contains("/") { return errors }
        return [.invalid(path, name, "must be a standard limit type or fully qualified")]
    }
}

extension LimitRangeItem {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors = validateNames(of: max, at: path + ".max") + validateNames(of: min, at: path + ".min")
        for (field, list) in [("default", defaultLimit), ("defaultRequest", defaultRequest)] {
            if type != .pod {
                errors += validateNames(of: list, at: "\(path).\(field)")
            } else if !list.isEmpty {
                errors.append(.forbidden("\(path).\(field)", "may not be specified when `type` is 'Pod'"))
            }
        }
        if type == .persistentVolumeClaim, min[.storage] == nil, max[.storage] == nil {
            errors.append(.required(path + ".limits", "either minimum or maximum storage value is required, but neither was provided"))
        }
        errors += validateNames(of: maxLimitRequestRatio, at: path + ".maxLimitRequestRatio")
        var names: [ResourceName] = []
        for list in [max, min] + (type == .pod ? [] : [defaultLimit, defaultRequest]) + [maxLimitRequestRatio] {
            for name in list.names where !names.contains(name) { names.append(name) }
        }
        for name in names.sorted(by: { $0.rawValue < $1.rawValue }) { errors += validate(name, at: path) }
        return errors
    }

    private func validateNames(of list: ResourceList, at path: String) -> [FieldError] {
        list.names.flatMap { name in
            let place = "\(path)[\(name)]"
            return type == .pod || type == .container ? name.validateForContainer(at: place) : name.validateName(at: place)
        }
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
        let isPod = type == .pod
        let (defaultRequest, defaultLimit) = (isPod ? nil : self.defaultRequest[name], isPod ? nil : self.defaultLimit[name])
        let (least, most) = (("min", min[name]), ("max", max[name]))
        let (request, limit) = (("default request", defaultRequest), ("default limit", defaultLimit))
        compare(least, most, "min", min[name])
        compare(least, request, "defaultRequest", defaultRequest)
        compare(request, most, "defaultRequest", defaultRequest)
        compare(request, limit, "defaultRequest", defaultRequest)
        compare(least, ("default", defaultLimit), "default", min[name])
        compare(("default", defaultLimit), most, "default", max[name])
        if let ratio = maxLimitRequestRatio[name] { errors += validate(ratio: ratio, of: name, at: path) }
        if !name.isOvercommitAllowed, let limit = defaultLimit, let request = defaultRequest, limit != request {
            errors.append(
                .invalid(
                    "\(path).defaultRequest[\(name)]", request.description,
                    "default value \(limit) must equal to defaultRequest value \(request) in \(name)"))
        }
        return errors
    }

    /// A limit may be so many times the request: at least once, and not more often than the bounds allow.
    private func validate(ratio: Quantity, of name: ResourceName, at path: String) -> [FieldError] {
        let place = "\(path).maxLimitRequestRatio[\(name)]"
        var errors: [FieldError] = []
        if ratio < Quantity(1) { errors.append(.invalid(place, ratio.description, "ratio \(ratio) is less than 1")) }
        if let least = min[name], let most = max[name] {
            // In thousandths, unless these cannot be counted.
            let inThousandths = [ratio, least, most].allSatisfy { $0.value < Int64.max / 1000 }
            let highest =
                inThousandths ? Double(most.milliValue) / Double(least.milliValue) : Double(most.value) / Double(least.value)
            let wanted = inThousandths ? Double(ratio.milliValue) / 1000 : Double(ratio.value)
            if wanted > highest {
                errors.append(
                    .invalid(
                        place, ratio.description, "ratio \(ratio) is greater than max/min = \(GoText.fixed(highest))"))
            }
        }
        return errors
    }
}
