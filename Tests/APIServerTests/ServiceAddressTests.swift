// Addresses and node ports of services: what is drawn, what may be chosen, in the API server's words.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import APIServer

@Suite("Service addresses and ports")
struct ServiceAddressTests {
    var api: APIServer
    private let network: ServiceNetworkConfiguration

    init() throws {
        var network = ServiceNetworkConfiguration()
        network.clusterRange = try #require(AddressRange("10.96.0.0/16"))
        self.network = network
        api = APIServer(seed: 1, serviceNetwork: network)
    }

    private func service(_ name: String, _ change: (inout Service) -> Void = { _ in }) -> Service {
        var service = Service(metadata: ObjectMeta(name: name, namespace: "default"))
        service.ports = [ServicePort(port: 80)]
        change(&service)
        return service
    }

    private mutating func created(_ service: Service) throws -> Service {
        guard case .service(let stored)? = try api.done(.create(APIObject(service))) else { throw NotAService() }
        return stored.value
    }

    private struct NotAService: Error {}

    private mutating func refusal(_ service: Service) -> String? {
        if case .failure(let error) = api.execute(.create(APIObject(service)), at: .zero) { error.description } else { nil }
    }

    @Test mutating func `an address is drawn from above the static band, the same for the same seed and name`() throws {
        let range = try #require(AddressRange("10.96.0.0/16"))
        let staticBand = try #require(AddressRange.address("10.96.1.0"))
        for number in 0..<20 {
            let name = "auto-\(number)"
            let drawn = try created(service(name))
            let address = try #require(AddressRange.address(drawn.clusterIP))
            #expect(range.contains(address))
            #expect(address > staticBand)
            #expect(drawn.clusterIPs == [drawn.clusterIP])
            #expect(drawn.ipFamilyPolicy == .singleStack)
            var other = APIServer(seed: 1, serviceNetwork: network)
            guard case .service(let alone)? = try other.done(.create(APIObject(service(name)))) else { throw NotAService() }
            #expect(alone.value.clusterIP == drawn.clusterIP)
        }
    }

    @Test mutating func `an address that is chosen must be free and of the range`() throws {
        #expect(try created(service("low") { $0.clusterIP = "10.96.0.20" }).clusterIPs == ["10.96.0.20"])
        for (name, address, why) in [
            ("dup", "10.96.0.20", "provided IP is already allocated"), ("first", "10.96.0.1", "provided IP is already allocated"),
            ("out", "10.97.0.1", "the provided network does not match the current range"),
            ("net", "10.96.0.0", "the provided network does not match the current range"),
            ("bcast", "10.96.255.255", "the provided network does not match the current range"),
        ] {
            #expect(
                refusal(service(name) { $0.clusterIP = address })
                    == "Service \"\(name)\" is invalid: spec.clusterIPs: Invalid value: [\"\(address)\"]: failed to allocate IP "
                    + "\(address): \(why)")
        }
        #expect(
            refusal(service("bad") { $0.clusterIP = "x.y" })
                == "Service \"bad\" is invalid: spec.clusterIPs[0]: Invalid value: \"x.y\": must be a valid IP address, "
                + "(e.g. 10.9.8.7 or 2001:db8::ffff)")
        // A service that is gone gives its address back.
        try api.done(.delete(ObjectKey(.service, namespace: "default", "low"), DeleteOptions()))
        #expect(refusal(service("again") { $0.clusterIP = "10.96.0.20" }) == nil)
    }

    @Test mutating func `node ports are drawn or chosen from their range`() throws {
        let drawn = try created(service("auto") { $0.type = .nodePort })
        #expect((30_086...32_767).contains(drawn.ports[0].nodePort))
        #expect(drawn.externalTrafficPolicy == .cluster && drawn.internalTrafficPolicy == .cluster)
        #expect(
            try created(
                service("own") {
                    $0.type = .nodePort; $0.ports[0].nodePort = 30_010
                }
            ).ports[0].nodePort == 30_010)
        #expect(
            refusal(
                service("dup") {
                    $0.type = .nodePort; $0.ports[0].nodePort = 30_010
                })
                == "Service \"dup\" is invalid: spec.ports[0].nodePort: Invalid value: 30010: provided port is already allocated")
        #expect(
            refusal(
                service("out") {
                    $0.type = .nodePort; $0.ports[0].nodePort = 20_000
                })
                == "Service \"out\" is invalid: spec.ports[0].nodePort: Invalid value: 20000: provided port is not in the valid range. "
                + "The range of valid ports is 30000-32767")
        let dns = try created(
            service("dns") {
                $0.type = .loadBalancer
                $0.ports = [ServicePort(name: "udp", port: 53, transport: .udp), ServicePort(name: "tcp", port: 53)]
            })
        #expect(dns.ports[0].nodePort == dns.ports[1].nodePort)
    }

    @Test mutating func `services without an address of their own`() throws {
        let headless = try created(service("headless") { $0.clusterIP = Service.headless })
        #expect(headless.clusterIPs == ["None"] && headless.ipFamilyPolicy == .requireDualStack)
        let external = try created(
            service("ext") {
                $0.ports = []; $0.type = .externalName; $0.externalName = "example.com"
            })
        #expect(external.clusterIP.isEmpty && external.ipFamilyPolicy == nil && external.internalTrafficPolicy == nil)
        #expect(refusal(service("noports") { $0.ports = [] }) == "Service \"noports\" is invalid: spec.ports: Required value")
        #expect(
            refusal(service("dupports") { $0.ports.append(ServicePort(port: 81)) })
                == "Service \"dupports\" is invalid: [spec.ports[0].name: Required value, spec.ports[1].name: Required value]")
        #expect(try created(service("aff") { $0.sessionAffinity = .clientIP }).sessionTimeoutSeconds == 10_800)
    }

    @Test mutating func `an address stays; what a manifest does not say is kept`() throws {
        let first = try created(service("web") { $0.type = .nodePort })
        let key = ObjectKey(.service, namespace: "default", "web")
        let applied = try api.done(
            .operate(
                key,
                .apply(
                    APIObject(
                        service("web") {
                            $0.type = .nodePort; $0.selector = ["a": "b"]
                        }))))
        guard case .service(let kept)? = applied else { throw NotAService() }
        #expect(kept.value.clusterIP == first.clusterIP)
        #expect(kept.value.ports[0].nodePort == first.ports[0].nodePort)
        let moved = service("web") {
            $0.type = .nodePort; $0.clusterIP = "10.96.0.77"
        }
        guard case .failure(let error) = api.execute(.operate(key, .apply(APIObject(moved))), at: .zero) else { throw NotAService() }
        #expect(
            error.description
                == "Service \"web\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.96.0.77\"]: may not change once set")
        #expect(error.code == 422 && error.reason == "Invalid")
        guard case .service(let inner)? = try api.done(.operate(key, .apply(APIObject(service("web"))))) else { throw NotAService() }
        #expect(inner.value.ports[0].nodePort == 0 && inner.value.externalTrafficPolicy == nil)
        // Its port is free again.
        #expect(
            refusal(
                service("other") {
                    $0.type = .nodePort; $0.ports[0].nodePort = first.ports[0].nodePort
                }) == nil)
    }

    @Test func `a range that is full has none left, the static band goes last`() throws {
        var pool = NumberPool(count: 6, staticBand: 2)
        var stream = RandomStream(seed: 1, purpose: .serviceAddresses, owner: "a")
        var drawn: [Int] = []
        while let number = pool.draw(&stream) {
            drawn.append(number)
            pool.take(number)
        }
        #expect(drawn.sorted() == [0, 1, 2, 3, 4, 5])
        #expect(drawn.prefix(4).allSatisfy { $0 >= 2 })
    }
}
