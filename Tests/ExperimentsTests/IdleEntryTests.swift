// Faults, actions and expectations that cannot do anything: accepted, but not in silence.

import Foundation
import Testing

@testable import Experiments

@Suite("Entries that do nothing")
struct IdleEntryTests {
    private func warnings(_ lines: String, files: [String: String] = [:]) throws -> [String] {
        let folder = try TemporaryFolder(["web.yaml": webManifest].merging(files) { $1 })
        try folder.write("scenario.yaml", BrokenScenario.base + lines + "\n")
        return try ScenarioFile.load(folder["scenario.yaml"]).warnings.map {
            $0.replacingOccurrences(of: folder["scenario.yaml"], with: "")
        }
    }

    private static let late = "is after the end of the run, 10m: it does not happen"

    @Test(
        "What comes after the end is told, with line and field",
        arguments: [
            ("  faults: [{at: 11m, node: node-0}]", ":8: spec.faults[0].at: "),
            ("  faults: [{at: 11m, down: 1m, apiServer: {outage: true}}]", ":8: spec.faults[0].at: "),
            ("  faults: [{at: 11m, registry: true}]", ":8: spec.faults[0].at: "),
            ("  timeline: [{at: 10m1s, cordon: {nodes: all}}]", ":8: spec.timeline[0].at: "),
            ("  expect: [{unschedulable: {atMost: 0}, from: 11m}]", ":8: spec.expect[0].from: "),
            ("  expect: [{unschedulable: {atMost: 0}, at: 11m}]", ":8: spec.expect[0].at: "),
        ])
    func afterTheEnd(_ lines: String, _ place: String) throws {
        #expect(try warnings(lines) == [place + IdleEntryTests.late])
    }

    @Test("Services that nobody stands behind are told: without pods, without EndpointSlices, or with a load balancer that lets nobody in")
    func nobodyBehind() throws {
        func told(_ spec: String, _ source: String = "", _ more: String = "") throws -> [String] {
            let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], \(spec)}\n"
            return try warnings(
                "  traffic: {sources: [{name: users, service: web, poisson: {rate: 1}\(source)}]}",
                files: ["web.yaml": webManifest + service + more])
        }
        let slice = """
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
            addressType: IPv4
            ports: [{port: 80}]
            endpoints: [{addresses: [192.0.2.7]}]

            """
        let endpoints = """
            ---
            apiVersion: v1
            kind: Endpoints
            metadata: {name: web}
            subsets: [{addresses: [{ip: 192.0.2.7}], ports: [{port: 80}]}]

            """
        #expect(try told("selector: {app: web}") == [] && told("type: ClusterIP", "", slice) == [])
        #expect(try told("type: ClusterIP", "", endpoints) == [])
        let place = ":8: spec.traffic.sources[0]"
        #expect(
            try told("type: ClusterIP") == [
                "\(place).service: Service default/web has no selector, and neither Endpoints of its name nor an EndpointSlice labelled as its are "
                    + "in objects, snapshot or timeline: requests are refused"
            ])
        let closed = "type: LoadBalancer, selector: {app: web}, loadBalancerSourceRanges: [10.0.0.0/8]"
        #expect(
            try told(closed, ", from: outside, addresses: 192.0.2.0/30") == [
                "\(place).addresses: loadBalancerSourceRanges of Service default/web let none of 192.0.2.0 to 192.0.2.3 in: all requests time out"
            ])
        #expect(try told(closed, ", from: outside, addresses: 10.1.0.0/16") == [])
    }

    @Test("What comes at the end is not told")
    func atTheEnd() throws {
        #expect(try warnings("  faults: [{at: 10m, node: node-0}]\n  timeline: [{at: 10m, cordon: {nodes: all}}]") == [])
    }

    @Test(
        "A cluster that is to be at rest in the end needs twenty minutes for it",
        arguments: [
            ("{at: 1m, down: 5m, node: node-0}", "4m before"), ("{at: 1m, node: node-0}", "9m before"),
            ("{at: 1m, node: node-0, effect: reclaim, notice: 3m}", "6m before"), ("{at: 9m, down: 5m, registry: true}", "at"),
            ("{nodes: all, mtbf: 1d, mttr: 1h}", "at"), ("{nodes: all, mtbf: 1d, mttr: 1h, until: 2m}", "8m before"),
        ])
    func noRest(_ fault: String, _ rest: String) throws {
        let told = try warnings("  faults: [\(fault)]\n  expect: [{invariants: converge}]")
        #expect(
            told == [
                ":9: spec.expect[0].invariants: the last fault or action is over \(rest) the end; a cluster takes up to 20m to come to rest after it"
            ])
        #expect(try warnings("  faults: [\(fault)]\n  expect: [{invariants: hold}]") == [])
    }

    @Test("With nothing in the last twenty minutes there is time to come to rest")
    func rest() throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest])
        let text = BrokenScenario.base.replacingOccurrences(of: "duration: 10m", with: "duration: 25m")
        try folder.write("scenario.yaml", text + "  faults: [{at: 1m, down: 4m, node: node-0}]\n  expect: [{invariants: converge}]\n")
        #expect(try ScenarioFile.load(folder["scenario.yaml"]).warnings == [])
    }

    @Test("Failures of a file that come after the end are counted")
    func replay() throws {
        let file = "node,down-at,up-at\nnode-0,1m,2m\nnode-1,11m,\nnode-0,12m,13m\n"
        let told = try warnings("  faults: [{file: failures.csv}]", files: ["failures.csv": file])
        #expect(told.count == 1)
        #expect(told[0].hasPrefix(":8: spec.faults[0].file: 2 failures of 3, the first of them in "))
        #expect(told[0].hasSuffix("failures.csv:3, " + IdleEntryTests.late))
    }

    @Test("A file of failures with nothing below its header breaks nothing, which is said")
    func emptyReplay() throws {
        let told = try warnings("  faults: [{file: failures.csv}]", files: ["failures.csv": "node,down-at,up-at\n"])
        #expect(told.count == 1 && told[0].hasPrefix(":8: spec.faults[0].file: "), "\(told)")
        #expect(told[0].hasSuffix("failures.csv:1: there is no failure below the header: nothing breaks"), "\(told)")
    }

    @Test(
        "A disk that has no size cannot be filled",
        arguments: [
            ("  faults: [{at: 1m, node: node-0, effect: load, load: {disk: 1Gi}}]", "spec.faults[0].load.disk"),
            ("  timeline: [{at: 1m, setNodeLoad: {nodes: all, disk: 1Gi}}]", "spec.timeline[0].setNodeLoad.disk"),
            ("  timeline: [{at: 1m, setNodeLoad: {nodes: all, memory: 1Gi}}]", nil),
        ] as [(String, String?)])
    func disks(_ lines: String, _ field: String?) throws {
        let expected = field.map { [":8: \($0): none of these nodes has ephemeral-storage: their disks never run full"] }
        #expect(try warnings(lines) == expected ?? [])
    }

    @Test("Nodes without the label of a group never fail with the others")
    func groups() throws {
        let told = try warnings(
            """
              faults: [{nodes: all, mtbf: 1h, mttr: 1m, group: rack}]
              timeline: [{at: 1m, addNodes: {name: new, count: 2, resources: {cpu: 1, memory: 1Gi}, labels: {rack: r1}}}]
            """)
        #expect(told == [":8: spec.faults[0].group: 4 of these 6 nodes have no label \"rack\": they are in no group and never fail"])
    }

    @Test(
        "Nodes that join later, or in the place of others, are somebody",
        arguments: [
            """
              faults: [{at: 5m, node: new-1}, {at: 5m, zone: z}, {at: 5m, selector: {matchLabels: {rack: r1}}}]
              timeline: [{at: 1m, addNodes: {name: new, count: 2, zones: [z], resources: {cpu: 1, memory: 1Gi}, labels: {rack: r1}}}]
            """,
            "  faults: [{at: 1m, node: node-0, effect: reclaim, replacement: 1m}, {at: 8m, node: node-0-r1}]",
        ])
    func joining(_ lines: String) throws { #expect(try warnings(lines) == []) }

    // MARK: Traffic

    private static let manifests =
        webManifest + BrokenScenario.namedService + BrokenScenario.alias + """
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: nobody}
            spec: {selector: {app: nobody}, ports: [{port: 80}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: same}
            spec: {selector: {app: web}, ports: [{port: 8080, targetPort: 80}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: lost}
            spec: {type: ExternalName, externalName: gone.default.svc.cluster.local}

            """

    @Test(
        "Traffic that nobody sends, serves or asks for is told, with line and field",
        arguments: [
            (
                "sources: [{name: a, service: web, poisson: {rate: 1}, start: 11m}]", ":9: spec.traffic.sources[0].start: " + late
            ),
            (
                "sources: [{name: a, service: nobody, poisson: {rate: 1}}]",
                ":9: spec.traffic.sources[0].service: Service default/nobody selects no pods of objects, snapshot or timeline: requests are refused"
            ),
            (
                "sources: [{name: a, service: lost, poisson: {rate: 1}}]",
                ":9: spec.traffic.sources[0].service: Service default/lost is an alias that leads to no Service: requests are refused"
            ),
            (
                "sources: [{name: a, service: web, poisson: {rate: 1}, fromPods: {selector: {matchLabels: {app: nobody}}}}]",
                ":9: spec.traffic.sources[0].fromPods: no pod of namespace default in objects, snapshot or timeline has these labels: nobody sends"
            ),
            (
                "{sources: [{name: a, service: web, poisson: {rate: 1}}], services: [{service: same, serviceTime: 1ms}]}",
                ":9: spec.traffic.services[0]: nobody asks for default/same: the entry has no effect"
            ),
            (
                "{sources: [{name: a, service: web, poisson: {rate: 1}}, {name: b, service: same, poisson: {rate: 1}}], "
                    + "services: [{service: web, serviceTime: 1ms}, {service: same, serviceTime: 1ms, concurrency: 2}]}",
                ":9: spec.traffic.services[1]: the same port of the same pods is behind default/web: concurrency, queue, listensAfter and onTermination are as that "
                    + "entry says"
            ),
            ("{sources: [{name: a, service: alias, port: http, poisson: {rate: 1}}], services: [{service: web, serviceTime: 1ms}]}", nil),
        ] as [(String, String?)])
    func traffic(_ lines: String, _ expected: String?) throws {
        let told = try warnings("  traffic:\n    " + lines, files: ["web.yaml": IdleEntryTests.manifests])
        #expect(told == (expected.map { [$0] } ?? []))
    }
}
