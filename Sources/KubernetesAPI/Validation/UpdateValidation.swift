// What may not change about an object once it is stored, in the API server's words.

extension APIObject {
    /// What forbids this version to follow the stored one. Checks only the change: the object itself is checked by ``validate()``.
    package func validateChange(from stored: APIObject) -> [FieldError] {
        switch (self, stored) {
        case (.pod(let new), .pod(let old)): new.value.validateChange(from: old.value)
        case (.deployment(let new), .deployment(let old)): Immutable.selector(new.value.spec.selector, old.value.spec.selector)
        case (.replicaSet(let new), .replicaSet(let old)): Immutable.selector(new.value.spec.selector, old.value.spec.selector)
        case (.daemonSet(let new), .daemonSet(let old)): Immutable.selector(new.value.spec.selector, old.value.spec.selector)
        case (.statefulSet(let new), .statefulSet(let old)): new.value.spec.validateChange(from: old.value.spec)
        case (.job(let new), .job(let old)): new.value.validateChange(from: old.value)
        case (.controllerRevision(let new), .controllerRevision(let old)):
            new.value.template == old.value.template ? [] : [Immutable.error("data", Immutable.elided)]
        case (.service(let new), .service(let old)): new.value.validateChange(from: old.value)
        case (.endpointSlice(let new), .endpointSlice(let old)):
            Immutable.text("addressType", new.value.addressType.rawValue, old.value.addressType.rawValue)
        case (.priorityClass(let new), .priorityClass(let old)):
            (new.value.value == old.value.value ? [] : [.forbidden("value", "may not be changed in an update.")])
                + Immutable.text("preemptionPolicy", new.value.preemptionPolicy.rawValue, old.value.preemptionPolicy.rawValue)
        case (.resourceQuota(let new), .resourceQuota(let old)):
            Immutable.scopes(new.value.spec.scopes, old.value.spec.scopes)
        case (.persistentVolumeClaim(let new), .persistentVolumeClaim(let old)): new.value.validateChange(from: old.value)
        case (.persistentVolume(let new), .persistentVolume(let old)):
            new.value.spec.source == old.value.spec.source
                ? []
                : [.forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")]
        case (.storageClass(let new), .storageClass(let old)): new.value.validateChange(from: old.value)
        default: []
        }
    }
}

/// Errors about fields that never change.
private enum Immutable {
    static let detail = "field is immutable"
    /// The API server prints the Go value of large fields; this stands for it.
    static let elided = "{…}"

    static func error(_ path: String, _ value: String) -> FieldError { .invalid(path, value, quoted: false, detail) }

    static func selector(_ new: LabelSelector?, _ old: LabelSelector?) -> [FieldError] {
        new == old ? [] : [error("spec.selector", new?.jsonText ?? "null")]
    }

    /// Only the scopes given by name are held fast.
    static func scopes(_ new: [ScopeRequirement], _ old: [ScopeRequirement]) -> [FieldError] {
        let (names, before) = (new.filter(\.isByName).map(\.scope), old.filter(\.isByName).map(\.scope))
        return Set(names) == Set(before) ? [] : [.invalid("spec.scopes", names.map(\.rawValue), detail)]
    }

    static func text(_ path: String, _ new: String, _ old: String) -> [FieldError] {
        new == old ? [] : [error(path, GoText.quoted(new))]
    }

    static func number(_ path: String, _ new: Int32?, _ old: Int32?) -> [FieldError] {
        new == old ? [] : [error(path, new.map(String.init) ?? "null")]
    }
}

extension Pod {
    fileprivate func validateChange(from old: Pod) -> [FieldError] {
        if spec === old.spec, nodeName == old.nodeName { return [] }
        let (new, before) = (spec.value, old.spec.value)
        var errors: [FieldError] = []
        for (field, containers, old) in [
            ("containers", new.containers, before.containers), ("initContainers", new.initContainers, before.initContainers),
        ] {
            if containers.count != old.count {
                return errors + [.forbidden("spec.\(field)", "pod updates may not add or remove containers")]
            }
            // The API server says this twice: of the pod, and of its change.
            for (index, container) in containers.enumerated() { errors += container.validateImage(at: "spec.\(field)[\(index)].image") }
        }
        if let limit = before.activeDeadlineSeconds {
            if let deadline = new.activeDeadlineSeconds {
                if deadline > limit {
                    return errors + [.invalid("spec.activeDeadlineSeconds", deadline, "must be less than or equal to previous value")]
                }
            } else {
                errors.append(
                    .invalid("spec.activeDeadlineSeconds", "null", quoted: false, "must not update from a positive integer to nil value"))
            }
        }
        if before.tolerations.contains(where: { old in !new.tolerations.contains { $0.isSame(as: old) } }) {
            errors.append(.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"))
        }
        for (index, gate) in new.schedulingGates.enumerated() where !before.schedulingGates.contains(gate) {
            errors.append(
                .forbidden(
                    "spec.schedulingGates[\(index)].name", "only deletion is allowed, but found new scheduling gate '\(gate)'"))
        }
        // While gates hold a pod back it may still be told where to go.
        var (fixed, fixedBefore) = (new.withoutMutableFields, before.withoutMutableFields)
        if !before.schedulingGates.isEmpty {
            fixed.nodeSelector = fixedBefore.nodeSelector
            fixed.affinity.requiredNodeTerms = fixedBefore.affinity.requiredNodeTerms
            fixedBefore.affinity.preferredNodeTerms = fixed.affinity.preferredNodeTerms
        }
        guard fixed != fixedBefore || nodeName != old.nodeName else { return errors }
        return errors + [
            .forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                    + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
                    + "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)")
        ]
    }
}

extension Toleration {
    /// The same but for how long.
    fileprivate func isSame(as other: Toleration) -> Bool {
        var copy = other
        copy.tolerationSeconds = tolerationSeconds
        return copy == self
    }
}

extension PodSpec {
    /// The spec without the few fields that may change in a pod's life.
    fileprivate var withoutMutableFields: PodSpec {
        var spec = self
        for index in spec.containers.indices { spec.containers[index].image = "" }
        for index in spec.initContainers.indices { spec.initContainers[index].image = "" }
        spec.activeDeadlineSeconds = nil
        spec.tolerations = []
        spec.schedulingGates = []
        return spec
    }
}

extension StatefulSetSpec {
    fileprivate func validateChange(from old: StatefulSetSpec) -> [FieldError] {
        var fixed = self
        fixed.replicas = old.replicas
        fixed.firstOrdinal = old.firstOrdinal
        fixed.template = old.template
        fixed.updateStrategy = old.updateStrategy
        fixed.revisionHistoryLimit = old.revisionHistoryLimit
        fixed.claimRetention = old.claimRetention
        fixed.minReadySeconds = old.minReadySeconds
        guard fixed != old else { return [] }
        return [
            .forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                    + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")
        ]
    }
}

extension Job {
    fileprivate func validateChange(from old: Job) -> [FieldError] {
        let (new, before) = (spec, old.spec)
        var errors: [FieldError] = []
        if new.completionMode == .indexed {
            if new.completions != before.completions, let completions = new.completions, completions != new.parallelism {
                errors.append(.invalid("spec.completions", completions, "can only be modified in tandem with spec.parallelism"))
            }
        } else {
            errors += Immutable.number("spec.completions", new.completions, before.completions)
        }
        errors += Immutable.selector(new.selector, before.selector)
        // A suspended job that never ran may still be told where to run.
        let isMovable = before.suspend && old.status.startTime == nil
        if !new.template.isSame(as: before.template, apartFromPlace: isMovable) {
            errors.append(Immutable.error("spec.template.spec", Immutable.elided))
        }
        if !isMovable, new.template.labels != before.template.labels || new.template.annotations != before.template.annotations {
            errors.append(Immutable.error("spec.template.metadata", Immutable.elided))
        }
        errors += Immutable.text("spec.completionMode", new.completionMode.rawValue, before.completionMode.rawValue)
        if new.podFailurePolicy != before.podFailurePolicy { errors.append(Immutable.error("spec.podFailurePolicy", Immutable.elided)) }
        errors += Immutable.number("spec.backoffLimitPerIndex", new.backoffLimitPerIndex, before.backoffLimitPerIndex)
        errors += Immutable.text("spec.managedBy", new.managedBy, before.managedBy)
        if new.successPolicy != before.successPolicy { errors.append(Immutable.error("spec.successPolicy", Immutable.elided)) }
        return errors
    }
}

extension PodTemplate {
    /// Whether the specs agree; `apartFromPlace`: but for what says on which nodes pods may run.
    fileprivate func isSame(as old: PodTemplate, apartFromPlace: Bool) -> Bool {
        if spec == old.spec { return true }
        guard apartFromPlace else { return false }
        var moved = spec.value
        let before = old.spec.value
        moved.nodeSelector = before.nodeSelector
        moved.tolerations = before.tolerations
        moved.schedulingGates = before.schedulingGates
        moved.affinity.requiredNodeTerms = before.affinity.requiredNodeTerms
        moved.affinity.preferredNodeTerms = before.affinity.preferredNodeTerms
        return moved == before
    }
}

extension Service {
    fileprivate func validateChange(from old: Service) -> [FieldError] {
        guard type != .externalName, old.type != .externalName else { return [] }
        var errors: [FieldError] = []
        for (index, address) in old.clusterIPs.enumerated() where index < clusterIPs.count && clusterIPs[index] != address {
            errors.append(.invalid("spec.clusterIPs[\(index)]", clusterIPs, "may not change once set"))
        }
        if clusterIPs.isEmpty, let first = old.clusterIPs.first, !first.isEmpty {
            errors.append(.invalid("spec.clusterIPs[0]", clusterIPs, "primary clusterIP can not be unset"))
        }
        if healthCheckNodePort != old.healthCheckNodePort, old.healthCheckNodePort != 0, externalTrafficPolicy == .local {
            errors.append(.forbidden("spec.healthCheckNodePort", Immutable.detail))
        }
        return errors
    }
}

extension PersistentVolumeClaim {
    fileprivate func validateChange(from old: PersistentVolumeClaim) -> [FieldError] {
        var fixed = spec
        // A claim is bound and gets its class after it was made.
        if old.spec.volumeName.isEmpty { fixed.volumeName = "" }
        if old.spec.storageClassName == nil { fixed.storageClassName = nil }
        if old.phase == .bound {
            fixed.requests = old.spec.requests
            fixed.volumeAttributesClassName = old.spec.volumeAttributesClassName
        }
        guard fixed != old.spec else { return [] }
        return [
            .forbidden(
                "spec",
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims")
        ]
    }
}

extension StorageClass {
    fileprivate func validateChange(from old: StorageClass) -> [FieldError] {
        var errors: [FieldError] = []
        if provisioner != old.provisioner { errors.append(.forbidden("provisioner", "updates to provisioner are forbidden.")) }
        if reclaimPolicy != old.reclaimPolicy { errors.append(.forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden.")) }
        return errors + Immutable.text("volumeBindingMode", volumeBindingMode.rawValue, old.volumeBindingMode.rawValue)
    }
}
