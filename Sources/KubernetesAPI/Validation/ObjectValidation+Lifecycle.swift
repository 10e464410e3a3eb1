// Checks of what containers say of their lives: hooks that sleep, and the rules after which exits they are restarted.

extension Container {
    /// A hook that sleeps must be over when the pod's grace period is.
    func validateHooks(at path: String, within graceSeconds: Int64) -> [FieldError] {
        var errors: [FieldError] = []
        for (name, hook) in [("postStart", lifecycle?.postStart), ("preStop", lifecycle?.preStop)] {
            guard case .sleep(let seconds)? = hook, seconds < 0 || seconds > graceSeconds else { continue }
            errors.append(
                .invalid(
                    "\(path).lifecycle.\(name).sleep", seconds,
                    "must be non-negative and less than terminationGracePeriodSeconds (\(graceSeconds))"))
        }
        return errors
    }

    /// KEP-5307, and KEP-5532 for the second action.
    func validateRestarts(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        if restartPolicy == nil, !restartRules.isEmpty {
            errors.append(.required(path + ".restartPolicy", "must specify restartPolicy when restart rules are used"))
        }
        errors += FieldError.tooMany(path + ".restartPolicyRules", restartRules.count, most: 20)
        for (index, rule) in restartRules.enumerated() { errors += rule.validate(at: "\(path).restartPolicyRules[\(index)]") }
        return errors
    }
}

extension RestartRule {
    fileprivate func validate(at path: String) -> [FieldError] {
        var errors: [FieldError] = []
        let actions = [RestartRule.restart, RestartRule.restartAllContainers]
        if !actions.contains(action) { errors.append(.notSupported(path + ".action", action, supported: actions)) }
        guard let exitCodes else { return errors + [.required(path + ".exitCodes", "must be specified")] }
        let operators = [ExitCodes.isIn, ExitCodes.isNotIn]
        if !operators.contains(exitCodes.operator) {
            errors.append(.notSupported(path + ".exitCodes.operator", exitCodes.operator, supported: operators))
        }
        return errors + FieldError.tooMany(path + ".exitCodes.values", exitCodes.values.count, most: 255)
    }
}
