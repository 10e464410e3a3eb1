// A pod that waits for a node, with the history that decides when it is tried again.

import DiscreteEvents
import KubernetesAPI

/// A pending pod and where it stands.
package struct QueuedPod: Sendable {
    /// The pools of the scheduling queue, and the two states of pods that are being dealt with.
    package enum Pool: Hashable, Sendable {
        /// Ready to be tried.
        case active
        /// Worth another attempt once its back-off is over.
        case backoff
        /// Failed by an error, not by a plugin: only time brings it back.
        case errorBackoff
        /// Waits for an event that one of the plugins that rejected it listens to; gated pods too.
        case unschedulable
        /// In a scheduling cycle.
        case inFlight
        /// Assumed on a node; the API server has been asked to bind it.
        case binding
    }

    package var info: PodInfo
    /// Index of the profile.
    package var profile: Int
    package internal(set) var pool: Pool = .unschedulable
    /// When the pod was added to the queue or last failed. Events and flushes do not change it.
    package internal(set) var timestamp: SimulatedTime
    /// Attempts begun.
    package internal(set) var attempts: Int32 = 0
    /// Attempts that plugins rejected.
    package internal(set) var unschedulableCount: Int32 = 0
    /// Attempts in a row that ended in an error.
    package internal(set) var consecutiveErrors: Int32 = 0
    /// A whole second; nil before the first failure and during attempts.
    package internal(set) var backoffExpiry: SimulatedTime?
    /// Plugins that rejected the last attempt, or gate the pod.
    package internal(set) var rejectors: PluginSet = []
    /// Plugins that answered "not yet".
    package internal(set) var pending: PluginSet = []
    /// The PreEnqueue plugin that keeps the pod out of the queue.
    package internal(set) var gate: Int?
    /// Deleted or bound by somebody else during its attempt: it will not come back.
    package internal(set) var isGone = false
    /// API calls that make room for the pod are under way.
    package internal(set) var isPreempting = false
    /// The condition last asked to be written. It counts as written: while requests wait for the client's rate limit, a pod that
    /// fails again for the same reason must not queue the same patch again.
    package internal(set) var requestedCondition: Condition?
    /// Whether an event about the pod's failure is on its way to the API server; further ones are dropped meanwhile.
    package internal(set) var isEventUnderWay = false
    /// What the profile's QueueSort plugin said last, and the order of first arrival, which decides between equal keys.
    var key = QueueKey(0, 0)
    var serial: UInt64
    /// Place in the pool of rejected pods.
    var bucket: Int32 = -1
    var position: Int32 = -1

    init(info: PodInfo, profile: Int, timestamp: SimulatedTime, serial: UInt64) {
        self.info = info
        self.profile = profile
        self.timestamp = timestamp
        self.serial = serial
    }

    package var name: NamespacedName { info.pod.value.metadata.key }
    package var uid: UID { info.pod.value.metadata.uid }

    /// Whether the back-off is still on at a time: until the whole second after its expiry.
    func isBackingOff(at now: SimulatedTime) -> Bool { backoffExpiry.map { $0 >= now.truncatedToSeconds } ?? false }
}

/// How long a pod waits after failures: doubled with each, up to a maximum.
package struct BackoffPolicy: Hashable, Sendable {
    package var initial: SimulatedDuration
    package var maximum: SimulatedDuration

    package init(initialSeconds: Int64 = 1, maximumSeconds: Int64 = 10) {
        initial = .seconds(Int(initialSeconds))
        maximum = .seconds(Int(maximumSeconds))
    }

    /// The back-off after the `failures`th failure (from 1).
    package func duration(failures: Int32) -> SimulatedDuration {
        var duration = initial
        for _ in 1..<max(1, failures) {
            if duration >= maximum { break }
            duration = duration + duration
        }
        return min(duration, maximum)
    }
}
