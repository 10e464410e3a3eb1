// What the Job controller decides about one Job, on pods made by hand.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct JobTests {
    private static let now = SimulatedTime.zero + .seconds(1000)

    private static func job(_ change: (inout JobSpec) -> Void = { _ in }) -> Shared<Job> {
        var spec = JobSpec(template: PodTemplate(labels: ["app": "work"], spec: Shared(PodSpec(containers: [Container(name: "c")]))))
        spec.template.spec = spec.template.spec.with { $0.restartPolicy = .never }
        spec.selector = LabelSelector(matchLabels: ["app": "work"])
        change(&spec)
        var job = Job(metadata: ObjectMeta(name: "work", namespace: "default"), spec: spec)
        job.applyDefaults()
        job.metadata.uid = UID("work")
        return Shared(job)
    }

    /// A pod of the Job. `ended`: seconds before now that its container ended.
    private static func pod(
        _ name: String, _ phase: PodPhase = .running, index: Int? = nil, failures: Int? = nil, ended: Int? = nil, exitCode: Int32 = 1,
        deleted: Bool = false, tracked: Bool = true
    ) -> Shared<Pod> {
        var pod = Make.pod(name, labels: ["app": "work"])
        pod.metadata.uid = UID(name)
        pod.nodeName = "n"
        if tracked { pod.metadata.finalizers = [JobLabels.trackingFinalizer] }
        pod.metadata.annotations[JobLabels.completionIndex] = index.map { String($0) }
        pod.metadata.annotations[JobLabels.indexFailureCount] = failures.map { String($0) }
        if deleted {
            pod.metadata.deletionTimestamp = now + .seconds(30)
            pod.metadata.deletionGracePeriodSeconds = 30
        }
        pod.status.phase = phase
        if phase == .running { pod.status.conditions = [Condition(.ready, .true, lastTransitionTime: now - .seconds(60))] }
        if phase == .succeeded || phase == .failed {
            let end = now - .seconds(ended ?? 0)
            let termination = ContainerTermination(
                exitCode: phase == .failed ? exitCode : 0, reason: "", startedAt: end, finishedAt: end)
            pod.status.containerStatuses = [ContainerStatus(name: "c", state: .terminated(termination))]
        }
        return Shared(pod)
    }

    @Test("An orphan that matches is adopted though it has ended, and counts")
    func adoptsEndedPods() throws {
        var cluster = TestCluster()
        cluster.addNode("node-0")
        cluster.execute(.create(APIObject(Make.pod("before", labels: ["app": "work"]))))
        let before = try #require(cluster.get(Pod.self, "before"))
        let ended = Shared(before).with {
            $0.metadata.resourceVersion = 0
            $0.status.phase = .succeeded
        }
        cluster.execute(.updateStatus(.pod(ended)))
        var job = Self.job {
            $0.manualSelector = true
            $0.template.spec = $0.template.spec.with { $0.containers = [Container(name: "c", image: "i")] }
        }.value
        job.metadata.uid = UID("")
        cluster.execute(.create(APIObject(job)))
        cluster.run(for: .seconds(10))
        #expect(cluster.get(Job.self, "work")?.status.succeeded == 1)
        #expect(cluster.get(Pod.self, "before")?.metadata.controllerReference?.name == "work")
    }

    private static func sync(_ job: Shared<Job>, _ pods: [Shared<Pod>]) -> JobSync {
        JobSync(job, pods: pods, backoff: PodBackoff(), expectationsHold: true, at: now)
    }

    private static func created(_ sync: JobSync) -> Int { if case .create(let count, _) = sync.change { count } else { 0 } }
    private static func indexes(_ sync: JobSync) -> [Int] { if case .create(_, let indexes) = sync.change { indexes } else { [] } }
    private static func deleted(_ sync: JobSync) -> [String] {
        switch sync.change {
        case .delete(let pods), .terminate(let pods): pods.map(\.value.metadata.name)
        default: []
        }
    }

    // MARK: How many pods

    @Test(
        "A Job runs as many pods as it may and still needs",
        arguments: [
            // parallelism, completions, succeeded, running, created
            (3, 10, 0, 0, 3), (3, 10, 0, 2, 1), (3, 10, 8, 0, 2), (3, 10, 8, 2, 0), (5, 2, 0, 0, 2), (3, nil, 0, 1, 2), (3, nil, 1, 1, 0),
            (0, 5, 0, 0, 0),
        ] as [(Int32, Int32?, Int32, Int, Int)])
    func wantedPods(parallelism: Int32, completions: Int32?, succeeded: Int32, running: Int, created: Int) {
        let job = Self.job {
            $0.parallelism = parallelism
            $0.completions = completions
        }.with { $0.status.succeeded = succeeded }
        let sync = Self.sync(job, (0..<running).map { Self.pod("p\($0)") })
        #expect(Self.created(sync) == created)
        #expect(Self.deleted(sync).isEmpty)
    }

    @Test("Surplus pods go, those that got least far first")
    func surplus() {
        let job = Self.job {
            $0.parallelism = 1
            $0.completions = 5
        }
        let sync = Self.sync(job, [Self.pod("running"), Self.pod("pending", .pending), Self.pod("running2")])
        #expect(Self.deleted(sync).count == 2)
        #expect(Self.deleted(sync).first == "pending")
    }

    @Test("A suspended Job has no pods, and no start time")
    func suspended() {
        let job = Self.job { $0.suspend = true }.with { $0.status.startTime = Self.now }
        var sync = Self.sync(job, [Self.pod("p")])
        #expect(Self.deleted(sync) == ["p"])
        let events = sync.settle(PlanOutcome(), at: Self.now)
        #expect(events.map(\.reason) == ["Suspended"])
        #expect(sync.status.startTime == nil)
        #expect(sync.status.conditions.isTrue(.suspended))
    }

    @Test("With the replacement policy Failed, a pod that is being deleted is waited for")
    func replacementPolicy() {
        let pods = [Self.pod("going", deleted: true)]
        #expect(Self.created(Self.sync(Self.job { $0.podReplacementPolicy = .failed }, pods)) == 0)
        // Otherwise it has failed, and its successor waits for the back-off only.
        let sync = Self.sync(Self.job(), pods)
        #expect(Self.created(sync) == 0)
        #expect(sync.backoff.failures == 1)
    }

    // MARK: Back-off

    @Test(
        "The wait doubles from 10 s to 10 min",
        arguments: [(1, 10), (2, 20), (3, 40), (6, 320), (7, 600), (20, 600)])
    func backoff(failures: Int, seconds: Int) {
        let wait = PodBackoff.remaining(failures: failures, since: Self.now - .seconds(4), at: Self.now)
        #expect(wait == .seconds(seconds - 4))
    }

    @Test("A success makes earlier failures forgotten")
    func successResetsBackoff() {
        let before = PodBackoff(failures: 3, lastFailure: Self.now - .seconds(90))
        let failed = [Self.pod("a", .failed, ended: 50), Self.pod("b", .failed, ended: 10)]
        #expect(before.after(succeeded: [], failed: failed) == PodBackoff(failures: 5, lastFailure: Self.now - .seconds(10)))
        let success = [Self.pod("s", .succeeded, ended: 20)]
        #expect(before.after(succeeded: success, failed: failed) == PodBackoff(failures: 1, lastFailure: Self.now - .seconds(10)))
        #expect(before.after(succeeded: success, failed: []) == PodBackoff())
    }

    @Test("While new pods are held back, the Job reports no active ones, as Kubernetes 1.36 does")
    func activeDuringBackoff() {
        let job = Self.job {
            $0.parallelism = 2
            $0.completions = 2
        }
        let sync = Self.sync(job, [Self.pod("runs"), Self.pod("failed", .failed, ended: 3)])
        #expect(sync.activeCount == 0)
        #expect(sync.ready == 1)
        #expect(sync.again == Self.now + .seconds(7))
    }

    // MARK: The end

    @Test("More failures than the limit end a Job, restarts in place too", arguments: [false, true])
    func backoffLimit(inPlace: Bool) {
        let job = Self.job {
            $0.backoffLimit = 2
            if inPlace { $0.template.spec = $0.template.spec.with { $0.restartPolicy = .onFailure } }
        }.with { $0.status.failed = inPlace ? 0 : 2 }
        let pods =
            inPlace
            ? [
                Self.pod("a").with {
                    $0.status.containerStatuses = [ContainerStatus(name: "c", state: .running(startedAt: .zero), restartCount: 2)]
                }
            ] : [Self.pod("a", .failed), Self.pod("b")]
        let sync = Self.sync(job, pods)
        #expect(sync.decision?.type == .failureTarget)
        #expect(sync.decision?.reason == "BackoffLimitExceeded")
        #expect(Self.deleted(sync).count == 1)
    }

    @Test("A deadline counts from the start")
    func deadline() {
        let job = Self.job { $0.activeDeadlineSeconds = 10 }.with { $0.status.startTime = Self.now - .seconds(4) }
        #expect(Self.sync(job, []).again == Self.now + .seconds(6))
        let late = job.with { $0.status.startTime = Self.now - .seconds(10) }
        #expect(Self.sync(late, []).decision?.reason == "DeadlineExceeded")
    }

    @Test("The failure policy's first matching rule decides")
    func failurePolicy() {
        let job = Self.job {
            $0.podFailurePolicy = PodFailurePolicy(rules: [
                PodFailurePolicy.Rule(.ignore, onPodConditions: [PodFailurePolicy.ConditionPattern(type: .disruptionTarget)]),
                PodFailurePolicy.Rule(.count, onExitCodes: PodFailurePolicy.ExitCodes(.isIn, [3])),
                PodFailurePolicy.Rule(.failJob, onExitCodes: PodFailurePolicy.ExitCodes(.notIn, [5])),
            ])
        }
        let spec = job.value.spec
        let disrupted = Self.pod("d", .failed).with { $0.status.conditions.append(Condition(.disruptionTarget, .true)) }
        #expect(spec.verdict(on: disrupted) == PodFailureVerdict(action: .ignore, counts: false))
        #expect(spec.verdict(on: Self.pod("p", .failed, exitCode: 3)) == PodFailureVerdict(action: .count))
        #expect(spec.verdict(on: Self.pod("p", .failed, exitCode: 5)) == PodFailureVerdict())
        #expect(
            spec.verdict(on: Self.pod("p", .failed, exitCode: 7)).message
                == "Container c for pod default/p failed with exit code 7 matching FailJob rule at index 2")
    }

    // MARK: Indexes

    private static func indexed(completions: Int32 = 5, perIndex: Int32? = nil, _ change: (inout JobSpec) -> Void = { _ in }) -> Shared<Job>
    {
        job {
            $0.completionMode = .indexed
            $0.completions = completions
            $0.parallelism = completions
            $0.backoffLimitPerIndex = perIndex
            change(&$0)
        }
    }

    @Test("The lowest indexes without a pod come first")
    func pendingIndexes() {
        let job = Self.indexed { $0.parallelism = 3 }.with { $0.status.completedIndexes = "0,2" }
        let sync = Self.sync(job, [Self.pod("one", index: 1)])
        #expect(Self.indexes(sync) == [3, 4])
    }

    @Test("Of two pods of one index one goes, and so does one whose index is out of range")
    func duplicateIndexes() {
        let sync = Self.sync(
            Self.indexed(completions: 2), [Self.pod("a", .pending, index: 0), Self.pod("b", index: 0), Self.pod("c", index: 7)])
        #expect(Self.deleted(sync).sorted() == ["a", "c"])
    }

    @Test("With a limit per index, each index waits for itself, and its pod is kept for its successor")
    func backoffPerIndex() throws {
        let job = Self.indexed(completions: 2, perIndex: 2)
        let early = Self.pod("early", .failed, index: 0, failures: 1, ended: 30)
        let late = Self.pod("late", .failed, index: 1, failures: 1, ended: 5)
        let sync = Self.sync(job, [early, late])
        #expect(Self.indexes(sync) == [0])
        let successor = JobReconciler.pod(of: job.value, index: 0, sync.indexes).value
        #expect(successor.metadata.annotations[JobLabels.indexFailureCount] == "2")
        #expect(successor.metadata.generateName == "work-0-")
        #expect(successor.spec.value.hostname == "work-0")
        var settled = sync
        _ = settled.settle(PlanOutcome(), at: Self.now)
        #expect(JobTracking(settled, failure: nil, at: Self.now).releases.isEmpty)
        let spent = Self.sync(job, [Self.pod("spent", .failed, index: 0, failures: 2), late])
        #expect(spent.indexes?.failed?.description == "0")
        #expect(spent.decision == nil)
    }

    @Test("Indexes that failed for good end the Job when all others are done, or too many are", arguments: [nil, 0] as [Int32?])
    func failedIndexes(maximum: Int32?) {
        let job = Self.indexed(completions: 2, perIndex: 0) { $0.maxFailedIndexes = maximum }.with { $0.status.completedIndexes = "1" }
        let sync = Self.sync(job, [Self.pod("p", .failed, index: 0, failures: 0)])
        #expect(sync.decision?.reason == (maximum == nil ? "FailedIndexes" : "MaxFailedIndexesExceeded"))
    }

    @Test(
        "A success policy's rule needs its indexes, or so many of them",
        arguments: [
            ("0-2", nil, "0-2", true), ("0-2", nil, "0,1,4", false), ("0-2", 2, "0,1,4", true), (nil, 3, "0,1,4", true),
            (nil, 4, "0,1,4", false), ("7", nil, "0", false),
        ] as [(String?, Int32?, String, Bool)])
    func successPolicy(indexes: String?, count: Int32?, done: String, isMet: Bool) {
        let job = Self.indexed { $0.successPolicy = [SuccessPolicyRule(succeededIndexes: indexes, succeededCount: count)] }
        let met = job.value.spec.metSuccessRule(CompletedIndexes(text: done, completions: 5))
        #expect(met == (isMet ? "Matched rules at index 0" : nil))
    }

    // MARK: Counting

    @Test("A pod is noted, freed, and counted once; then the Job is complete")
    func counting() {
        let job = Self.job { $0.completions = 1 }
        var sync = Self.sync(job, [Self.pod("p", .succeeded)])
        #expect(sync.settle(PlanOutcome(), at: Self.now).isEmpty)
        var tracking = JobTracking(sync, failure: nil, at: Self.now)
        #expect(tracking.needsWrite)
        #expect(tracking.job.status.uncounted?.succeeded == [UID("p")])
        #expect(tracking.job.status.succeeded == 0)
        #expect(tracking.job.status.conditions.map(\.type) == [.successCriteriaMet])
        tracking.wrote(tracking.job)
        let events = tracking.released(except: [], at: Self.now)
        #expect(events.map(\.reason) == ["Completed"])
        #expect(tracking.job.status.succeeded == 1)
        #expect(tracking.job.status.conditions.map(\.type) == [.successCriteriaMet, .complete])
        #expect(tracking.job.status.completionTime == Self.now)
        // Had its finalizer stayed, it would not be counted, nor the Job be over.
        var stuck = JobTracking(sync, failure: nil, at: Self.now)
        stuck.wrote(stuck.job)
        #expect(stuck.released(except: [NamespacedName(namespace: "default", name: "p")], at: Self.now).isEmpty)
        #expect(stuck.job.status.succeeded == 0)
    }

    @Test("A failed Job is over only when no pod terminates any more")
    func terminating() {
        let job = Self.job().with { $0.status.conditions = [JobSync.condition(.failureTarget, "DeadlineExceeded", "late", at: Self.now)] }
        for isGoing in [true, false] {
            var sync = Self.sync(job, isGoing ? [Self.pod("p", deleted: true, tracked: false)] : [])
            _ = sync.settle(PlanOutcome(), at: Self.now)
            var tracking = JobTracking(sync, failure: nil, at: Self.now)
            tracking.wrote(tracking.job)
            #expect(tracking.released(except: [], at: Self.now).map(\.reason) == (isGoing ? [] : ["DeadlineExceeded"]))
        }
    }
}
