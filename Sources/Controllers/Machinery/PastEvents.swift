// What the controllers of a running cluster had reported before a snapshot of it was taken, as far as its objects tell.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Events of the time before the snapshot, oldest first. A dump does not hold the controllers' memory, but a pod tells when its owner
/// created it, a Job when its CronJob started it and saw it end, an autoscaler since when it has been failing. It matters: a controller
/// lets 25 Events about one object through, then one each five minutes, and raises the count of those it repeats.
struct PastEvents {
    private(set) var entries: [(time: SimulatedTime, controller: ControllerName, event: KubernetesEvent)] = []

    /// After this time nothing is left of an Event in the limit per object: 25 of them, one each 300 s.
    private static let memory = SimulatedDuration.seconds(25 * 300)

    /// - Parameter syncPeriod: how often autoscalers are looked at.
    init(_ snapshot: [APIObject], syncPeriod: SimulatedDuration) {
        for object in snapshot {
            switch object {
            case .pod(let pod): created(pod.value.metadata)
            case .job(let job): started(job.value)
            case .horizontalPodAutoscaler(let autoscaler): failed(autoscaler.value, every: syncPeriod)
            default: break
            }
        }
        // Equal times stay in the order of the dump.
        entries = entries.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    }

    private mutating func add(
        _ time: SimulatedTime, _ controller: ControllerName, about kind: String, _ key: NamespacedName, _ uid: UID, _ reason: String,
        _ message: String, _ severity: KubernetesEvent.Severity = .normal
    ) {
        guard time < .zero, time > .zero - PastEvents.memory else { return }
        entries.append(
            (
                time, controller,
                KubernetesEvent(
                    about: kind, key, uid: uid, reason: reason, message: message, severity: severity, source: controller.eventSource)
            ))
    }

    private mutating func created(_ pod: ObjectMeta) {
        guard let owner = pod.controllerReference else { return }
        let controller: ControllerName
        var message = "Created pod: \(pod.name)"
        switch owner.kind {
        case "ReplicaSet": controller = .replicaSet
        case "ReplicationController": controller = .replicationController
        case "DaemonSet": controller = .daemonSet
        case "Job": controller = .job
        case "StatefulSet":
            controller = .statefulSet
            message = "Create Pod \(pod.name) in StatefulSet \(owner.name) successful"
        default: return
        }
        add(
            pod.creationTimestamp, controller, about: owner.kind, NamespacedName(namespace: pod.namespace, name: owner.name), owner.uid,
            "SuccessfulCreate", message)
    }

    private mutating func started(_ job: Job) {
        guard let owner = job.metadata.controllerReference, owner.kind == "CronJob" else { return }
        let key = NamespacedName(namespace: job.metadata.namespace, name: owner.name)
        add(
            job.metadata.creationTimestamp, .cronJob, about: owner.kind, key, owner.uid, "SuccessfulCreate",
            "Created job \(job.metadata.name)")
        for (type, name) in [(ConditionType.complete, "Complete"), (.failed, "Failed")] {
            guard let condition = job.status.conditions[type], condition.status == .true else { continue }
            add(
                condition.lastTransitionTime, .cronJob, about: owner.kind, key, owner.uid, "SawCompletedJob",
                "Saw completed job: \(job.metadata.name), condition: \(name)")
        }
    }

    /// Two Events at each look since the metrics could not be had.
    private mutating func failed(_ autoscaler: HorizontalPodAutoscaler, every period: SimulatedDuration) {
        guard let condition = autoscaler.status.conditions[.scalingActive], condition.status == .false,
            condition.reason.hasPrefix("FailedGet"), let metric = autoscaler.spec.metrics.first
        else { return }
        let prefix = HorizontalAutoscalingText.cannotCompute
        let cause = condition.message.hasPrefix(prefix) ? String(condition.message.dropFirst(prefix.count)) : condition.message
        var kind = "\(condition.reason.dropFirst("FailedGet".count).dropLast("Metric".count))".lowercased()
        if case .resource(let name) = metric.source { kind = "\(name) resource" }
        let count = autoscaler.spec.metrics.count
        let summary = "invalid metrics (\(count) invalid out of \(count)), first error is: failed to get \(kind) metric value: \(cause)"
        let age = min(SimulatedTime.zero - condition.lastTransitionTime, PastEvents.memory)
        var rounds = max(0, age.nanoseconds / max(1, period.nanoseconds))
        let (key, uid) = (autoscaler.metadata.key, autoscaler.metadata.uid)
        let reports = [(condition.reason, cause), ("FailedComputeMetricsReplicas", summary)]
        while rounds >= 0 {
            let time = max(condition.lastTransitionTime, .zero - age) + .nanoseconds(rounds * period.nanoseconds)
            for (reason, message) in reports {
                add(time, .horizontalPodAutoscaler, about: "HorizontalPodAutoscaler", key, uid, reason, message, .warning)
            }
            rounds -= 1
        }
    }
}
