// Checks of HorizontalPodAutoscalers.
// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/>

extension HorizontalPodAutoscaler: ValidatedObject {
    package func validateApartFromPodSpec() -> [FieldError] {
        metadata.validate(isNamespaced: true, name: NameValidation.dns1123Subdomain) + spec.validate(at: "spec")
    }
}

extension HorizontalPodAutoscalerSpec {
    /// Scaling to zero is behind a gate that is off.
    private static let leastReplicas: Int32 = 1

    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if let minReplicas, minReplicas < Self.leastReplicas {
            errors.append(.invalid(path + ".minReplicas", minReplicas, "must be greater than or equal to \(Self.leastReplicas)"))
        }
        let place = path + ".maxReplicas"
        if maxReplicas == 0 {
            errors.append(.required(place, "must be set and greater than 0"))
        } else if maxReplicas < 1 {
            errors.append(.invalid(place, maxReplicas, "must be greater than 0"))
        }
        if let minReplicas, maxReplicas < minReplicas {
            errors.append(.invalid(place, maxReplicas, "must be greater than or equal to `minReplicas`"))
        }
        errors += scaleTargetRef.validate(at: path + ".scaleTargetRef")
        for (index, metric) in metrics.enumerated() { errors += metric.validate(at: "\(path).metrics[\(index)]") }
        errors += behavior?.scaleUp?.validate(at: path + ".behavior.scaleUp") ?? []
        errors += behavior?.scaleDown?.validate(at: path + ".behavior.scaleDown") ?? []
        return errors
    }
}

extension CrossVersionObjectReference {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (field, value) in [("kind", kind), ("name", name)] {
            if value.isEmpty {
                errors.append(.required("\(path).\(field)"))
            } else {
                errors += NameValidation.pathSegment(value).map { .invalid("\(path).\(field)", value, $0) }
            }
        }
        return errors
    }
}

extension MetricSpec {
    fileprivate func validate(at path: String) -> [FieldError] {
        let place = path + "." + source.type.prefix(1).lowercased() + source.type.dropFirst()
        let target = place + ".target"
        var errors: [FieldError] = []
        switch source {
        case .resource(let name): errors += validateResource(name, at: place)
        case .containerResource(let name, let container):
            errors += validateResource(name, at: place)
            if container.isEmpty {
                errors.insert(.required(place + ".container", "must specify a container"), at: name.rawValue.isEmpty ? 1 : 0)
            }
        case .pods(let metric):
            errors += metric.validate(at: place + ".metric")
            errors += self.target.validate(at: target)
            if self.target.averageValue.map({ $0.sign <= 0 }) ?? true {
                errors.append(.required(target + ".averageValue", "must specify a positive target averageValue"))
            }
        case .object(let metric, let object):
            errors += object.validate(at: place + ".describedObject")
            errors += metric.validate(at: place + ".metric")
            errors += self.target.validate(at: target)
            if self.target.value == nil, self.target.averageValue == nil {
                errors.append(.required(target + ".averageValue", "must set either a target value or averageValue"))
            }
        case .external(let metric):
            errors += metric.validate(at: place + ".metric")
            errors += self.target.validate(at: target)
            if self.target.value == nil, self.target.averageValue == nil {
                errors.append(.required(target + ".averageValue", "must set either a target value for metric or a per-pod target"))
            }
            if self.target.value != nil, self.target.averageValue != nil {
                errors.append(.forbidden(target + ".value", "may not set both a target value for metric and a per-pod target"))
            }
        }
        return errors
    }

    private func validateResource(_ name: ResourceName, at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if name.rawValue.isEmpty { errors.append(.required(path + ".name", "must specify a resource name")) }
        errors += target.validate(at: path + ".target")
        if target.averageUtilization == nil, target.averageValue == nil {
            errors.append(
                .required(path + ".target.averageUtilization", "must set either a target raw value or a target utilization"))
        }
        if target.averageUtilization != nil, target.averageValue != nil {
            errors.append(.forbidden(path + ".target.averageValue", "may not set both a target raw value and a target utilization"))
        }
        return errors
    }
}

extension MetricIdentifier {
    fileprivate func validate(at path: String) -> [FieldError] {
        if name.isEmpty { return [.required(path + ".name", "must specify a metric name")] }
        return NameValidation.pathSegment(name).map { .invalid(path + ".name", name, $0) }
    }
}

extension MetricTarget {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if type == nil { errors.append(.required(path + ".type", "must specify a metric target type")) }
        for (field, quantity) in [("value", value), ("averageValue", averageValue)] {
            if let quantity, quantity.sign <= 0 { errors.append(.invalid("\(path).\(field)", quantity.description, "must be positive")) }
        }
        if let averageUtilization, averageUtilization < 1 {
            errors.append(.invalid(path + ".averageUtilization", averageUtilization, "must be greater than 0"))
        }
        return errors
    }
}

extension ScalingRules {
    private static let longestWindow: Int32 = 3600
    private static let longestPeriod: Int32 = 1800

    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if let window = stabilizationWindowSeconds {
            if window < 0 {
                errors.append(.invalid(path + ".stabilizationWindowSeconds", window, "must be greater than or equal to zero"))
            } else if window > Self.longestWindow {
                errors.append(
                    .invalid(path + ".stabilizationWindowSeconds", window, "must be less than or equal to \(Self.longestWindow)"))
            }
        }
        if policies?.isEmpty ?? true { errors.append(.required(path + ".policies", "must specify at least one Policy")) }
        for (index, policy) in (policies ?? []).enumerated() {
            let place = "\(path).policies[\(index)]"
            if policy.value <= 0 { errors.append(.invalid(place + ".value", policy.value, "must be greater than zero")) }
            if policy.periodSeconds <= 0 {
                errors.append(.invalid(place + ".periodSeconds", policy.periodSeconds, "must be greater than zero"))
            } else if policy.periodSeconds > Self.longestPeriod {
                errors.append(
                    .invalid(place + ".periodSeconds", policy.periodSeconds, "must be less than or equal to \(Self.longestPeriod)"))
            }
        }
        if let tolerance, tolerance.sign < 0 {
            errors.append(.invalid(path + ".tolerance", tolerance.description, "must be greater than or equal to 0"))
        }
        return errors
    }
}
