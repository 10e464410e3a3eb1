// What the scheduler tells of its failures: conditions of pods, and events.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension Scheduler {
    /// Puts the pod back into the queue and reports why.
    mutating func fail(
        _ slot: Int32, _ pod: QueuedPod, _ attempt: SchedulingAttempt, _ rejectors: PluginSet, _ nomination: NominationChange,
        isUnschedulable: Bool, at now: SimulatedTime, _ effects: inout Effects<SchedulerTimer>
    ) {
        queue.fail(slot, rejectors: rejectors, nomination: nomination, at: now, in: cache.snapshot)
        if recordsAttempts {
            var attempt = attempt
            attempt.result = rejectors.isEmpty ? .error : .unschedulable
            attempts.append(attempt)
        }
        let object = pod.info.pod.value
        // At most one event and one patch of each pod wait for the client's rate limit: thousands of pods that fail again and again
        // would otherwise queue more than the limit ever lets out.
        var isEventUnderWay = pod.isEventUnderWay
        if !isEventUnderWay {
            isEventUnderWay = record(
                "FailedScheduling", Scheduler.note(attempt.message), .warning, about: object, at: now, token: nextToken + 1, &effects)
            if isEventUnderWay {
                nextToken += 1
                failureEvents[nextToken] = (slot, pod.uid)
            }
        }
        let condition = Condition(
            .podScheduled, .false, reason: isUnschedulable ? "Unschedulable" : "SchedulerError", message: attempt.message,
            lastTransitionTime: now.truncatedToSeconds)
        var conditions = object.status.conditions
        if let requested = pod.requestedCondition { conditions.set(requested) }
        let isNews = conditions.set(condition)
        queue.noteReport(slot, condition: isNews ? condition : pod.requestedCondition, isEventUnderWay: isEventUnderWay)
        var nominatedNode: String??
        switch nomination {
        case .unchanged: break
        case .cleared: if object.status.nominatedNodeName?.isEmpty == false { nominatedNode = .some(nil) }
        case .node(let name): if object.status.nominatedNodeName != name { nominatedNode = name }
        }
        if isNews || nominatedNode != nil {
            let token = newToken()
            failureConditions[token] = (slot, pod.uid)
            let patch = PodPatch.schedulingFailure(condition, nominatedNode: nominatedNode)
            effects.call(.scheduler, .patchPod(object.metadata.key, uid: pod.uid, patch), token: token)
        }
    }

    /// Sends an event unless it only counts in a series; returns whether it was sent.
    @discardableResult
    mutating func record(
        _ reason: String, _ message: String, _ severity: KubernetesEvent.Severity, about pod: Pod, source: String? = nil,
        at now: SimulatedTime, token: UInt64? = nil, _ effects: inout Effects<SchedulerTimer>
    ) -> Bool {
        let event = KubernetesEvent(
            about: "Pod", pod.metadata.key, uid: pod.metadata.uid, reason: reason, message: message, severity: severity,
            source: source ?? pod.spec.value.schedulerName)
        guard let report = series.note(event, version: pod.metadata.resourceVersion, at: now) else { return false }
        effects.call(.scheduler, .record(Shared(report)), token: token)
        return true
    }
}
