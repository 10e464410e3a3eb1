// What the API server fills into a HorizontalPodAutoscaler: one replica at least, 80 % of cpu, and complete scaling rules.
// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#default-behavior>

extension HorizontalPodAutoscalerSpec {
    /// Completes the spec. Behaviour is completed only where the user gave some: none at all means the controller's own rules.
    package mutating func applyDefaults() {
        minReplicas = minReplicas ?? 1
        if metrics.isEmpty {
            var target = MetricTarget()
            target.type = .utilization
            target.averageUtilization = 80
            metrics = [MetricSpec(.resource(.cpu), target)]
        }
        if let given = behavior {
            behavior = HorizontalPodAutoscalerBehavior(
                scaleUp: ScalingRules.defaultUp.overridden(by: given.scaleUp),
                scaleDown: ScalingRules.defaultDown.overridden(by: given.scaleDown))
        }
    }
}

extension ScalingRules {
    /// Up: at once, by four pods or to the double within 15 s, whichever is more.
    package static let defaultUp: ScalingRules = {
        var rules = ScalingRules()
        rules.stabilizationWindowSeconds = 0
        rules.selectPolicy = .max
        rules.policies = [ScalingPolicy(.pods, 4, periodSeconds: 15), ScalingPolicy(.percent, 100, periodSeconds: 15)]
        return rules
    }()

    /// Down: without limit; how long to wait is a flag of the controller.
    package static let defaultDown: ScalingRules = {
        var rules = ScalingRules()
        rules.selectPolicy = .max
        rules.policies = [ScalingPolicy(.percent, 100, periodSeconds: 15)]
        return rules
    }()

    fileprivate func overridden(by given: ScalingRules?) -> ScalingRules {
        guard let given else { return self }
        var rules = self
        rules.stabilizationWindowSeconds = given.stabilizationWindowSeconds ?? stabilizationWindowSeconds
        rules.selectPolicy = given.selectPolicy ?? selectPolicy
        rules.policies = given.policies ?? policies
        rules.tolerance = given.tolerance ?? tolerance
        return rules
    }
}
