// The work queue, slow start, expectations, indexes.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct MachineryTests {
    @Test("A key added while it is worked on runs once more, never at the same time")
    func queueDeduplicates() {
        var queue = WorkQueue<String>()
        queue.add("a")
        queue.add("a")
        queue.add("b")
        #expect(queue.take() == "a")
        queue.add("a")
        queue.add("a")
        #expect(queue.take() == "b")
        #expect(queue.take() == nil)
        queue.done("a")
        #expect(queue.take() == "a")
        queue.done("a")
        #expect(queue.take() == nil)
    }

    @Test("Back-off doubles from 5 ms and success clears it")
    func queueBacksOff() {
        var queue = WorkQueue<String>()
        var delays: [Int64] = []
        var now = SimulatedTime.zero
        for _ in 0..<20 {
            queue.retry("a", at: now)
            let due = queue.nextDue ?? now
            delays.append((due - now).nanoseconds / 1_000_000)
            now = due
            queue.addDue(at: now)
            #expect(queue.take() == "a")
            queue.done("a")
        }
        #expect(delays.prefix(8) == [5, 10, 20, 40, 80, 160, 320, 640])
        #expect(delays.suffix(2) == [1_000_000, 1_000_000])
        queue.forget("a")
        queue.retry("a", at: now)
        #expect(queue.nextDue == now + .milliseconds(5))
    }

    @Test("The bucket all keys share holds 100 and fills at 10 a second")
    func queueSharesABucket() {
        var queue = WorkQueue<Int>()
        for key in 0..<150 { queue.retry(key, at: .zero) }
        var due: [SimulatedTime] = []
        while let next = queue.nextDue {
            queue.addDue(at: next)
            while let key = queue.take() {
                due.append(next)
                queue.done(key)
            }
        }
        #expect(due.count { $0 <= .zero + .milliseconds(5) } == 100)
        #expect(abs((due.last ?? .zero).seconds - 5) < 1e-6)
    }

    @Test("Of two delayed additions the earlier counts")
    func queueKeepsTheEarlierDelay() {
        var queue = WorkQueue<String>()
        queue.add("a", at: .zero + .seconds(10))
        queue.add("a", at: .zero + .seconds(3))
        queue.add("a", at: .zero + .seconds(7))
        queue.addDue(at: .zero + .seconds(3))
        #expect(queue.take() == "a")
        queue.done("a")
        queue.addDue(at: .zero + .seconds(60))
        #expect(queue.take() == nil)
    }

    @Test(arguments: [(0, []), (1, [1]), (2, [1, 1]), (10, [1, 2, 4, 3]), (500, [1, 2, 4, 8, 16, 32, 64, 128, 245])])
    func slowStart(_ count: Int, _ batches: [Int]) {
        #expect(slowStartBatches(count) == batches)
    }

    @Test("A slot index agrees with a dictionary of sets under random changes")
    func slotIndexAgrees() {
        var random = TestGenerator(state: 7)
        var index = SlotIndex<Int>()
        var model: [Int: Int] = [:]
        for _ in 0..<5000 {
            let slot = Int.random(in: 0..<200, using: &random)
            let key = Int.random(in: -3..<20, using: &random)
            index.file(slot, under: key < 0 ? nil : key)
            model[slot] = key < 0 ? nil : key
        }
        for key in 0..<20 {
            #expect(Set(index[key].map(Int.init)) == Set(model.filter { $0.value == key }.keys))
            #expect(index.count(key) == index[key].count)
        }
    }

    @Test("Calls find their way back", arguments: [0, 1, 70_000, 0xFFFF_FFFF])
    func tokensRoundTrip(_ slot: Int) {
        let token = CallToken(rawValue: CallToken(.taintEviction, slot: slot, index: 499).rawValue)
        #expect(token?.loop == .taintEviction)
        #expect(token?.slot == slot)
        #expect(token?.index == 499)
    }

    @Test func timersAreSmall() { #expect(MemoryLayout<ControllerTimer>.size <= 16) }
}
