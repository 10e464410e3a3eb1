// From what the metrics ask for to what is done: stabilisation over a window, limits on the rate, minimum and maximum.
// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior>

import DiscreteEvents
import KubernetesAPI

/// A number of replicas with the condition that explains it.
struct NormalizedReplicas: Hashable, Sendable {
    var replicas: Int32
    var ableToScale: Condition
    var scalingLimited: Condition
}

/// Why a number of replicas was or was not changed, as reason and message of a condition.
private struct Explanation {
    let reason: String
    let message: String

    static let withinRange = Explanation(reason: "DesiredWithinRange", message: "the desired count is within the acceptable range")
    static let scaleUpLimit = Explanation(
        reason: "ScaleUpLimit", message: "the desired replica count is increasing faster than the maximum scale rate")
    static let scaleDownLimit = Explanation(
        reason: "ScaleDownLimit", message: "the desired replica count is decreasing faster than the maximum scale rate")
    static let tooMany = Explanation(
        reason: "TooManyReplicas", message: "the desired replica count is more than the maximum replica count")
    static let tooFew = Explanation(
        reason: "TooFewReplicas", message: "the desired replica count is less than the minimum replica count")
    static let ready = Explanation(reason: "ReadyForNewScale", message: "recommended size matches current size")
    static let upStabilized = Explanation(
        reason: "ScaleUpStabilized",
        message: "recent recommendations were lower than current one, applying the lowest recent recommendation")
    static let downStabilized = Explanation(
        reason: "ScaleDownStabilized",
        message: "recent recommendations were higher than current one, applying the highest recent recommendation")
}

/// The rules for one autoscaler at one moment.
struct ReplicaNormalization: Sendable {
    var current: Int32
    var minimum: Int32
    var maximum: Int32
    var behavior: HorizontalPodAutoscalerBehavior?
    var downscaleStabilization: SimulatedDuration
    var now: SimulatedTime

    /// What is done about a recommendation, which is remembered.
    func normalize(_ recommended: Int32, _ memory: inout ScalingMemory) -> NormalizedReplicas {
        let stabilized: Int32
        let stabilizing: Explanation
        let limited: (replicas: Int32, why: Explanation)
        if let behavior {
            let up = behavior.scaleUp ?? ScalingRules.defaultUp
            let down = behavior.scaleDown ?? ScalingRules.defaultDown
            stabilized = stabilize(recommended, up, down, &memory)
            stabilizing = recommended >= current ? .upStabilized : .downStabilized
            limited = limit(stabilized, up, down, memory)
        } else {
            stabilized = stabilizeDown(recommended, &memory)
            stabilizing = .downStabilized
            limited = limit(stabilized)
        }
        let able = stabilized == recommended ? Explanation.ready : stabilizing
        return NormalizedReplicas(
            replicas: limited.replicas,
            ableToScale: Condition(.ableToScale, .true, reason: able.reason, message: able.message, lastTransitionTime: now),
            scalingLimited: Condition(
                .scalingLimited, limited.replicas == stabilized ? .false : .true, reason: limited.why.reason,
                message: limited.why.message, lastTransitionTime: now))
    }

    // MARK: Without behaviour

    /// The highest recommendation of the window.
    private func stabilizeDown(_ recommended: Int32, _ memory: inout ScalingMemory) -> Int32 {
        var highest = recommended
        var outdated: Int?
        let cutoff = now - downscaleStabilization
        for (index, past) in memory.recommendations.enumerated() {
            if past.time < cutoff { outdated = index } else { highest = max(highest, past.replicas) }
        }
        memory.record(recommended, at: now, replacing: outdated)
        return highest
    }

    /// At most twice as many at a time, but four in any case.
    private func limit(_ desired: Int32) -> (Int32, Explanation) {
        let fastest = Int32(clamping: max(2 * Int64(current), 4))
        if desired < minimum { return (minimum, .tooFew) }
        if maximum > fastest {
            if desired > fastest { return (fastest, .scaleUpLimit) }
        } else if desired > maximum {
            return (maximum, .tooMany)
        }
        return (desired, .withinRange)
    }

    // MARK: With behaviour

    /// Between the lowest recommendation of the window for going up and the highest of the window for going down, as near to
    /// the current size as possible.
    private func stabilize(_ recommended: Int32, _ up: ScalingRules, _ down: ScalingRules, _ memory: inout ScalingMemory) -> Int32 {
        let upCutoff = now - .seconds(Int(up.stabilizationWindowSeconds ?? 0))
        let downCutoff = now - (down.stabilizationWindowSeconds.map { .seconds(Int($0)) } ?? downscaleStabilization)
        var lowest = recommended
        var highest = recommended
        var outdated: Int?
        for (index, past) in memory.recommendations.enumerated() {
            if past.time > upCutoff { lowest = min(lowest, past.replicas) }
            if past.time > downCutoff { highest = max(highest, past.replicas) }
            if past.time < upCutoff, past.time < downCutoff { outdated = index }
        }
        memory.record(recommended, at: now, replacing: outdated)
        return min(max(current, lowest), highest)
    }

    private func limit(
        _ desired: Int32, _ up: ScalingRules, _ down: ScalingRules, _ memory: ScalingMemory
    ) -> (Int32, Explanation) {
        if desired > current {
            let fastest = max(upLimit(up, memory), current)
            if maximum > fastest {
                if desired > fastest { return (fastest, .scaleUpLimit) }
            } else if desired > maximum {
                return (maximum, .tooMany)
            }
        } else if desired < current {
            let fastest = min(downLimit(down, memory), current)
            if minimum < fastest {
                if desired < fastest { return (fastest, .scaleDownLimit) }
            } else if desired < minimum {
                return (minimum, .tooFew)
            }
        }
        return (desired, .withinRange)
    }

    /// The most replicas the policies allow now. A percentage is rounded up: otherwise few replicas could never grow.
    private func upLimit(_ rules: ScalingRules, _ memory: ScalingMemory) -> Int32 {
        if rules.selectPolicy == .disabled { return current }
        let proposals = (rules.policies ?? []).map { policy -> Int32 in
            let start = memory.replicas(atStartOf: policy.periodSeconds, current: current, now: now)
            return switch policy.type {
            case .pods: start &+ policy.value
            case .percent: Int32(exactly: (Double(start) * (1 + Double(policy.value) / 100)).rounded(.up)) ?? .min
            }
        }
        return rules.selectPolicy == .min ? proposals.min() ?? .max : proposals.max() ?? .min
    }

    /// The fewest replicas the policies allow now. A percentage is truncated.
    private func downLimit(_ rules: ScalingRules, _ memory: ScalingMemory) -> Int32 {
        if rules.selectPolicy == .disabled { return current }
        let proposals = (rules.policies ?? []).map { policy -> Int32 in
            let start = memory.replicas(atStartOf: policy.periodSeconds, current: current, now: now)
            return switch policy.type {
            case .pods: start &- policy.value
            case .percent: Int32(exactly: (Double(start) * (1 - Double(policy.value) / 100)).rounded(.towardZero)) ?? .min
            }
        }
        // The smallest change leaves the most replicas.
        return rules.selectPolicy == .min ? proposals.max() ?? .min : proposals.min() ?? .max
    }
}
