// Validation of what is written: every object as a whole, but a pod spec only once however many objects share it.

import KubernetesAPI

/// Checks objects before they are stored, and remembers which pod specs have passed.
struct WriteValidation: Sendable {
    /// Specs that are valid, by identity; holding them keeps their addresses from being used again. Looked up, never iterated.
    private var valid: [ObjectIdentifier: Shared<PodSpec>] = [:]
    /// Scenarios that make ever new specs must not keep them all.
    private static let limit = 4096

    /// Refuses a new object that is not valid.
    mutating func check(_ object: APIObject) throws(APIError) {
        let errors = errors(of: object)
        guard errors.isEmpty else { throw .invalid(object, errors) }
    }

    /// Refuses a new version of an object that is not valid, or may not follow the stored one.
    mutating func checkChange(to object: APIObject, from stored: APIObject) throws(APIError) {
        let errors = errors(of: object) + object.validateChange(from: stored)
        guard errors.isEmpty else { throw .invalid(object, errors) }
    }

    private mutating func errors(of object: APIObject) -> [FieldError] {
        if case .pod(let pod) = object {
            let metadata = pod.value.isMadeFromTemplate ? [] : pod.value.validateApartFromPodSpec()
            return metadata + errors(of: pod.value.spec, at: pod.value.podSpecToValidate)
        }
        if case .endpointSlice(let slice) = object, slice.value.metadata.controllerUID != nil { return [] }
        let object = object.validated
        let errors = object.validateApartFromPodSpec()
        guard let place = object.podSpecToValidate else { return errors }
        return errors + self.errors(of: place.spec, at: place)
    }

    private mutating func errors(of spec: Shared<PodSpec>, at place: PlacedPodSpec?) -> [FieldError] {
        if valid[ObjectIdentifier(spec)] != nil { return [] }
        let errors = place?.validate() ?? []
        guard errors.isEmpty else { return errors }
        if valid.count >= WriteValidation.limit { valid.removeAll() }
        valid[ObjectIdentifier(spec)] = spec
        return []
    }
}

extension Pod {
    /// A controller made the pod under a generated name: its labels were checked with the template, its name with its owner's.
    fileprivate var isMadeFromTemplate: Bool { !metadata.generateName.isEmpty && metadata.controllerUID != nil }
}
