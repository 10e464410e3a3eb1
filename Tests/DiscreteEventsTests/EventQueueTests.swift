// The event queue against the obvious implementation, and the properties that a simulation rests on.
import DiscreteEvents
import Testing

/// A list, searched from end to end: what the queue has to agree with.
private struct NaiveQueue {
    var pending: [(time: SimulatedTime, number: Int)] = []

    mutating func popFirst() -> (time: SimulatedTime, number: Int)? {
        // `min` takes the first of equals: first come, first served, as long as `pending` is in the order of scheduling.
        guard let first = pending.indices.min(by: { pending[$0].time < pending[$1].time }) else { return nil }
        return pending.remove(at: first)
    }
}

@Suite("Event queue")
struct EventQueueTests {
    @Test(
        "random scheduling, cancelling and taking agrees with a sorted list",
        arguments: 0..<6 as Range<UInt64>, [(3, 1, 3), (5, 4, 1), (6, 1, 1)])
    func agreesWithModel(seed: UInt64, weights: (schedule: Int, cancel: Int, pop: Int)) {
        var random = RandomStream(seed: seed, purpose: RandomPurpose("queue test"), owner: 0)
        var queue = EventQueue<Int>()
        var model = NaiveQueue()
        var tokens: [EventID] = []
        for _ in 0..<2000 {
            switch random.uniform(below: weights.schedule + weights.cancel + weights.pop) {
            case ..<weights.schedule:
                // Few distinct times, so that ties are common.
                let time = queue.now + .nanoseconds(Int64(random.uniform(below: 40)))
                model.pending.append((time, tokens.count))
                tokens.append(queue.schedule(tokens.count, at: time))
            case ..<(weights.schedule + weights.cancel):
                if tokens.isEmpty { continue }
                // Any event there ever was: most have happened, and their slots serve others now.
                let number = random.uniform(below: tokens.count)
                let index = model.pending.firstIndex { $0.number == number }
                #expect(queue.isPending(tokens[number]) == (index != nil))
                let wasPending = queue.cancel(tokens[number])
                #expect(wasPending == (index != nil))
                if let index { model.pending.remove(at: index) }
            default:
                let (expected, actual) = (model.popFirst(), queue.popFirst())
                #expect(actual?.time == expected?.time && actual?.payload == expected?.number)
            }
            #expect(queue.count == model.pending.count)
            #expect(queue.isEmpty == model.pending.isEmpty)
            #expect(queue.nextTime == model.pending.map(\.time).min())
        }
        while let expected = model.popFirst() {
            let actual = queue.popFirst()
            #expect(actual?.time == expected.time && actual?.payload == expected.number)
        }
        let rest = queue.popFirst()
        #expect(rest?.payload == nil)
    }

    @Test("a fork goes on exactly as the original does, and neither disturbs the other")
    func fork() {
        var random = RandomStream(seed: 1, purpose: RandomPurpose("fork test"), owner: 0)
        var queue = EventQueue<Int>()
        let tokens = (0..<1000).map { queue.schedule($0, at: .start + .nanoseconds(Int64(random.uniform(below: 500)))) }
        for token in tokens where random.bernoulli(0.3) { queue.cancel(token) }
        var fork = queue
        #expect(fork == queue)
        let untouched = queue

        func run(_ queue: inout EventQueue<Int>, _ random: RandomStream) -> [Int] {
            var random = random
            var order: [Int] = []
            while let (time, payload) = queue.popFirst(), order.count < 5000 {
                order.append(payload)
                queue.schedule(payload + 1000, at: time + .nanoseconds(Int64(random.uniform(below: 50))))
                queue.cancel(tokens[random.uniform(below: tokens.count)])
            }
            return order
        }
        let first = run(&queue, random)
        #expect(fork == untouched)
        let second = run(&fork, random)
        #expect(second == first)
        #expect(fork == queue)
    }

    @Test("a horizon is inclusive, and the clock can be set to it")
    func horizon() {
        var queue = EventQueue<String>(startingAt: .start - .seconds(5))
        queue.schedule("late", at: .start + .seconds(2))
        queue.schedule("early", at: .start)
        let early = queue.popFirst(through: .start)
        #expect(early?.payload == "early")
        let nothing = queue.popFirst(through: .start + .seconds(1))
        #expect(nothing?.payload == nil)
        queue.advance(to: .start + .seconds(1))
        #expect(queue.now == .start + .seconds(1))
        let late = queue.popFirst(through: .start + .seconds(2))
        #expect(late?.payload == "late")
    }

    @Test("time-outs scheduled and cancelled for ever leave nothing behind")
    func cancelledEventsAreSweptOut() {
        var queue = EventQueue<Int>()
        let never = queue.schedule(-1, at: .distantFuture)
        for round in 0..<100_000 {
            let timeout = queue.schedule(round, at: .start + .hours(1) + .nanoseconds(Int64(round)))
            let (first, second) = (queue.cancel(timeout), queue.cancel(timeout))
            #expect(first && !second)
        }
        #expect(queue.count == 1)
        #expect(queue.capacityInUse < 200)
        #expect(queue.isPending(never))
    }

    @Test("scheduling in the past is a programmer's error")
    func past() async {
        await #expect(processExitsWith: .failure) {
            var queue = EventQueue<Int>(startingAt: .start + .seconds(1))
            queue.schedule(0, at: .start)
        }
    }
}
