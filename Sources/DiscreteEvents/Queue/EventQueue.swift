// The future event list: what will happen, ordered by time, and first come, first served among simultaneous events.
// Everything a simulation does passes through here, so it is made of flat arrays of small values: scheduling and taking
// an event touch a few cache lines and allocate nothing.

/// The token of a scheduled event, for cancelling it: eight bytes, to be kept wherever the event's reason is kept.
///
/// Tokens are never used again: once its event has happened or was cancelled, a token means nothing any more and is harmless. A fork of the
/// queue understands the tokens given out before the fork.
@frozen
public struct EventID: Sendable, Hashable {
    /// The key's `order`.
    @usableFromInline let order: UInt64

    @inlinable
    init(order: UInt64) {
        self.order = order
    }
}

/// The pending events of a simulation, ordered by (time, order of scheduling).
///
/// A queue is a value: assigning it forks the future, and both copies go on independently and identically. It keeps the
/// clock, too: ``now`` is the time of the last event taken, and nothing can be scheduled before it.
///
/// ```swift
/// var queue = EventQueue<Event>()
/// queue.schedule(.podArrives(7), at: .start + .seconds(1))
/// let timeout = queue.schedule(.requestTimesOut(3), at: .start + .seconds(30))
/// queue.cancel(timeout)
/// while let (time, event) = queue.popFirst(through: horizon) { … }
/// ```
///
/// **Structure.** A 4-ary heap orders 16-byte keys (time, sequence number, slot); payloads rest in a table of slots, written once and
/// read once. Four children fill one cache line, which makes the heap half as deep as a binary one for the same memory traffic a
/// level (LaMarca and Ladner, "The influence of caches on the performance of heaps", 1996). Removal moves the hole down to a
/// leaf along the smallest children and then lets the last key rise from there: that key came from the bottom and nearly always
/// belongs there (Wegener's bottom-up heap sort, 1993).
///
/// **Cancellation** flags the slot; the key is skipped when it reaches the head. Flagged keys are swept out as soon as they
/// outnumber the live ones, so memory stays proportional to the largest ``count`` there was. Events that are never cancelled pay nothing
/// for it: a slot names its occupant by sequence number, which also guards against tokens of earlier occupants.
///
/// **Limits.** 2^40 events in a queue's life, 2^24 pending at a time. A payload with references is kept alive until its slot is used
/// again; plain values are the intended use.
public struct EventQueue<Payload> {
    /// What ``now`` shows.
    @usableFromInline var clock: SimulatedTime

    /// The first key is never a cancelled event's.
    @usableFromInline var heap = EventHeap()

    /// The payloads, where the keys say.
    @usableFromInline var slots: [Slot] = []

    /// Slots without a key in the heap, the most recently used (whose memory is still in the cache) last.
    @usableFromInline var freeSlots: [UInt32] = []

    /// How many keys in the heap belong to cancelled events.
    @usableFromInline var cancelledCount = 0

    /// How many events were ever scheduled: the next event's sequence number.
    @usableFromInline var scheduledCount: UInt64 = 0

    /// An empty queue whose clock stands at `now`.
    @inlinable
    public init(startingAt now: SimulatedTime = .start) {
        self.clock = now
    }

    /// A payload and whose it is.
    @usableFromInline
    struct Slot {
        /// The `order` of the key that points here, or ``cancelled``.
        @usableFromInline var occupant: UInt64
        @usableFromInline var payload: Payload

        /// No key's order: the sequence number is never all ones.
        @inlinable static var cancelled: UInt64 { .max }

        @inlinable
        init(occupant: UInt64, payload: Payload) {
            self.occupant = occupant
            self.payload = payload
        }
    }
}

// MARK: - Looking

extension EventQueue {
    /// The time of the last event taken: the simulation's clock. Before the first event, the time given at creation.
    @inlinable public var now: SimulatedTime { clock }

    /// How many events are pending, cancelled ones not counted. O(1).
    @inlinable public var count: Int { heap.keys.count - cancelledCount }

    /// Whether nothing is pending. O(1).
    @inlinable public var isEmpty: Bool { heap.keys.isEmpty }

    /// When the next event happens; `nil` if none is pending. O(1).
    @inlinable public var nextTime: SimulatedTime? { heap.keys.first?.time }

    /// How many events were scheduled since the queue was created, in all.
    @inlinable public var totalScheduled: Int { Int(scheduledCount) }

    /// How many events, cancelled ones included, the queue keeps memory for: bounded by a small multiple of the largest ``count``.
    @inlinable public var capacityInUse: Int { slots.count }

    /// Whether the event has neither happened nor been cancelled. O(1).
    @inlinable
    public func isPending(_ id: EventID) -> Bool {
        let slot = EventKey(time: .start, order: id.order).slot
        return slot < slots.count && slots[slot].occupant == id.order
    }
}

// MARK: - Scheduling and taking

extension EventQueue {
    /// Adds an event. O(log n), and O(1) on average for random times.
    /// - Precondition: `time` is not before ``now``.
    /// - Returns: the token that ``cancel(_:)`` takes.
    @inlinable
    @discardableResult
    public mutating func schedule(_ payload: Payload, at time: SimulatedTime) -> EventID {
        precondition(time >= clock, "an event cannot be scheduled in the past")
        precondition(scheduledCount < EventKey.sequenceLimit - 1, "an event queue takes 2^40 events in its life")
        let key: EventKey
        if let free = freeSlots.popLast() {
            key = EventKey(time: time, sequence: scheduledCount, slot: Int(free))
            slots[Int(free)] = Slot(occupant: key.order, payload: payload)
        } else {
            precondition(slots.count < EventKey.slotLimit, "an event queue holds at most 2^24 pending events")
            key = EventKey(time: time, sequence: scheduledCount, slot: slots.count)
            slots.append(Slot(occupant: key.order, payload: payload))
        }
        scheduledCount += 1
        heap.insert(key)
        return EventID(order: key.order)
    }

    /// Calls an event off. O(1), amortised.
    /// - Returns: whether it was still pending; cancelling what has happened or was cancelled before does nothing.
    @inlinable
    @discardableResult
    public mutating func cancel(_ id: EventID) -> Bool {
        guard isPending(id) else { return false }
        slots[EventKey(time: .start, order: id.order).slot].occupant = Slot.cancelled
        cancelledCount += 1
        if cancelledCount > 64, cancelledCount * 2 > heap.keys.count {
            sweepCancelled()
        } else {
            dropCancelledHead()
        }
        return true
    }

    /// Takes the next event and sets the clock to its time; `nil` if none is pending. O(log n).
    @inlinable
    public mutating func popFirst() -> (time: SimulatedTime, payload: Payload)? {
        if heap.keys.isEmpty { return nil }
        let key = heap.removeFirst()
        clock = key.time
        let payload = slots[key.slot].payload
        release(key)
        dropCancelledHead()
        return (key.time, payload)
    }

    /// The payload of the next event; `nil` if none is pending. O(1).
    @inlinable public var first: Payload? { heap.keys.first.map { slots[$0.slot].payload } }

    /// Takes the next event, sets the clock to its time, and schedules the same payload anew: as taking it and scheduling it would, at less cost. O(log n).
    /// - Precondition: an event is pending, and `time` is not before it.
    @inlinable
    public mutating func postponeFirst(to time: SimulatedTime) {
        let first = heap.keys[0]
        precondition(time >= first.time, "an event cannot be scheduled in the past")
        precondition(scheduledCount < EventKey.sequenceLimit - 1, "an event queue takes 2^40 events in its life")
        clock = first.time
        let key = EventKey(time: time, sequence: scheduledCount, slot: first.slot)
        scheduledCount += 1
        slots[key.slot].occupant = key.order
        heap.replaceFirst(with: key)
        dropCancelledHead()
    }

    /// Takes the next event if it happens at or before `horizon`, else leaves it there: the loop of a run with an end. O(log n).
    @inlinable
    public mutating func popFirst(through horizon: SimulatedTime) -> (time: SimulatedTime, payload: Payload)? {
        guard let next = nextTime, next <= horizon else { return nil }
        return popFirst()
    }

    /// Sets the clock forward though nothing happens: to the end of a run, from where it may go on later.
    /// - Precondition: `time` is not before ``now`` and not after the next event.
    @inlinable
    public mutating func advance(to time: SimulatedTime) {
        precondition(time >= clock, "the clock of an event queue cannot go back")
        precondition(nextTime.map { time <= $0 } ?? true, "the clock of an event queue cannot pass over an event")
        clock = time
    }
}

// MARK: - Slots

extension EventQueue {
    /// Frees the slot of a key that left the heap. Its token must not match any more, though the slot may stay free for long.
    @inlinable
    mutating func release(_ key: EventKey) {
        slots[key.slot].occupant = Slot.cancelled
        freeSlots.append(UInt32(key.slot))
    }

    /// Restores the invariant that the first key is a live event's.
    @inlinable
    mutating func dropCancelledHead() {
        while cancelledCount > 0, let head = heap.keys.first, slots[head.slot].occupant == Slot.cancelled {
            release(heap.removeFirst())
            cancelledCount -= 1
        }
    }

    /// Removes the keys of all cancelled events at once: O(n), paid for by the n/2 cancellations before it.
    @inlinable
    mutating func sweepCancelled() {
        for key in heap.keys where slots[key.slot].occupant == Slot.cancelled { freeSlots.append(UInt32(key.slot)) }
        let slots = slots
        heap.removeAll { slots[$0.slot].occupant == Slot.cancelled }
        cancelledCount = 0
    }
}

extension EventQueue: Sendable where Payload: Sendable {}
extension EventQueue.Slot: Sendable where Payload: Sendable {}

/// Two queues are equal if they hold the same events *and* came about by the same calls, as forks do.
extension EventQueue: Equatable where Payload: Equatable {}
extension EventQueue.Slot: Equatable where Payload: Equatable {}
extension EventQueue: Hashable where Payload: Hashable {}
extension EventQueue.Slot: Hashable where Payload: Hashable {}
