// TargetLoadPacking and LoadVariationRiskBalancing: scores from measured loads, worked out by hand.

import DiscreteEvents
import KubernetesAPI
import Scheduling
import SchedulingPolicies
import Testing

@Suite("Policies that go by measured loads")
struct TrimaranTests {
    /// Nodes of ten cores and 100 GiB, `n-0` and on.
    private static func nodes(_ count: Int) -> [Node] {
        (0..<count).map { GPUCluster.node("n-\($0)", cores: 10, memoryMiB: 102_400, gpus: 0) }
    }

    private static func load(_ cpu: Double, _ deviation: Double = 0, memory: Double = 0) -> MeasuredLoad {
        MeasuredLoad(cpu: .init(mean: cpu, deviation: deviation), memory: .init(mean: memory))
    }

    private static func pod(request: Int64?, limit: Int64? = nil) -> Pod {
        var container = Container(name: "main", image: "work")
        container.resources.requests[.cpu] = request.map { Quantity(milli: $0) }
        container.resources.limits[.cpu] = limit.map { Quantity(milli: $0) }
        var spec = PodSpec()
        spec.containers = [container]
        return GPUCluster.pod("p", Shared(spec))
    }

    /// The policy's score of each node, in the order of `averages` (nil: nothing is known).
    private static func scores(
        _ policy: String, _ arguments: String, averages: [MeasuredLoad?], latest: [MeasuredLoad?]? = nil, running: [Pod] = [],
        pod: Pod = pod(request: 1000)
    ) throws -> [Int64] {
        var maker = try DecisionMaker(
            configuration: GPUCluster.configuration(policy, arguments: arguments), registry: .withPolicies,
            nodes: nodes(averages.count), pods: running)
        let entries = averages.indices.map { number in
            LoadReport.Entry(node: "n-\(number)", latest: latest?[number], average: averages[number])
        }
        maker.take(LoadReport(time: SimulatedTime(seconds: 100), entries: entries))
        let made = maker.decide(pod)
        let decision = try #require(made)
        let scores = try #require(decision.scores.first { $0.plugin == policy }).scores
        return averages.indices.map { number in
            decision.feasible.firstIndex(of: "n-\(number)").map { scores[$0] } ?? -1
        }
    }

    private static let prometheus = "metricProvider: {type: Prometheus, address: \"http://prometheus:9090\"}"

    // MARK: TargetLoadPacking

    @Test("TargetLoadPacking's scores rise to the target and fall beyond it")
    func target() throws {
        // The pod asks for a core and will use 1.5: 15 % more. 15 %: 60 x 15 / 40 + 40; 70 %: 40 x 30 / 60; 105 %: too much.
        let loads = [0, 0.25, 0.55, 0.9].map { TrimaranTests.load($0) } + [nil]
        #expect(try TrimaranTests.scores("TargetLoadPacking", TrimaranTests.prometheus, averages: loads) == [63, 100, 20, 0, 0])
        // With 70 %: 30 x 15 / 70 + 70; 30 x 40 / 70 + 70; at the target.
        #expect(
            try TrimaranTests.scores("TargetLoadPacking", TrimaranTests.prometheus + ", targetUtilization: 70", averages: loads)
                == [76, 87, 100, 0, 0])
    }

    @Test("TargetLoadPacking expects of a pod its limit, else its request and a half, else a core")
    func expectation() throws {
        func score(_ pod: Pod, _ more: String = "") throws -> Int64 {
            try TrimaranTests.scores(
                "TargetLoadPacking", TrimaranTests.prometheus + more, averages: [TrimaranTests.load(0), nil], pod: pod)[0]
        }
        // 4 %: 46. 15 %: 62.5. 10 %: 55. 20 %: 70.
        #expect(try score(TrimaranTests.pod(request: 100, limit: 400)) == 46)
        #expect(try score(TrimaranTests.pod(request: 1000)) == 63)
        #expect(try score(TrimaranTests.pod(request: nil)) == 55)
        #expect(try score(TrimaranTests.pod(request: nil), ", defaultRequests: {cpu: 2}") == 70)
        #expect(try score(TrimaranTests.pod(request: 1000), ", defaultRequestsMultiplier: \"2\"") == 70)
    }

    @Test(
        "Requests and limits beyond what 64 bits hold in sum make a node full, and no crash",
        arguments: ["TargetLoadPacking", "LoadVariationRiskBalancing"])
    func hugeAmounts(policy: String) throws {
        var pod = TrimaranTests.pod(request: 1000, limit: Int64.max)
        var spec = pod.spec.value
        spec.containers.append(contentsOf: [spec.containers[0], spec.containers[0]])
        pod.spec = Shared(spec)
        let scores = try TrimaranTests.scores(
            policy, TrimaranTests.prometheus, averages: [TrimaranTests.load(0), TrimaranTests.load(0.5)], pod: pod)
        #expect(scores.allSatisfy { (0...100).contains($0) })
        #expect(policy != "TargetLoadPacking" || scores == [0, 0])
    }

    @Test("TargetLoadPacking adds what pods will use that were bound too late to be measured")
    func unmeasured() throws {
        // The report is of 100 s: what was bound 59 s before is added with 1.5 cores, what was bound 60 s before is not.
        func running(_ node: String, boundAt seconds: Double) -> Pod {
            var pod = GPUCluster.running("on-\(node)", on: node, gpuMilli: 0, gpus: nil)
            pod.status.conditions.set(Condition(.podScheduled, .true, lastTransitionTime: SimulatedTime(seconds: seconds)))
            return pod
        }
        let scores = try TrimaranTests.scores(
            "TargetLoadPacking", TrimaranTests.prometheus, averages: Array(repeating: TrimaranTests.load(0), count: 3),
            running: [running("n-0", boundAt: 41), running("n-1", boundAt: 40), running("n-2", boundAt: 130)])
        // 30 %: 60 x 30 / 40 + 40.
        #expect(scores == [85, 63, 85])
    }

    @Test("metrics-server, the default, tells the latest figures only")
    func latest() throws {
        let averages = [TrimaranTests.load(0.25), TrimaranTests.load(0.25)]
        let latest = [TrimaranTests.load(0.55), nil]
        #expect(try TrimaranTests.scores("TargetLoadPacking", "", averages: averages, latest: latest) == [20, 0])
        #expect(try TrimaranTests.scores("LoadVariationRiskBalancing", "", averages: averages, latest: latest) == [68, 0])
    }

    // MARK: LoadVariationRiskBalancing

    @Test("LoadVariationRiskBalancing scores by mean and deviation of the worse resource")
    func risk() throws {
        // With the pod, cpu is at 40 %. (0.4 + 0.2) / 2; (0.4 + 0) / 2; memory (0.9 + 0) / 2; all bounded by 1.
        let loads = [
            TrimaranTests.load(0.3, 0.2), TrimaranTests.load(0.3), TrimaranTests.load(0.3, memory: 0.9), TrimaranTests.load(0.95, 3), nil,
        ]
        func scores(_ more: String) throws -> [Int64] {
            try TrimaranTests.scores("LoadVariationRiskBalancing", TrimaranTests.prometheus + more, averages: loads)
        }
        #expect(try scores("") == [70, 80, 55, 0, 0])
        // (0.4 + 2 x 0.2) / 2.
        #expect(try scores(", safeVarianceMargin: 2") == [60, 80, 55, 0, 0])
        // (0.4 + the root of 0.2) / 2 = 0.42.
        #expect(try scores(", safeVarianceSensitivity: 2") == [58, 80, 55, 0, 0])
    }

    @Test("a new report changes decisions on the path that remembers")
    func reports() throws {
        var maker = try DecisionMaker(
            configuration: GPUCluster.configuration("LoadVariationRiskBalancing"), registry: .withPolicies, nodes: TrimaranTests.nodes(2),
            pods: [])
        func report(_ loads: [Double]) -> LoadReport {
            LoadReport(
                time: .zero,
                entries: loads.enumerated().map { .init(node: "n-\($0.offset)", latest: TrimaranTests.load($0.element), average: nil) })
        }
        for _ in 0..<3 {
            maker.take(report([0.1, 0.5]))
            #expect(maker.attempt(TrimaranTests.pod(request: 1000)) { _ in 0 }?.node == "n-0")
            maker.take(report([0.5, 0.1]))
            #expect(maker.attempt(TrimaranTests.pod(request: 1000)) { _ in 0 }?.node == "n-1")
        }
    }

    @Test(
        "arguments that make no sense are refused",
        arguments: [
            ("TargetLoadPacking", "targetUtilization: 101"), ("TargetLoadPacking", "targetUtilization: 0"),
            ("TargetLoadPacking", "defaultRequestsMultiplier: many"), ("TargetLoadPacking", "defaultRequests: {cpu: much}"),
            ("TargetLoadPacking", "metricProvider: {type: Abacus}"), ("TargetLoadPacking", "safeVarianceMargin: 1"),
            ("TargetLoadPacking", "kind: LoadVariationRiskBalancingArgs"),
            ("TargetLoadPacking", "apiVersion: kubescheduler.config.k8s.io/v1beta3"),
            ("LoadVariationRiskBalancing", "safeVarianceMargin: -1"), ("LoadVariationRiskBalancing", "safeVarianceSensitivity: high"),
            ("LoadVariationRiskBalancing", "metricProvider: {insecureSkipVerify: perhaps}"),
            ("Coscheduling", "podGroupRejectPercentage: 101"),
            ("Coscheduling", "permitWaitingTimeSeconds: -1"), ("Coscheduling", "podGroupBackoffSeconds: soon"),
        ])
    func broken(policy: String, arguments: String) {
        #expect(throws: GPUCluster.Refused.self) { try GPUCluster.configuration(policy, arguments: arguments) }
    }

    @Test("arguments may say of what kind they are")
    func typed() throws {
        let kind = "apiVersion: kubescheduler.config.k8s.io/v1, kind: TargetLoadPackingArgs, targetUtilization: 50"
        #expect(throws: Never.self) { try GPUCluster.configuration("TargetLoadPacking", arguments: kind) }
    }
}
