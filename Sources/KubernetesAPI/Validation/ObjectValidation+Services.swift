// Checks of Services.
// <https://kubernetes.io/docs/concepts/services-networking/service/>

extension Service: ValidatedObject {
    private static let longestSession: Int32 = 86_400
    private static let kubeletPort: Int32 = 10_250

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1035Label)
        if ports.isEmpty, !isHeadless, type != .externalName { errors.append(.required("spec.ports")) }
        errors += validateType()
        errors += validatePorts()
        if let selector { errors += LabelSelector.validate(labels: selector, at: "spec.selector") }
        errors += validateSession()
        if type != .externalName { errors += validateAddresses() }
        for (index, address) in externalIPs.enumerated() { errors += Service.validate(external: address, at: "spec.externalIPs[\(index)]") }
        errors += validateDuplicatePorts()
        return errors + validatePolicies()
    }

    private func validateType() -> [FieldError] {
        var errors: [FieldError] = []
        switch type {
        case .loadBalancer:
            for (index, port) in ports.enumerated() where port.port == Service.kubeletPort {
                errors.append(
                    .invalid("spec.ports[\(index)].port", port.port, "may not expose port 10250 externally since it is used by kubelet"))
            }
            if isHeadless {
                errors.append(.invalid("spec.clusterIPs[0]", clusterIP, "may not be set to 'None' for LoadBalancer services"))
            }
        case .nodePort:
            if isHeadless { errors.append(.invalid("spec.clusterIPs[0]", clusterIP, "may not be set to 'None' for NodePort services")) }
        case .externalName:
            for (field, isSet) in [
                ("clusterIPs", !clusterIPs.isEmpty), ("ipFamilies", !ipFamilies.isEmpty), ("ipFamilyPolicy", ipFamilyPolicy != nil),
            ]
            where isSet {
                errors.append(.forbidden("spec.\(field)", "may not be set for ExternalName services"))
            }
            // A dot at the end says that the name is complete.
            let name = externalName.hasSuffix(".") ? String(externalName.dropLast()) : externalName
            if name.isEmpty {
                errors.append(.required("spec.externalName"))
            } else {
                errors += NameValidation.dns1123Subdomain(name).map { .invalid("spec.externalName", name, $0) }
            }
        case .clusterIP: break
        }
        return errors
    }

    private func validatePorts() -> [FieldError] {
        var errors: [FieldError] = []
        var names: [String] = []
        for (index, port) in ports.enumerated() {
            let path = "spec.ports[\(index)]"
            if port.name.isEmpty {
                if ports.count > 1 { errors.append(.required(path + ".name")) }
            } else {
                errors += NameValidation.dns1123Label(port.name).map { .invalid(path + ".name", port.name, $0) }
                if names.contains(port.name) { errors.append(.duplicate(path + ".name", port.name)) }
                names.append(port.name)
            }
            errors += NumberValidation.port(port.port, at: path + ".port")
            switch port.targetPort {
            case .int(let number): errors += NumberValidation.port(number, at: path + ".targetPort")
            case .string(let name): errors += NameValidation.portName(name).map { .invalid(path + ".targetPort", name, $0) }
            case nil: break
            }
            if let appProtocol = port.appProtocol {
                errors += NameValidation.qualifiedName(appProtocol).map { .invalid(path + ".appProtocol", appProtocol, $0) }
            }
        }
        return errors
    }

    private func validateSession() -> [FieldError] {
        switch sessionAffinity {
        case .clientIP:
            guard let timeout = sessionTimeoutSeconds, !(1...Service.longestSession).contains(timeout) else { return [] }
            return [
                .invalid(
                    "spec.sessionAffinityConfig.clientIP.timeoutSeconds", timeout,
                    "must be greater than 0 and less than \(Service.longestSession)")
            ]
        case .none:
            guard sessionTimeoutSeconds != nil else { return [] }
            return [.forbidden("spec.sessionAffinityConfig", "must not be set when session affinity is None")]
        }
    }

    /// An address from outside must be one that others can reach.
    static func validate(external address: String, at path: String) -> [FieldError] {
        guard IPAddressText.isValid(address) else { return [.invalid(path, address, IPAddressText.form)] }
        guard let number = AddressRange.address(address) else { return [] }
        if number == 0 { return [.invalid(path, address, "may not be unspecified (\(address))")] }
        return reserved.filter { $0.range.contains(number) }.map { .invalid(path, address, "may not be in the \($0.name)") }
    }

    private static let reserved: [(range: AddressRange, name: String)] = [
        (AddressRange(127 << 24, prefix: 8), "loopback range (127.0.0.0/8, ::1/128)"),
        (AddressRange(169 << 24 | 254 << 16, prefix: 16), "link-local range (169.254.0.0/16, fe80::/10)"),
        (AddressRange(224 << 24, prefix: 24), "link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ]

    private func validateAddresses() -> [FieldError] {
        var errors: [FieldError] = []
        let path = "spec.clusterIPs"
        for (index, family) in ipFamilies.enumerated() where ipFamilies[..<index].contains(family) {
            errors.append(.duplicate("spec.ipFamilies[\(index)]", family.rawValue))
        }
        if let first = clusterIPs.first, first != clusterIP {
            errors.append(
                clusterIP.isEmpty
                    ? .invalid(path, clusterIPs, "must be empty when `clusterIP` is not specified")
                    : .invalid(path, clusterIPs, "first value must match `clusterIP`"))
        }
        for (index, address) in clusterIPs.enumerated() {
            if index == 0, address == Service.headless {
                if clusterIPs.count > 1 { errors.append(.invalid(path, clusterIPs, "'None' must be the first and only value")) }
                continue
            }
            if !IPAddressText.isValid(address) { errors.append(.invalid("\(path)[\(index)]", address, IPAddressText.form)) }
        }
        if clusterIPs.count > 2 { errors.append(.invalid(path, clusterIPs, "may only hold up to 2 values")) }
        return errors
    }

    private func validateDuplicatePorts() -> [FieldError] {
        var errors: [FieldError] = []
        for (index, port) in ports.enumerated() {
            let path = "spec.ports[\(index)]"
            if type == .clusterIP, port.nodePort != 0 {
                errors.append(.forbidden(path + ".nodePort", "may not be used when `type` is 'ClusterIP'"))
            }
            let isDouble = { (field: KeyPath<ServicePort, Int32>) in
                ports[..<index].contains { $0.transport == port.transport && $0[keyPath: field] == port[keyPath: field] }
            }
            if port.nodePort != 0, isDouble(\.nodePort) {
                errors.append(
                    FieldError(.duplicate, field: path + ".nodePort", value: String(port.nodePort), detail: ""))
            }
            if isDouble(\.port) {
                errors.append(FieldError(.duplicate, field: path, value: port.duplicateText, detail: ""))
            }
        }
        return errors
    }

    private func validatePolicies() -> [FieldError] {
        var errors: [FieldError] = []
        if isExternallyAccessible {
            if externalTrafficPolicy == nil { errors.append(.required("spec.externalTrafficPolicy")) }
        } else if let policy = externalTrafficPolicy {
            errors.append(
                .invalid("spec.externalTrafficPolicy", policy.rawValue, "may only be set for externally-accessible services"))
        }
        if healthCheckNodePort != 0, type != .loadBalancer || externalTrafficPolicy != .local {
            errors.append(
                .invalid(
                    "spec.healthCheckNodePort", healthCheckNodePort,
                    "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"))
        }
        if type != .loadBalancer {
            if allocateLoadBalancerNodePorts != nil {
                errors.append(.forbidden("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'"))
            }
            if loadBalancerClass != nil {
                errors.append(.forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'"))
            }
            if !loadBalancerSourceRanges.isEmpty {
                errors.append(.forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'"))
            }
        } else if let loadBalancerClass {
            errors += NameValidation.qualifiedName(loadBalancerClass).map { .invalid("spec.loadBalancerClass", loadBalancerClass, $0) }
        }
        for (index, range) in loadBalancerSourceRanges.enumerated() where !IPAddressText.isRange(range) {
            errors.append(.invalid("spec.LoadBalancerSourceRanges[\(index)]", range, IPAddressText.rangeForm))
        }
        if let distribution = trafficDistribution, !Service.distributions.contains(distribution) {
            errors.append(.notSupported("spec.trafficDistribution", distribution, supported: Service.distributions))
        }
        return errors
    }

    private static let distributions = ["PreferClose", "PreferSameNode", "PreferSameZone"]
}

extension ServicePort {
    /// What makes the port a double of another, as messages show it.
    fileprivate var duplicateText: String {
        "{\"Name\":\"\",\"Protocol\":\"\(transport.rawValue)\",\"AppProtocol\":null,\"Port\":\(port),\"TargetPort\":0,\"NodePort\":0}"
    }
}
