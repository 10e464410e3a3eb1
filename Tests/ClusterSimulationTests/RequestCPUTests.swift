// Requests that use cpu: what autoscalers see of it, and what limits and full nodes do to requests.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import ServiceNetwork
import Testing

@testable import ClusterSimulation

@Suite("Requests and cpu")
struct RequestCPUTests {
    /// A Deployment `web` behind a Service; requests of 10 ms, a core each, from 30 s on.
    private func cluster(
        rate: Double, replicas: Int32 = 1, limit: Int64? = nil, _ change: (inout ClusterConfiguration) -> Void = { _ in }
    ) throws -> Cluster {
        try shop {
            $0.objects = [
                deployment("web", replicas: replicas) { spec in
                    if let limit { spec.containers[0].resources.limits = [.cpu: Quantity(milli: limit)] }
                }
            ]
            var service = Service(metadata: ObjectMeta(name: "web", namespace: "shop"), selector: ["app": "web"])
            service.ports = [ServicePort(port: 80)]
            $0.objects.append(APIObject(service))
            let target = TrafficTarget(service: name("web"))
            var source = TrafficSource(name: "users", target: target, arrivals: .poisson(rate: rate))
            source.start = at(30)
            var behaviour = ServiceBehaviour(target, serviceTime: .constant(.milliseconds(10)))
            behaviour.milliCPU = 1000
            behaviour.capacity = PodCapacity(concurrency: 8, queueLimit: 50)
            var traffic = TrafficConfiguration()
            traffic.sources = [source]
            traffic.services = [behaviour]
            $0.traffic = traffic
            change(&$0)
        }
    }

    /// Requests answered and core seconds used by requests from one time to another.
    private func work(_ cluster: Cluster, from begin: Double, to end: Double) throws -> (answers: Double, cpu: Double) {
        var cluster = cluster
        func total() throws -> (Double, Double) {
            var copy = cluster
            let record = try #require(copy.finish().traffic)
            return (Double(record.sources[0].count(.succeeded)), record.pods.reduce(0) { $0 + $1.cpuSeconds })
        }
        cluster.run(until: at(begin))
        let before = try total()
        cluster.run(until: at(end))
        let after = try total()
        return (after.0 - before.0, after.1 - before.1)
    }

    private func pod(_ cluster: Cluster, of app: String) throws -> Shared<Pod> {
        try #require(cluster.api.objects.all(Pod.self).first { $0.value.metadata.labels["app"] == app })
    }

    @Test("each request uses its service time, as long as nothing is short")
    func use() throws {
        let work = try work(cluster(rate: 100), from: 60, to: 160)
        #expect(abs(work.answers - 10_000) < 500)
        #expect(abs(work.cpu - work.answers * 0.01) < 0.1)
    }

    @Test("an autoscaler sees what requests use, late as it sees everything, and makes room for them")
    func autoscaling() throws {
        var spec = HorizontalPodAutoscalerSpec()
        spec.scaleTargetRef = CrossVersionObjectReference(kind: "Deployment", name: "web", apiVersion: "apps/v1")
        (spec.minReplicas, spec.maxReplicas) = (2, 20)
        var half = MetricTarget()
        half.type = .utilization
        half.averageUtilization = 50
        spec.metrics = [MetricSpec(.resource(.cpu), half)]
        // 1.5 cores in pods of half a core, half used: six.
        var cluster = try cluster(rate: 150, replicas: 2) {
            $0.objects.append(
                APIObject(HorizontalPodAutoscaler(metadata: ObjectMeta(name: "web", namespace: "shop"), spec: spec)))
        }
        cluster.run(until: at(400))
        let replicas = try #require(cluster.deployment("web")).spec.replicas
        #expect((6...7).contains(replicas))
        let grown = cluster.time(Deployment.self) { $0.metadata.name == "web" && $0.spec.replicas > 2 }?.seconds ?? 0
        // Requests from 30 on, figures every 10 s, asked for every 15 s, looked at every 15 s.
        #expect((40...75).contains(grown), "\(grown)")
        let status = try #require(cluster.api.objects.get(HorizontalPodAutoscaler.self, name("web"))).value.status
        let seen = try #require(status.currentMetrics.first??.averageUtilization)
        #expect(abs(Double(seen) - 300 / Double(replicas)) < 7)
    }

    @Test("a pod with half a core serves half as much as one with a core")
    func limit() throws {
        let work = try work(cluster(rate: 200, limit: 500), from: 60, to: 160)
        // Without a limit it would be 20,000 requests of 10 ms.
        #expect(abs(work.answers - 5_000) < 20)
        #expect(abs(work.cpu - 50) < 0.2)
    }

    @Test("a neighbour that takes the node's cores slows requests, and they slow it, by their shares")
    func hog() throws {
        func cluster(_ hog: Double) throws -> Cluster {
            try self.cluster(rate: 300) {
                $0.nodes = [machine("a-0")]
                $0.objects.append(barePod("hog"))
                var usage = ResourceUsage()
                usage.cpu = ResourceLoad(.constant(hog))
                var behaviour = WorkloadBehaviour()
                behaviour.usage = [usage]
                $0.behaviours = [BehaviourRule(selector: LabelSelector(matchLabels: ["app": "hog"]), behaviour: behaviour)]
            }
        }
        // Three cores of four: no trouble.
        let alone = try work(cluster(0.5), from: 60, to: 160)
        #expect(abs(alone.answers - 30_000) < 900)
        // Equal requests, equal shares: two cores each.
        let beside = try work(cluster(8), from: 60, to: 160)
        #expect(abs(beside.answers - 20_000) < 200)
        #expect(abs(beside.cpu - 200) < 2)
        var cluster = try cluster(8)
        cluster.run(until: at(160))
        let taken = try cluster.nodeAgent.cpuTime(of: pod(cluster, of: "hog"), from: at(60), to: at(160))
        #expect(abs((taken ?? 0) - 200) < 2)
    }

    @Test("when the neighbour is gone, requests are as fast as before")
    func recovery() throws {
        var cluster = try cluster(rate: 300) {
            $0.nodes = [machine("a-0")]
            var load = OutsideLoad()
            load.cpu = 3
            $0.timeline = [
                TimelineEntry(at: at(60), action: .setNodeLoad(.node("a-0"), load)),
                TimelineEntry(at: at(90), action: .setNodeLoad(.node("a-0"), OutsideLoad())),
            ]
            $0.recording.interval = .seconds(10)
        }
        cluster.run(until: at(150))
        let intervals = try #require(cluster.finish().traffic).intervals
        func median(_ end: Double) throws -> Double { try #require(intervals.first { $0.end == at(end) }).quantiles[0] }
        #expect(try median(60) < 0.013)
        #expect(try median(80) > 0.05)
        #expect(try median(110) < 0.013)
    }

    @Test("what a container uses besides and what its requests use meet its limit together")
    func base() throws {
        var cluster = try cluster(rate: 200, limit: 500) {
            var usage = ResourceUsage()
            usage.cpu = ResourceLoad(.constant(0.3))
            $0.defaultBehaviour.usage = [usage]
        }
        cluster.run(until: at(100))
        let pod = try pod(cluster, of: "web")
        let own = try #require(cluster.nodeAgent.cpuTime(of: pod, from: at(60), to: at(100)))
        let requests = try #require(cluster.traffic).cpuTime(of: pod.value.metadata.uid, from: at(60), to: at(100))
        #expect(abs(own + requests - 20) < 0.2, "\(own) and \(requests)")
        // Eight requests at a time want a core each.
        #expect(abs(own - 20 * 0.3 / 8.3) < 0.1)
    }
}
