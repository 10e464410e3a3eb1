// In which order pods leave the queues.

import DiscreteEvents

extension SchedulingQueue {
    /// In the active queue: what the profile's QueueSort plugin says, then first come, first served.
    struct ActiveKey: Comparable, Hashable, Sendable {
        var key: QueueKey
        var serial: UInt64
        static func < (left: ActiveKey, right: ActiveKey) -> Bool {
            left.key == right.key ? left.serial < right.serial : left.key < right.key
        }
    }
    /// In a back-off queue: by the end of the back-off, then as in the active queue.
    struct BackoffKey: Comparable, Hashable, Sendable {
        var expiry: SimulatedTime
        var key: ActiveKey
        static func < (left: BackoffKey, right: BackoffKey) -> Bool {
            left.expiry == right.expiry ? left.key < right.key : left.expiry < right.expiry
        }
    }
}
