// Requests and cpu: what they use, and how long they take where there is too little.

import DiscreteEvents
import Testing

@testable import ServiceNetwork

@Suite("Processors of pods")
struct ProcessorTests {
    /// One pod that may serve any number of requests at a time; each takes two seconds and, meanwhile, a core.
    private func fixture(_ arrivals: [Double], cores: Double = .infinity, milliCPU: Int32 = 1000) -> RequestFixture {
        var fixture = RequestFixture(
            pods: 1, capacity: PodCapacity(concurrency: 1000), serviceTime: .constant(.seconds(2)), milliCPU: milliCPU)
        fixture.engine.recordsOutcomes = true
        fixture.engine.setProcessors(cores, of: 0)
        _ = fixture.source(replay(arrivals))
        return fixture
    }

    /// When the requests ended, to a microsecond.
    private func ends(_ fixture: RequestFixture, through end: Double = 100) -> [Double] {
        var engine = fixture.engine
        engine.run(through: at(end))
        return engine.takeOutcomes().map { ($0.ended.seconds * 1e6).rounded() / 1e6 }
    }

    // MARK: Speed

    @Test("As long as there is enough, nobody is held back")
    func enough() {
        #expect(ends(fixture([0, 0, 1], cores: 3)) == [2, 2, 3])
        #expect(ends(fixture([0, 0, 1])) == [2, 2, 3])
    }

    @Test("With half a core, what takes a core takes twice as long; what takes a tenth of one does not")
    func limit() {
        #expect(ends(fixture([0, 10], cores: 0.5)) == [4, 14])
        #expect(ends(fixture([0, 10], cores: 0.5, milliCPU: 100)) == [2, 12])
    }

    /// From 1 to 3 both have half a core, so the first is done at 3; the second has a core from then on.
    @Test("Requests share what there is: one slows the other from its first moment, and only while both are there")
    func sharing() {
        #expect(ends(fixture([0, 1], cores: 1)) == [3, 4])
        // Three on two cores from 1 to 2.5, when the first two have had their two seconds.
        #expect(ends(fixture([0, 0, 1], cores: 2)) == [2.5, 2.5, 3.5])
    }

    @Test("What the container does besides takes its part")
    func others() {
        var fixture = fixture([0, 0], cores: 2)
        // Two requests and two cores' worth of other things on two cores.
        fixture.engine.setProcessors(2, others: 2, of: 0)
        #expect(ends(fixture) == [4, 4])
    }

    @Test("A new share counts at once, for requests that are being served, too")
    func changes() {
        var fixture = fixture([0, 0.5])
        fixture.engine.run(through: at(1))
        // One core for two, which have 1 and 1.5 s to go.
        fixture.engine.setProcessors(1, of: 0)
        #expect(ends(fixture) == [3, 3.5])
        fixture.engine.run(through: at(2))
        fixture.engine.setProcessors(.infinity, of: 0)
        #expect(ends(fixture) == [2.5, 3])
    }

    @Test("A pod that dies takes its requests along; the next ones have all processors for themselves")
    func death() {
        var fixture = fixture([0, 0, 3], cores: 1)
        fixture.engine.run(through: at(1))
        fixture.engine.setCondition(.stopped, of: 0)
        fixture.engine.run(through: at(2))
        #expect(fixture.engine.cpuTime(of: 0).used == 1)
        fixture.engine.setCondition(.serving, of: 0)
        #expect(ends(fixture) == [1, 1, 5])
    }

    // MARK: Figures

    @Test("A request uses its cores while it is served; what is wanted beyond the limit is not used")
    func figures() {
        var engine = fixture([0, 0, 10], cores: 1, milliCPU: 750).engine
        engine.run(through: at(2))
        #expect(engine.cpuTime(of: 0).wanted == 3 && engine.cpuTime(of: 0).used == 2)
        engine.run(through: at(60))
        // Three times two seconds of three quarters of a core.
        #expect(abs(engine.cpuTime(of: 0).used - 4.5) < 1e-9)
        #expect(abs(engine.cpuTime(of: 0, from: at(0), to: at(1)) - 1) < 1e-9)
        #expect(abs(engine.cpuTime(of: 0, from: at(2), to: at(11)) - 1.75) < 1e-9)
        #expect(engine.cpuTime(of: 0, from: at(20), to: at(60)) == 0)
    }

    @Test("The integral of use over any time is right to what one second can hold, and forgotten after its time")
    func history() {
        var fixture = RequestFixture(
            pods: 1, capacity: PodCapacity(concurrency: 50), serviceTime: .valid(try .exponential(mean: 0.1)), milliCPU: 500)
        _ = fixture.source(.poisson(rate: 40))
        fixture.engine.setProcessors(1.8, of: 0)
        var totals: [Double] = []
        for tenth in 1...6000 {
            fixture.engine.run(through: at(Double(tenth) / 10))
            totals.append(fixture.engine.cpuTime(of: 0).used)
        }
        // 40 x 0.1 x 0.5 cores would be 2.
        #expect((1050...1080).contains(totals[5999]))
        for begin in stride(from: 4900, through: 5900, by: 37) {
            let told = fixture.engine.cpuTime(of: 0, from: at(Double(begin) / 10), to: at(599.9))
            #expect(abs(told - (totals[5998] - totals[begin - 1])) < 0.9)
        }
        let used = fixture.engine.cpuTime(of: 0, from: at(0), to: at(600))
        #expect(used < 0.5 * totals[5999], "figures of the first minutes are gone")
    }

    @Test("A request that waits for another Service uses no cpu")
    func calls() {
        var fixture = fixture([0])
        let back = fixture.engine.addPort(PortBehaviour(serviceTime: .constant(.seconds(5)), milliCPU: 250))
        let pod = fixture.engine.addPod(on: 0, capacity: PodCapacity())
        fixture.engine.publish(fixture.info, endpoints: [fixture.endpoint(1)], pods: [pod], for: back, at: .zero, isKnown: true)
        let call = fixture.engine.addSource(RequestSource(name: "call", arrivals: .onDemand, port: back, nodes: [0]))
        fixture.engine.setCalls(of: fixture.port, [[call]])
        #expect(ends(fixture) == [7, 7])
        fixture.engine.run(through: at(100))
        #expect(fixture.engine.cpuTime(of: 0).used == 2 && fixture.engine.cpuTime(of: pod).used == 1.25)
    }
}
