// DNS records, Ingress rules and network policies.

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

    @Test("Aliases are followed to a Service or out of the cluster, and not round and round")
    func aliases() {
        func name(_ name: String) -> NamespacedName { NamespacedName(namespace: "shop", name: name) }
        func destination(_ first: String, _ aliases: [String: String]) -> (destination: ClusterDNS.Destination, way: [NamespacedName]) {
            dns.destination(of: name(first)) { asked in
                guard let alias = aliases[asked.name] else { return asked.name == "db" ? service("10.96.0.9") : nil }
                var external = service("")
                external.type = .externalName
                external.externalName = alias
                return external
            }
        }
        #expect(destination("db", [:]).destination == .service(name("db")))
        #expect(destination("no", [:]).destination == .nowhere)
        #expect(destination("a", ["a": "db.example.com."]).destination == .host("db.example.com"))
        let long = destination("a", ["a": "b.shop.svc.cluster.local", "b": "db.shop.svc.cluster.local"])
        #expect(long.destination == .service(name("db")) && long.way == ["a", "b", "db"].map(name))
        #expect(destination("a", ["a": "a.shop.svc.cluster.local"]).destination == .nowhere)
        #expect(destination("a", ["a": "pod.db.shop.svc.cluster.local"]).destination == .nowhere)
        #expect(destination("a", ["a": "gone.shop.svc.cluster.local"]).destination == .nowhere)
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

    private func policy(
        _ pods: LabelSelector = LabelSelector(), ingress: [NetworkPolicy.Rule]? = nil, egress: [NetworkPolicy.Rule]? = nil
    )
        -> NetworkPolicy
    {
        NetworkPolicy(metadata: ObjectMeta(name: "policy", namespace: "shop"), podSelector: pods, ingress: ingress, egress: egress)
    }

    @Test("Without a policy all may talk; a policy without rules isolates; rules of several add up")
    func ingress() {
        #expect(PolicyDecision([]).allows(from: peer("web"), to: peer("db"), port: 5432))
        let isolation = policy(ingress: [])
        #expect(!PolicyDecision([isolation]).allows(from: peer("web"), to: peer("db"), port: 5432))
        #expect(PolicyDecision([isolation]).allows(from: peer("web"), to: peer("db", in: "other"), port: 5432))
        let rule = NetworkPolicy.Rule(peers: [.init(pods: pods("web"))], ports: [.init(.int(5000), endPort: 6000)])
        let both = PolicyDecision([isolation, policy(pods("db"), ingress: [rule])])
        #expect(both.allows(from: peer("web"), to: peer("db"), port: 5432))
        #expect(!both.allows(from: peer("web"), to: peer("db"), port: 80))
        #expect(!both.allows(from: peer("web"), to: peer("db"), port: 5432, transport: .udp))
        #expect(!both.allows(from: peer("web", in: "other"), to: peer("db"), port: 5432))
        #expect(!both.allows(from: peer("web"), to: peer("web"), port: 5432))
    }

    @Test("A port's name is that of the pod that is talked to")
    func namedPorts() {
        var database = peer("db")
        database.pod?.ports = [.init("sql", 5432)]
        let rules = PolicyDecision([policy(pods("db"), ingress: [.init(ports: [.init(.string("sql"))])])])
        #expect(rules.allows(from: peer("web"), to: database, port: 5432))
        #expect(!rules.allows(from: peer("web"), to: database, port: 80))
        #expect(!rules.allows(from: peer("web"), to: peer("db"), port: 5432))
    }

    @Test("Both ends must agree; namespaces and addresses are peers, too")
    func egress() throws {
        let others = LabelSelector(matchLabels: ["kubernetes.io/metadata.name": "other"])
        let block = NetworkPolicy.Block("192.168.0.0/16", except: ["192.168.5.0/24"])
        let rules = PolicyDecision([policy(pods("web"), egress: [.init(peers: [.init(namespaces: others), .init(block: block)])])])
        #expect(rules.allows(from: peer("web"), to: peer("db", in: "other"), port: 80))
        #expect(!rules.allows(from: peer("web"), to: peer("db"), port: 80))
        #expect(rules.allows(from: peer("db"), to: peer("web"), port: 80))
        let inside = try #require(AddressRange.address("192.168.1.1"))
        let left = try #require(AddressRange.address("192.168.5.1"))
        #expect(rules.allows(from: peer("web"), to: PolicyPeer(pod: nil, address: inside), port: 80))
        #expect(!rules.allows(from: peer("web"), to: PolicyPeer(pod: nil, address: left), port: 80))
    }
}
