// Checks of ResourceQuotas, LimitRanges and ServiceAccounts.

extension ResourceQuota: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}

extension LimitRange: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}

extension ServiceAccount: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}
extension Job: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}
extension CronJob: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}
extension DaemonSet: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}
extension ControllerRevision: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}
extension EndpointSlice: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}
extension HorizontalPodAutoscaler: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}
