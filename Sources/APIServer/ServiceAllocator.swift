// Cluster addresses and node ports of Services.
// <https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/> (KEP-3070, KEP-3668)

import DiscreteEvents
import KubernetesAPI

/// The addresses and ports services get (`--service-cluster-ip-range`, `--service-node-port-range`).
public struct ServiceNetworkConfiguration: Hashable, Sendable {
    /// nil: kubeadm's default, 10.96.0.0/12.
    public var clusterRange: AddressRange?
    public var nodePorts: ClosedRange<Int32> = 30_000...32_767

    public init() {}

    var range: AddressRange { clusterRange ?? AddressRange(0x0A60_0000, prefix: 12) }
}

/// Numbers of which some are given away: drawn at random from the upper band, so that the lower one is left to those who choose.
struct NumberPool: Sendable {
    private let count: Int
    /// How many of the lowest are drawn only when all others are gone.
    private let staticBand: Int
    /// Looked up, never iterated.
    private var taken: Set<Int> = []

    init(count: Int, staticBand: Int) {
        self.count = max(0, count)
        self.staticBand = min(staticBand, self.count)
    }

    func isTaken(_ number: Int) -> Bool { taken.contains(number) }
    func contains(_ number: Int) -> Bool { number >= 0 && number < count }
    mutating func take(_ number: Int) { taken.insert(number) }
    mutating func release(_ number: Int) { taken.remove(number) }

    /// A free number, or nil if there is none: the first one from a random place of the upper band on, then of the lower.
    func draw(_ stream: inout RandomStream) -> Int? {
        free(in: staticBand..<count, &stream) ?? free(in: 0..<staticBand, &stream)
    }

    private func free(in band: Range<Int>, _ stream: inout RandomStream) -> Int? {
        guard !band.isEmpty else { return nil }
        let start = stream.uniform(below: band.count)
        for step in 0..<band.count {
            let number = band.lowerBound + (start + step) % band.count
            if !taken.contains(number) { return number }
        }
        return nil
    }

    /// The size of the lower band of a range: a part of it, within bounds; none of a range that is too small to be parted.
    static func staticBand(of size: Int, part: Int, bounds: ClosedRange<Int>) -> Int {
        size < bounds.lowerBound ? 0 : min(max(size / part, bounds.lowerBound), bounds.upperBound)
    }
}

/// Gives services their addresses and ports, and knows which are taken.
///
/// What a service draws depends on the seed and its name alone, unless it is taken.
struct ServiceAllocator: Sendable {
    private let configuration: ServiceNetworkConfiguration
    private let seed: UInt64
    /// Offsets from the first usable address.
    private var addresses: NumberPool
    /// Offsets from the first port.
    private var ports: NumberPool

    init(_ configuration: ServiceNetworkConfiguration, seed: UInt64) {
        self.configuration = configuration
        self.seed = seed
        let size = configuration.range.count
        // The first and the last address of a network are nobody's.
        addresses = NumberPool(count: size - 2, staticBand: NumberPool.staticBand(of: size, part: 16, bounds: 16...256))
        // The first is that of the service `kubernetes`.
        addresses.take(0)
        let portCount = configuration.nodePorts.count
        ports = NumberPool(count: portCount, staticBand: NumberPool.staticBand(of: portCount, part: 32, bounds: 16...128))
    }

    // MARK: What is stored

    /// Notes what a stored service has; `previous` is the version it replaces.
    mutating func observe(_ object: APIObject, replacing previous: APIObject?) {
        guard case .service(let service) = object else { return }
        if let previous { forget(previous) }
        for number in numbers(of: service.value) { addresses.take(number) }
        for number in portNumbers(of: service.value) { ports.take(number) }
    }

    mutating func forget(_ object: APIObject) {
        guard case .service(let service) = object else { return }
        // The first address is never free.
        for number in numbers(of: service.value) where number != 0 { addresses.release(number) }
        for number in portNumbers(of: service.value) { ports.release(number) }
    }

    private func numbers(of service: Service) -> [Int] { service.clusterIPs.compactMap(addressNumber) }

    private func portNumbers(of service: Service) -> [Int] {
        (service.ports.map(\.nodePort) + [service.healthCheckNodePort]).filter { $0 != 0 }.map(portNumber).filter(ports.contains)
    }

    private func addressNumber(_ text: String) -> Int? {
        guard let address = AddressRange.address(text), configuration.range.contains(address) else { return nil }
        let number = Int(address) - Int(configuration.range.first) - 1
        return addresses.contains(number) ? number : nil
    }

    private func portNumber(_ port: Int32) -> Int { Int(port) - Int(configuration.nodePorts.lowerBound) }

    // MARK: What is asked for

    /// The service with the addresses and ports it lacks. What it asks for must be free; what the version it replaces has, it keeps.
    func allocate(for object: APIObject, replacing previous: APIObject?) throws(APIError) -> APIObject {
        guard case .service(let shared) = object else { return object }
        var service = shared.value
        var old: Service?
        if case .service(let stored)? = previous { old = stored.value }
        try allocateAddress(for: &service, replacing: old)
        try allocatePorts(for: &service, replacing: old)
        return APIObject(service)
    }

    private func allocateAddress(for service: inout Service, replacing old: Service?) throws(APIError) {
        if service.type != .externalName, service.isHeadless { service.clusterIPs = [Service.headless] }
        guard service.hasClusterIP else { return }
        if service.clusterIP.isEmpty {
            var stream = RandomStream(seed: seed, purpose: .serviceAddresses, owner: service.metadata.key.description)
            guard let number = addresses.draw(&stream) else { throw .internalError("failed to allocate a serviceIP: range is full") }
            service.clusterIP = AddressRange.text(configuration.range.first + UInt32(number) + 1)
            service.clusterIPs = [service.clusterIP]
            return
        }
        for address in service.clusterIPs where !(old?.clusterIPs.contains(address) ?? false) && AddressRange.address(address) != nil {
            let why: String
            if let number = addressNumber(address) {
                guard addresses.isTaken(number) else { continue }
                why = "provided IP is already allocated"
            } else {
                why = "the provided network does not match the current range"
            }
            throw .invalid(
                APIObject(service), [.invalid("spec.clusterIPs", service.clusterIPs, "failed to allocate IP \(address): \(why)")])
        }
    }

    private func allocatePorts(for service: inout Service, replacing old: Service?) throws(APIError) {
        guard service.hasNodePorts else { return }
        let kept = old.map(portNumbers) ?? []
        // What this service takes in this request.
        var pool = ports
        var stream = RandomStream(seed: seed, purpose: .serviceNodePorts, owner: service.metadata.key.description)
        var own: [(number: Int, port: Int32, transport: TransportProtocol)] = []
        for index in service.ports.indices {
            let port = service.ports[index]
            let number: Int
            if port.nodePort != 0 {
                number = portNumber(port.nodePort)
                let isOwn = kept.contains(number) || own.contains { $0.number == number && $0.transport != port.transport }
                if let why = refusal(of: number, in: pool, isOwn: isOwn) {
                    throw .invalid(APIObject(service), [.invalid("spec.ports[\(index)].nodePort", port.nodePort, why)])
                }
            } else if let shared = own.first(where: { $0.port == port.port && $0.transport != port.transport }) {
                // One port over two protocols is one port on the nodes too.
                number = shared.number
            } else {
                guard let drawn = pool.draw(&stream) else {
                    throw .internalError("failed to allocate a nodePort: range is full")
                }
                number = drawn
            }
            pool.take(number)
            own.append((number, port.port, port.transport))
            service.ports[index].nodePort = configuration.nodePorts.lowerBound + Int32(number)
        }
        try allocateHealthCheck(for: &service, kept: kept, pool, &stream)
    }

    private func allocateHealthCheck(
        for service: inout Service, kept: [Int], _ pool: NumberPool, _ stream: inout RandomStream
    ) throws(APIError) {
        guard service.hasHealthCheckPort else { return }
        if service.healthCheckNodePort == 0 {
            guard let number = pool.draw(&stream) else { throw .internalError("failed to allocate a nodePort: range is full") }
            service.healthCheckNodePort = configuration.nodePorts.lowerBound + Int32(number)
            return
        }
        let number = portNumber(service.healthCheckNodePort)
        if let why = refusal(of: number, in: pool, isOwn: kept.contains(number)) {
            throw .internalError("failed to allocate requested HealthCheck NodePort \(service.healthCheckNodePort): \(why)")
        }
    }

    /// Why a port cannot be had.
    private func refusal(of number: Int, in pool: NumberPool, isOwn: Bool) -> String? {
        let range = configuration.nodePorts
        guard pool.contains(number) else {
            return "provided port is not in the valid range. The range of valid ports is \(range.lowerBound)-\(range.upperBound)"
        }
        return pool.isTaken(number) && !isOwn ? "provided port is already allocated" : nil
    }
}

extension RandomPurpose {
    static let serviceAddresses = RandomPurpose("service addresses")
    static let serviceNodePorts = RandomPurpose("service node ports")
}
