// StatefulSets driven through the real API server: the order of pods, revisions, claims.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct StatefulSetTests {
    private static let key = ObjectKey(.statefulSet, namespace: "default", "db")

    private static func cluster(nodes: Int = 3) -> TestCluster {
        var cluster = TestCluster()
        for number in 0..<nodes { cluster.addNode("node-\(number)") }
        return cluster
    }

    private static func set(_ replicas: Int32, _ change: (inout StatefulSetSpec) -> Void = { _ in }) -> StatefulSet {
        var spec = StatefulSetSpec(
            replicas: replicas, selector: LabelSelector(matchLabels: ["app": "db"]), template: Make.template(app: "db"))
        spec.serviceName = "db"
        change(&spec)
        return StatefulSet(metadata: ObjectMeta(name: "db", namespace: "default"), spec: spec)
    }

    /// The steps of the counters, without repetitions.
    private static func statuses(_ cluster: TestCluster, _ part: (StatefulSetStatus) -> [Int32]) -> [[Int32]] {
        var steps: [[Int32]] = []
        for event in cluster.history {
            guard case .statefulSet(let set) = event.object, event.change != .deleted else { continue }
            let step = part(set.value.status)
            if steps.last != step { steps.append(step) }
        }
        return steps
    }

    @Test("OrderedReady makes one pod at a time, the next when the last is ready, and removes them the other way round")
    func ordersPods() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.set(3))))
        cluster.run(for: .seconds(20))
        #expect(cluster.podHistory == ["+db-0", "+db-1", "+db-2"])
        #expect(
            Self.statuses(cluster) { [$0.replicas, $0.readyReplicas] } == [
                [0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [3, 2], [3, 3],
            ])
        let pod = try #require(cluster.get(Pod.self, "db-1"))
        let revision = try #require(cluster.all(ControllerRevision.self).first)
        #expect(pod.spec.value.hostname == "db-1" && pod.spec.value.subdomain == "db" && pod.metadata.generateName == "db-")
        #expect(pod.metadata.labels["statefulset.kubernetes.io/pod-name"] == "db-1")
        #expect(pod.metadata.labels["apps.kubernetes.io/pod-index"] == "1")
        #expect(pod.metadata.labels["controller-revision-hash"] == revision.metadata.name)
        #expect(revision.metadata.labels["controller.kubernetes.io/hash"].map { "db-" + $0 } == revision.metadata.name)
        #expect(
            cluster.messages(about: .statefulSet, "SuccessfulCreate")
                == (0..<3).map { "Create Pod db-\($0) in StatefulSet db successful" })

        cluster.execute(.operate(Self.key, .scale(1)))
        cluster.run(for: .seconds(20))
        #expect(cluster.podHistory.dropFirst(3) == ["-db-2", "xdb-2", "-db-1", "xdb-1"])
        #expect(cluster.get(StatefulSet.self, "db")?.status.replicas == 1)
        cluster.runUntilQuiet()
        #expect(cluster.isQuiet)
    }

    @Test("Parallel makes pods in batches that double and removes them all")
    func parallelPods() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.set(6) { $0.podManagementPolicy = .parallel })))
        cluster.run(for: .milliseconds(100))
        #expect(cluster.podHistory == (0..<6).map { "+db-\($0)" })
        let times = cluster.history.filter { $0.change == .added && $0.object.kind == .pod }.map(\.time)
        #expect(times[0] < times[1] && times[1] == times[2] && times[2] < times[3] && times[3] == times[5])
        cluster.run(for: .seconds(10))
        cluster.execute(.operate(Self.key, .scale(2)))
        cluster.run(for: .milliseconds(50))
        #expect(cluster.podHistory.suffix(4) == ["-db-5", "-db-4", "-db-3", "-db-2"])
    }

    @Test(
        "A rolling update replaces one pod at a time, from the highest ordinal down to the partition",
        arguments: [PodManagementPolicy.orderedReady, .parallel], [0, 2])
    func rollsDownToThePartition(_ policy: PodManagementPolicy, _ partition: Int32) throws {
        var cluster = Self.cluster()
        cluster.execute(
            .create(
                APIObject(
                    Self.set(4) {
                        $0.podManagementPolicy = policy
                        $0.updateStrategy = .rollingUpdate(partition: partition)
                    })))
        cluster.run(for: .seconds(20))
        let before = cluster.podHistory.count
        cluster.check = { cluster in #expect(cluster.pods.count(where: \.isReady) >= 3) }
        cluster.execute(.operate(Self.key, .setImage(container: "c", image: "db:2")))
        cluster.run(for: .seconds(30))
        let expected = (Int(partition)..<4).reversed().flatMap { ["-db-\($0)", "xdb-\($0)", "+db-\($0)"] }
        #expect(cluster.podHistory.dropFirst(before) == expected[...])
        let status = try #require(cluster.get(StatefulSet.self, "db")).status
        #expect(status.updatedReplicas == 4 - partition)
        #expect((status.currentRevision == status.updateRevision) == (partition == 0))
        #expect(status.currentReplicas == (partition == 0 ? 4 : partition))
        #expect(cluster.all(ControllerRevision.self).map(\.revision).sorted() == [1, 2])

        // A pod below the partition comes back as it was.
        guard partition > 0 else { return }
        cluster.check = nil
        cluster.execute(.delete(ObjectKey(.pod, namespace: "default", "db-0"), DeleteOptions()))
        cluster.run(for: .seconds(10))
        #expect(cluster.get(Pod.self, "db-0")?.spec.value.containers[0].image == "web:1")
    }

    @Test("An update that never becomes ready stops, and taking the template back does not replace its pod")
    func brokenUpdatesStay() throws {
        var cluster = Self.cluster()
        cluster.readyDelay = { $0.spec.value.containers[0].image == "bad" ? nil : .seconds(1) }
        cluster.execute(.create(APIObject(Self.set(3))))
        cluster.run(for: .seconds(10))
        cluster.execute(.operate(Self.key, .setImage(container: "c", image: "bad")))
        cluster.run(for: .seconds(30))
        cluster.execute(.operate(Self.key, .rollBack(toRevision: nil)))
        cluster.run(for: .seconds(30))
        #expect(cluster.get(Pod.self, "db-2")?.spec.value.containers[0].image == "bad")
        #expect(cluster.all(ControllerRevision.self).map(\.revision).sorted() == [2, 3])
        cluster.execute(.delete(ObjectKey(.pod, namespace: "default", "db-2"), DeleteOptions()))
        cluster.run(for: .seconds(30))
        #expect(cluster.pods.allSatisfy { $0.spec.value.containers[0].image == "web:1" && $0.isReady })
        // The first template was found again, so the pods that had it all along are up to date.
        #expect(cluster.podHistory.count { $0 == "+db-1" } == 1)
    }

    @Test func onDeleteWaitsForTheOperator() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.set(2) { $0.updateStrategy = .onDelete })))
        cluster.run(for: .seconds(10))
        cluster.execute(.operate(Self.key, .setImage(container: "c", image: "db:2")))
        cluster.run(for: .seconds(30))
        #expect(cluster.podHistory == ["+db-0", "+db-1"])
        cluster.execute(.delete(ObjectKey(.pod, namespace: "default", "db-0"), DeleteOptions()))
        cluster.run(for: .seconds(10))
        #expect(cluster.get(Pod.self, "db-0")?.spec.value.containers[0].image == "db:2")
        #expect(cluster.get(StatefulSet.self, "db")?.status.updatedReplicas == 1)
    }

    @Test func aPodThatEndedIsDeletedAndMadeAgain() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.set(2))))
        cluster.run(for: .seconds(10))
        guard let pod = cluster.get(Pod.self, "db-0") else { return }
        cluster.execute(.patchPod(pod.metadata.key, uid: pod.metadata.uid, .phase(.failed, reason: "", message: "", condition: nil)))
        cluster.run(for: .seconds(10))
        #expect(cluster.podHistory.suffix(3) == ["-db-0", "xdb-0", "+db-0"])
        #expect(cluster.get(StatefulSet.self, "db")?.status.readyReplicas == 2)
    }

    @Test func minReadySecondsDelaysTheNextPod() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.set(2) { $0.minReadySeconds = 20 })))
        cluster.run(for: .seconds(60))
        let ready = try #require(cluster.time(Pod.self) { $0.metadata.name == "db-0" && $0.isReady })
        let next = try #require(cluster.time(Pod.self) { $0.metadata.name == "db-1" })
        #expect((19.0...20.1).contains((next - ready).seconds))
        #expect(cluster.get(StatefulSet.self, "db")?.status.availableReplicas == 2)
    }

    @Test("Ordinals may begin anywhere; moving the start makes new pods and condemns old ones")
    func ordinalsStart() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.set(2) { $0.firstOrdinal = 5 })))
        cluster.run(for: .seconds(10))
        #expect(cluster.podHistory == ["+db-5", "+db-6"])
        cluster.execute(.operate(Self.key, .apply(APIObject(Self.set(2) { $0.firstOrdinal = 6 }))))
        cluster.run(for: .seconds(10))
        #expect(cluster.podHistory.dropFirst(2) == ["+db-7", "-db-5", "xdb-5"])
    }

    @Test func keepsAsManyRevisionsAsItShould() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.set(1) { $0.revisionHistoryLimit = 2 })))
        cluster.run(for: .seconds(10))
        for version in 2...6 {
            cluster.execute(.operate(Self.key, .setImage(container: "c", image: "db:\(version)")))
            cluster.run(for: .seconds(20))
        }
        #expect(cluster.all(ControllerRevision.self).map(\.revision).sorted() == [4, 5, 6])
        cluster.execute(.operate(Self.key, .restart))
        cluster.run(for: .seconds(20))
        #expect(cluster.get(Pod.self, "db-0")?.metadata.annotations["kubectl.kubernetes.io/restartedAt"] != nil)
    }

    // MARK: Claims

    private static func withClaims(_ replicas: Int32, _ policy: ClaimRetentionPolicy = ClaimRetentionPolicy()) -> StatefulSet {
        set(replicas) {
            var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: "data"))
            claim.spec.accessModes = [.readWriteOnce]
            claim.spec.requests = [.storage: Quantity(bytes: 1 << 30)]
            $0.volumeClaimTemplates = [claim]
            $0.claimRetention = policy
        }
    }

    @Test("Claims are made before their pods, and outlive them")
    func claimsComeFirst() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.withClaims(2))))
        cluster.run(for: .seconds(10))
        let created = cluster.history.filter { $0.change == .added && [.pod, .persistentVolumeClaim].contains($0.object.kind) }
        #expect(created.map(\.object.metadata.name) == ["data-db-0", "db-0", "data-db-1", "db-1"])
        #expect(
            cluster.messages(about: .statefulSet, "SuccessfulCreate").first
                == "Create Claim data-db-0 Pod db-0 in StatefulSet db success")
        let pod = try #require(cluster.get(Pod.self, "db-0"))
        #expect(pod.spec.value.volumes.map(\.source) == [.persistentVolumeClaim(name: "data-db-0", readOnly: false)])
        #expect(cluster.get(PersistentVolumeClaim.self, "data-db-0")?.metadata.labels == ["app": "db"])
        cluster.execute(.operate(Self.key, .scale(0)))
        cluster.run(for: .seconds(10))
        #expect(cluster.pods.isEmpty && cluster.all(PersistentVolumeClaim.self).count == 2)
        #expect(cluster.all(PersistentVolumeClaim.self).allSatisfy { $0.metadata.ownerReferences.isEmpty })
    }

    @Test("The retention policy decides who owns the claims, and so when they go")
    func retention() {
        var policy = ClaimRetentionPolicy()
        policy.whenScaled = .delete
        policy.whenDeleted = .delete
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.withClaims(3, policy))))
        cluster.run(for: .seconds(20))
        let owners = cluster.all(PersistentVolumeClaim.self).map { $0.metadata.controllerReference?.kind }
        #expect(owners == ["StatefulSet", "StatefulSet", "StatefulSet"])
        cluster.execute(.operate(Self.key, .scale(1)))
        cluster.run(for: .seconds(20))
        #expect(cluster.all(PersistentVolumeClaim.self).map(\.metadata.name) == ["data-db-0"])
        cluster.execute(.delete(Self.key, DeleteOptions()))
        cluster.run(for: .seconds(20))
        #expect(cluster.all(PersistentVolumeClaim.self).isEmpty && cluster.pods.isEmpty)
        #expect(cluster.all(ControllerRevision.self).isEmpty)
    }

    @Test("Claims get their owner while their pod is made, which is not an update of the pod; so do claims that were there before")
    func claimsAreOwnedFromTheStart() throws {
        var policy = ClaimRetentionPolicy()
        policy.whenDeleted = .delete
        var cluster = Self.cluster()
        cluster.readyDelay = { _ in nil }
        cluster.execute(.create(APIObject(Self.withClaims(1, policy))))
        cluster.run(for: .seconds(1))
        #expect(cluster.get(PersistentVolumeClaim.self, "data-db-0")?.metadata.controllerReference?.kind == "StatefulSet")
        #expect(cluster.messages(about: .statefulSet, "SuccessfulUpdate").isEmpty)

        var kept = Self.cluster()
        var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: "data-db-0", labels: ["app": "db"]))
        claim.spec = Self.withClaims(1).spec.volumeClaimTemplates[0].spec
        kept.execute(.create(APIObject(claim)))
        kept.run(for: .seconds(1))
        kept.execute(.create(APIObject(Self.withClaims(1, policy))))
        kept.run(for: .seconds(10))
        let writes = kept.history.filter { $0.object.kind == .persistentVolumeClaim || $0.object.kind == .pod }
        let owned = try #require(writes.firstIndex { $0.object.metadata.controllerReference != nil && $0.object.kind != .pod })
        #expect(writes[..<owned].contains { $0.object.metadata.name == "db-0" })
        #expect(!writes[..<owned].contains { if case .pod(let pod) = $0.object { pod.isReady } else { false } })
        #expect(kept.messages(about: .statefulSet, "SuccessfulUpdate").isEmpty)
    }

    @Test func adoptsAndReleases() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Make.pod("db-0", labels: ["app": "db"]))))
        cluster.execute(.create(APIObject(Make.pod("other", labels: ["app": "db"]))))
        cluster.execute(.create(APIObject(Self.set(1))))
        cluster.run(for: .seconds(20))
        let adopted = try #require(cluster.get(Pod.self, "db-0"))
        #expect(adopted.metadata.controllerReference?.name == "db")
        #expect(cluster.get(Pod.self, "other")?.metadata.ownerReferences.isEmpty ?? false)
    }
}
