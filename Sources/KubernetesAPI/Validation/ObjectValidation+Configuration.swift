// Checks of ConfigMaps and Secrets.

extension ConfigMap: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain) + FieldError.ofKeys(keys)
    }
}

extension Secret: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain) + FieldError.ofKeys(keys)
    }
}

extension FieldError {
    /// What is wrong with the names of entries.
    fileprivate static func ofKeys(_ keys: [String]) -> [FieldError] {
        keys.flatMap { key in
            NameValidation.configMapKey(key).map { FieldError.invalid("data[\(key)]", key, $0) }
        }
    }
}
