// Loads, their sums, and the shares of processors: pure functions.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Loads and shares")
struct LoadTests {
    /// Points within two microseconds, so that every tick can be looked at.
    private static func profile(_ stream: inout RandomStream) -> LoadProfile {
        let count = 1 + Int(stream.uniform() * 4)
        var time: Int64 = 0
        let points = (0..<count).map { _ in
            time += Int64(stream.uniform() * 500)
            return LoadProfile.Point(SimulatedTime(nanoseconds: time), (stream.uniform() * 20).rounded())
        }
        return LoadProfile(points, stream.uniform() < 0.5 ? .steps : .ramp)
    }

    @Test("the crossing that is worked out is the tick that stepping finds", arguments: 0..<300)
    func crossing(number: Int) {
        var stream = RandomStream(seed: 11, purpose: RandomPurpose("test loads"), owner: UInt64(number))
        var sum = LoadSum(constant: (stream.uniform() * 5).rounded())
        for _ in 0..<(1 + Int(stream.uniform() * 3)) {
            let origin = SimulatedTime(nanoseconds: Int64(stream.uniform() * 300))
            sum.parts.append(LoadSum.Part(profile: LoadTests.profile(&stream), origin: origin, share: stream.uniform() < 0.5 ? 1 : 0.5))
        }
        let line = (stream.uniform() * 40).rounded()
        let start = Int64(stream.uniform() * 600)
        let isAbove = stream.uniform() < 0.5
        let region = { (value: Double) in isAbove ? value > line : value <= line }
        let stepped = (start..<3000).first { region(sum.value(at: SimulatedTime(nanoseconds: $0))) }
        let found = sum.first(from: SimulatedTime(nanoseconds: start), where: region)
        #expect(found == stepped.map { .found(SimulatedTime(nanoseconds: $0)) } ?? .never)
        if isAbove, stepped != nil { #expect(sum.bound > line) }
    }

    @Test("a search through a long trace stops on the way and goes on from there")
    func horizon() {
        let points = (0..<500).map { LoadProfile.Point(seconds(Double($0)), $0 < 400 ? 1 : 2) }
        let sum = LoadSum(parts: [LoadSum.Part(profile: LoadProfile(points, .steps), origin: .zero, share: 1)])
        var (time, rounds) = (SimulatedTime.zero, 0)
        while case .notBefore(let later) = sum.first(from: time, where: { $0 > 1 }) { (time, rounds) = (later, rounds + 1) }
        #expect(sum.first(from: time, where: { $0 > 1 }) == .found(seconds(400)) && rounds == 6)
    }

    @Test("a leak grows to its ceiling and no further")
    func growth() {
        let leak = LoadProfile.growth(from: 100, perSecond: 2, upTo: 150)
        #expect([0, 10, 25, 1000].map { leak.value(at: seconds($0)) } == [100, 120, 150, 150])
        #expect(LoadProfile.growth(from: 0, perSecond: 1).value(at: seconds(1e6)) == 1e6)
        #expect(leak.integral(from: .zero, to: seconds(25)) == 125 * 25)
    }

    @Test("the integral of a load agrees with many small steps of it")
    func integral() {
        let profile = LoadProfile([.init(seconds(10), 1), .init(seconds(20), 3), .init(seconds(20), 5), .init(seconds(40), 0)], .ramp)
        let exact = profile.integral(from: seconds(3), to: seconds(55))
        var steps = 0.0
        for step in 0..<52_000 { steps += profile.value(at: seconds(3.0005 + Double(step) * 0.001)) * 0.001 }
        #expect(abs(exact - steps) < 0.01)
        var ready = ReadyCount()
        ready.add(2, at: seconds(0))
        ready.add(2, at: seconds(12))
        // Eight seconds shared by two, eight by four.
        #expect(ready.share(of: .constant(8), from: seconds(4), to: seconds(20)) == 48)
    }

    @Test("processors are divided to the last, nobody gets more than he wants, and the unsatisfied are treated alike", arguments: 0..<100)
    func shares(number: Int) {
        var stream = RandomStream(seed: 3, purpose: RandomPurpose("test shares"), owner: UInt64(number))
        let claims = (0..<(1 + Int(stream.uniform() * 8))).map { _ in
            CPUClaim(wanted: stream.uniform() * 4, weight: CPUShares.weight(milliCPU: Int64(stream.uniform() * 2000)))
        }
        let capacity = stream.uniform() * 8
        let granted = CPUShares.divide(capacity, among: claims)
        let wanted = claims.reduce(0) { $0 + $1.wanted }
        #expect(abs(granted.reduce(0, +) - min(capacity, wanted)) < 1e-9)
        let perShare = zip(claims, granted).filter { $0.wanted > $1 + 1e-12 }.map { $1 / $0.weight }
        for (claim, part) in zip(claims, granted) {
            #expect(part <= claim.wanted)
            // Who has all he wants has no more for his weight than they.
            for other in perShare { #expect(part / claim.weight <= other * (1 + 1e-9)) }
        }
        for other in perShare { #expect(abs(other - perShare[0]) <= perShare[0] * 1e-9) }
    }

    @Test("what a pod leaves goes to its class first; BestEffort has what nobody else wants")
    func classes() {
        func container(_ number: Int, _ wanted: Double, milliCPU: Int64) -> CPUShares.Group {
            .container(number, CPUClaim(wanted: wanted, weight: CPUShares.weight(milliCPU: milliCPU)))
        }
        var granted = [0.0, 0, 0, 0]
        CPUShares.divide(
            4,
            among: [
                .group([container(0, 4, milliCPU: 2000)], weight: CPUShares.weight(milliCPU: 2000)),
                .group(
                    [
                        .group([container(1, 4, milliCPU: 1000)], weight: CPUShares.weight(milliCPU: 1000)),
                        .group([container(2, 0.5, milliCPU: 1000)], weight: CPUShares.weight(milliCPU: 1000)),
                    ], weight: CPUShares.weight(milliCPU: 2000)),
                .group([.group([container(3, 1, milliCPU: 0)], weight: 2)], weight: 2),
            ], into: &granted)
        let whole = 4.0 / (2048 + 2048 + 2)
        #expect(zip(granted, [whole * 2048, whole * 2048 - 0.5, 0.5, whole * 2]).allSatisfy { abs($0 - $1) < 1e-12 })
    }

    // MARK: The kernel's choice

    @Test(
        "the kernel is told of requests, classes and what is critical",
        arguments: [
            (0, 0, "", 1000), (1 << 30, 1 << 30, "", -997), (1 << 30, 0, "", 875), (1 << 20, 0, "", 999), (8 << 30, 0, "", 3),
            (0, 0, "system-node-critical", -997), (0, 1 << 30, "system-cluster-critical", 999),
        ] as [(Int64, Int64, String, Int)])
    func adjustment(request: Int64, limit: Int64, className: String, expected: Int) {
        var container = Container(name: "c", image: "app")
        if request > 0 { container.resources.requests[.memory] = Quantity(bytes: request) }
        if limit > 0 { container.resources.limits[.memory] = Quantity(bytes: limit) }
        if request > 0, request == limit {
            container.resources.requests[.cpu] = Quantity(1)
            container.resources.limits[.cpu] = Quantity(1)
        }
        var spec = PodSpec(containers: [container])
        spec.priorityClassName = className
        spec.priority = className.isEmpty ? 0 : className == "system-node-critical" ? 2_000_001_000 : 2_000_000_000
        #expect(OutOfMemory.adjustment(of: container, in: spec, memoryCapacity: 8 << 30) == expected)
    }

    @Test("the worst is killed; of equal ones the youngest")
    func victim() {
        let capacity: Int64 = 8 << 30
        func badness(_ mebibytes: Int64, _ adjustment: Int) -> Int64 {
            OutOfMemory.badness(bytes: mebibytes << 20, adjustment: adjustment, capacity: capacity)
        }
        // A BestEffort container of nothing is worse than a Guaranteed one that has nearly all.
        #expect(badness(1, 1000) > badness(8000, -997))
        #expect(
            OutOfMemory.victim(among: [(badness(1, 1000), seconds(2)), (badness(1, 1000), seconds(3)), (badness(900, 0), seconds(9))]) == 1)
        #expect(OutOfMemory.victim(among: []) == nil)
    }
}
