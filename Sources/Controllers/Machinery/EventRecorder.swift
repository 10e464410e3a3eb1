// A controller's event broadcaster: correlates Kubernetes Events and sends them one at a time.

import APIServer
import DequeModule
import DiscreteEvents
import KubernetesAPI

/// The queue of events of one controller. The real broadcaster sends an event, waits for the answer, sends the next; what does
/// not fit its queue is dropped. Its requests draw on the controller's own rate limit.
package struct EventRecorder: Sendable {
    /// client-go's `maxQueuedEvents`.
    private static let capacity = 1000

    private var correlator = EventCorrelator()
    private var queue: Deque<KubernetesEvent> = []
    private var isSending = false
    /// Events dropped because the queue was full.
    package private(set) var dropped = 0
    private let controller: ControllerName

    init(_ controller: ControllerName) { self.controller = controller }

    /// Queues an event and sends it if nothing is on its way.
    mutating func record(_ event: KubernetesEvent, at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        guard queue.count < EventRecorder.capacity else {
            dropped += 1
            return
        }
        queue.append(event)
        if !isSending { sendNext(at: now, &effects) }
    }

    /// An event that was recorded before the simulation began.
    mutating func recall(_ event: KubernetesEvent, at time: SimulatedTime) { _ = correlator.correlate(event, at: time) }

    /// The event on its way was answered (well or not: events are not retried).
    mutating func answered(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) { sendNext(at: now, &effects) }

    private mutating func sendNext(at now: SimulatedTime, _ effects: inout Effects<ControllerTimer>) {
        isSending = false
        while let event = queue.popFirst() {
            guard let event = correlator.correlate(event, at: now) else { continue }
            isSending = true
            effects.call(controller.client, .record(Shared(event)), token: CallToken(.recorder, slot: Int(controller.rawValue)).rawValue)
            return
        }
    }
}
