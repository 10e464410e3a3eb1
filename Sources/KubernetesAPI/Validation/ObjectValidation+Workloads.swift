// Checks of Pods and of the workloads that keep pods running, apart from their pod specs.

extension Pod: ValidatedObject {
    package var podSpecToValidate: PlacedPodSpec? { PlacedPodSpec(spec, at: "spec") }

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        if let nodeName {
            errors += NameValidation.dns1123Subdomain(nodeName).map { .invalid("spec.nodeName", nodeName, $0) }
            if !spec.value.schedulingGates.isEmpty {
                errors.append(.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
            }
        }
        for (index, status) in status.containerStatuses.enumerated() {
            errors += NumberValidation.nonNegative(status.restartCount, at: "status.containerStatuses[\(index)].restartCount")
        }
        return errors
    }
}

extension PodTemplate {
    /// The workload would not recognise the pods it makes.
    func unselected(at path: String) -> FieldError {
        FieldError(
            .invalid, field: path + ".metadata.labels", value: labels.jsonText,
            detail: "`selector` does not match template `labels`")
    }

    /// The checks of a template in a workload that keeps its pods running; its spec's own are made elsewhere. `owner` is what the
    /// API server calls the workload's kind when it refuses deadlines.
    fileprivate func validate(against selector: LabelSelector, at path: String, of owner: String) -> [FieldError] {
        var errors: [FieldError] = []
        if !selector.isUsable {
            // Against nothing there is nothing to check; of StatefulSets and DaemonSets the API server says no more.
            switch owner {
            case "ReplicaSet": return [.invalid("spec.selector", selector.jsonText, quoted: false, "invalid label selector")]
            case "StatefulSet": return [.invalid("spec.selector", selector.jsonText, quoted: false, "")]
            default: break
            }
        } else if !selector.isEmpty, !selector.matches(labels) {
            errors.append(unselected(at: path))
        }
        errors += validateMetadata(at: path)
        if spec.value.restartPolicy != .always {
            errors.append(.notSupported(path + ".spec.restartPolicy", spec.value.restartPolicy.rawValue, supported: ["Always"]))
        }
        if spec.value.activeDeadlineSeconds != nil {
            errors.append(.forbidden(path + ".spec.activeDeadlineSeconds", "activeDeadlineSeconds in \(owner) is not Supported"))
        }
        return errors
    }

    /// The API server leaves out that they stand in the template's metadata.
    func validateMetadata(at path: String) -> [FieldError] {
        LabelSelector.validate(labels: labels, at: path + ".labels")
            + ObjectMeta.validate(annotations: annotations, at: path + ".annotations")
    }
}

extension ReplicaSet: ValidatedObject {
    package var podSpecToValidate: PlacedPodSpec? { PlacedPodSpec(spec.template.spec, at: "spec.template.spec") }

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        errors += NumberValidation.replicas(spec.replicas, at: "spec.replicas")
        errors += NumberValidation.nonNegative(spec.minReadySeconds, at: "spec.minReadySeconds")
        errors += spec.selector.validateNotEmpty(at: "spec.selector", of: "replicaset")
        errors += spec.template.validate(against: spec.selector, at: "spec.template", of: "ReplicaSet")
        return errors
    }
}

extension Deployment: ValidatedObject {
    package var podSpecToValidate: PlacedPodSpec? { PlacedPodSpec(spec.template.spec, at: "spec.template.spec") }

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        errors += NumberValidation.replicas(spec.replicas, at: "spec.replicas")
        errors += spec.selector.validateNotEmpty(at: "spec.selector", of: "deployment")
        errors += spec.template.validate(against: spec.selector, at: "spec.template", of: "ReplicaSet")
        errors += spec.strategy.validate(at: "spec.strategy")
        errors += NumberValidation.nonNegative(spec.minReadySeconds, at: "spec.minReadySeconds")
        errors += NumberValidation.nonNegative(spec.revisionHistoryLimit, at: "spec.revisionHistoryLimit")
        errors += NumberValidation.nonNegative(spec.progressDeadlineSeconds, at: "spec.progressDeadlineSeconds")
        if spec.progressDeadlineSeconds <= spec.minReadySeconds {
            errors.append(
                .invalid("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds, "must be greater than minReadySeconds"))
        }
        return errors
    }
}

extension StatefulSet: ValidatedObject {
    package var podSpecToValidate: PlacedPodSpec? { PlacedPodSpec(spec.template.spec, at: "spec.template.spec") }

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Label)
        if case .rollingUpdate(let partition) = spec.updateStrategy {
            errors += NumberValidation.nonNegative(partition, at: "spec.updateStrategy.rollingUpdate.partition")
        }
        errors += NumberValidation.replicas(spec.replicas, at: "spec.replicas")
        errors += NumberValidation.nonNegative(spec.minReadySeconds, at: "spec.minReadySeconds")
        errors += NumberValidation.nonNegative(spec.firstOrdinal, at: "spec.ordinals.start")
        errors += NumberValidation.nonNegative(spec.revisionHistoryLimit, at: "spec.revisionHistoryLimit")
        errors += spec.selector.validateNotEmpty(at: "spec.selector", of: "statefulset")
        errors += spec.template.validate(against: spec.selector, at: "spec.template", of: "StatefulSet")
        return errors
    }
}

extension DaemonSet: ValidatedObject {
    package var podSpecToValidate: PlacedPodSpec? { PlacedPodSpec(spec.template.spec, at: "spec.template.spec") }

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        errors += spec.selector.validateNotEmpty(at: "spec.selector", of: "daemonset")
        errors += spec.template.validate(against: spec.selector, at: "spec.template", of: "DaemonSet")
        errors += NumberValidation.nonNegative(spec.minReadySeconds, at: "spec.minReadySeconds")
        errors += spec.updateStrategy.validate(at: "spec.updateStrategy.rollingUpdate")
        errors += NumberValidation.nonNegative(spec.revisionHistoryLimit, at: "spec.revisionHistoryLimit")
        return errors
    }
}

extension ControllerRevision: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
            + NumberValidation.nonNegative(revision, at: "revision")
    }
}

extension ReplicationController: ValidatedObject {
    package var podSpecToValidate: PlacedPodSpec? { PlacedPodSpec(template.spec, at: "spec.template.spec") }

    package func validateApartFromPodSpec() -> [FieldError] {
        var errors = metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain)
        errors += NumberValidation.nonNegative(minReadySeconds, at: "spec.minReadySeconds")
        if selector.isEmpty { errors.append(.required("spec.selector")) }
        errors += NumberValidation.replicas(replicas, at: "spec.replicas")
        errors += template.validate(against: LabelSelector(matchLabels: selector), at: "spec.template", of: "ReplicationController")
        return errors
    }
}

extension DaemonSetUpdateStrategy {
    /// Exactly one of the two numbers is given, neither above all nodes.
    fileprivate func validate(at path: String) -> [FieldError] {
        guard case .rollingUpdate(let surge, let unavailable) = self else { return [] }
        var errors = unavailable.validate(at: path + ".maxUnavailable") + surge.validate(at: path + ".maxSurge")
        guard errors.isEmpty else { return errors }
        errors += unavailable.validateShare(at: path + ".maxUnavailable") + surge.validateShare(at: path + ".maxSurge")
        switch (unavailable.number != 0, surge.number != 0) {
        case (true, true): errors.append(surge.invalid(path + ".maxSurge", "may not be set when maxUnavailable is non-zero"))
        case (false, false): errors.append(.required(path + ".maxUnavailable", "cannot be 0 when maxSurge is 0"))
        default: break
        }
        return errors
    }
}

extension DeploymentStrategy {
    fileprivate func validate(at path: String) -> [FieldError] {
        guard case .rollingUpdate(let maxSurge, let maxUnavailable) = self else { return [] }
        let place = path + ".rollingUpdate"
        var errors = maxUnavailable.validate(at: place + ".maxUnavailable")
        errors += maxSurge.validate(at: place + ".maxSurge")
        guard errors.isEmpty else { return errors }
        if maxUnavailable.number == 0, maxSurge.number == 0 {
            errors.append(maxUnavailable.invalid(place + ".maxUnavailable", "may not be 0 when `maxSurge` is 0"))
        }
        return errors + maxUnavailable.validateShare(at: place + ".maxUnavailable")
    }
}

extension IntOrPercent {
    /// A count that is not negative, or a percentage.
    func validate(at path: String) -> [FieldError] {
        switch self {
        case .int(let value): return NumberValidation.nonNegative(value, at: path)
        case .string(let text):
            let digits = text.utf8.dropLast()
            if text.utf8.last == UInt8(ascii: "%"), !digits.isEmpty, digits.allSatisfy({ $0 &- 0x30 < 10 }) { return [] }
            return [
                .invalid(
                    path, text,
                    "a valid percent string must be a numeric string followed by an ending '%' "
                        + "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")
            ]
        }
    }

    /// A share is at most all.
    func validateShare(at path: String) -> [FieldError] {
        isPercent && validate(at: path).isEmpty && number > 100 ? [invalid(path, "must not be greater than 100%")] : []
    }

    /// The number, percentages without their sign; percentages beyond 64 bits are just large.
    fileprivate var number: Int {
        switch self {
        case .int(let value): Int(value)
        case .string(let text): Int(text.dropLast()) ?? .max
        }
    }

    fileprivate func invalid(_ path: String, _ detail: String) -> FieldError {
        switch self {
        case .int(let value): .invalid(path, value, detail)
        case .string(let text): .invalid(path, text, detail)
        }
    }
}
