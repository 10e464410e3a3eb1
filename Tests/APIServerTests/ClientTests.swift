// The client's side: token buckets and event correlation.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import APIServer

@Suite("Clients")
struct ClientTests {
    @Test func `calls beyond the burst leave at the rate`() {
        var bucket = TokenBucket(ClientLimit(queriesPerSecond: 20, burst: 30))
        let times = (0..<60).map { _ in bucket.reserve(at: seconds(1)) }
        #expect(times[29] == seconds(1))
        #expect(times[30] == seconds(1.05))
        #expect(times[59] == seconds(2.5))
        // Idle time fills it up again, but not beyond the burst.
        let later = (0..<31).map { _ in bucket.reserve(at: seconds(100)) }
        #expect(later[29] == seconds(100) && later[30] == seconds(100.05))
    }

    @Test func `a bucket without waiting drops what finds no token`() {
        var bucket = TokenBucket(ClientLimit(queriesPerSecond: 1.0 / 300, burst: 2))
        let times: [Double] = [0, 0, 0, 299, 300, 301]
        let taken = times.map { bucket.takeIfAvailable(at: seconds($0)) }
        #expect(taken == [true, true, false, false, true, false])
    }

    private func event(_ message: String, about name: String = "p") -> KubernetesEvent {
        KubernetesEvent(
            about: "Pod", NamespacedName(namespace: "default", name: name), uid: UID("u-" + name), reason: "R", message: message,
            source: "kubelet")
    }

    @Test func `equal events are counted under one name`() {
        var correlator = EventCorrelator()
        let correlated = ["m", "m", "n"].map { correlator.correlate(event($0), at: .zero) }
        #expect(correlated.map { $0?.count } == [1, 2, 1])
        let names = correlated.map { $0?.metadata.name }
        #expect(names[0] == names[1] && names[0] != names[2])
    }

    @Test func `from the tenth similar message on events are merged, until ten quiet minutes`() {
        var correlator = EventCorrelator()
        let correlated = (0..<12).map { correlator.correlate(event("m\($0)"), at: .zero) }
        #expect(correlated[8]?.message == "m8")
        #expect(correlated[9]?.message == "(combined from similar events): m9")
        #expect(correlated[11]?.count == 3)
        let late = correlator.correlate(event("late"), at: seconds(601))
        #expect(late?.message == "late")
    }

    @Test func `one object's flood is cut after twenty-five, then one each five minutes`() {
        var correlator = EventCorrelator()
        let passed = (0..<40).filter { _ in correlator.correlate(event("m"), at: .zero) != nil }.count
        #expect(passed == 25)
        let other = correlator.correlate(event("m", about: "q"), at: .zero)
        let later = correlator.correlate(event("m"), at: seconds(300))
        let again = correlator.correlate(event("m"), at: seconds(301))
        #expect(other?.count == 1)
        #expect(later?.count == 41)
        #expect(again == nil)
    }

    @Test func `what was not used for longest is forgotten first`() {
        var correlator = EventCorrelator(capacity: 2)
        let counts = ["a", "b", "a", "c", "a", "b"].map { correlator.correlate(event("m", about: $0), at: .zero)?.count }
        #expect(counts == [1, 1, 2, 1, 3, 1])
    }
}
