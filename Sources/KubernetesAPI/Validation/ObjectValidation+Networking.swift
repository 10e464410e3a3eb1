// Checks of Ingresses and NetworkPolicies.

extension Ingress: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        if rules.isEmpty, defaultBackend == nil {
            errors.append(.invalid("spec", "null", quoted: false, "either `defaultBackend` or `rules` must be specified"))
        }
        if let defaultBackend { errors += defaultBackend.validate(at: "spec.defaultBackend") }
        for (index, rule) in rules.enumerated() { errors += rule.validate(at: "spec.rules[\(index)]") }
        if let className {
            errors += NameValidation.dns1123Subdomain(className).map { .invalid("spec.ingressClassName", className, $0) }
        }
        return errors
    }
}

extension IngressRule {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if !host.isEmpty {
            if IPAddressText.isValid(host) { errors.append(.invalid(path + ".host", host, "must be a DNS name, not an IP address")) }
            let messages = host.contains("*") ? NameValidation.wildcardSubdomain(host) : NameValidation.dns1123Subdomain(host)
            errors += messages.map { .invalid(path + ".host", host, $0) }
        }
        guard let paths else { return errors }
        if paths.isEmpty { errors.append(.required(path + ".http.paths")) }
        for (index, entry) in paths.enumerated() { errors += entry.validate(at: "\(path).http.paths[\(index)]") }
        return errors
    }
}

extension IngressPath {
    private static let ambiguousParts = ["//", "/./", "/../", "%2f", "%2F"]
    private static let ambiguousEnds = ["/..", "/."]

    fileprivate func validate(at place: String) -> [FieldError] {
        var errors: [FieldError] = []
        let field = place + ".path"
        switch pathType {
        case nil: errors.append(.required(place + ".pathType", "pathType must be specified"))
        case .implementationSpecific:
            if !path.isEmpty, !path.hasPrefix("/") { errors.append(.invalid(field, path, "must be an absolute path")) }
        case .exact, .prefix:
            if !path.hasPrefix("/") { errors.append(.invalid(field, path, "must be an absolute path")) }
            errors += IngressPath.ambiguousParts.filter { path.contains($0) }.map { .invalid(field, path, "must not contain '\($0)'") }
            errors += IngressPath.ambiguousEnds.filter { path.hasSuffix($0) }.map { .invalid(field, path, "cannot end with '\($0)'") }
        }
        return errors + backend.validate(at: place + ".backend")
    }
}

extension IngressBackend {
    fileprivate func validate(at path: String) -> [FieldError] {
        guard let service else { return hasResource ? [] : [.invalid(path, "", "resource or service backend is required")] }
        if hasResource { return [.invalid(path, "", "cannot set both resource and service backends")] }
        var errors: [FieldError] = []
        if service.isEmpty {
            errors.append(.required(path + ".service.name"))
        } else {
            errors += NameValidation.dns1035Label(service).map { .invalid(path + ".service.name", service, $0) }
        }
        switch (portName.isEmpty, portNumber == 0) {
        case (false, false): errors.append(.invalid(path, "", "cannot set both port name & port number"))
        case (false, true): errors += NameValidation.portName(portName).map { .invalid(path + ".service.port.name", portName, $0) }
        case (true, false): errors += NumberValidation.port(portNumber, at: path + ".service.port.number")
        case (true, true): errors.append(.required(path, "port name or number is required"))
        }
        return errors
    }
}

extension NetworkPolicy: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        errors += podSelector.validate(at: "spec.podSelector")
        for (index, rule) in ingress.enumerated() { errors += rule.validate(at: "spec.ingress[\(index)]", peers: "from") }
        for (index, rule) in egress.enumerated() { errors += rule.validate(at: "spec.egress[\(index)]", peers: "to") }
        return errors
    }
}

extension NetworkPolicy.Rule {
    fileprivate func validate(at path: String, peers field: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, port) in ports.enumerated() { errors += port.validate(at: "\(path).ports[\(index)]") }
        for (index, peer) in peers.enumerated() { errors += peer.validate(at: "\(path).\(field)[\(index)]") }
        return errors
    }
}

extension NetworkPolicy.Port {
    fileprivate func validate(at path: String) -> [FieldError] {
        switch port {
        case .int(let number):
            var errors = NumberValidation.port(number, at: path + ".port")
            if let endPort {
                if endPort < number { errors.append(.invalid(path + ".endPort", number, "must be greater than or equal to `port`")) }
                errors += NumberValidation.port(endPort, at: path + ".endPort")
            }
            return errors
        case .string(let name):
            let errors = NameValidation.portName(name).map { FieldError.invalid(path + ".port", name, $0) }
            guard let endPort else { return errors }
            return [.invalid(path + ".endPort", endPort, "may not be specified when `port` is non-numeric")] + errors
        case nil:
            guard let endPort else { return [] }
            return [.invalid(path + ".endPort", endPort, "may not be specified when `port` is not specified")]
        }
    }
}

extension NetworkPolicy.Peer {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors = podSelector?.validate(at: path + ".podSelector") ?? []
        errors += namespaceSelector?.validate(at: path + ".namespaceSelector") ?? []
        errors += block?.validate(at: path + ".ipBlock") ?? []
        let hasSelector = podSelector != nil || namespaceSelector != nil
        if block != nil, hasSelector {
            errors.append(.forbidden(path, "may not specify both ipBlock and another peer"))
        } else if block == nil, !hasSelector {
            errors.append(.required(path, "must specify a peer"))
        }
        return errors
    }
}

extension NetworkPolicy.Block {
    fileprivate func validate(at path: String) -> [FieldError] {
        if range.isEmpty { return [.required(path + ".cidr")] }
        guard IPAddressText.isRange(range) else { return [.invalid(path + ".cidr", range, IPAddressText.rangeForm)] }
        var errors: [FieldError] = []
        for (index, text) in except.enumerated() {
            let place = "\(path).except[\(index)]"
            if !IPAddressText.isRange(text) {
                errors.append(.invalid(place, text, IPAddressText.rangeForm))
            } else if let outer = AddressRange(range), AddressRange(text).map({ !outer.holds($0) }) ?? true {
                errors.append(.invalid(place, text, "must be a strict subset of `cidr`"))
            }
        }
        return errors
    }
}

extension AddressRange {
    /// Whether another range is a smaller part of this one.
    fileprivate func holds(_ other: AddressRange) -> Bool { contains(other.first) && other.prefix > prefix }
}
