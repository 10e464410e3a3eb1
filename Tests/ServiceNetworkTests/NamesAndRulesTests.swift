// DNS records, what clients remember of them, Ingress rules and network policies.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import ServiceNetwork

@Suite("Cluster DNS")
struct ClusterDNSTests {
    private let dns = ClusterDNS()

    private func service(_ clusterIP: String) -> Service {
        var service = Service(metadata: ObjectMeta(name: "db", namespace: "shop"))
        service.clusterIP = clusterIP
        service.ports = [ServicePort(name: "sql", port: 5432)]
        return service
    }

    private var slices: [EndpointSlice] {
        var metadata = ObjectMeta(name: "db-1", namespace: "shop")
        metadata.labels["kubernetes.io/service-name"] = "db"
        var endpoints = ["10.1.0.1", "10.1.0.2", "10.1.0.3"].map { Endpoint(addresses: [$0]) }
        endpoints[0].hostname = "db-0"
        endpoints[2].ready = false
        return [EndpointSlice(metadata: metadata, endpoints: endpoints, ports: [EndpointPort(name: "sql", port: 15_432)])]
    }

    @Test("A Service's name is its cluster IP; a headless one's are its ready pods")
    func addresses() {
        #expect(dns.answer(to: "db.shop.svc.cluster.local", about: service("10.96.0.9"), slices: slices) == .addresses(["10.96.0.9"]))
        let headless = service("None")
        #expect(dns.answer(to: "db.shop.svc.cluster.local", about: headless, slices: slices) == .addresses(["10.1.0.1", "10.1.0.2"]))
        #expect(dns.answer(to: "db-0.db.shop.svc.cluster.local", about: headless, slices: slices) == .addresses(["10.1.0.1"]))
        #expect(dns.answer(to: "10-1-0-2.db.shop.svc.cluster.local", about: headless, slices: slices) == .addresses(["10.1.0.2"]))
        #expect(dns.answer(to: "10-1-0-3.db.shop.svc.cluster.local", about: headless, slices: slices) == .none)
        #expect(dns.answer(to: "db-0.db.shop.svc.cluster.local", about: service("10.96.0.9"), slices: slices) == .none)
    }

    @Test("Named ports have SRV records; an ExternalName is an alias")
    func otherRecords() {
        let question = "_sql._tcp.db.shop.svc.cluster.local"
        #expect(
            dns.answer(to: question, about: service("10.96.0.9"), slices: slices)
                == .services([.init(name: "db.shop.svc.cluster.local", port: 5432)]))
        #expect(
            dns.answer(to: question, about: service("None"), slices: slices)
                == .services([
                    .init(name: "db-0.db.shop.svc.cluster.local", port: 15_432),
                    .init(name: "10-1-0-2.db.shop.svc.cluster.local", port: 15_432),
                ]))
        #expect(dns.answer(to: "_sql._udp.db.shop.svc.cluster.local", about: service("None"), slices: slices) == .none)
        var external = service("")
        external.type = .externalName
        external.externalName = "db.example.com"
        #expect(dns.answer(to: "db.shop.svc.cluster.local", about: external, slices: []) == .alias("db.example.com"))
    }

    @Test("A pod's resolver completes names with few dots first")
    func search() {
        let resolver = ResolverConfiguration(namespace: "shop")
        #expect(
            resolver.questions(for: "db")
                == ["db.shop.svc.cluster.local", "db.svc.cluster.local", "db.cluster.local", "db"])
        #expect(resolver.questions(for: "example.com").count == 4)
        #expect(resolver.questions(for: "example.com.") == ["example.com"])
        #expect(resolver.questions(for: "a.b.c.d.e.f").first == "a.b.c.d.e.f")
    }

    @Test("A client goes on with an answer until it expires")
    func cache() {
        var cache = DNSCache()
        #expect(cache.answer(to: "db", at: .zero) == nil)
        cache.keep(.addresses(["10.1.0.1"]), to: "db", for: .seconds(5), at: .zero)
        cache.keep(.none, to: "no", for: .seconds(5), at: .zero)
        #expect(cache.answer(to: "db", at: .zero + .milliseconds(4999)) == .addresses(["10.1.0.1"]))
        #expect(cache.answer(to: "no", at: .zero + .seconds(1)) == DNSAnswer.none)
        #expect(cache.answer(to: "db", at: .zero + .seconds(5)) == nil)
    }
}

@Suite("Ingress rules")
struct IngressRulesTests {
    private func backend(_ name: String) -> IngressRules.Backend {
        IngressRules.Backend(service: NamespacedName(namespace: "shop", name: name), port: .int(80))
    }

    @Test(
        "Paths match by whole elements, exactly, the longest first",
        arguments: [
            ("/", "root"), ("/foo", "foo"), ("/foo/", "foo"), ("/foo/bar", "foobar"), ("/foo/bar/x", "foobar"), ("/foobar", "root"),
            ("/exact", "exact"), ("/exact/", "root"),
        ])
    func paths(path: String, expected: String) {
        let rules = IngressRules([
            .init(path: "/", pathType: .prefix, backend: backend("root")), .init(path: "/foo", pathType: .prefix, backend: backend("foo")),
            .init(path: "/foo/bar/", pathType: .prefix, backend: backend("foobar")),
            .init(path: "/exact", pathType: .exact, backend: backend("exact")),
        ])
        #expect(rules.backend(host: "a.example", path: path)?.service.name == expected)
    }

    @Test("A named host goes before a wildcard, that before any host, and a wildcard stands for one label")
    func hosts() {
        let rules = IngressRules(
            [
                .init(path: "/", pathType: .prefix, backend: backend("any")),
                .init(host: "*.foo.com", path: "/", pathType: .prefix, backend: backend("wild")),
                .init(host: "bar.foo.com", path: "/bar", pathType: .prefix, backend: backend("bar")),
            ], defaultBackend: backend("default"))
        #expect(rules.backend(host: "BAR.foo.com", path: "/bar")?.service.name == "bar")
        #expect(rules.backend(host: "bar.foo.com", path: "/else")?.service.name == "default")
        #expect(rules.backend(host: "x.foo.com", path: "/else")?.service.name == "wild")
        #expect(rules.backend(host: "x.y.foo.com", path: "/")?.service.name == "any")
        #expect(rules.backend(host: "foo.com", path: "/")?.service.name == "any")
        #expect(IngressRules([]).backend(host: "foo.com", path: "/") == nil)
    }
}

@Suite("Network policies")
struct NetworkPolicyTests {
    private func peer(_ app: String, in namespace: String = "shop") -> PolicyPeer {
        PolicyPeer(
            pod: .init(namespace: namespace, labels: ["app": app], namespaceLabels: ["kubernetes.io/metadata.name": namespace]), address: 0)
    }
    private func pods(_ app: String) -> LabelSelector { LabelSelector(matchLabels: ["app": app]) }

    @Test("Without a policy all may talk; a policy without rules isolates; rules of several add up")
    func ingress() {
        var policies: [NetworkPolicyRules] = []
        #expect(policies.allow(from: peer("web"), to: peer("db"), port: 5432))
        policies.append(NetworkPolicyRules(namespace: "shop", ingress: []))
        #expect(!policies.allow(from: peer("web"), to: peer("db"), port: 5432))
        #expect(policies.allow(from: peer("web"), to: peer("db", in: "other"), port: 5432))
        policies.append(
            NetworkPolicyRules(
                namespace: "shop", podSelector: pods("db"),
                ingress: [.init(peers: [.pods(pods("web"), namespaces: nil)], ports: [.init(port: 5000, endPort: 6000)])]))
        #expect(policies.allow(from: peer("web"), to: peer("db"), port: 5432))
        #expect(!policies.allow(from: peer("web"), to: peer("db"), port: 80))
        #expect(!policies.allow(from: peer("web"), to: peer("db"), port: 5432, transport: .udp))
        #expect(!policies.allow(from: peer("web", in: "other"), to: peer("db"), port: 5432))
        #expect(!policies.allow(from: peer("web"), to: peer("web"), port: 5432))
    }

    @Test("Both ends must agree; namespaces and addresses are peers, too")
    func egress() throws {
        let others = LabelSelector(matchLabels: ["kubernetes.io/metadata.name": "other"])
        let range = try #require(AddressRange("192.168.0.0/16"))
        let except = try #require(AddressRange("192.168.5.0/24"))
        let policies = [
            NetworkPolicyRules(
                namespace: "shop", podSelector: pods("web"),
                egress: [.init(peers: [.pods(nil, namespaces: others), .addresses(range, except: [except])])])
        ]
        #expect(policies.allow(from: peer("web"), to: peer("db", in: "other"), port: 80))
        #expect(!policies.allow(from: peer("web"), to: peer("db"), port: 80))
        #expect(policies.allow(from: peer("db"), to: peer("web"), port: 80))
        let inside = try #require(AddressRange.address("192.168.1.1"))
        let left = try #require(AddressRange.address("192.168.5.1"))
        #expect(policies.allow(from: peer("web"), to: PolicyPeer(pod: nil, address: inside), port: 80))
        #expect(!policies.allow(from: peer("web"), to: PolicyPeer(pod: nil, address: left), port: 80))
    }
}
