// Checks of Endpoints.

extension Endpoints: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        for (index, subset) in subsets.enumerated() { errors += subset.validate(at: "subsets[\(index)]") }
        return errors
    }
}

extension EndpointSubset {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if addresses.isEmpty, notReadyAddresses.isEmpty {
            errors.append(.required(path, "must specify `addresses` or `notReadyAddresses`"))
        }
        for (index, address) in addresses.enumerated() { errors += address.validate(at: "\(path).addresses[\(index)]") }
        for (index, address) in notReadyAddresses.enumerated() { errors += address.validate(at: "\(path).notReadyAddresses[\(index)]") }
        for (index, port) in ports.enumerated() { errors += validate(port, at: "\(path).ports[\(index)]") }
        return errors
    }

    private func validate(_ port: EndpointPort, at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if !port.name.isEmpty {
            errors += NameValidation.dns1123Label(port.name).map { .invalid(path + ".name", port.name, $0) }
        } else if ports.count > 1 {
            errors.append(.required(path + ".name", ""))
        }
        let number = port.port ?? 0
        if !(1...65_535).contains(number) {
            errors.append(.invalid(path + ".port", String(number), quoted: false, "must be between 1 and 65535, inclusive"))
        }
        if let appProtocol = port.appProtocol {
            errors += NameValidation.qualifiedName(appProtocol).map { .invalid(path + ".appProtocol", appProtocol, $0) }
        }
        return errors
    }
}

extension EndpointAddress {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        errors += Service.validate(external: ip, at: path + ".ip")
        if let hostname { errors += NameValidation.dns1123Label(hostname).map { .invalid(path + ".hostname", hostname, $0) } }
        if let node = nodeName { errors += NameValidation.dns1123Subdomain(node).map { .invalid(path + ".nodeName", node, $0) } }
        return errors
    }
}
