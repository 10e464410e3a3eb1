// HorizontalPodAutoscalers: looked at each sync period, whatever happens.
// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// One look at an autoscaler: read the scale and the metrics, decide, write the scale, report, write the status; and again a sync
/// period after that is done.
///
/// Woken by: time alone. What is decided is ``HorizontalAutoscaling``'s; this carries it out.
struct AutoscalerReconciler: Reconciler {
    /// How far a look has come.
    enum Conclusion: Sendable {
        /// The metrics were asked for.
        case reading
        /// The scale is being written.
        case rescaling(Shared<HorizontalPodAutoscaler>, AutoscalingDecision)
        /// The status is being written.
        case reporting
    }

    let configuration: AutoscalerConfiguration
    /// What is remembered of each autoscaler between two looks.
    private var memories: [NamespacedName: ScalingMemory] = [:]
    /// Which pods each autoscaler looked after last: two must not share one.
    private var selectors: [NamespacedName: LabelSelector] = [:]
    /// Metrics that came and were not used yet.
    private var readings: [NamespacedName: MetricsReading] = [:]

    init(_ configuration: AutoscalerConfiguration) { self.configuration = configuration }

    /// The metrics an autoscaler asked for.
    mutating func note(_ reading: MetricsReading, for autoscaler: NamespacedName) { readings[autoscaler] = reading }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>, at now: SimulatedTime
    ) {
        guard case .horizontalPodAutoscaler(let autoscaler) = event.object else { return }
        let key = autoscaler.value.metadata.key
        if event.change == .deleted {
            memories[key] = nil
            selectors[key] = nil
        } else if event.change == .added, let look = nextLook(at: autoscaler.value.metadata.creationTimestamp, now) {
            queue.add(key, at: look)
        } else {
            queue.add(key, at: now + configuration.syncPeriod)
        }
    }

    /// The next look at an autoscaler of a cluster that runs already; nil for a new one. Looks come a period apart from its creation on,
    /// whose time is known to the second: it was half a second past that, as likely before as after.
    private func nextLook(at created: SimulatedTime, _ now: SimulatedTime) -> SimulatedTime? {
        guard now - created > .seconds(1) else { return nil }
        let first = created + .milliseconds(500)
        let rounds = (now - first).nanoseconds / configuration.syncPeriod.nanoseconds + 1
        return first + .nanoseconds(rounds * configuration.syncPeriod.nanoseconds)
    }

    // MARK: One look

    mutating func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        guard let autoscaler = view.get(HorizontalPodAutoscaler.self, key) else { return Plan() }
        let spec = autoscaler.value.spec
        do throws(ScaleError) {
            let scale = try ScaleSubresource.find(spec.scaleTargetRef, in: key.namespace, view)
            let minimum = spec.minReplicas ?? 1
            let isOutside = scale.specReplicas == 0 && minimum != 0 || scale.specReplicas > spec.maxReplicas || scale.specReplicas < minimum
            if isOutside { return decide(autoscaler, scale, MetricsReading(), view, at: now) }
            let query = MetricsQuery(
                autoscaler: key, pods: pods(of: scale, in: key.namespace, view), sources: spec.metrics.map(\.source))
            var plan = Plan<Conclusion>(steps: [[PlannedCall(.readMetrics(Shared(query)))]])
            plan.conclusion = .reading
            return plan
        } catch { return fail(autoscaler, error, at: now) }
    }

    mutating func conclude(
        _ key: NamespacedName, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        switch conclusion {
        case nil: return nil
        case .reading:
            let reading = readings.removeValue(forKey: key) ?? MetricsReading()
            guard let autoscaler = view.get(HorizontalPodAutoscaler.self, key) else { return Plan() }
            do throws(ScaleError) {
                let scale = try ScaleSubresource.find(autoscaler.value.spec.scaleTargetRef, in: key.namespace, view)
                return decide(autoscaler, scale, reading, view, at: now)
            } catch { return fail(autoscaler, error, at: now) }
        case .rescaling(let autoscaler, var decision):
            if let refusal = outcome.error {
                decision.rescaleFailed(refusal.description, at: now)
            } else {
                decision.rescaled(at: now)
            }
            memories[key] = decision.memory
            return report(autoscaler, decision.status, decision.events)
        case .reporting:
            // Whether the look went well or not, the next one comes a period after its end.
            var plan = Plan<Conclusion>()
            plan.again = now + configuration.syncPeriod
            return plan
        }
    }

    private mutating func decide(
        _ autoscaler: Shared<HorizontalPodAutoscaler>, _ scale: ScaleSubresource, _ reading: MetricsReading, _ view: SharedInformers,
        at now: SimulatedTime
    ) -> Plan<Conclusion> {
        let key = autoscaler.value.metadata.key
        let pods = pods(of: scale, in: key.namespace, view)
        var target = ScaleTarget(specReplicas: scale.specReplicas, statusReplicas: scale.statusReplicas, pods: pods)
        selectors[key] = scale.selector
        target.ambiguity = ambiguity(of: key, scale.selector, pods, view)
        let decision = HorizontalAutoscaling(configuration: configuration, metrics: reading, now: now)
            .decide(autoscaler.value, target, memory: memories[key] ?? ScalingMemory())
        memories[key] = decision.memory
        guard let rescale = decision.rescale else { return report(autoscaler, decision.status, decision.events) }
        var plan = Plan<Conclusion>(steps: [[PlannedCall(.operate(scale.key, .scale(rescale.to)))]])
        plan.conclusion = .rescaling(autoscaler, decision)
        return plan
    }

    /// The target has no scale.
    private func fail(_ autoscaler: Shared<HorizontalPodAutoscaler>, _ error: ScaleError, at now: SimulatedTime) -> Plan<Conclusion> {
        var status = autoscaler.value.status
        status.conditions.set(
            Condition(
                .ableToScale, .false, reason: "FailedGetScale",
                message: "the HPA controller was unable to get the target's current scale: \(error)", lastTransitionTime: now))
        return report(autoscaler, status, [AutoscalerEvent(severity: .warning, reason: "FailedGetScale", message: error.description)])
    }

    /// The Events, and the status if it says anything new.
    private func report(
        _ autoscaler: Shared<HorizontalPodAutoscaler>, _ status: HorizontalPodAutoscalerStatus, _ events: [AutoscalerEvent]
    ) -> Plan<Conclusion> {
        var plan = Plan<Conclusion>()
        plan.conclusion = .reporting
        plan.events = events.map { event(about: autoscaler.value, $0) }
        // Times in the API have whole seconds.
        var status = status
        status.lastScaleTime = status.lastScaleTime?.truncatedToSeconds
        for index in status.conditions.indices {
            status.conditions[index].lastTransitionTime = status.conditions[index].lastTransitionTime.truncatedToSeconds
        }
        if status != autoscaler.value.status {
            var call = PlannedCall(.updateStatus(.horizontalPodAutoscaler(autoscaler.with { $0.status = status })))
            call.onFailure = Shared(
                event(about: autoscaler.value, AutoscalerEvent(severity: .warning, reason: "FailedUpdateStatus", message: "")))
            plan.then(call)
        }
        return plan
    }

    private func event(about autoscaler: HorizontalPodAutoscaler, _ event: AutoscalerEvent) -> KubernetesEvent {
        KubernetesEvent(
            about: "HorizontalPodAutoscaler", autoscaler.metadata.key, uid: autoscaler.metadata.uid, reason: event.reason,
            message: event.message, severity: event.severity, source: ControllerName.horizontalPodAutoscaler.eventSource)
    }

    // MARK: Pods

    private func pods(of scale: ScaleSubresource, in namespace: String, _ view: SharedInformers) -> [Shared<Pod>] {
        let all: [Shared<Pod>] = view.objects(inNamespace: namespace)
        return all.filter { scale.selector.matches($0.value.metadata.labels) }
    }

    /// What is wrong if another autoscaler looks after one of the pods too.
    private func ambiguity(
        of key: NamespacedName, _ selector: LabelSelector, _ pods: [Shared<Pod>], _ view: SharedInformers
    ) -> String? {
        let all: [Shared<HorizontalPodAutoscaler>] = view.objects(inNamespace: key.namespace)
        guard all.count > 1 else { return nil }
        var labels: [Labels] = []
        for pod in pods where labels.last != pod.value.metadata.labels { labels.append(pod.value.metadata.labels) }
        let sharing = all.map(\.value.metadata.key).filter { other in
            guard let selector = selectors[other] else { return false }
            return labels.contains { selector.matches($0) }
        }
        guard sharing.count > 1 else { return nil }
        let text = (try? selector.selector().description) ?? ""
        return "pods by selector \(text) are controlled by multiple HPAs: ["
            + sharing.sorted().map { "{\($0.name) \($0.namespace)}" }.joined(separator: " ") + "]"
    }
}
