// Scores outside of 0...100 fail the attempt, on both paths, as they do in the real framework.

import KubernetesAPI
import Testing

@testable import Scheduling

/// Scores a node by its label `score`, whatever that says.
struct LabelScore: ScorePlugin {
    static let name = "LabelScore"
    var name: String { LabelScore.name }
    let normalises: Bool
    func scope(for pod: PodInfo) -> AnswerScope { .node }

    func score(_ pod: PodInfo, feasible: [NodeSlot], in cluster: ClusterSnapshot, state: PluginState?, scores: inout [Int64]) {
        for index in feasible.indices {
            scores[index] = cluster.nodes.objects[feasible[index]].flatMap { Int64($0.value.metadata.labels["score"] ?? "") } ?? 0
        }
    }

    func normalise(_ scores: inout [Int64], for pod: PodInfo, state: PluginState?) {}

    /// The default profile with this plugin; `alone`: only NodeResourcesFit scores beside it, and both have the weight 1.
    static func profile(normalises: Bool, alone: Bool = false) -> (SchedulerConfiguration, PluginRegistry) {
        var registry = PluginRegistry()
        registry.register(name) { _, _ in LabelScore(normalises: normalises) }
        var configuration = SchedulerConfiguration()
        configuration.profiles[0].plugins.append(
            alone
                ? ExtensionPointConfiguration(
                    .score, enabled: [WeightedPlugin("NodeResourcesFit", weight: 1), WeightedPlugin(name, weight: 1)], disabled: ["*"])
                : ExtensionPointConfiguration(.multiPoint, enabled: [WeightedPlugin(name, weight: 5)]))
        return (configuration, registry)
    }

    static func refusal(of score: Int64) -> String {
        "applying score defaultWeights on Score plugins: plugin \"LabelScore\" returns an invalid score \(score), "
            + "it should in the range of [0, 100] after normalizing"
    }
}

@Suite("Invalid scores")
struct InvalidScoreTests {
    private func node(_ name: String, score: Int64) -> Node {
        var node = Node(metadata: ObjectMeta(name: name, labels: ["score": String(score)]))
        node.status.allocatable = [.cpu: Quantity(100), .memory: Quantity(bytes: 100 << 30), .pods: Quantity(100)]
        return node
    }

    private func pod(_ name: String) -> Pod {
        var container = Container(name: "c")
        container.resources.requests[.cpu] = Quantity(1)
        var pod = Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: Shared(PodSpec(containers: [container])))
        pod.metadata.uid = UID(name)
        return pod
    }

    @Test(
        "The attempt fails on both paths, whether scores are normalised or not, until they are valid again",
        arguments: [SchedulerPath.plain, .memoised], [true, false])
    func bothPaths(path: SchedulerPath, normalises: Bool) throws {
        try check(path, LabelScore.profile(normalises: normalises))
        // With a weight of 1 the largest score is no overflow, but any sum with it is.
        try check(path, LabelScore.profile(normalises: normalises, alone: true))
    }

    private func check(_ path: SchedulerPath, _ profile: (SchedulerConfiguration, PluginRegistry)) throws {
        let (configuration, registry) = profile
        var maker = try DecisionMaker(
            configuration: configuration, registry: registry, path: path, nodes: [node("a", score: 0), node("b", score: 100)], pods: [])
        // From the second on the memoised path remembers.
        for number in 0..<3 {
            let attempt = maker.attempt(pod("p-\(number)"), draw: { _ in 0 })
            #expect(attempt?.node == "b")
        }
        for wrong in [-1, 101, .min, .max] as [Int64] {
            maker.cache.setNode(Shared(node("a", score: wrong)))
            for number in 0..<3 {
                let attempt = maker.attempt(pod("q-\(number)"), draw: { _ in 0 })
                #expect(attempt?.node == nil && attempt?.message == LabelScore.refusal(of: wrong))
            }
        }
        let decision = maker.decide(pod("r"))
        #expect(decision?.message == LabelScore.refusal(of: .max))
        maker.cache.setNode(Shared(node("a", score: 100)))
        maker.cache.setNode(Shared(node("b", score: 99)))
        for number in 0..<3 {
            let attempt = maker.attempt(pod("s-\(number)"), draw: { _ in 0 })
            #expect(attempt?.node == "a")
        }
    }
}
