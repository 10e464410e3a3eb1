// A small network with one Service, for tests of requests.

import DiscreteEvents
import KubernetesAPI

@testable import ServiceNetwork

/// Pods behind one port, and sources of requests.
struct RequestFixture {
    var engine: RequestEngine
    let port: PortNumber
    let pods: [PodNumber]
    private(set) var info: ServicePortInfo

    /// - Parameters:
    ///   - nodes: how many, in zones a, b, c in turn; pods go to them in turn.
    init(
        pods count: Int, capacity: PodCapacity = PodCapacity(), serviceTime: Distribution, milliCPU: Int32 = 0,
        balancing: BalancingMethod = .iptables,
        nodes: Int = 1, latencies: PodNetwork.Latencies = PodNetwork.Latencies(), timing: ProxyTiming = ProxyTiming(), seed: UInt64 = 1
    ) {
        let places = (0..<nodes).map { ProxyNode(name: "n\($0)", zone: ["a", "b", "c"][$0 % 3]) }
        engine = RequestEngine(network: PodNetwork(nodes: places, latencies: latencies), timing: timing, seed: seed)
        pods = (0..<count).map { _ in 0 }.indices.map { PodNumber($0) }
        for pod in 0..<count { _ = engine.addPod(on: NodeNumber(pod % nodes), capacity: capacity) }
        port = engine.addPort(PortBehaviour(serviceTime: serviceTime, balancing: balancing, milliCPU: milliCPU))
        let name = ServicePortName(namespace: "shop", name: "web", port: "http", transport: .tcp)
        info = ServicePortInfo(name: name, clusterIP: "10.96.0.10", port: 80)
        // Clients outside come in there.
        info.nodePort = 30_080
        publish(pods, isKnown: true)
    }

    func endpoint(_ pod: PodNumber) -> ProxyEndpoint {
        ProxyEndpoint(
            address: "10.1.\(pod / 250).\(pod % 250 + 1)", port: 8080,
            nodeName: engine.network.nodes[Int(pod) % engine.network.nodes.count].name)
    }

    mutating func publish(
        _ pods: [PodNumber], at time: SimulatedTime = .zero, isKnown: Bool = false, _ change: (inout ServicePortInfo) -> Void = { _ in }
    ) {
        change(&info)
        engine.publish(info, endpoints: pods.map { endpoint($0) }, pods: pods, for: port, at: time, isKnown: isKnown)
    }

    mutating func source(
        _ arrivals: ArrivalProcess, name: String = "users", nodes: [NodeNumber] = [0], _ change: (inout RequestSource) -> Void = { _ in }
    ) -> SourceNumber {
        var source = RequestSource(name: name, arrivals: arrivals, port: port, nodes: nodes)
        change(&source)
        return engine.addSource(source)
    }
}

extension Distribution {
    /// Parameters of tests are valid.
    static func valid(_ make: @autoclosure () throws -> Distribution) -> Distribution {
        do { return try make() } catch { preconditionFailure("\(error)") }
    }
}

/// Seconds since the start.
func at(_ seconds: Double) -> SimulatedTime { SimulatedTime(seconds: seconds) }

/// A service time, milliseconds.
func constant(_ milliseconds: Int) -> Distribution { .constant(.milliseconds(milliseconds)) }

/// Requests at these instants, seconds.
func replay(_ times: [Double]) -> ArrivalProcess { .replay(times.map { SimulatedTime(seconds: $0) }) }

/// When requests ended, seconds.
func ended(_ outcomes: [RequestOutcome]) -> [Double] { outcomes.map { $0.ended.seconds } }

extension RequestEngine {
    /// The places that are free, the one freed last first: it is used first.
    var freeRequests: [RequestSlot] {
        Array(sequence(first: firstFreeRequest) { requests[Int($0.index)].next }.prefix { !$0.isNone })
    }

    /// The same of attempts.
    var freeAttempts: [AttemptSlot] {
        Array(sequence(first: firstFreeAttempt) { attempts[Int($0.index)].next }.prefix { !$0.isNone })
    }
}
