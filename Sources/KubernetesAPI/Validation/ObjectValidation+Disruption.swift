// Checks of PodDisruptionBudgets and EndpointSlices.

extension PodDisruptionBudget: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        if let least = spec.minAvailable {
            errors += least.validate(at: "spec.minAvailable") + least.validateShare(at: "spec.minAvailable")
        }
        if let most = spec.maxUnavailable {
            if spec.minAvailable != nil {
                errors.append(.invalid("spec", spec.goJSONText, quoted: false, "minAvailable and maxUnavailable cannot be both set"))
            }
            errors += most.validate(at: "spec.maxUnavailable") + most.validateShare(at: "spec.maxUnavailable")
        }
        if let selector = spec.selector { errors += selector.validate(at: "spec.selector") }
        return errors
    }
}

extension PodDisruptionBudgetSpec {
    /// The spec as the API server prints its own value of it.
    fileprivate var goJSONText: String {
        func text(_ bound: IntOrPercent?) -> String {
            switch bound {
            case .int(let number): String(number)
            case .string(let text): JSONText.quoted(text)
            case nil: "null"
            }
        }
        let policy = unhealthyPodEvictionPolicy.map { JSONText.quoted($0.rawValue) } ?? "null"
        return "{\"MinAvailable\":\(text(minAvailable)),\"Selector\":\(selector?.jsonText ?? "null"),"
            + "\"MaxUnavailable\":\(text(maxUnavailable)),\"UnhealthyPodEvictionPolicy\":\(policy)}"
    }
}

extension EndpointSlice: ValidatedObject {
    private static let mostEndpoints = 1000
    private static let mostAddresses = 100
    private static let mostPorts = 20_000

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        errors += FieldError.tooMany("endpoints", endpoints.count, most: EndpointSlice.mostEndpoints)
        for (index, endpoint) in endpoints.enumerated() { errors += validate(endpoint, at: "endpoints[\(index)]") }
        errors += FieldError.tooMany("ports", ports.count, most: EndpointSlice.mostPorts)
        for (index, port) in ports.enumerated() {
            let path = "ports[\(index)]"
            if !port.name.isEmpty { errors += NameValidation.dns1123Label(port.name).map { .invalid(path + ".name", port.name, $0) } }
            if ports[..<index].contains(where: { $0.name == port.name }) { errors.append(.duplicate(path + ".name", port.name)) }
            if let appProtocol = port.appProtocol {
                errors += NameValidation.qualifiedName(appProtocol).map { .invalid(path + ".appProtocol", appProtocol, $0) }
            }
        }
        return errors
    }

    private func validate(_ endpoint: Endpoint, at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if endpoint.addresses.isEmpty { errors.append(.required(path + ".addresses", "must contain at least 1 address")) }
        errors += FieldError.tooMany(path + ".addresses", endpoint.addresses.count, most: EndpointSlice.mostAddresses)
        for (index, address) in endpoint.addresses.enumerated() {
            let place = "\(path).addresses[\(index)]"
            switch addressType {
            case .ipv4: if !IPAddressText.isIPv4(address) { errors.append(.invalid(place, address, "must be an IPv4 address")) }
            case .ipv6: if !IPAddressText.isIPv6(address) { errors.append(.invalid(place, address, "must be an IPv6 address")) }
            case .fqdn: errors += NameValidation.dns1123Subdomain(address).map { .invalid(place, address, $0) }
            }
        }
        if let node = endpoint.nodeName { errors += NameValidation.dns1123Subdomain(node).map { .invalid(path + ".nodeName", node, $0) } }
        if let name = endpoint.hostname { errors += NameValidation.dns1123Label(name).map { .invalid(path + ".hostname", name, $0) } }
        return errors
    }
}
