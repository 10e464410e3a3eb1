// What is on its way to the API server about pods that failed, kept with them in the queue.

import KubernetesAPI

extension SchedulingQueue {
    /// Notes what is being reported about a pod: see the fields of ``QueuedPod``.
    mutating func noteReport(_ slot: Int32, condition: Condition?, isEventUnderWay: Bool) {
        pods[Int(slot)]?.requestedCondition = condition
        pods[Int(slot)]?.isEventUnderWay = isEventUnderWay
    }

    /// The API server did not write the condition that was asked for: it is asked for again when the pod fails again.
    mutating func conditionRefused(of uid: UID, in slot: Int32) {
        if pods[Int(slot)]?.uid == uid { pods[Int(slot)]?.requestedCondition = nil }
    }

    /// The event about a pod has reached the API server.
    mutating func eventArrived(about uid: UID, in slot: Int32) {
        if pods[Int(slot)]?.uid == uid { pods[Int(slot)]?.isEventUnderWay = false }
    }
}
