// Checks of pod specs: containers, resources, ports, volumes.

extension PodSpec {
    /// What the API server's validation says about a spec at `path`, such as `spec` or `spec.template.spec`.
    package func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        errors += validateVolumes(at: path + ".volumes")
        errors += validateContainers(at: path)
        errors += validateHostNetwork(at: path)
        errors += validateLimitsOfSpec(at: path)
        errors += LabelSelector.validate(labels: nodeSelector, at: path + ".nodeSelector")
        errors += validatePlacement(at: path)
        return errors
    }

    private func validateLimitsOfSpec(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if let deadline = activeDeadlineSeconds, !(1...Int64(Int32.max)).contains(deadline) {
            errors.append(.invalid(path + ".activeDeadlineSeconds", deadline, "must be between 1 and 2147483647, inclusive"))
        }
        errors += NumberValidation.nonNegative(terminationGracePeriodSeconds, at: path + ".terminationGracePeriodSeconds")
        if !hostname.isEmpty { errors += NameValidation.dns1123Label(hostname).map { .invalid(path + ".hostname", hostname, $0) } }
        if !subdomain.isEmpty { errors += NameValidation.dns1123Label(subdomain).map { .invalid(path + ".subdomain", subdomain, $0) } }
        for (field, name) in [
            ("serviceAccountName", serviceAccountName), ("priorityClassName", priorityClassName), ("runtimeClassName", runtimeClassName),
        ] where !name.isEmpty {
            errors += NameValidation.dns1123Subdomain(name).map { .invalid("\(path).\(field)", name, $0) }
        }
        for (name, quantity) in overhead { errors += name.validate(amount: quantity, at: "\(path).overhead[\(name)]") }
        if let resources { errors += validate(podLevel: resources, at: path + ".resources") }
        for (index, gate) in schedulingGates.enumerated() {
            let place = "\(path).schedulingGates[\(index)]"
            errors += NameValidation.qualifiedName(gate).map { .invalid(place, gate, $0) }
            if schedulingGates[..<index].contains(gate) { errors.append(.duplicate(place, gate)) }
        }
        for (index, gate) in readinessGates.enumerated() {
            errors += NameValidation.qualifiedName(gate).map { .invalid("\(path).readinessGates[\(index)].conditionType", gate, $0) }
        }
        return errors
    }

    // MARK: Volumes

    private func validateVolumes(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, volume) in volumes.enumerated() {
            let place = "\(path)[\(index)].name"
            if volume.name.isEmpty {
                errors.append(.required(place))
            } else if volumes[..<index].contains(where: { $0.name == volume.name }) {
                errors.append(.duplicate(place, volume.name))
            } else {
                errors += NameValidation.dns1123Label(volume.name).map { .invalid(place, volume.name, $0) }
            }
            if case .persistentVolumeClaim(let claim, _) = volume.source, claim.isEmpty {
                errors.append(.required("\(path)[\(index)].persistentVolumeClaim.claimName"))
            }
        }
        return errors
    }

    // MARK: Containers

    private func validateContainers(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if containers.isEmpty { errors.append(.required(path + ".containers")) }
        var names: [String] = []
        var hostPorts: [String] = []
        for (index, container) in containers.enumerated() {
            let place = "\(path).containers[\(index)]"
            errors += container.validate(at: place, names: &names, hostPorts: &hostPorts)
            errors += container.livenessProbe?.validate(at: place + ".livenessProbe", onlyOneSuccess: true) ?? []
            errors += container.readinessProbe?.validate(at: place + ".readinessProbe", onlyOneSuccess: false) ?? []
            errors += container.startupProbe?.validate(at: place + ".startupProbe", onlyOneSuccess: true) ?? []
            errors += container.validateHooks(at: place, within: terminationGracePeriodSeconds)
            errors += container.validateRestarts(at: place)
        }
        for (index, container) in initContainers.enumerated() {
            let place = "\(path).initContainers[\(index)]"
            // Init containers run one after the other, so each may use the same host ports.
            var ports: [String] = []
            errors += container.validate(at: place, names: &names, hostPorts: &ports)
            errors += container.validateRestarts(at: place)
            if container.isSidecar { errors += container.validateHooks(at: place, within: terminationGracePeriodSeconds) }
            for (field, probe, once) in [
                ("livenessProbe", container.livenessProbe, true), ("readinessProbe", container.readinessProbe, false),
                ("startupProbe", container.startupProbe, true),
            ] {
                guard let probe else { continue }
                if container.isSidecar {
                    errors += probe.validate(at: "\(place).\(field)", onlyOneSuccess: once)
                } else {
                    errors.append(.forbidden("\(place).\(field)", "may not be set for init containers without restartPolicy=Always"))
                }
            }
        }
        return errors
    }

    /// In the node's network a port of a container is that of the node.
    private func validateHostNetwork(at path: String) -> [FieldError] {
        guard hostNetwork else { return [] }
        var errors: [FieldError] = []
        for (index, container) in containers.enumerated() {
            for (position, port) in container.ports.enumerated() where port.hostPort != 0 && port.hostPort != port.containerPort {
                errors.append(
                    .invalid(
                        "\(path).containers[\(index)].ports[\(position)].hostPort", port.hostPort,
                        "must match `containerPort` when `hostNetwork` is true"))
            }
        }
        if hostUsers == false { errors.append(.forbidden(path + ".hostNetwork", "when `pod.Spec.HostUsers` is false")) }
        return errors
    }

    private func validate(podLevel resources: ResourceRequirements, at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (list, part) in [("limits", resources.limits), ("requests", resources.requests)] {
            for (name, quantity) in part {
                let place = "\(path).\(list)[\(name)]"
                let problems = name.validateName(at: place)
                errors += problems
                if problems.isEmpty, !name.isSupportedAtPodLevel {
                    errors.append(.notSupported(place, name.rawValue, supported: ["cpu", "hugepages-", "memory"]))
                }
                errors += name.validate(amount: quantity, at: place)
            }
        }
        for (name, request) in resources.requests {
            if let limit = resources.limits[name], request > limit {
                errors.append(
                    .invalid(path + ".requests", request.description, "must be less than or equal to \(name) limit of \(limit)"))
            }
        }
        let together = aggregate { $0.resources.requests }
        for (name, request) in resources.requests {
            if let needed = together[name], needed > request {
                errors.append(
                    .invalid(
                        "\(path).requests[\(name)]", request.description,
                        "must be greater than or equal to aggregate container requests of \(needed)"))
            }
        }
        return errors
    }
}

extension Container {
    fileprivate func validate(at path: String, names: inout [String], hostPorts: inout [String]) -> [FieldError] {
        var errors: [FieldError] = []
        if name.isEmpty {
            errors.append(.required(path + ".name"))
        } else {
            errors += NameValidation.dns1123Label(name).map { .invalid(path + ".name", name, $0) }
            if names.contains(name) { errors.append(.duplicate(path + ".name", name)) } else { names.append(name) }
        }
        errors += validateImage(at: path + ".image")
        errors += validatePorts(at: path + ".ports", hostPorts: &hostPorts)
        errors += resources.validate(at: path + ".resources")
        return errors
    }

    func validateImage(at path: String) -> [FieldError] {
        if image.isEmpty { return [.required(path)] }
        guard image.first?.isWhitespace ?? false || image.last?.isWhitespace ?? false else { return [] }
        return [.invalid(path, image, "must not have leading or trailing whitespace")]
    }

    private func validatePorts(at path: String, hostPorts: inout [String]) -> [FieldError] {
        var errors: [FieldError] = []
        var names: [String] = []
        for (index, port) in ports.enumerated() {
            let place = "\(path)[\(index)]"
            if !port.name.isEmpty {
                let messages = NameValidation.portName(port.name)
                errors += messages.map { .invalid(place + ".name", port.name, $0) }
                if messages.isEmpty {
                    if names.contains(port.name) { errors.append(.duplicate(place + ".name", port.name)) }
                    names.append(port.name)
                }
            }
            if port.containerPort == 0 {
                errors.append(.required(place + ".containerPort"))
            } else {
                errors += NumberValidation.port(port.containerPort, at: place + ".containerPort")
            }
            guard port.hostPort != 0 else { continue }
            errors += NumberValidation.port(port.hostPort, at: place + ".hostPort")
            let key = "\(port.transport.rawValue)/\(port.hostIP)/\(port.hostPort)"
            if hostPorts.contains(key) { errors.append(.duplicate(place + ".hostPort", key)) }
            hostPorts.append(key)
        }
        return errors
    }
}

extension ResourceRequirements {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (name, quantity) in limits {
            let place = "\(path).limits[\(name)]"
            errors += name.validateForContainer(at: place)
            errors += name.validate(amount: quantity, at: place) + name.validate(pages: quantity, at: place)
        }
        for (name, quantity) in requests {
            let place = "\(path).requests[\(name)]"
            errors += name.validateForContainer(at: place)
            errors += name.validate(amount: quantity, at: place)
            if let limit = limits[name] {
                if !name.isOvercommitAllowed, quantity != limit {
                    errors.append(.invalid(path + ".requests", quantity.description, "must be equal to \(name) limit of \(limit)"))
                } else if quantity > limit {
                    errors.append(
                        .invalid(path + ".requests", quantity.description, "must be less than or equal to \(name) limit of \(limit)"))
                }
            } else if !name.isOvercommitAllowed {
                errors.append(.required(path + ".limits", "Limit must be set for non overcommitable resources"))
            }
            errors += name.validate(pages: quantity, at: place)
        }
        let names = limits.names + requests.names
        if names.contains(where: \.isHugePages), !names.contains(.cpu), !names.contains(.memory) {
            errors.append(.forbidden(path, "HugePages require cpu or memory"))
        }
        return errors
    }
}

extension ResourceName {
    /// Resources that may be requested below their limit.
    var isOvercommitAllowed: Bool { isNative && !isHugePages }

    /// The resources containers may ask for.
    func validateForContainer(at path: String) -> [FieldError] {
        if self == .cpu || self == .memory || self == .ephemeralStorage || isHugePages { return [] }
        let errors = validateName(at: path)
        if !rawValue.contains("/") { return errors + [.invalid(path, rawValue, "must be a standard resource for containers")] }
        guard !isNative, !isExtended else { return errors }
        return errors + [.invalid(path, rawValue, "doesn't follow extended resource name standard")]
    }

    /// Pages are taken whole.
    fileprivate func validate(pages quantity: Quantity, at path: String) -> [FieldError] {
        guard isHugePages, let size = try? Quantity(text: String(rawValue.dropFirst("hugepages-".count))) else { return [] }
        if quantity.sign > 0, size.sign > 0, !size.hasFraction, quantity.value % size.value == 0 { return [] }
        return [.invalid(path, quantity.description, "\(quantity) is not positive integer multiple of \(rawValue)")]
    }
}

extension Probe {
    fileprivate func validate(at path: String, onlyOneSuccess: Bool) -> [FieldError] {
        var errors = NumberValidation.nonNegative(initialDelaySeconds, at: path + ".initialDelaySeconds")
        errors += NumberValidation.nonNegative(timeoutSeconds, at: path + ".timeoutSeconds")
        errors += NumberValidation.nonNegative(periodSeconds, at: path + ".periodSeconds")
        errors += NumberValidation.nonNegative(successThreshold, at: path + ".successThreshold")
        errors += NumberValidation.nonNegative(failureThreshold, at: path + ".failureThreshold")
        if onlyOneSuccess, successThreshold != 1 {
            errors.append(.invalid(path + ".successThreshold", successThreshold, "must be 1"))
        }
        return errors
    }
}
