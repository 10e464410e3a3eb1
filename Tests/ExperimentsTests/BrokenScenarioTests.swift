// Broken input is refused with a message that names file, line and field, and says what to do.

import Foundation
import Testing

@testable import Experiments

struct BrokenScenario: Sendable, CustomTestStringConvertible {
    var name: String
    /// The whole scenario file, or lines to append to the base.
    var text: String
    var line: Int
    /// What the message must contain: the field, and the point.
    var fragments: [String]
    var file = "scenario.yaml"
    var files: [String: String] = [:]

    var testDescription: String { name }

    /// Lines 1 to 7 of most cases; what is appended starts at line 8.
    static let base = """
        apiVersion: seatrial.dev/v1alpha1
        kind: Scenario
        metadata: {name: test}
        spec:
          duration: 10m
          cluster: {nodePools: [{name: node, count: 4, zones: [a, b], resources: {cpu: 4, memory: 8Gi}}], objects: [web.yaml]}


        """

    static func whole(_ name: String, _ text: String, line: Int, _ fragments: String...) -> BrokenScenario {
        BrokenScenario(name: name, text: text, line: line, fragments: fragments)
    }

    /// A case of lines below `spec`.
    static func spec(
        _ name: String, _ lines: String, line: Int = 8, files: [String: String] = [:], _ fragments: String...
    ) -> BrokenScenario {
        let indented = lines.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }.joined(separator: "\n")
        return BrokenScenario(name: name, text: base + indented + "\n", line: line, fragments: fragments, files: files)
    }

    /// The base with one thing replaced.
    static func replaced(_ name: String, _ old: String, _ new: String, line: Int, _ fragments: String...) -> BrokenScenario {
        BrokenScenario(name: name, text: base.replacingOccurrences(of: old, with: new), line: line, fragments: fragments)
    }

    static func inFile(
        _ name: String, _ file: String, _ content: String, line: Int, scenario: String = base, _ fragments: String...
    ) -> BrokenScenario {
        BrokenScenario(name: name, text: scenario, line: line, fragments: fragments, file: file, files: [file: content])
    }

    /// A case of a trace whose one pod asks for nothing.
    private static func arrivals(_ name: String, _ value: String, _ fragments: String...) -> BrokenScenario {
        let pod = """
            apiVersion: v1
            kind: Pod
            metadata: {name: p, annotations: {seatrial.dev/create-at: "1"}}
            spec: {containers: [{name: c, image: i}]}

            """
        return BrokenScenario(
            name: name, text: base.replacingOccurrences(of: "objects: [web.yaml]", with: "trace: pods.yaml, arrivals: \(value)"), line: 6,
            fragments: fragments, files: ["pods.yaml": pod])
    }

    static let document = [
        whole("not YAML at all", "\u{7F}ELF: [unclosed\n  - {", line: 1, "scenario.yaml"),
        whole("a list instead of an object", "- 1\n- 2\n", line: 1, "expected"),
        whole("an empty file", "", line: 1, "found 0"),
        whole("two documents", base + "---\n" + base, line: 1, "found 2"),
        whole(
            "a tab as indentation", "apiVersion: seatrial.dev/v1alpha1\nkind: Scenario\nspec:\n\tduration: 1m\n", line: 4, "scenario.yaml"),
        whole("a key twice", "kind: Scenario\nkind: Scenario\n", line: 2, "kind"),
        replaced("another version", "v1alpha1", "v9", line: 1, "apiVersion", "seatrial.dev/v1alpha1"),
        replaced("another kind", "kind: Scenario", "kind: Deployment", line: 2, "kind", "Scenario"),
        replaced("no name", "metadata: {name: test}", "metadata: {}", line: 3, "metadata", "name"),
        replaced("a name that is no folder", "name: test", "name: ../../etc", line: 3, "metadata.name"),
        replaced("no duration", "  duration: 10m\n", "", line: 5, "spec", "duration"),
        replaced("a duration without unit", "duration: 10m", "duration: 10", line: 5, "spec.duration", "10s"),
        replaced("a duration that is none", "duration: 10m", "duration: soon", line: 5, "spec.duration", "soon"),
        replaced("a negative duration", "duration: 10m", "duration: -10m", line: 5, "spec.duration", "negative"),
        replaced("no duration at all", "duration: 10m", "duration: 0s", line: 5, "spec.duration", "longer"),
        replaced(
            "a row every ten seconds for twenty years", "duration: 10m", "duration: 7300d", line: 5, "spec.duration", "measure.interval"),
        replaced("a century", "duration: 10m", "duration: 36500d", line: 5, "spec.duration", "20 years"),
        replaced("a list as duration", "duration: 10m", "duration: [1m]", line: 5, "spec.duration", "array"),
    ]

    static let cluster = [
        replaced("a negative count", "count: 4", "count: -4", line: 6, "spec.cluster.nodePools[0].count", "-4"),
        replaced("a count in words", "count: 4", "count: four", line: 6, "spec.cluster.nodePools[0].count", "integer"),
        replaced("a fraction of a node", "count: 4", "count: 2.5", line: 6, "spec.cluster.nodePools[0].count", "integer"),
        replaced(
            "a thousand million nodes", "count: 4", "count: 1000000000", line: 6, "spec.cluster.nodePools[0].count", "greater than 100000"),
        replaced("no count", "count: 4, ", "", line: 6, "spec.cluster.nodePools[0]", "count"),
        replaced("a misspelt field", "count: 4", "cuont: 4", line: 6, "cuont", "did you mean \"count\"?"),
        replaced("a zone twice", "zones: [a, b]", "zones: [a, a]", line: 6, "spec.cluster.nodePools[0].zones[1]", "Duplicate"),
        replaced("a zone that is no label", "zones: [a, b]", "zones: [a b]", line: 6, "spec.cluster.nodePools[0].zones[0]"),
        replaced(
            "neither template nor resources", ", resources: {cpu: 4, memory: 8Gi}", "", line: 6, "spec.cluster.nodePools[0]", "template"),
        replaced("a bad quantity", "memory: 8Gi", "memory: 8Gib", line: 6, "resources", "memory"),
        replaced(
            "a pool twice", "nodePools: [", "nodePools: [{name: node, count: 1, resources: {cpu: 1}}, ", line: 6, "spec.cluster", "node-0"),
        replaced("a manifest that is missing", "web.yaml", "nowhere.yaml", line: 6, "spec.cluster.objects[0]", "nowhere.yaml"),
        replaced("a manifest that is a folder", "objects: [web.yaml]", "objects: [.]", line: 6, "spec.cluster.objects[0]", "directory"),
        replaced("a snapshot that is missing", "objects: [web.yaml]", "snapshot: dump.yaml", line: 6, "spec.cluster.snapshot", "dump.yaml"),
        replaced("arrivals of no trace", "objects: [web.yaml]", "arrivals: {interval: 1s}", line: 6, "spec.cluster.arrivals", "no trace"),
        replaced("a trace that is missing", "objects: [web.yaml]", "trace: pods.yaml", line: 6, "spec.cluster.trace", "pods.yaml"),
        replaced(
            "no nodes", "nodePools: [{name: node, count: 4, zones: [a, b], resources: {cpu: 4, memory: 8Gi}}], ", "", line: 6,
            "spec.cluster", "no nodes"),
    ]

    static let workloads = [
        spec("a selector of the wrong type", "workloads: [{selector: web}]", "spec.workloads[0].selector", "object"),
        spec(
            "a service nobody has", "workloads: [{selector: {}, waitsFor: {service: shop/db}}]", "spec.workloads[0].waitsFor",
            "there is no Service shop/db"),
        spec(
            "more failures than attempts", "storage: {attach: [{probability: 2}]}", "spec.storage.attach[0].probability", "greater than 1"),
        spec("trouble that is none", "storage: {mount: [{from: 1m}]}", "spec.storage.mount[0]", "needs \"probability\""),
        spec(
            "trouble that ends before it begins", "storage: {mount: [{from: 2m, until: 1m, delay: 1s}]}", "spec.storage.mount[0].until",
            "later than"),
        spec("a hook that is none", "workloads: [{selector: {}, failingHooks: [stop]}]", "failingHooks[0]", "preStop"),
        spec("an image twice", "registry: {images: [{name: a}, {name: a}]}", "spec.registry.images[1]", "there is an image a above"),
        spec("no bandwidth", "registry: {bandwidth: 0}", "spec.registry.bandwidth", "greater than 0"),
        spec("a registry that fails at random", "faults: [{registry: true, at: 1m, mtbf: 1d}]", "mtbf", "registry"),
        spec("a registry that fails sometime", "faults: [{registry: true}]", "spec.faults[0]", "\"at\" is needed"),
        spec("no selector", "workloads: [{start: 1s}]", "spec.workloads[0]", "selector"),
        spec("an unknown distribution", "workloads: [{selector: {}, start: {poisson: {mean: 1s}}}]", "start", "poisson", "lognormal"),
        spec(
            "two distributions", "workloads: [{selector: {}, start: {uniform: {min: 1s, max: 2s}, constant: 1s}}]",
            "spec.workloads[0].start"),
        spec("a parameter too few", "workloads: [{selector: {}, start: {weibull: {shape: 0.8}}}]", "weibull", "scale"),
        spec("a parameter too many", "workloads: [{selector: {}, start: {exponential: {mean: 1s, scale: 2s}}}]", "exponential", "scale"),
        spec("a negative shape", "workloads: [{selector: {}, start: {weibull: {shape: -1, scale: 1s}}}]", "shape", "-1"),
        spec("bounds the wrong way round", "workloads: [{selector: {}, start: {uniform: {min: 3s, max: 1s}}}]", "uniform"),
        spec("a quantile no such distribution has", "workloads: [{selector: {}, start: {lognormal: {mean: 1s, p99: 1000s}}}]", "lognormal"),
        spec("runs of no length", "workloads: [{selector: {}, run: 0s, start: 0s}]", "spec.workloads[0].run", "at least 10ms"),
        spec(
            "crashes at once", "workloads: [{selector: {}, crash: {exponential: {mean: 1ms}}}]", "spec.workloads[0].crash", "at least 10ms"),
        spec("a negative image", "workloads: [{selector: {}, imageSize: -1Gi}]", "spec.workloads[0].imageSize", "negative"),
        spec("an exit code beyond 255", "workloads: [{selector: {}, exitCode: 256}]", "spec.workloads[0].exitCode", "255"),
        spec("an empirical file that is missing", "workloads: [{selector: {}, start: {empirical: times.csv}}]", "empirical", "times.csv"),
        spec(
            "an empirical file with words", "workloads: [{selector: {}, start: {empirical: times.csv}}]",
            files: ["times.csv": "1\n2\nthree\n"],
            "empirical", "line 3", "three"),
    ]

    static let happenings = [
        spec("a fault of a zone there is not", "faults: [{at: 1m, zone: c}]", "spec.faults[0].zone", "\"c\"", "a, b"),
        spec("a fault of a node there is not", "faults:\n- {at: 1m, node: node-9}", line: 9, "spec.faults[0].node", "node-9"),
        spec("a fault of nothing", "faults: [{at: 1m}]", "spec.faults[0]", "zone"),
        spec("a fault of two things", "faults: [{at: 1m, zone: a, node: node-0}]", "spec.faults[0]", "only one"),
        spec("a fault at no time", "faults: [{zone: a}]", "spec.faults[0]", "\"at\""),
        spec("a fault at a time and at random", "faults: [{zone: a, at: 1m, mtbf: 1d, mttr: 1h}]", "spec.faults[0]", "mtbf"),
        spec("failures without repair", "faults: [{nodes: all, mtbf: 1d}]", "spec.faults[0]", "mttr"),
        spec("failures without end", "faults: [{nodes: all, mtbf: 0s, mttr: 1h}]", "spec.faults[0].mtbf", "at least 1s"),
        spec("repairs in no time", "faults: [{nodes: all, mtbf: 1h, mttr: 1ms}]", "spec.faults[0].mttr", "at least 1s"),
        spec("some nodes", "faults: [{at: 1m, nodes: some}]", "spec.faults[0].nodes", "\"all\""),
        spec("an effect there is not", "faults: [{at: 1m, zone: a, effect: explode}]", "spec.faults[0].effect", "\"crash\""),
        spec("an action at no time", "timeline: [{cordon: {node: node-0}}]", "spec.timeline[0]", "at"),
        spec("no action", "timeline: [{at: 1m}]", "spec.timeline[0]", "drain"),
        spec("two actions", "timeline: [{at: 1m, cordon: {node: node-0}, drain: {node: node-0}}]", "spec.timeline[0]", "only one"),
        spec("negative replicas", "timeline: [{at: 1m, scale: {deployment: web, replicas: -1}}]", "spec.timeline[0].scale.replicas", "-1"),
        spec(
            "a Deployment there is not", "timeline: [{at: 1m, scale: {deployment: shop/web, replicas: 1}}]",
            "spec.timeline[0].scale.deployment", "default/web"),
        spec(
            "a container there is not", "timeline: [{at: 1m, setImage: {deployment: web, container: app, image: x}}]",
            "spec.timeline[0].setImage.container", "web"),
        spec(
            "a selector of nodes that matches none", "faults: [{at: 1m, selector: {matchLabels: {disk: ssd}}}]", "spec.faults[0].selector",
            "matches no node"),
        spec(
            "maintenance of nobody", "timeline: [{at: 1m, maintain: {selector: {matchLabels: {disk: ssd}}}}]",
            "spec.timeline[0].maintain.selector", "matches no node"),
        spec(
            "a failure of a file that is over as it begins", "faults: [{file: failures.csv}]",
            files: ["failures.csv": "node,down-at,up-at\nnode-0,10,20\nnode-1,30,30s\n"], "spec.faults[0].file",
            "failures.csv:3: up-at: \"30s\": is not after down-at"),
        spec("a reclamation of nobody", "faults: [{at: 1m, zone: c, effect: reclaim}]", "spec.faults[0].zone", "zones are a, b"),
        spec(
            "a replacement of what nobody replaces", "faults: [{at: 1m, node: node-0-r1}]", "spec.faults[0].node", "no node \"node-0-r1\""),
        spec(
            "groups by a label that no node has", "faults: [{nodes: all, mtbf: 1h, mttr: 1m, group: rack}]", "spec.faults[0].group",
            "none of these nodes has a label \"rack\""),
        spec("a load that takes nothing", "faults: [{at: 1m, node: node-0, effect: load}]", "spec.faults[0].effect", "needs \"load\""),
        replaced(
            "a pool whose kubelets evict beyond what there is", "resources: {cpu: 4, memory: 8Gi}",
            "resources: {cpu: 4, memory: 8Gi}, kubelet: {evictionHard: {memory.available: 120%}}", line: 6,
            "spec.cluster.nodePools[0].kubelet.evictionHard", "percentage"),
        replaced(
            "a soft threshold of a pool without a grace period", "resources: {cpu: 4, memory: 8Gi}",
            "resources: {cpu: 4, memory: 8Gi}, kubelet: {evictionSoft: {memory.available: 20%}}", line: 6,
            "spec.cluster.nodePools[0].kubelet", "grace period must be specified"),
        spec("a load of another effect", "faults: [{at: 1m, node: node-0, load: {disk: 1Gi}}]", "spec.faults[0].load", "effect: load"),
        spec(
            "a bounded distribution with exchanged bounds",
            "workloads: [{selector: {}, start: {pareto: {shape: 2, min: 5s, max: 1s}}}]", "spec.workloads[0].start", "above the least value"
        ),
        spec("a crash that cuts", "faults: [{at: 1m, node: node-0, cutsPods: true}]", "spec.faults[0].cutsPods", "effect: partition"),
        spec("every 0th request", "measure: {requests: 0}", "spec.measure.requests", "0"),
        spec("a cascade there is not", "timeline: [{at: 1m, delete: {object: pod/p, cascade: sideways}}]", "cascade", "foreground"),
        spec("a duration beyond all clocks", "faults: [{at: 9999999h, node: node-0}]", "longer than 292 years"),
        spec("a start before all clocks", "start: 1600-01-01T00:00:00Z", "spec.start", "1678"),
        spec("a kind there is not", "timeline: [{at: 1m, delete: starship/enterprise}]", "spec.timeline[0].delete", "starship"),
        spec("a name with too many parts", "timeline: [{at: 1m, rolloutPause: a/b/c}]", "spec.timeline[0].rolloutPause", "namespace/name"),
        spec("a time in the past", "timeline: [{at: -1m, cordon: {node: node-0}}]", "spec.timeline[0].at", "negative"),
    ]

    static let outcome = [
        spec("an interval of nothing measurable", "measure: {interval: 1ns}", "spec.measure.interval", "rows"),
        spec("a truth value in words", "measure: {events: perhaps}", "spec.measure.events", "boolean"),
        spec("an expectation of nothing", "expect: [{from: 1m}]", "spec.expect[0]", "recovery"),
        spec("an expectation without limit", "expect: [{recovery: {}}]", "spec.expect[0].recovery", "atLeast"),
        spec("a duration as a number", "expect: [{recovery: {atMost: 7}}]", "spec.expect[0].recovery.atMost", "7s"),
        spec(
            "a number as a duration", "expect: [{deployment: web, available: {atLeast: 7m}}]", "spec.expect[0].available.atLeast", "number"),
        spec(
            "limits nothing satisfies", "expect: [{deployment: web, available: {atLeast: 3, atMost: 2}}]", "spec.expect[0].available",
            "above"),
        spec("availability of nobody", "expect: [{available: {atLeast: 3}}]", "spec.expect[0]", "deployment"),
        spec("a window the wrong way round", "expect: [{unschedulable: {atMost: 0}, from: 5m, until: 1m}]", "spec.expect[0]", "later"),
        spec("an unknown tunable", "controlPlane: {kubelet: {speed: 9}}", "spec.controlPlane.kubelet.speed", "unknown"),
        spec("no back-off", "controlPlane: {kubelet: {crashBackoffInitial: 0s}}", "spec.controlPlane.kubelet.crashBackoffInitial", "1s"),
        spec("a period of nothing", "controlPlane: {kubelet: {leaseRenewal: 1ns}}", "spec.controlPlane.kubelet.leaseRenewal", "100ms"),
        spec("a rate of 0", "controlPlane: {scheduler: {qps: 0}}", "spec.controlPlane.scheduler.qps", "0"),
        spec(
            "a bandwidth of 0", "controlPlane: {kubelet: {imagePullBandwidth: 0}}", "spec.controlPlane.kubelet.imagePullBandwidth",
            "greater"),
        spec(
            "images collected down to more than up to", "controlPlane: {kubelet: {imageGCHighThresholdPercent: 50}}",
            "spec.controlPlane.kubelet.imageGCHighThresholdPercent", "less than"),
        spec(
            "serial pulls, several at a time", "controlPlane: {kubelet: {maxParallelImagePulls: 3}}",
            "spec.controlPlane.kubelet.maxParallelImagePulls", "serializeImagePulls"),
        spec("a seed below 0", "seed: -1", "spec.seed", "-1"),
        spec("a start that is no time", "start: yesterday", "spec.start", "RFC 3339"),
    ]

    private static func cronJob(in zone: String) -> String {
        """
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: report}
        spec:
          schedule: 0 3 * * *
          timeZone: \(zone)
          jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
        """
    }

    static let otherFiles = [
        spec("a scheduler configuration that is missing", "scheduler: policy.yaml", "spec.scheduler", "policy.yaml"),
        inFile(
            "a scheduler configuration of another kind", "policy.yaml", "apiVersion: kubescheduler.config.k8s.io/v1\nkind: Pod\n", line: 2,
            scenario: base + "  scheduler: policy.yaml\n", "kind", "KubeSchedulerConfiguration"),
        inFile("a manifest that is not YAML", "web.yaml", "a: [\n", line: 2, "web.yaml"),
        inFile(
            "a manifest with a wrong type", "web.yaml", webManifest.replacingOccurrences(of: "replicas: 3", with: "replicas: three"),
            line: 5, "spec.replicas"),
        inFile(
            "a manifest with negative replicas", "web.yaml", webManifest.replacingOccurrences(of: "replicas: 3", with: "replicas: -3"),
            line: 5, "spec.replicas", "-3"),
        inFile("a CronJob in a zone that nobody knows", "web.yaml", cronJob(in: "Mars/Olympus"), line: 1, "spec.timeZone", "Mars/Olympus"),
        inFile("a CronJob in a zone spelt otherwise", "web.yaml", cronJob(in: "europe/berlin"), line: 1, "spec.timeZone", "unknown time"),
        inFile("a CronJob in what is a folder of zones", "web.yaml", cronJob(in: "Europe"), line: 1, "spec.timeZone", "unknown time zone"),
        inFile("a CronJob in a list of zones", "web.yaml", cronJob(in: "zone.tab"), line: 1, "spec.timeZone", "unknown time zone"),
        inFile("a Deployment twice", "web.yaml", webManifest + "---\n" + webManifest, line: 13, "metadata.name", "web"),
        inFile(
            "a trace without times", "web.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n",
            line: 1, scenario: base.replacingOccurrences(of: "objects: [web.yaml]", with: "trace: web.yaml"), "seatrial.dev/create-at"),
        arrivals("no time between arrivals", "{interval: 0s}", "spec.cluster.arrivals.interval", "longer than 0"),
        arrivals("an order nobody knows", "{interval: 1s, order: sorted}", "order", "\"recorded\", \"random\""),
        arrivals("clones of what no node has", "{interval: 1s, clones: {resource: a/b, upTo: 1}}", "clones", "no node", "offers a/b"),
        arrivals("clones of what no pod wants", "{interval: 1s, clones: {resource: cpu, upTo: 1}}", "clones", "no pod", "asks for cpu"),
        spec("a measure at no demand", "measure: {allocation: [{resource: cpu, at: []}]}", "spec.measure.allocation[0].at", "no demand"),
        inFile(
            "more pods than any machine holds", "web.yaml",
            (0...10).map { number in
                "---\n"
                    + webManifest.replacingOccurrences(of: "{name: web}", with: "{name: web-\(number)}")
                    .replacingOccurrences(of: "replicas: 3", with: "replicas: 1000000")
            }.joined(), line: 6, "spec.cluster", "11000000 pods"),
    ]

    static let all = document + cluster + workloads + happenings + outcome + otherFiles + nodeSettings + traffic
}

@Suite("Broken scenarios")
struct BrokenScenarioTests {
    @Test("is refused with file, line and field", arguments: BrokenScenario.all)
    func refused(broken: BrokenScenario) throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest].merging(broken.files) { $1 })
        try folder.write("scenario.yaml", broken.text)
        let before = try folder.contents()
        do throws(ScenarioError) {
            _ = try ScenarioFile.load(folder["scenario.yaml"])
            Issue.record("it was accepted")
        } catch {
            let place = broken.name.hasPrefix("more pods") ? folder["scenario.yaml"] : folder[broken.file]
            let fits = error.messages.contains { message in
                message.hasPrefix("\(place):\(broken.line):") && broken.fragments.allSatisfy { message.contains($0) }
            }
            #expect(fits, "no message at line \(broken.line) with \(broken.fragments) in:\n\(error)")
        }
        #expect(try folder.contents() == before, "reading wrote something")
    }

    @Test("There are at least forty of them")
    func enough() { #expect(BrokenScenario.all.count >= 40) }

    @Test("All mistakes of a file are reported at once, in the order of lines")
    func allAtOnce() throws {
        let text = BrokenScenario.base.replacingOccurrences(of: "count: 4", with: "count: -4") + "  seed: x\n  faults: [{at: 1, zone: a}]\n"
        let folder = try TemporaryFolder(["web.yaml": webManifest, "scenario.yaml": text])
        do throws(ScenarioError) {
            _ = try ScenarioFile.load(folder["scenario.yaml"])
            Issue.record("it was accepted")
        } catch {
            let lines = error.messages.compactMap {
                $0.dropFirst(folder["scenario.yaml:"].count).split(separator: ":").first.flatMap { Int($0) }
            }
            #expect(lines.starts(with: [6, 8, 9]), "\(error)")
        }
    }

    @Test(
        "What could not be read is not missed as well",
        arguments: [
            BrokenScenario.base.replacingOccurrences(of: "name: node,", with: "name: Node_1,")
                + "  faults: [{at: 1m, node: node-0}, {at: 1m, zone: a}]\n",
            BrokenScenario.base.replacingOccurrences(of: "web.yaml", with: "nowhere.yaml")
                + "  expect: [{deployment: web, available: {atLeast: 3}}]\n",
        ])
    func noFollowingErrors(text: String) throws {
        let folder = try TemporaryFolder(["web.yaml": webManifest, "scenario.yaml": text])
        do throws(ScenarioError) {
            _ = try ScenarioFile.load(folder["scenario.yaml"])
            Issue.record("it was accepted")
        } catch {
            #expect(error.messages.count == 1, "\(error)")
        }
    }

    @Test(
        "What is no file is refused in plain words",
        arguments: [
            (".", "is a directory"), ("./", "is a directory"), ("/", "is a directory"), ("..", "is a directory"),
            ("/dev/null", "not a regular file"), ("/dev/zero", "not a regular file"), ("", "no such file"),
        ])
    func noFile(path: String, words: String) {
        do throws(ScenarioError) {
            _ = try ScenarioFile.load(path)
            Issue.record("it was accepted")
        } catch {
            #expect(error.messages.count == 1 && error.description.contains(words), "\(error)")
        }
    }

    @Test("A missing scenario is refused by name")
    func missing() {
        #expect(throws: ScenarioError.self) { try ScenarioFile.load("/nowhere/scenario.yaml") }
    }
}
