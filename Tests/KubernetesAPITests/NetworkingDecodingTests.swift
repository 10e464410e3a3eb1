// Ingresses and NetworkPolicies, read from manifests, and what is wrong with broken ones.

import Testing

@testable import KubernetesAPI

@Suite("Ingresses and NetworkPolicies")
struct NetworkingDecodingTests {
    private func load(_ text: String) -> ManifestLoader.Result {
        var loader = ManifestLoader()
        return loader.load(text, file: "network.yaml")
    }

    private func one<Object: KubernetesObject>(_: Object.Type, _ text: String) throws -> Object {
        let result = load(text)
        #expect(result.diagnostics == [])
        return try #require(result.objects.first.flatMap { Object.cast($0.object) }).value
    }

    @Test("An Ingress has rules by host and path, and a default")
    func ingress() throws {
        let ingress = try one(
            Ingress.self,
            """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: shop, namespace: shop}
            spec:
              ingressClassName: nginx
              defaultBackend: {service: {name: home, port: {number: 80}}}
              tls: [{hosts: [shop.example.com], secretName: certificate}]
              rules:
              - host: "*.example.com"
                http:
                  paths:
                  - {path: /cart, pathType: Exact, backend: {service: {name: cart, port: {name: http}}}}
                  - {path: /static, pathType: Prefix, backend: {resource: {apiGroup: k8s.example.com, kind: Bucket, name: static}}}
              - host: other.example.com
            status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}
            """)
        #expect(ingress.className == "nginx" && ingress.defaultBackend == IngressBackend(service: "home", portNumber: 80))
        #expect(ingress.rules.map(\.host) == ["*.example.com", "other.example.com"] && ingress.rules[1].paths == nil)
        let paths = try #require(ingress.rules[0].paths)
        #expect(paths[0] == IngressPath(path: "/cart", pathType: .exact, backend: IngressBackend(service: "cart", portName: "http")))
        #expect(paths[1].backend.service == nil && paths[1].backend.hasResource)
    }

    @Test("Endpoints have subsets of addresses, ready and not, with ports")
    func endpoints() throws {
        let endpoints = try one(
            Endpoints.self,
            """
            apiVersion: v1
            kind: Endpoints
            metadata: {name: db, namespace: shop}
            subsets:
            - addresses:
              - {ip: 10.0.0.1, hostname: db-0, nodeName: node-0, targetRef: {kind: Pod, namespace: shop, name: db-0, uid: "1"}}
              notReadyAddresses: [{ip: "2001:db8::1"}]
              ports: [{name: sql, port: 5432, protocol: TCP}]
            """)
        let subset = try #require(endpoints.subsets.first)
        #expect(subset.addresses.map(\.ip) == ["10.0.0.1"] && subset.addresses.map(\.family) == [.ipv4])
        #expect(subset.addresses[0].nodeName == "node-0")
        #expect(subset.addresses[0].pod?.key.name == "db-0" && subset.addresses[0].hostname == "db-0")
        #expect(subset.notReadyAddresses.map(\.family) == [.ipv6])
        #expect(subset.ports == [EndpointPort(name: "sql", port: 5432)])
    }

    @Test("Endpoints without addresses, with texts that are none, or with ports that cannot be told apart are refused")
    func brokenEndpoints() {
        func problems(_ subset: String) -> [String] {
            load("{apiVersion: v1, kind: Endpoints, metadata: {name: db}, subsets: [{\(subset)}]}").diagnostics.map(\.description)
        }
        #expect(problems("addresses: [{ip: 10.0.0.1}]") == [])
        #expect(problems("ports: [{port: 80}]").contains { $0.contains("must specify `addresses` or `notReadyAddresses`") })
        #expect(problems("addresses: [{ip: db.example.com}]").contains { $0.contains("must be a valid IP address") })
        let unnamed = "addresses: [{ip: 10.0.0.1}], ports: [{port: 80}, {name: b, port: 81}]"
        #expect(problems(unnamed).contains { $0.contains("Required value") })
        #expect(problems("addresses: [{ip: 10.0.0.1}], ports: [{port: 0}]").contains { $0.contains("between 1 and 65535") })
        #expect(problems("addresses: [{ip: 10.0.0.1, host: a}]").contains { $0.contains("host") })
    }

    @Test("A NetworkPolicy restricts what its types say, or what its rules are for")
    func policy() throws {
        func policy(_ spec: String) throws -> NetworkPolicy {
            try one(NetworkPolicy.self, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: \(spec)")
        }
        let whole = try policy(
            """
            {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}, namespaceSelector: {}}, {ipBlock: {cidr: 10.0.0.0/8, \
            except: [10.1.0.0/16]}}], ports: [{port: sql, protocol: TCP}, {port: 1000, endPort: 2000, protocol: UDP}]}]}
            """)
        #expect(whole.restrictsIngress && !whole.restrictsEgress && whole.podSelector.matchLabels == ["app": "db"])
        let rule = try #require(whole.ingress.first)
        #expect(rule.peers[0] == NetworkPolicy.Peer(pods: LabelSelector(), namespaces: LabelSelector()))
        #expect(rule.peers[1] == NetworkPolicy.Peer(block: NetworkPolicy.Block("10.0.0.0/8", except: ["10.1.0.0/16"])))
        #expect(rule.ports == [.init(.string("sql")), .init(.int(1000), endPort: 2000, transport: .udp)])
        let isolated = try policy("{podSelector: {}}")
        #expect(isolated.restrictsIngress && !isolated.restrictsEgress && isolated.ingress.isEmpty)
        let outgoing = try policy("{podSelector: {}, egress: [{}]}")
        #expect(outgoing.restrictsIngress && outgoing.restrictsEgress)
        let named = try policy("{podSelector: {}, policyTypes: [Egress]}")
        #expect(!named.restrictsIngress && named.restrictsEgress && named.egress.isEmpty)
    }

    private static let backend = "backend: {service: {name: web, port: {number: 80}}}"

    @Test(
        "Broken Ingresses are refused",
        arguments: [
            ("{}", "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"),
            ("{rules: [{host: 192.0.2.1}]}", "spec.rules[0].host: Invalid value: \"192.0.2.1\": must be a DNS name, not an IP address"),
            ("{rules: [{host: \"a.*.com\"}]}", "spec.rules[0].host: Invalid value: \"a.*.com\": a wildcard DNS-1123 subdomain"),
            ("{rules: [{http: {paths: []}}]}", "spec.rules[0].http.paths: Required value"),
            (
                "{rules: [{http: {paths: [{path: /, \(backend)}]}}]}",
                "spec.rules[0].http.paths[0].pathType: Required value: pathType must be"
            ),
            (
                "{rules: [{http: {paths: [{path: x, pathType: Prefix, \(backend)}]}}]}",
                "spec.rules[0].http.paths[0].path: Invalid value: \"x\": must be an absolute path"
            ),
            (
                "{rules: [{http: {paths: [{path: /a//b, pathType: Exact, \(backend)}]}}]}",
                "spec.rules[0].http.paths[0].path: Invalid value: \"/a//b\": must not contain '//'"
            ),
            (
                "{rules: [{http: {paths: [{path: /, pathType: Regex, \(backend)}]}}]}",
                "spec.rules[0].http.paths[0].pathType: Unsupported value: \"Regex\""
            ),
            ("{defaultBackend: {}}", "spec.defaultBackend: Invalid value: \"\": resource or service backend is required"),
            ("{defaultBackend: {service: {name: web}}}", "spec.defaultBackend: Required value: port name or number is required"),
            (
                "{defaultBackend: {service: {name: web, port: {name: a, number: 1}}}}",
                "spec.defaultBackend: Invalid value: \"\": cannot set both port name & port number"
            ),
            ("{defaultBackend: {service: {port: {number: 1}}}}", "spec.defaultBackend.service.name: Required value"),
        ])
    func brokenIngress(spec: String, finding: String) {
        let result = load("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: \(spec)")
        #expect(result.objects.isEmpty)
        #expect(result.diagnostics.contains { "\($0)".contains(finding) }, "\(result.diagnostics)")
    }

    @Test(
        "Broken NetworkPolicies are refused",
        arguments: [
            ("ingress: [{from: [{}]}]", "spec.ingress[0].from[0]: Required value: must specify a peer"),
            (
                "ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]",
                "spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer"
            ),
            ("egress: [{to: [{ipBlock: {cidr: 10.0.0.0}}]}]", "spec.egress[0].to[0].ipBlock.cidr: Invalid value: \"10.0.0.0\""),
            (
                "egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]",
                "except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`"
            ),
            ("ingress: [{ports: [{port: 70000}]}]", "spec.ingress[0].ports[0].port: Invalid value: 70000"),
            ("ingress: [{ports: [{port: 80, endPort: 79}]}]", "endPort: Invalid value: 80: must be greater than or equal to `port`"),
            (
                "ingress: [{ports: [{port: http, endPort: 79}]}]",
                "endPort: Invalid value: 79: may not be specified when `port` is non-numeric"
            ),
            ("ingress: [{ports: [{endPort: 79}]}]", "endPort: Invalid value: 79: may not be specified when `port` is not specified"),
            ("policyTypes: [Both]", "spec.policyTypes[0]: Unsupported value: \"Both\": supported values: \"Egress\", \"Ingress\""),
        ])
    func brokenPolicy(field: String, finding: String) {
        let result = load("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}, \(field)}")
        #expect(result.objects.isEmpty)
        #expect(result.diagnostics.contains { "\($0)".contains(finding) }, "\(result.diagnostics)")
    }
}
