// Checks of what jobs say about failed pods and about success before the end.
// <https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy>

private enum PolicyLimits {
    static let rules = 20
    static let exitCodes = 255
    static let conditions = 20
    static let succeededIndexes = 64 * 1024
}

extension PodFailurePolicy {
    func validate(of spec: JobSpec, at path: String) -> [FieldError] {
        var errors = FieldError.tooMany(path + ".rules", rules.count, most: PolicyLimits.rules)
        let template = spec.template.spec.value
        let containers = (template.containers + template.initContainers).map(\.name)
        for (index, rule) in rules.enumerated() {
            errors += rule.validate(of: spec, at: "\(path).rules[\(index)]", containers: containers)
        }
        return errors
    }
}

extension PodFailurePolicy.Rule {
    fileprivate func validate(of spec: JobSpec, at path: String, containers: [String]) -> [FieldError] {
        var errors: [FieldError] = []
        if action == .failIndex, spec.backoffLimitPerIndex == nil {
            errors.append(.invalid(path + ".action", action.rawValue, "requires the backoffLimitPerIndex to be set"))
        }
        errors += onExitCodes?.validate(at: path + ".onExitCodes", containers: containers) ?? []
        errors += FieldError.tooMany(path + ".onPodConditions", onPodConditions.count, most: PolicyLimits.conditions)
        for (index, pattern) in onPodConditions.enumerated() {
            let name = pattern.type.rawValue
            errors += NameValidation.qualifiedName(name).map { .invalid("\(path).onPodConditions[\(index)].type", name, $0) }
        }
        switch (onExitCodes != nil, !onPodConditions.isEmpty) {
        case (true, true):
            errors.append(FieldError(.invalid, field: path, detail: "specifying both OnExitCodes and OnPodConditions is not supported"))
        case (false, false):
            errors.append(FieldError(.invalid, field: path, detail: "specifying one of OnExitCodes and OnPodConditions is required"))
        default: break
        }
        return errors
    }
}

extension PodFailurePolicy.ExitCodes {
    fileprivate func validate(at path: String, containers: [String]) -> [FieldError] {
        var errors: [FieldError] = []
        if let containerName, !containers.contains(containerName) {
            errors.append(
                .invalid(
                    path + ".containerName", containerName, "must be one of the container or initContainer names in the pod template"))
        }
        let place = path + ".values"
        if values.isEmpty { errors.append(.invalid(place, "null", quoted: false, "at least one value is required")) }
        errors += FieldError.tooMany(place, values.count, most: PolicyLimits.exitCodes)
        for (index, value) in values.enumerated() {
            if `operator` == .isIn, value == 0 {
                errors.append(.invalid("\(place)[\(index)]", value, "must not be 0 for the In operator"))
            }
            if values[..<index].contains(value) {
                errors.append(FieldError(.duplicate, field: "\(place)[\(index)]", value: String(value), detail: ""))
            }
        }
        if zip(values, values.dropFirst()).contains(where: >) {
            let list = "[" + values.map(String.init).joined(separator: ",") + "]"
            errors.append(.invalid(place, list, quoted: false, "must be ordered"))
        }
        return errors
    }
}

extension JobSpec {
    func validateSuccessPolicy(at path: String) -> [FieldError] {
        guard let rules = successPolicy else { return [] }
        guard completionMode == .indexed else {
            let list = rules.map(\.goJSONText).joined(separator: ",")
            return [.invalid(path, "{\"Rules\":[\(list)]}", quoted: false, "requires indexed completion mode")]
        }
        var errors: [FieldError] = []
        if rules.isEmpty {
            errors.append(.required(path + ".rules", "at least one rules must be specified when the successPolicy is specified"))
        }
        errors += FieldError.tooMany(path + ".rules", rules.count, most: PolicyLimits.rules)
        for (index, rule) in rules.enumerated() {
            errors += rule.validate(completions: completions ?? 0, at: "\(path).rules[\(index)]")
        }
        return errors
    }
}

extension SuccessPolicyRule {
    fileprivate var goJSONText: String {
        let indexes = succeededIndexes.map(JSONText.quoted) ?? "null"
        return "{\"SucceededIndexes\":\(indexes),\"SucceededCount\":\(succeededCount.map(String.init) ?? "null")}"
    }

    fileprivate func validate(completions: Int32, at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if succeededCount == nil, succeededIndexes == nil {
            errors.append(.required(path, "at least one of succeededCount or succeededIndexes must be specified"))
        }
        var named: Int32 = 0
        if let succeededIndexes {
            let place = path + ".succeededIndexes"
            if succeededIndexes.utf8.count > PolicyLimits.succeededIndexes {
                errors.append(FieldError(.tooLong, field: place, detail: "may not be more than \(PolicyLimits.succeededIndexes) bytes"))
            }
            do throws(IndexListError) {
                named = try IndexListError.count(succeededIndexes, completions: completions)
            } catch {
                errors.append(.invalid(place, succeededIndexes, "error parsing succeededIndexes: \(error)"))
            }
        }
        if let succeededCount {
            let place = path + ".succeededCount"
            errors += NumberValidation.nonNegative(succeededCount, at: place)
            let most = "must be less than or equal to "
            if succeededCount > completions {
                errors.append(.invalid(place, succeededCount, most + "\(completions) (the number of specified completions)"))
            }
            if succeededIndexes != nil, succeededCount > named {
                errors.append(
                    .invalid(place, succeededCount, most + "\(named) (the number of indexes in the specified succeededIndexes field)"))
            }
        }
        return errors
    }
}

/// What is wrong with a list of indexes such as `1,3-5,7`.
private enum IndexListError: Error, CustomStringConvertible {
    case tooManyParts(String)
    case notANumber(String)
    case tooLarge(String)
    case notIncreasing(Int, Int)

    var description: String {
        switch self {
        case .tooManyParts(let text):
            "the fragment \(GoText.quoted(text)) violates the requirement that an index interval can have at most two parts "
                + "separated by '-'"
        case .notANumber(let text): "cannot convert string to integer for index: \(GoText.quoted(text))"
        case .tooLarge(let text): "too large index: \(GoText.quoted(text))"
        case .notIncreasing(let previous, let current): "non-increasing order, previous: \(previous), current: \(current)"
        }
    }

    /// How many indexes a list names.
    static func count(_ text: String, completions: Int32) throws(IndexListError) -> Int32 {
        if text.isEmpty { return 0 }
        var last: Int?
        var total = 0
        for fragment in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = fragment.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
            guard parts.count <= 2 else { throw .tooManyParts(String(fragment)) }
            let first = try index(parts[0], completions)
            var end = first
            if parts.count == 2 {
                end = try index(parts[1], completions)
                if first >= end { throw .notIncreasing(first, end) }
            }
            if let last, last >= first { throw .notIncreasing(last, first) }
            total += end - first + 1
            last = end
        }
        return Int32(clamping: total)
    }

    private static func index(_ text: String, _ completions: Int32) throws(IndexListError) -> Int {
        guard let number = Int(text) else { throw .notANumber(text) }
        guard number < Int(completions) else { throw .tooLarge(text) }
        return number
    }
}
