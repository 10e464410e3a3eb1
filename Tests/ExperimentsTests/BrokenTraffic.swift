// Broken scenarios: requests, and what is expected of them.

import Foundation
import Testing

@testable import Experiments

extension BrokenScenario {
    static let namedService =
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{name: http, port: 80}]}\n"
    static let alias =
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: alias}\nspec: {type: ExternalName, externalName: web.default.svc.cluster.local}\n"

    /// A source of requests whose service times are in a file.
    static func recording(_ serviceTime: String) -> String {
        "traffic:\n  sources: [{name: users, service: web, recorded: {file: r.csv, column: t, serviceTime: \(serviceTime)}}]"
    }

    private static let nodePort =
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort, selector: {app: web}, ports: [{port: 80}]}\n"
    private static let ingress =
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {defaultBackend: {service: {name: web, port: {number: 81}}}}\n"

    /// An expectation of requests in a window.
    private static func window(_ name: String, _ expected: String, _ field: String, _ fragments: String...) -> BrokenScenario {
        let lines = "  traffic: {sources: [{name: users, service: web, poisson: {rate: 1}}]}\n  expect: [{requests: {\(expected)}]\n"
        return BrokenScenario(
            name: name, text: base + lines, line: 9, fragments: ["spec.expect[0].requests.\(field)"] + fragments,
            files: ["web.yaml": webManifest + namedService])
    }

    static let traffic = [
        spec(
            "calls that go round",
            "traffic:\n  sources: [{name: users, service: web, poisson: {rate: 1}}]\n  services: [{service: web, serviceTime: 1ms, calls: [[{service: web}]]}]",
            line: 10,
            files: [
                "web.yaml": webManifest
                    + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
            ], "calls", "never end"),
        spec(
            "calls that go round through an alias",
            "traffic:\n  sources: [{name: users, service: web, poisson: {rate: 1}}]\n  services: [{service: web, port: 80, serviceTime: 1ms, calls: [[{service: alias, port: http}]]}]",
            line: 10, files: ["web.yaml": webManifest + namedService + alias], "spec.traffic.services[0].calls", "never end"),
        spec(
            "two entries for one port",
            "traffic:\n  sources: [{name: users, service: web, poisson: {rate: 1}}]\n  services:\n  - {service: web, serviceTime: 1ms}\n  - {service: web, port: http, serviceTime: 1ms}",
            line: 12, files: ["web.yaml": webManifest + namedService], "spec.traffic.services[1]", "already"),
        spec(
            "a time-out of no time", "traffic: {sources: [{name: users, service: web, poisson: {rate: 1}, timeout: 0s}]}",
            "spec.traffic.sources[0].timeout", "longer than 0s"),
        spec(
            "a port there is not", "traffic: {sources: [{name: users, service: web, port: 81, poisson: {rate: 1}}]}",
            files: ["web.yaml": webManifest + namedService], "spec.traffic.sources[0].port", "no port \"81\"; it has 80 (http)"),
        spec(
            "a port that an alias' Service has not", "traffic: {sources: [{name: users, service: alias, port: https, poisson: {rate: 1}}]}",
            files: ["web.yaml": webManifest + namedService + alias], "spec.traffic.sources[0].port", "no port \"https\""),
        spec(
            "requests that take more than any machine has",
            "traffic:\n  sources: [{name: users, service: web, poisson: {rate: 1}}]\n  services: [{service: web, serviceTime: 1ms, cpu: 200k}]",
            line: 10, "spec.traffic.services[0].cpu", "at most 100k"),
        spec(
            "requests that take less than nothing",
            "traffic:\n  sources: [{name: users, service: web, poisson: {rate: 1}}]\n  services: [{service: web, serviceTime: 1ms, cpu: -1}]",
            line: 10, "spec.traffic.services[0].cpu", "negative"),
        spec(
            "a recorded amount less than nothing", recording("{columns: [{column: size, each: 1ms}]}"), line: 9,
            files: ["r.csv": "t,size\n1,2\n2,-2\n"], "r.csv:3: size", "not negative"),
        spec(
            "a recorded column there is not", recording("{columns: [{column: tokens, each: 1ms}]}"), line: 9,
            files: ["r.csv": "t,size\n1,2\n"], "r.csv:1", "tokens", "no such column"),
        spec(
            "the name of a pod that has none",
            "traffic: {sources: [{name: users, service: web, pod: web-0, poisson: {rate: 1}}]}",
            files: [
                "web.yaml": webManifest
                    + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
            ], "pod", "not headless"),
        spec(
            "requests to nobody", "traffic: {sources: [{name: users, poisson: {rate: 1}}]}", "spec.traffic.sources[0]", "\"ingress\""),
        spec(
            "a host without a rule", "traffic: {sources: [{name: users, ingress: {host: shop.example.com}, poisson: {rate: 1}}]}",
            "spec.traffic.sources[0].ingress", "no Ingress"),
        spec(
            "an Ingress and a Service",
            "traffic: {sources: [{name: users, service: web, ingress: {host: shop.example.com}, poisson: {rate: 1}}]}",
            "spec.traffic.sources[0].service", "does not go with"),
        spec("bursts without a state", "traffic: {sources: [{name: users, service: web, bursts: []}]}", "bursts", "at least one state"),
        spec(
            "bursts of a nanosecond", "traffic: {sources: [{name: users, service: web, bursts: [{rate: 10, stay: 1ns}]}]}", "stay",
            "at least 10ms"),
        spec(
            "a curve of a nanosecond",
            "traffic: {sources: [{name: users, service: web, curve: {period: 1ns, points: [{at: 0s, rate: 1}]}}]}", "period",
            "at least 10ms"),
        spec(
            "health checks all the time",
            "traffic: {loadBalancer: {interval: 1ms}, sources: [{name: users, service: web, poisson: {rate: 1}}]}",
            files: [
                "web.yaml": webManifest
                    + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
            ], "spec.traffic.loadBalancer.interval", "100ms"),
        spec("samples of no requests", "measure: {requests: 10}", "spec.measure.requests", "no traffic"),
        spec(
            "addresses of clients inside", "traffic: {sources: [{name: users, service: web, addresses: 192.0.2.0/24, poisson: {rate: 1}}]}",
            files: ["web.yaml": webManifest + namedService], "spec.traffic.sources[0].addresses", "from: outside"),
        spec(
            "addresses that are none",
            "traffic: {sources: [{name: users, service: web, from: outside, addresses: 192.0.2.0, poisson: {rate: 1}}]}",
            files: ["web.yaml": webManifest + nodePort], "spec.traffic.sources[0].addresses", "198.51.100.0/24"),
        spec(
            "fewer addresses than clients",
            "traffic: {sources: [{name: users, service: web, from: outside, clients: 5, addresses: 192.0.2.0/30, poisson: {rate: 1}}]}",
            files: ["web.yaml": webManifest + nodePort], "spec.traffic.sources[0].addresses", "4 addresses for 5 clients"),
        spec(
            "fewer addresses than users",
            "traffic: {sources: [{name: users, service: web, from: outside, addresses: 192.0.2.0/31, users: {count: 3, think: 1s}}]}",
            files: ["web.yaml": webManifest + nodePort], "spec.traffic.sources[0].addresses", "2 addresses for 3 clients"),
        spec(
            "an Ingress to a port there is not",
            "traffic: {sources: [{name: users, ingress: {host: shop.example.com}, poisson: {rate: 1}}]}",
            files: ["web.yaml": webManifest + namedService + ingress], "spec.traffic.sources[0].ingress", "port 81 of Service default/web"),
        spec(
            "datagrams without a time-out", "traffic: {sources: [{name: users, service: web, poisson: {rate: 1}}]}",
            files: ["web.yaml": webManifest + namedService.replacingOccurrences(of: "port: 80", with: "port: 80, protocol: UDP")],
            "spec.traffic.sources[0]", "needs \"timeout\""),
        window(
            "a latency within no interval", "p99: {atMost: 1s}}, from: 61s, until: 69s", "p99", "intervals of 10s (measure.interval)",
            "1m1s and 1m9s"),
        window("a latency of a moment", "maximum: {atMost: 1s}}, at: 1m", "maximum", "intervals of 10s"),
        window("a share of a moment", "availability: {atLeast: 1}}, at: 1m", "availability", "\"until\""),
    ]
}
