// Checks objects as the API server does before it stores them, with its own words: what all kinds have in common.

/// A pod spec and where it stands in its object.
package struct PlacedPodSpec {
    package let spec: Shared<PodSpec>
    package let path: String

    init(_ spec: Shared<PodSpec>, at path: String) {
        self.spec = spec
        self.path = path
    }

    package func validate() -> [FieldError] { spec.value.validate(at: path) }
}

/// An object the API server checks.
package protocol ValidatedObject {
    /// What is wrong, but for a pod spec inside (which is checked once for all objects that share it).
    func validateApartFromPodSpec() -> [FieldError]
    /// The pod spec inside.
    var podSpecToValidate: PlacedPodSpec? { get }
}

extension ValidatedObject {
    package var podSpecToValidate: PlacedPodSpec? { nil }
}

extension APIObject {
    /// What the API server's validation says about the object, pod specs included; empty if it may be stored.
    package func validate() -> [FieldError] { validated.validateApartFromPodSpec() + (validated.podSpecToValidate?.validate() ?? []) }

    /// The object as one that can be checked.
    package var validated: any ValidatedObject {
        switch self {
        case .pod(let object): object.value
        case .node(let object): object.value
        case .namespace(let object): object.value
        case .replicaSet(let object): object.value
        case .deployment(let object): object.value
        case .priorityClass(let object): object.value
        case .event(let object): object.value
        case .persistentVolume(let object): object.value
        case .persistentVolumeClaim(let object): object.value
        case .storageClass(let object): object.value
        case .csiNode(let object): object.value
        case .csiDriver(let object): object.value
        case .csiStorageCapacity(let object): object.value
        case .volumeAttachment(let object): object.value
        case .service(let object): object.value
        case .statefulSet(let object): object.value
        case .replicationController(let object): object.value
        case .podDisruptionBudget(let object): object.value
        case .job(let object): object.value
        case .cronJob(let object): object.value
        case .daemonSet(let object): object.value
        case .controllerRevision(let object): object.value
        case .endpointSlice(let object): object.value
        case .horizontalPodAutoscaler(let object): object.value
        case .resourceQuota(let object): object.value
        case .limitRange(let object): object.value
        case .serviceAccount(let object): object.value
        case .configMap(let object): object.value
        case .secret(let object): object.value
        case .ingress(let object): object.value
        case .networkPolicy(let object): object.value
        case .endpoints(let object): object.value
        case .unstructured(let object): object.value
        }
    }
}

/// Limits of Kubernetes, and of what can be simulated.
package enum ObjectLimits {
    /// Bytes of all annotations of an object together.
    static let annotations = 256 * 1024
    /// The simulator's own: more pods of one workload than any cluster runs are a slip of the keyboard.
    static let replicas: Int32 = 1_000_000
}

extension ObjectMeta {
    /// What is wrong with the metadata of an object.
    ///
    /// - Parameters:
    ///   - isNamespaced: whether the kind lives in namespaces.
    ///   - path: where the metadata stands.
    ///   - isBuiltIn: whether the kind is one of Kubernetes' own, whose finalizers are its own or have a domain.
    ///   - name: the rule for names of the kind.
    func validate(
        isNamespaced: Bool, at path: String = "metadata", isBuiltIn: Bool = true, name rule: (String) -> [String]
    ) -> [FieldError] {
        var errors: [FieldError] = []
        if !generateName.isEmpty {
            // The random suffix makes up for a trailing hyphen.
            let prefix = generateName.hasSuffix("-") ? String(generateName.dropLast()) + "a" : generateName
            errors += rule(prefix).map { .invalid(path + ".generateName", generateName, $0) }
        }
        if name.isEmpty {
            if generateName.isEmpty { errors.append(.required(path + ".name", "name or generateName is required")) }
        } else {
            errors += rule(name).map { .invalid(path + ".name", name, $0) }
        }
        if isNamespaced {
            if namespace.isEmpty {
                errors.append(.required(path + ".namespace"))
            } else {
                errors += NameValidation.dns1123Label(namespace).map { .invalid(path + ".namespace", namespace, $0) }
            }
        } else if !namespace.isEmpty {
            errors.append(.forbidden(path + ".namespace", "not allowed on this type"))
        }
        if generation < 0 { errors.append(.invalid(path + ".generation", generation, "must be greater than or equal to 0")) }
        errors += LabelSelector.validate(labels: labels, at: path + ".labels")
        errors += ObjectMeta.validate(annotations: annotations, at: path + ".annotations")
        errors += validateOwners(at: path + ".ownerReferences")
        errors += validateFinalizers(at: path + ".finalizers")
        if isBuiltIn {
            for (index, finalizer) in finalizers.enumerated() {
                errors += Finalizers.validate(unqualified: finalizer, at: "\(path).finalizers[\(index)]")
            }
        }
        return errors
    }

    private func validateFinalizers(at path: String) -> [FieldError] {
        var errors = finalizers.flatMap { finalizer in
            NameValidation.qualifiedName(finalizer).map { FieldError.invalid(path, finalizer, $0) }
        }
        if finalizers.contains(Finalizers.orphan), finalizers.contains(Finalizers.foregroundDeletion) {
            errors.append(
                .invalid(
                    path, finalizers, "finalizer \(Finalizers.orphan) and \(Finalizers.foregroundDeletion) cannot be both set"))
        }
        return errors
    }

    static func validate(annotations: Labels, at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        var size = 0
        for (key, value) in annotations {
            // Keys of annotations may be written in capitals.
            errors += NameValidation.qualifiedName(key.lowercased()).map { .invalid(path, key, $0) }
            size += key.utf8.count + value.utf8.count
        }
        if size > ObjectLimits.annotations {
            errors.append(FieldError(.tooLong, field: path, detail: "may not be more than \(ObjectLimits.annotations) bytes"))
        }
        return errors
    }

    private func validateOwners(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for owner in ownerReferences {
            for (field, value) in [
                ("apiVersion", owner.apiVersion), ("kind", owner.kind), ("name", owner.name), ("uid", owner.uid.text),
            ] where value.isEmpty {
                errors.append(
                    .invalid("\(path).\(field)", value, field == "apiVersion" ? "version must not be empty" : "must not be empty"))
            }
            if owner.apiVersion == "v1", owner.kind == "Event" {
                errors.append(.invalid(path, owner.jsonText, quoted: false, "/v1, Kind=Event is disallowed from being an owner"))
            }
        }
        let controllers = ownerReferences.filter(\.controller).map { "\($0.kind)/\($0.name)" }
        for other in controllers.dropFirst() {
            let list = ownerReferences.map(\.jsonText).joined(separator: ",")
            errors.append(
                FieldError(
                    .invalid, field: path, value: "[\(list)]",
                    detail:
                        "Only one reference can have Controller set to true. Found \"true\" in references for \(controllers[0]) and \(other)"
                ))
        }
        return errors
    }
}

extension OwnerReference {
    /// The reference as JSON, with the fields in the API's order.
    fileprivate var jsonText: String {
        var text = "{\"apiVersion\":\(JSONText.quoted(apiVersion)),\"kind\":\(JSONText.quoted(kind))"
        text += ",\"name\":\(JSONText.quoted(name)),\"uid\":\(JSONText.quoted(uid.text))"
        if controller { text += ",\"controller\":true" }
        if blockOwnerDeletion { text += ",\"blockOwnerDeletion\":true" }
        return text + "}"
    }
}

extension Labels {
    /// The map as JSON; an empty one is `null`, as an unset Go map is.
    var jsonText: String {
        if isEmpty { return "null" }
        return "{" + map { JSONText.quoted($0.key) + ":" + JSONText.quoted($0.value) }.joined(separator: ",") + "}"
    }
}

extension LabelSelector {
    /// Whether all its conditions are such as can be asked of labels.
    var isUsable: Bool { (try? selector()) != nil }

    /// The checks of a selector that must select something.
    func validateNotEmpty(at path: String, of kind: String) -> [FieldError] {
        let errors = validate(at: path)
        guard isEmpty else { return errors }
        return errors + [FieldError(.invalid, field: path, value: "{}", detail: "empty selector is invalid for \(kind)")]
    }
}

/// Checks of numbers, in the API server's words.
enum NumberValidation {
    static func nonNegative(_ value: some BinaryInteger, at path: String) -> [FieldError] {
        value >= 0 ? [] : [.invalid(path, value, "must be greater than or equal to 0")]
    }

    /// `replicas` of a workload.
    static func replicas(_ value: Int32, at path: String) -> [FieldError] {
        if value > ObjectLimits.replicas {
            return [.invalid(path, value, "must be less than or equal to \(ObjectLimits.replicas): the simulator's limit for one workload")]
        }
        return nonNegative(value, at: path)
    }

    static func port(_ value: Int32, at path: String) -> [FieldError] {
        (1...65535).contains(value) ? [] : [.invalid(path, value, "must be between 1 and 65535, inclusive")]
    }
}

extension Namespace: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: false, name: NameValidation.dns1123Label)
        for finalizer in finalizers {
            errors += NameValidation.qualifiedName(finalizer).map { .invalid("spec.finalizers", finalizer, $0) }
            errors += Finalizers.validate(unqualified: finalizer, at: "spec.finalizers")
        }
        return errors
    }
}

extension PriorityClass: ValidatedObject {
    /// Values above are for the system's own classes.
    private static let highestUserValue: Int32 = 1_000_000_000
    private static let systemClasses: [(name: String, value: Int32)] = [
        ("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000),
    ]

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: false, name: NameValidation.dns1123Subdomain)
        if metadata.name.hasPrefix("system-") {
            let reserved = "priority class names with 'system-' prefix are reserved for system use only. error: "
            if let known = PriorityClass.systemClasses.first(where: { $0.name == metadata.name }) {
                if known.value != value {
                    errors.append(
                        .forbidden("metadata.name", reserved + "value of \(known.name) PriorityClass must be \(known.value)"))
                }
            } else {
                errors.append(.forbidden("metadata.name", reserved + "\(metadata.name) is not a known system priority class"))
            }
        } else if value > PriorityClass.highestUserValue {
            errors.append(.forbidden("value", "maximum allowed value of a user defined priority is \(PriorityClass.highestUserValue)"))
        }
        return errors
    }
}

extension KubernetesEvent: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
    }
}

extension Unstructured: ValidatedObject {
    /// Only what holds for every kind: some allow names (RBAC's `system:…`) that others do not, and scopes are not always known.
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: !metadata.namespace.isEmpty, isBuiltIn: BuiltInKinds.isServed(kindName, in: apiVersion)) { name in
            name == "." || name == ".." || name.contains("/") ? ["may not contain '/', or be '.' or '..'"] : []
        }
    }
}
