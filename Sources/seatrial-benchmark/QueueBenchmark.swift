// The event queue under the hold model: pop the earliest event, schedule one more; the number pending stays the same.

import ArgumentParser
import DiscreteEvents

struct QueueBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "The event queue under the hold model (Jones 1986).")

    @Option(help: "Pending events.")
    var pending: [Int] = [10_000, 1_000_000]

    @Option(help: "Pops and pushes to measure.")
    var operations = 2_000_000

    func run() throws {
        for size in pending {
            var stream = RandomStream(seed: 1, purpose: RandomPurpose("queue-benchmark"), owner: UInt64(size))
            var queue = EventQueue<UInt64>()
            func delay() -> SimulatedDuration { .nanoseconds(Int64(stream.uniform(below: 2_000_000_000))) }
            for number in 0..<size { queue.schedule(UInt64(number), at: .zero + delay()) }
            let plain = wallTime { for _ in 0..<operations { hold(&queue, delay()) } }
            let cancelling = wallTime {
                for _ in 0..<operations / 2 {
                    let id = queue.schedule(0, at: (queue.nextTime ?? .zero) + delay())
                    hold(&queue, delay())
                    queue.cancel(id)
                }
            }
            line(
                "queue, \(text(Double(size))) pending",
                "\(text(plain / Double(operations) * 1e9)) ns per pop and push, "
                    + "\(text(cancelling / Double(operations / 2) * 1e9)) ns with one cancelled beside each")
        }
    }

    private func hold(_ queue: inout EventQueue<UInt64>, _ delay: SimulatedDuration) {
        guard let (time, payload) = queue.popFirst() else { return }
        queue.schedule(payload, at: time + delay)
    }
}
