// Checks of volumes, claims, storage classes and what drivers publish.

extension PersistentVolume: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: false, name: NameValidation.dns1123Subdomain)
        if spec.accessModes.isEmpty { errors.append(.required("spec.accessModes")) }
        if spec.capacity.isEmpty { errors.append(.required("spec.capacity")) }
        return errors
    }
}

extension PersistentVolumeClaim: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        if spec.accessModes.isEmpty { errors.append(.required("spec.accessModes", "at least 1 access mode is required")) }
        if spec.accessModes.contains(.readWriteOncePod), spec.accessModes.count > 1 {
            errors.append(.forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes"))
        }
        if let size = spec.requests[.storage] {
            if size.sign <= 0 { errors.append(.invalid("spec.resources[storage]", size.description, "must be greater than zero")) }
        } else {
            errors.append(.required("spec.resources[storage]"))
        }
        if let name = spec.storageClassName, !name.isEmpty {
            errors += NameValidation.dns1123Subdomain(name).map { .invalid("spec.storageClassName", name, $0) }
        }
        if let selector = spec.selector { errors += selector.validate(at: "spec.selector") }
        return errors
    }
}

extension StorageClass: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: false, name: NameValidation.dns1123Subdomain)
        if provisioner.isEmpty { errors.append(.required("provisioner")) }
        return errors
    }
}

extension CSINode: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: false, name: NameValidation.dns1123Subdomain)
    }
}

extension CSIDriver: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: false, name: NameValidation.dns1123Subdomain)
    }
}

extension CSIStorageCapacity: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        if let nodeTopology { errors += nodeTopology.validate(at: "nodeTopology") }
        return errors
    }
}

extension VolumeAttachment: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: false, name: NameValidation.dns1123Subdomain)
        if attacher.isEmpty { errors.append(.required("spec.attacher")) }
        if nodeName.isEmpty { errors.append(.required("spec.nodeName")) }
        return errors
    }
}
