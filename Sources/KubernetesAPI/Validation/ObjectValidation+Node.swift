// Checks of Nodes.

extension Node: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: false, name: NameValidation.dns1123Subdomain)
        // The API server's messages say "metadata.taints"; people look for them where they are.
        errors += Node.validate(taints: spec.taints, at: "spec.taints")
        for (name, quantity) in status.capacity where !name.isUsual(quantity) {
            errors += name.validate(amount: quantity, at: "status.capacity.\(name)")
        }
        for (name, quantity) in status.allocatable {
            if !name.isUsual(quantity) { errors += name.validate(amount: quantity, at: "status.allocatable.\(name)") }
            if let capacity = status.capacity[name], quantity > capacity {
                errors.append(
                    .invalid(
                        "status.allocatable.\(name)", quantity.description, "must be less than or equal to capacity of \(capacity)"))
            }
        }
        let ranges = spec.podCIDRs.isEmpty && !spec.podCIDR.isEmpty ? [spec.podCIDR] : spec.podCIDRs
        for (index, range) in ranges.enumerated() where !IPAddressText.isRange(range) {
            errors.append(.invalid("spec.podCIDRs[\(index)]", range, IPAddressText.rangeForm))
        }
        if ranges.count > 1, ranges.allSatisfy(IPAddressText.isRange) {
            let families = Set(ranges.map { $0.contains(":") })
            if ranges.count > families.count {
                errors.append(.invalid("spec.podCIDRs", ranges, "may specify no more than one CIDR for each IP family"))
            }
            for (index, range) in ranges.enumerated() where ranges[..<index].contains(range) {
                errors.append(.duplicate("spec.podCIDRs[\(index)]", range))
            }
        }
        for (index, image) in status.images.enumerated() {
            errors += NumberValidation.nonNegative(image.sizeBytes, at: "status.images[\(index)].sizeBytes")
        }
        return errors
    }

    private static func validate(taints: [Taint], at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, taint) in taints.enumerated() {
            let place = "\(path)[\(index)]"
            errors += NameValidation.qualifiedName(taint.key).map { .invalid(place + ".key", taint.key, $0) }
            let messages = NameValidation.labelValue(taint.value)
            if !messages.isEmpty { errors.append(.invalid(place + ".value", taint.value, messages.joined(separator: ";"))) }
            if taints[..<index].contains(where: taint.matches) {
                errors.append(
                    FieldError(
                        .duplicate, field: place, value: taint.goJSONText, detail: "taints must be unique by key and effect pair"))
            }
        }
        return errors
    }
}

extension Taint {
    /// The taint as the API server prints its own value of it.
    fileprivate var goJSONText: String {
        "{\"Key\":\(JSONText.quoted(key)),\"Value\":\(JSONText.quoted(value)),\"Effect\":\(JSONText.quoted(effect.rawValue)),"
            + "\"TimeAdded\":null}"
    }
}

extension ResourceName {
    /// Resources of which only whole units exist: all that are not the node's own, and its pods.
    var isCountedInUnits: Bool { !isNative || self == .pods || isAttachableVolume }

    /// Whether nothing can be wrong: spares the texts of paths for the many thousand amounts in a dump.
    fileprivate func isUsual(_ quantity: Quantity) -> Bool {
        quantity.sign >= 0 && quantity <= ResourceName.largestCPU && !quantity.hasFraction && ResourceName.ofNodes.contains(rawValue)
    }

    /// Standard resources have short names, all others a domain.
    func validateName(at path: String) -> [FieldError] {
        let messages = NameValidation.qualifiedName(rawValue)
        if !messages.isEmpty { return messages.map { .invalid(path, rawValue, $0) } }
        if rawValue.contains("/") || isStandard || isHugePages || isAttachableVolume { return [] }
        return [.invalid(path, rawValue, "must be a standard resource type or fully qualified")]
    }

    /// Whether the name is one of Kubernetes' own without a domain: what nodes have, and what quotas count.
    private var isStandard: Bool { ResourceName.ofNodes.contains(rawValue) || ResourceName.ofQuotas.contains(rawValue) }

    private static let ofNodes = ["cpu", "memory", "ephemeral-storage", "pods", "storage"]
    private static let ofQuotas: Set<String> = [
        "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory",
        "limits.ephemeral-storage", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    ]

    /// An amount of the resource on a node or for a container.
    func validate(amount quantity: Quantity, at path: String) -> [FieldError] {
        let text = quantity.description
        if quantity.sign < 0 { return [.invalid(path, text, "must be greater than or equal to 0")] }
        let limit = self == .cpu ? ResourceName.largestCPU : ResourceName.largestAmount
        if quantity > limit { return [.invalid(path, text, "must be less than or equal to \(limit): more cannot be counted")] }
        if quantity.hasFraction, isCountedInUnits { return [.invalid(path, text, "must be an integer")] }
        return []
    }

    /// Amounts are counted in 64-bit units, those of cpu in thousandths.
    private static let largestAmount = Quantity(Int64.max)
    private static let largestCPU = Quantity(Int64.max / 1000)
}

extension Quantity {
    /// Whether the quantity is no whole number.
    var hasFraction: Bool { Quantity(value) != self }
}
