// One look of the horizontal pod autoscaler at one object: metrics in; a new scale, a status and Events out.
// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/>

import DiscreteEvents
import KubernetesAPI

/// The scale subresource of what is scaled.
package struct ScaleTarget: Sendable {
    package var specReplicas: Int32
    package var statusReplicas: Int32
    /// The pods the scale selects.
    package var pods: [Shared<Pod>]
    /// Set if other autoscalers look after some of the pods too: who, in the words of the Event.
    package var ambiguity: String?

    package init(specReplicas: Int32, statusReplicas: Int32, pods: [Shared<Pod>]) {
        self.specReplicas = specReplicas
        self.statusReplicas = statusReplicas
        self.pods = pods
    }
}

/// Texts that are taken apart again elsewhere.
enum HorizontalAutoscalingText {
    /// How the condition ScalingActive begins when no metric could be had; the cause follows.
    static let cannotCompute = "the HPA was unable to compute the replica count: "
}

/// An Event the autoscaler reports about itself.
package struct AutoscalerEvent: Hashable, Sendable {
    package var severity: KubernetesEvent.Severity
    package var reason: String
    package var message: String
}

/// A change of the scale.
package struct Rescale: Hashable, Sendable {
    package var from: Int32
    package var to: Int32
    /// Why, as the Event says it.
    package var reason: String
}

/// What one look decided. If it wants another size, the scale is written next, and what came of that is told to
/// ``rescaled(at:)`` or ``rescaleFailed(_:at:)`` before the status is written.
package struct AutoscalingDecision: Sendable {
    package internal(set) var status: HorizontalPodAutoscalerStatus
    package internal(set) var memory: ScalingMemory
    package internal(set) var events: [AutoscalerEvent] = []
    package internal(set) var rescale: Rescale?
    /// What the sync ends with; a sync with an error is retried with back-off.
    package internal(set) var error: String?
    let behavior: HorizontalPodAutoscalerBehavior?
    let reference: String

    /// The scale was written.
    package mutating func rescaled(at now: SimulatedTime) {
        guard let rescale else { return }
        status.conditions.set(
            Condition(
                .ableToScale, .true, reason: "SucceededRescale",
                message: "the HPA controller was able to update the target scale to \(rescale.to)", lastTransitionTime: now))
        report(.normal, "SuccessfulRescale", "New size: \(rescale.to); reason: \(rescale.reason)")
        memory.recordChange(from: rescale.from, to: rescale.to, behavior, at: now)
        status.desiredReplicas = rescale.to
        status.lastScaleTime = now
    }

    /// The scale was not written, for example because of a conflict.
    package mutating func rescaleFailed(_ refusal: String, at now: SimulatedTime) {
        guard let rescale else { return }
        report(.warning, "FailedRescale", "New size: \(rescale.to); reason: \(rescale.reason); error: \(refusal)")
        status.conditions.set(
            Condition(
                .ableToScale, .false, reason: "FailedUpdateScale",
                message: "the HPA controller was unable to update the target scale: \(refusal)", lastTransitionTime: now))
        error = "failed to rescale \(reference): \(refusal)"
    }

    mutating func report(_ severity: KubernetesEvent.Severity, _ reason: String, _ message: String) {
        events.append(AutoscalerEvent(severity: severity, reason: reason, message: message))
    }
}

/// The autoscaler's decision about one object.
package struct HorizontalAutoscaling<Metrics: MetricsSource>: Sendable {
    package var configuration: AutoscalerConfiguration
    package var metrics: Metrics
    package var now: SimulatedTime

    package init(configuration: AutoscalerConfiguration = AutoscalerConfiguration(), metrics: Metrics, now: SimulatedTime) {
        self.configuration = configuration
        self.metrics = metrics
        self.now = now
    }

    /// Decides for an autoscaler (with the API server's defaults filled in) whose scale could be read.
    /// - Parameter memory: what the controller remembers of the object; a new one if it has not seen it.
    package func decide(_ autoscaler: HorizontalPodAutoscaler, _ scale: ScaleTarget, memory: ScalingMemory) -> AutoscalingDecision {
        let spec = autoscaler.spec
        let current = scale.specReplicas
        let minimum = spec.minReplicas ?? 1
        let reference = "\(spec.scaleTargetRef.kind)/\(autoscaler.metadata.namespace)/\(spec.scaleTargetRef.name)"
        var decision = AutoscalingDecision(status: autoscaler.status, memory: memory, behavior: spec.behavior, reference: reference)
        decision.status.conditions.set(
            condition(
                .ableToScale, .true, "SucceededGetScale", "the HPA controller was able to get the target's current scale"))
        decision.memory.begin(replicas: current, at: now)
        decision.status.currentReplicas = current
        decision.status.currentMetrics = []
        if current == 0, minimum != 0 {
            decision.status.conditions.set(
                condition(
                    .scalingActive, .false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero"))
            decision.status.desiredReplicas = 0
        } else if current > spec.maxReplicas {
            decision.rescale = Rescale(from: current, to: spec.maxReplicas, reason: "Current number of replicas above Spec.MaxReplicas")
        } else if current < minimum {
            decision.rescale = Rescale(from: current, to: minimum, reason: "Current number of replicas below Spec.MinReplicas")
        } else {
            follow(autoscaler, scale, minimum, &decision)
        }
        return decision
    }

    /// Decides by the metrics.
    private func follow(
        _ autoscaler: HorizontalPodAutoscaler, _ scale: ScaleTarget, _ minimum: Int32, _ decision: inout AutoscalingDecision
    ) {
        let spec = autoscaler.spec
        let current = scale.specReplicas
        guard let (replicas, name) = largestProposal(autoscaler, scale, &decision) else {
            let problem = decision.error ?? ""
            decision.report(.warning, "FailedComputeMetricsReplicas", problem)
            decision.error =
                "failed to compute desired number of replicas based on listed metrics for \(decision.reference): \(problem)"
            return
        }
        var recommended: Int32 = 0
        var above = ""
        if replicas > recommended { (recommended, above) = (replicas, name) }
        var reason = ""
        if recommended > current { reason = above + " above target" }
        if recommended < current { reason = "All metrics below target" }
        let normalization = ReplicaNormalization(
            current: current, minimum: minimum, maximum: spec.maxReplicas, behavior: spec.behavior,
            downscaleStabilization: configuration.downscaleStabilization, now: now)
        let normalized = normalization.normalize(recommended, &decision.memory)
        decision.status.conditions.set(normalized.ableToScale)
        decision.status.conditions.set(normalized.scalingLimited)
        if normalized.replicas == current {
            decision.status.desiredReplicas = current
        } else {
            decision.rescale = Rescale(from: current, to: normalized.replicas, reason: reason)
        }
    }

    /// The largest proposal of all metrics, with the metric's name. None if no metric could be evaluated, or if one could not and
    /// the others would shrink the workload: the unknown one may be the one that matters.
    private func largestProposal(
        _ autoscaler: HorizontalPodAutoscaler, _ scale: ScaleTarget, _ decision: inout AutoscalingDecision
    ) -> (replicas: Int32, metric: String)? {
        if let ambiguity = scale.ambiguity {
            decision.report(.warning, "AmbiguousSelector", ambiguity)
            decision.status.conditions.set(condition(.scalingActive, .false, "AmbiguousSelector", ambiguity))
            decision.error = ambiguity
            return nil
        }
        let evaluation = MetricEvaluation(
            calculator: ReplicaCalculator(
                pods: scale.pods, tolerances: Tolerances(autoscaler.spec.behavior, flag: configuration.tolerance),
                configuration: configuration, now: now),
            metrics: metrics, namespace: autoscaler.metadata.namespace, specReplicas: scale.specReplicas,
            statusReplicas: scale.statusReplicas)
        var best: (replicas: Int32, metric: String) = (0, "")
        var failures: [MetricFailure] = []
        for metric in autoscaler.spec.metrics {
            do {
                let outcome = try evaluation.evaluate(metric)
                decision.status.currentMetrics.append(outcome.status)
                if best.replicas == 0 || outcome.replicas > best.replicas { best = (outcome.replicas, outcome.name) }
            } catch {
                decision.status.currentMetrics.append(nil)
                decision.report(.warning, error.reason, error.cause)
                failures.append(error)
            }
        }
        let total = autoscaler.spec.metrics.count
        if let first = failures.first {
            decision.error = "invalid metrics (\(failures.count) invalid out of \(total)), first error is: \(first.description)"
            if failures.count >= total || best.replicas < scale.specReplicas {
                decision.status.conditions.set(
                    condition(
                        .scalingActive, .false, first.reason, HorizontalAutoscalingText.cannotCompute + first.cause))
                return nil
            }
        }
        decision.status.conditions.set(
            condition(
                .scalingActive, .true, "ValidMetricFound",
                "the HPA was able to successfully calculate a replica count from \(best.metric)"))
        return best
    }

    private func condition(_ type: ConditionType, _ status: ConditionStatus, _ reason: String, _ message: String) -> Condition {
        Condition(type, status, reason: reason, message: message, lastTransitionTime: now)
    }
}
