// Jobs in a whole cluster: scheduler, kubelets and controllers together.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Testing

@testable import ClusterSimulation

@Suite struct JobTests {
    private static func spec(_ policy: RestartPolicy = .never, _ change: (inout JobSpec) -> Void) -> JobSpec {
        var spec = JobSpec(template: PodTemplate(labels: ["app": "work"], spec: podSpec(cpu: 100) { $0.restartPolicy = policy }))
        change(&spec)
        return spec
    }

    private static func cluster(
        _ object: APIObject, seed: UInt64 = 1, run: Distribution = .constant(.seconds(3)), exitCode: Int32 = 0, crash: Distribution? = nil
    ) throws -> Cluster {
        try shop(seed: seed, replicas: 0) {
            $0.objects = [object]
            var behaviour = WorkloadBehaviour()
            behaviour.run = run
            behaviour.exitCode = exitCode
            behaviour.crash = crash
            $0.behaviours = [BehaviourRule(selector: LabelSelector(matchLabels: ["app": "work"]), behaviour: behaviour)]
        }
    }

    private static func job(_ spec: JobSpec) -> APIObject {
        APIObject(Job(metadata: ObjectMeta(name: "work", namespace: "shop"), spec: spec))
    }

    private static func stored(_ cluster: Cluster) -> Job? { cluster.api.objects.get(Job.self, name("work"))?.value }

    @Test("Every pod is counted exactly once, whatever crashes", arguments: 1...6 as ClosedRange<UInt64>, [false, true])
    func countsOnce(seed: UInt64, indexed: Bool) throws {
        var cluster = try Self.cluster(
            Self.job(
                Self.spec {
                    $0.completions = 12
                    $0.parallelism = 4
                    $0.backoffLimit = 1000
                    $0.completionMode = indexed ? .indexed : .nonIndexed
                }), seed: seed, run: try .exponential(mean: 4), crash: try .exponential(mean: 12))
        cluster.settle(at: at(3 * 3600))
        let status = try #require(Self.stored(cluster)).status
        #expect(status.conditions.isTrue(.complete))
        #expect(status.succeeded == 12)
        if indexed { #expect(status.completedIndexes == "0-11") }
        // Each incarnation of a pod, by how it ended.
        var ended: [UID: PodPhase] = [:]
        for event in cluster.record.watchLog {
            if case .pod(let pod) = event.object, pod.value.isTerminal { ended[pod.value.metadata.uid] = pod.value.status.phase }
        }
        #expect(ended.values.count { $0 == .succeeded } == Int(status.succeeded))
        #expect(ended.values.count { $0 == .failed } == Int(status.failed))
        #expect(cluster.pods.allSatisfy { $0.metadata.finalizers.isEmpty })
        #expect(status.uncounted?.succeeded.isEmpty ?? true)
    }

    @Test("The status never runs ahead of itself")
    func statusIsMonotonic() throws {
        var cluster = try Self.cluster(
            Self.job(
                Self.spec {
                    $0.completions = 9
                    $0.parallelism = 3
                }), crash: try .exponential(mean: 10))
        cluster.settle(at: at(3600))
        var last = JobStatus()
        for event in cluster.record.watchLog {
            guard case .job(let job) = event.object else { continue }
            let status = job.value.status
            #expect(status.succeeded >= last.succeeded && status.failed >= last.failed)
            #expect((status.ready ?? 0) <= max(status.active, 0))
            #expect(status.active <= 3)
            last = status
        }
    }

    @Test("A finished Job is deleted with its pods when its time is over")
    func timeToLive() throws {
        var cluster = try Self.cluster(Self.job(Self.spec { $0.ttlSecondsAfterFinished = 20 }))
        cluster.settle(at: at(15))
        #expect(try #require(Self.stored(cluster)).isFinished)
        cluster.settle(at: at(60))
        #expect(Self.stored(cluster) == nil)
        #expect(cluster.pods.isEmpty)
    }

    @Test("Deleting a Job frees its running pods")
    func deletion() throws {
        var cluster = try Self.cluster(
            Self.job(
                Self.spec {
                    $0.parallelism = 3; $0.completions = 3
                }), run: .constant(.seconds(600)))
        cluster.settle(at: at(10))
        #expect(cluster.pods.count == 3)
        cluster.ask(.delete(ObjectKey(.job, name("work")), DeleteOptions(propagation: .background)))
        cluster.settle(at: at(30))
        #expect(cluster.pods.isEmpty)
    }

    @Test("Restarts in place count towards the limit")
    func onFailure() throws {
        var cluster = try Self.cluster(Self.job(Self.spec(.onFailure) { $0.backoffLimit = 2 }), exitCode: 1)
        cluster.settle(at: at(300))
        let job = try #require(Self.stored(cluster))
        #expect(job.status.conditions[.failed]?.reason == "BackoffLimitExceeded")
    }

    @Test(
        "A CronJob that takes longer than its period",
        arguments: [(.allow, 5), (.forbid, 4), (.replace, 5)] as [(CronJobSpec.ConcurrencyPolicy, Int)])
    func cronJob(policy: CronJobSpec.ConcurrencyPolicy, started: Int) throws {
        var spec = CronJobSpec(schedule: "* * * * *", jobTemplate: JobTemplate(spec: Self.spec { _ in }))
        spec.concurrencyPolicy = policy
        let cronJob = CronJob(metadata: ObjectMeta(name: "tick", namespace: "shop"), spec: spec)
        var cluster = try Self.cluster(APIObject(cronJob), run: .constant(.seconds(80)))
        cluster.settle(at: at(310))
        let names = cluster.record.watchLog.compactMap { event -> String? in
            if case .job(let job) = event.object, event.change == .added { job.value.metadata.name } else { nil }
        }
        #expect(names.count == started)
        #expect(names.first == "tick-1")
        let jobs = cluster.api.objects.all(Job.self)
        let unfinished = jobs.filter { !$0.value.isFinished }
        #expect(unfinished.count == (policy == .allow ? 2 : 1))
    }
}
