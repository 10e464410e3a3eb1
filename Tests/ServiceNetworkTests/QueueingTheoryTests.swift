// The request engine against queueing theory: known means must lie in confidence intervals from independent replications.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

/// Means of replications, in units of the mean service time (which is 1 s).
private struct Replications {
    /// In debug builds a request costs ten times as much: shorter and fewer runs, wider intervals.
    #if DEBUG
        static let effort = 1
    #else
        static let effort = 8
    #endif

    /// 99.9 %, because there are some 25 comparisons in this file, of which hardly one may fail by chance.
    static let confidence = 0.999

    static func interval(_ count: Int = 10, _ run: (UInt64) -> Double) throws -> StudentInterval {
        try #require(StudentInterval((0..<count).map { run(UInt64($0) + 1) }, confidence: confidence))
    }

    /// The mean time in the system.
    /// - Parameter cores: what a pod has for its requests, each of which could use one; nil: any number.
    static func timeInSystem(
        pods: Int, concurrency: Int32 = 1, cores: Int? = nil, serviceTime: Distribution, load: Double, balancing: BalancingMethod,
        requests: Int, warmUp: Double = 0.2, replications: Int = 10
    ) throws -> StudentInterval {
        try interval(replications) { seed in
            var fixture = RequestFixture(
                pods: pods, capacity: PodCapacity(concurrency: concurrency), serviceTime: serviceTime, milliCPU: cores == nil ? 0 : 1000,
                balancing: balancing, seed: seed)
            for pod in 0..<pods { if let cores { fixture.engine.setProcessors(Double(cores), of: PodNumber(pod)) } }
            let rate = load * Double(pods) * Double(cores ?? Int(concurrency))
            let source = fixture.source(.poisson(rate: rate))
            let length = Double(requests * effort) / rate
            fixture.engine.run(through: SimulatedTime(seconds: length * warmUp))
            fixture.engine.resetStatistics()
            fixture.engine.run(through: SimulatedTime(seconds: length * (1 + warmUp)))
            return fixture.engine.statistics(of: source).latency.mean
        }
    }
}

extension StudentInterval {
    fileprivate func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
    fileprivate var text: String { "\(mean) ± \(halfWidth)" }
}

@Suite("Queueing theory")
struct QueueingTheoryTests {
    private let exponential = Distribution.valid(try .exponential(mean: 1))

    /// Erlang's C formula: the probability to wait with `servers` at an offered load of so many Erlang.
    private func probabilityToWait(_ servers: Int, _ offered: Double) -> Double {
        // Erlang B by its recursion, then C from B.
        var blocking = 1.0
        for count in 1...servers { blocking = offered * blocking / (Double(count) + offered * blocking) }
        let load = offered / Double(servers)
        return blocking / (1 - load + load * blocking)
    }

    @Test("M/M/1: 1 / (1 - rho)", arguments: [0.5, 0.8, 0.9])
    func markovian(load: Double) throws {
        let interval = try Replications.timeInSystem(
            pods: 1, serviceTime: exponential, load: load, balancing: .iptables, requests: load > 0.85 ? 12_000 : 5_000)
        #expect(interval.contains(1 / (1 - load)), "\(interval.text)")
    }

    @Test("M/M/c: Erlang's C formula", arguments: [(2, 0.8), (10, 0.8), (100, 0.95)])
    func manyServers(servers: Int, load: Double) throws {
        let interval = try Replications.timeInSystem(
            pods: 1, concurrency: Int32(servers), serviceTime: exponential, load: load, balancing: .iptables,
            requests: servers == 100 ? 20_000 : 8_000)
        let offered = load * Double(servers)
        let expected = 1 + probabilityToWait(servers, offered) / (Double(servers) - offered)
        #expect(interval.contains(expected), "\(interval.text) for \(expected)")
    }

    @Test("M/D/1: half the wait of M/M/1")
    func deterministic() throws {
        let constant = Distribution.constant(.seconds(1))
        let interval = try Replications.timeInSystem(pods: 1, serviceTime: constant, load: 0.8, balancing: .iptables, requests: 6_000)
        #expect(interval.contains(1 + 0.8 / (2 * 0.2)), "\(interval.text)")
    }

    /// Unlike the time in a line, it depends on the service time's mean alone: deterministic and heavy-tailed ones give the same.
    @Test("M/G/1 with shared processors: 1 / (1 - rho), whatever the service time's distribution", arguments: [0.0, 0.5, 1.2])
    func processorSharing(deviation: Double) throws {
        let lognormal: Distribution =
            deviation == 0
            ? .constant(.seconds(1)) : .valid(try .lognormal(logMean: -deviation * deviation / 2, logDeviation: deviation))
        let interval = try Replications.timeInSystem(
            pods: 1, concurrency: 100_000, cores: 1, serviceTime: lognormal, load: 0.7, balancing: .iptables, requests: 8_000)
        #expect(interval.contains(1 / (1 - 0.7)), "\(interval.text)")
    }

    /// The number of requests there is a birth-death process with the rates of M/M/c, whoever is served how fast.
    @Test("M/M/c with shared processors: as long on average as with a line, by Erlang's C formula")
    func sharedProcessors() throws {
        let interval = try Replications.timeInSystem(
            pods: 1, concurrency: 100_000, cores: 3, serviceTime: exponential, load: 0.8, balancing: .iptables, requests: 8_000)
        let expected = 1 + probabilityToWait(3, 2.4) / (3 - 2.4)
        #expect(interval.contains(expected), "\(interval.text) for \(expected)")
    }

    @Test("A saturated pod serves as many requests as its cpu limit has time for")
    func saturation() throws {
        let length = 400 * Replications.effort
        let capacity = PodCapacity(concurrency: 4, queueLimit: 10)
        let interval = try Replications.interval { seed in
            var fixture = RequestFixture(pods: 1, capacity: capacity, serviceTime: exponential, milliCPU: 1000, seed: seed)
            fixture.engine.setProcessors(0.5, of: 0)
            let source = fixture.source(.poisson(rate: 5))
            fixture.engine.run(through: .start + .seconds(100))
            fixture.engine.resetStatistics()
            fixture.engine.run(through: .start + .seconds(100 + length))
            return Double(fixture.engine.statistics(of: source).count(.succeeded)) / Double(length)
        }
        // A request takes a core second.
        #expect(interval.contains(0.5), "\(interval.text)")
    }

    /// Pareto with shape 3.2: P(X > x) falls as x^-3.2, so a request in 1,600 takes more than ten times the least. The tail is as heavy as it may be here: the
    /// mean wait needs a second moment, and an interval around its estimate needs the waits' variance, which is there if the service times have a third
    /// moment, that is for shapes above 3. Convergence is slow, and the interval shows it.
    @Test("M/G/1 with a heavy tail: Pollaczek and Khinchine's formula")
    func heavyTail() throws {
        let (shape, load) = (3.2, 0.6)
        let pareto = Distribution.valid(try .pareto(shape: shape, scale: (shape - 1) / shape))
        let secondMoment = shape / (shape - 2) * (shape - 1) * (shape - 1) / (shape * shape)
        let interval = try Replications.timeInSystem(pods: 1, serviceTime: pareto, load: load, balancing: .iptables, requests: 8_000)
        #expect(interval.contains(1 + load * secondMoment / (2 * (1 - load))), "\(interval.text)")
    }

    @Test("M/G/1 with lognormal service times")
    func lognormal() throws {
        let (deviation, load) = (1.0, 0.7)
        let lognormal = Distribution.valid(try .lognormal(logMean: -deviation * deviation / 2, logDeviation: deviation))
        let interval = try Replications.timeInSystem(pods: 1, serviceTime: lognormal, load: load, balancing: .iptables, requests: 8_000)
        let secondMoment = 2.718281828459045
        #expect(interval.contains(1 + load * secondMoment / (2 * (1 - load))), "\(interval.text)")
    }

    @Test("A random split makes every pod an M/M/1 queue", arguments: [BalancingMethod.iptables, .nftables])
    func randomSplit(balancing: BalancingMethod) throws {
        let interval = try Replications.timeInSystem(
            pods: 10, serviceTime: exponential, load: 0.8, balancing: balancing, requests: 8_000, warmUp: 0.5)
        #expect(interval.contains(5), "\(interval.text)")
    }

    /// Each of n pods gets every n-th request: gaps are Erlang distributed. For n = 2, the root of x = G*(1 - x) with the transform
    /// (2 rho / (2 rho + s))² of the gaps gives the time 1 / (1 - x).
    @Test("Round robin over two pods makes each an E2/M/1 queue", arguments: [BalancingMethod.roundRobin, .ipvs(.roundRobin)])
    func roundRobin(balancing: BalancingMethod) throws {
        let load = 0.8
        var root = 0.5
        for _ in 0..<200 { root = (2 * load / (2 * load + 1 - root)) * (2 * load / (2 * load + 1 - root)) }
        let interval = try Replications.timeInSystem(
            pods: 2, serviceTime: exponential, load: load, balancing: balancing, requests: 6_000)
        #expect(interval.contains(1 / (1 - root)), "\(interval.text) for \(1 / (1 - root))")
        #expect(!interval.contains(5))
    }

    /// The limit for infinitely many pods is the sum over i of rho^(2^i - 2) (Mitzenmacher 2001): 1.2657, 1.9474, 2.6141, 3.3830 and 5.4320 service
    /// times here. For n pods, rho / (2 n (1 - rho)) is to be added (Gast and Van Houdt, "A refined mean field approximation", 2017, in
    /// queue lengths; the next term is of the order 1/n²): no band is needed around the interval.
    @Test(
        "The better of two pods: the sum of rho^(2^i - 2), and what is due to their finite number",
        arguments: [(0.5, 1.2657), (0.8, 1.9474), (0.9, 2.6141), (0.95, 3.3830), (0.99, 5.4320)])
    func powerOfTwoChoices(load: Double, limit: Double) throws {
        var sum = 0.0
        for level in 1...20 {
            var term = 1.0
            for _ in 0..<min((1 << level) - 2, 100_000) { term *= load }
            sum += term
        }
        #expect(abs(sum - limit) < 5e-5, "the limit itself is \(sum)")
        let pods = 200
        // The nearer to saturation, the longer an empty system takes to fill: at 0.99 some 800 service times.
        let interval = try Replications.timeInSystem(
            pods: pods, serviceTime: exponential, load: load, balancing: .powerOfTwoChoices, requests: load > 0.98 ? 40_000 : 8_000,
            warmUp: load > 0.98 ? 4 : load > 0.94 ? 1.5 : 0.5)
        let expected = limit + load / (2 * Double(pods) * (1 - load))
        #expect(interval.contains(expected), "\(interval.text) for \(expected)")
        // It would hold in vain around any value if it were wide.
        #expect(interval.halfWidth < expected * (load > 0.98 ? 0.3 : 0.1), "\(interval.text)")
        #expect(interval.upper < 1 / (1 - load))
    }

    /// Users think, then ask a front that has workers for all of them and calls two stations, one after the other, each with one worker: delays and queues of
    /// exponential times, first come, first served, so that exact mean value analysis (Reiser and Lavenberg 1980) holds.
    @Test("A closed network of several stations, one behind the other in a call graph: mean value analysis", arguments: [3, 12, 30])
    func callGraph(users: Int) throws {
        let (think, front, demands) = (20.0, 0.5, [1.0, 1.4])
        var (time, lengths) = (0.0, [0.0, 0.0])
        for count in 1...users {
            let times = zip(demands, lengths).map { $0 * (1 + $1) }
            time = front + times.reduce(0, +)
            lengths = times.map { Double(count) / (think + time) * $0 }
        }
        let length = 4_000.0 * Double(Replications.effort)
        let warmUp = length / 4
        func run(_ seed: UInt64) -> RequestStatistics {
            var fixture = RequestFixture(
                pods: 1, capacity: PodCapacity(concurrency: 100_000), serviceTime: .valid(try .exponential(mean: front)), seed: seed)
            var calls: [[SourceNumber]] = []
            for (number, demand) in demands.enumerated() {
                let pod = fixture.engine.addPod(on: 0, capacity: PodCapacity())
                let port = fixture.engine.addPort(PortBehaviour(serviceTime: .valid(try .exponential(mean: demand))))
                let name = ServicePortName(namespace: "shop", name: "back-\(number)", port: "http", transport: .tcp)
                let info = ServicePortInfo(name: name, clusterIP: "10.96.1.\(number)", port: 80)
                fixture.engine.publish(info, endpoints: [fixture.endpoint(pod)], pods: [pod], for: port, at: .zero, isKnown: true)
                let call = RequestSource(name: "call \(number)", arrivals: .onDemand, port: port, nodes: [])
                calls.append([fixture.engine.addSource(call)])
            }
            fixture.engine.setCalls(of: fixture.port, calls)
            let source = fixture.source(.closed(users: users, thinkTime: .valid(try .exponential(mean: think))))
            fixture.engine.run(through: SimulatedTime(seconds: warmUp))
            fixture.engine.resetStatistics()
            fixture.engine.run(through: SimulatedTime(seconds: warmUp + length))
            return fixture.engine.statistics(of: source)
        }
        let runs = (1...10).map { run($0) }
        let mean = try #require(StudentInterval(runs.map(\.latency.mean), confidence: Replications.confidence))
        #expect(mean.contains(time), "\(mean.text) for \(time)")
        let throughput = try #require(
            StudentInterval(runs.map { Double($0.count(.succeeded)) / length }, confidence: Replications.confidence))
        #expect(throughput.contains(Double(users) / (think + time)), "\(throughput.text) for \(Double(users) / (think + time))")
        #expect(mean.halfWidth < time * 0.1)
    }

    /// The same of one station.
    @Test("A closed loop of users: mean value analysis", arguments: [5, 20, 40])
    func closedNetwork(users: Int) throws {
        let think = 10.0
        var (time, waiting) = (0.0, 0.0)
        for count in 1...users {
            time = 1 + waiting
            waiting = Double(count) / (think + time) * time
        }
        let thinking = Distribution.valid(try .exponential(mean: think))
        let interval = try Replications.interval { seed in
            var fixture = RequestFixture(pods: 1, serviceTime: exponential, seed: seed)
            let source = fixture.source(.closed(users: users, thinkTime: thinking))
            let length = 4_000.0 * Double(Replications.effort)
            fixture.engine.run(through: SimulatedTime(seconds: length / 4))
            fixture.engine.resetStatistics()
            fixture.engine.run(through: SimulatedTime(seconds: length))
            return fixture.engine.statistics(of: source).latency.mean
        }
        #expect(interval.contains(time), "\(interval.text) for \(time)")
    }
}
