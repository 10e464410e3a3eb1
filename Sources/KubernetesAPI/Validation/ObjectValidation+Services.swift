// Checks of Services and PodDisruptionBudgets.

extension Service: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1035Label)
        if let selector { errors += LabelSelector.validate(labels: selector, at: "spec.selector") }
        if ports.isEmpty, clusterIP != "None", type != .externalName { errors.append(.required("spec.ports")) }
        for (index, port) in ports.enumerated() {
            errors += NumberValidation.port(port.port, at: "spec.ports[\(index)].port")
            if ports.count > 1, port.name.isEmpty { errors.append(.required("spec.ports[\(index)].name")) }
        }
        return errors
    }
}

extension PodDisruptionBudget: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        if let least = spec.minAvailable { errors += least.validate(at: "spec.minAvailable") }
        if let most = spec.maxUnavailable {
            if spec.minAvailable != nil {
                errors.append(.invalid("spec", "{}", "minAvailable and maxUnavailable cannot be both set"))
            }
            errors += most.validate(at: "spec.maxUnavailable")
        }
        if let selector = spec.selector { errors += selector.validate(at: "spec.selector") }
        return errors
    }
}
