// Deployments and their ReplicaSets, driven through the real API server.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct DeploymentTests {
    private static func cluster(nodes: Int = 3) -> TestCluster {
        var cluster = TestCluster()
        for number in 0..<nodes { cluster.addNode("node-\(number)") }
        return cluster
    }

    private static let key = ObjectKey(.deployment, namespace: "default", "web")

    @Test func createsAndCompletes() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Make.deployment(replicas: 10))))
        cluster.run(for: .seconds(30))
        let deployment = try #require(cluster.deployment("web"))
        #expect(cluster.pods.count == 10)
        #expect(cluster.replicaSets.count == 1)
        #expect(deployment.metadata.annotations["deployment.kubernetes.io/revision"] == "1")
        #expect(deployment.status.availableReplicas == 10 && deployment.status.updatedReplicas == 10)
        #expect(deployment.status.terminatingReplicas == 0)
        #expect(deployment.status.conditions[.available]?.reason == "MinimumReplicasAvailable")
        #expect(deployment.status.conditions[.progressing]?.reason == "NewReplicaSetAvailable")
        #expect(deployment.status.observedGeneration == deployment.metadata.generation)
        let set = try #require(cluster.replicaSets.first)
        #expect(set.metadata.name == "web-" + (set.metadata.labels["pod-template-hash"] ?? ""))
        #expect(cluster.events.contains { $0.message == "Scaled up replica set \(set.metadata.name) from 0 to 10" })
        let pod = try #require(cluster.pods.first)
        #expect(pod.metadata.name.hasPrefix(set.metadata.name + "-"))
        #expect(cluster.events.contains { $0.reason == "SuccessfulCreate" && $0.message.hasPrefix("Created pod: web-") })
        // All is quiet: nothing but the progress deadline can be pending, and there is none any more.
        cluster.runUntilQuiet()
        #expect(cluster.isQuiet)
    }

    @Test("A surge that no 32 bits hold wraps around and allows no pods, as by the real controller")
    func wrapsHugeSurges() {
        let strategy = DeploymentStrategy.rollingUpdate(maxSurge: .int(2_147_483_647), maxUnavailable: .int(1))
        let new = ReplicaSetSize(name: "new", created: 2, replicas: 4, available: 4, desiredAnnotation: 4, maximumAnnotation: 5)
        let old = ReplicaSetSize(name: "old", created: 1, replicas: 2, available: 2, desiredAnnotation: 4, maximumAnnotation: 5)
        let sizes = RolloutSizes(replicas: 6, strategy: strategy, statusReplicas: 6, newSet: new, oldSets: [old])
        #expect(sizes.maximum == -2_147_483_643)
        #expect(sizes.newSetSize(current: 0) == 0 && sizes.resizeNew() == nil)
        #expect(sizes.scale().resizes.count == 2)
    }

    @Test(
        "A rolling update never has too many pods nor too few",
        arguments: [(10, 25, 25), (7, 3, 0), (5, 0, 2), (1, 1, 0), (20, 100, 0), (4, 0, 10), (13, 40, 60)], [1, 2, 3])
    func rollingUpdateKeepsItsBounds(_ numbers: (Int, Int, Int), _ seed: UInt64) throws {
        let (replicas, surge, unavailable) = numbers
        let strategy = DeploymentStrategy.rollingUpdate(maxSurge: .percent(surge), maxUnavailable: .percent(unavailable))
        let limits = RolloutSizes.limits(strategy, replicas: Int32(replicas))
        var cluster = Self.cluster()
        cluster.readyDelay = { pod in
            var random = TestGenerator(state: seed &+ UInt64(FNV.hash32a(pod.metadata.name.utf8)))
            return .milliseconds(Int.random(in: 50...4000, using: &random))
        }
        cluster.execute(.create(APIObject(Make.deployment(replicas: Int32(replicas), strategy: strategy))))
        cluster.run(for: .seconds(60))
        #expect(cluster.deployment("web")?.status.availableReplicas == Int32(replicas))
        cluster.check = { cluster in
            let active = cluster.pods.filter(\.isActive)
            #expect(active.count <= replicas + Int(limits.surge))
            #expect(active.count(where: \.isReady) >= replicas - Int(limits.unavailable))
            #expect(cluster.replicaSets.reduce(0) { $0 + $1.spec.replicas } <= Int32(replicas) + limits.surge)
        }
        cluster.execute(.operate(Self.key, .setImage(container: "c", image: "web:2")))
        cluster.run(for: .seconds(300))
        let status = try #require(cluster.deployment("web")).status
        #expect(status.updatedReplicas == Int32(replicas) && status.replicas == Int32(replicas))
        #expect(status.conditions[.progressing]?.reason == "NewReplicaSetAvailable")
        #expect(cluster.pods.allSatisfy { $0.spec.value.containers[0].image == "web:2" })
    }

    @Test("The first steps of a rollout are 3 new, 8 old, 5 new, as recorded")
    func rollsInRecordedSteps() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Make.deployment(replicas: 10))))
        cluster.run(for: .seconds(30))
        cluster.execute(.operate(Self.key, .setImage(container: "c", image: "web:2")))
        cluster.run(for: .milliseconds(900))
        let messages = cluster.events.filter { $0.reason == "ScalingReplicaSet" }.dropFirst().map { event in
            // Without "replica set NAME".
            event.message.split(separator: " ").enumerated().filter { !(2...4).contains($0.offset) }.map(\.element).joined(separator: " ")
        }
        #expect(messages == ["Scaled up from 0 to 3", "Scaled down from 10 to 8", "Scaled up from 3 to 5"])
    }

    @Test func recreateWaitsForTheLastOldPod() {
        var cluster = Self.cluster()
        cluster.stopDelay = .seconds(5)
        cluster.execute(.create(APIObject(Make.deployment(replicas: 4, strategy: .recreate))))
        cluster.run(for: .seconds(20))
        cluster.check = { cluster in
            let images = Set(cluster.pods.map { $0.spec.value.containers[0].image })
            #expect(images.count <= 1)
        }
        cluster.execute(.operate(Self.key, .setImage(container: "c", image: "web:2")))
        cluster.run(for: .seconds(30))
        #expect(cluster.pods.count == 4)
        #expect(cluster.deployment("web")?.status.availableReplicas == 4)
    }

    @Test func rollsBackToTheOldReplicaSetUnderANewNumber() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Make.deployment(replicas: 2))))
        cluster.run(for: .seconds(20))
        let first = try #require(cluster.replicaSets.first).metadata.name
        cluster.execute(.operate(Self.key, .setImage(container: "c", image: "web:2")))
        cluster.run(for: .seconds(60))
        #expect(cluster.replicaSets.count == 2)
        cluster.execute(.operate(Self.key, .rollBack(toRevision: nil)))
        cluster.run(for: .seconds(60))
        #expect(cluster.replicaSets.count == 2)
        let again = try #require(cluster.replicaSets.first { $0.metadata.name == first })
        #expect(again.spec.replicas == 2)
        #expect(again.metadata.annotations["deployment.kubernetes.io/revision"] == "3")
        #expect(again.metadata.annotations["deployment.kubernetes.io/revision-history"] == "1")
        #expect(cluster.deployment("web")?.metadata.annotations["deployment.kubernetes.io/revision"] == "3")
    }

    @Test func keepsOnlySoManyOldReplicaSets() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Make.deployment(replicas: 2) { $0.revisionHistoryLimit = 2 })))
        cluster.run(for: .seconds(20))
        for version in 2...6 {
            cluster.execute(.operate(Self.key, .setImage(container: "c", image: "web:\(version)")))
            cluster.run(for: .seconds(60))
        }
        #expect(cluster.replicaSets.count == 3)
        #expect(
            cluster.replicaSets.map { $0.metadata.annotations["deployment.kubernetes.io/revision"] }.sorted { $0 ?? "" < $1 ?? "" }
                == ["4", "5", "6"])
    }

    @Test func aStuckRolloutExceedsItsDeadline() throws {
        var cluster = Self.cluster()
        cluster.readyDelay = { _ in nil }
        cluster.execute(.create(APIObject(Make.deployment(replicas: 3) { $0.progressDeadlineSeconds = 60 })))
        cluster.runUntilQuiet()
        let time = try #require(
            cluster.time(Deployment.self) { $0.status.conditions[.progressing]?.reason == "ProgressDeadlineExceeded" })
        #expect((60.0...63.0).contains(time.seconds))
        #expect(cluster.deployment("web")?.status.conditions[.progressing]?.status == .false)
    }

    @Test("A look in the last second of the deadline is followed by one just after it, not a second later")
    func theDeadlineIsNoticedAtOnceIfLookedAtShortlyBefore() throws {
        var cluster = Self.cluster()
        cluster.readyDelay = { _ in nil }
        cluster.execute(.create(APIObject(Make.deployment(replicas: 3) { $0.progressDeadlineSeconds = 60 })))
        cluster.run(for: .milliseconds(59_400))
        cluster.execute(.patchMetadata(Self.key, uid: try #require(cluster.deployment("web")).metadata.uid, .labels(["seen": "yes"])))
        cluster.runUntilQuiet()
        let time = try #require(
            cluster.time(Deployment.self) { $0.status.conditions[.progressing]?.reason == "ProgressDeadlineExceeded" })
        #expect((60.0...60.1).contains(time.seconds))
    }

    @Test func aPausedDeploymentScalesButDoesNotRoll() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Make.deployment(replicas: 3))))
        cluster.run(for: .seconds(20))
        cluster.execute(.operate(Self.key, .pause(true)))
        cluster.run(for: .seconds(5))
        #expect(
            cluster.deployment("web")?.status.conditions[.progressing]?.reason == "NewReplicaSetAvailable"
                || cluster.deployment("web")?.status.conditions[.progressing]?.reason == "DeploymentPaused")
        cluster.execute(.operate(Self.key, .setImage(container: "c", image: "web:2")))
        cluster.execute(.operate(Self.key, .scale(5)))
        cluster.run(for: .seconds(20))
        #expect(cluster.replicaSets.count == 1 && cluster.pods.count == 5)
        cluster.execute(.operate(Self.key, .pause(false)))
        cluster.run(for: .seconds(60))
        #expect(cluster.replicaSets.count == 2)
        #expect(cluster.pods.allSatisfy { $0.spec.value.containers[0].image == "web:2" })
    }

    @Test("A ReplicaSet of the wanted name but another template makes the hash change")
    func collisionsAreCounted() {
        var cluster = Self.cluster()
        let deployment = Make.deployment(replicas: 2)
        let name = "web-" + podTemplateHash(deployment.spec.template, collisions: nil)
        var other = Make.replicaSet(name, replicas: 0)
        other.metadata.labels = [:]
        cluster.execute(.create(APIObject(other)))
        cluster.execute(.create(APIObject(deployment)))
        cluster.run(for: .seconds(30))
        #expect(cluster.deployment("web")?.status.collisionCount == 1)
        #expect(cluster.deployment("web")?.status.availableReplicas == 2)
    }

    @Test("The hash of a template is the same everywhere, and another for another template")
    func hashesTemplates() {
        let template = Make.template()
        #expect(podTemplateHash(template, collisions: nil) == podTemplateHash(Make.template(), collisions: nil))
        var changed = template
        changed.spec = Shared(template.spec.value)
        #expect(podTemplateHash(changed, collisions: nil) == podTemplateHash(template, collisions: nil))
        var spec = template.spec.value
        spec.terminationGracePeriodSeconds = 31
        changed.spec = Shared(spec)
        #expect(podTemplateHash(changed, collisions: nil) != podTemplateHash(template, collisions: nil))
        #expect(podTemplateHash(template, collisions: 1) != podTemplateHash(template, collisions: nil))
    }

    // MARK: ReplicaSets

    @Test("However late the cache, no pod is created twice", arguments: [2, 50, 500, 3000])
    func expectationsPreventDoubleCreation(_ milliseconds: Int) {
        var cluster = Self.cluster()
        cluster.watchLatency = .milliseconds(milliseconds)
        cluster.execute(.create(APIObject(Make.replicaSet(replicas: 25))))
        cluster.run(for: .seconds(60))
        #expect(cluster.history.count { $0.change == .added && $0.object.kind == .pod } == 25)
        cluster.execute(.operate(ObjectKey(.replicaSet, namespace: "default", "rs"), .scale(5)))
        cluster.run(for: .seconds(60))
        #expect(cluster.pods.count == 5)
        #expect(cluster.replicaSets.first?.status.availableReplicas == 5)
    }

    @Test func replacesAPodAsSoonAsItIsTerminating() {
        var cluster = Self.cluster()
        cluster.stopDelay = .seconds(20)
        cluster.execute(.create(APIObject(Make.replicaSet(replicas: 3))))
        cluster.run(for: .seconds(10))
        let victim = cluster.pods[0]
        cluster.execute(.delete(ObjectKey(.pod, victim.metadata.key), DeleteOptions()))
        cluster.run(for: .milliseconds(50))
        #expect(cluster.pods.count == 4)
        #expect(cluster.replicaSets[0].status.terminatingReplicas == 1)
    }

    @Test func adoptsAndReleases() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Make.pod("orphan", labels: ["app": "rs"]))))
        cluster.execute(.create(APIObject(Make.replicaSet(replicas: 2))))
        cluster.run(for: .seconds(10))
        #expect(cluster.pods.count == 2)
        let orphan = try #require(cluster.pods.first { $0.metadata.name == "orphan" })
        #expect(orphan.metadata.controllerReference?.name == "rs")
        cluster.execute(
            .patchMetadata(ObjectKey(.pod, orphan.metadata.key), uid: orphan.metadata.uid, .labels(["app": "debug"])))
        cluster.run(for: .seconds(10))
        #expect(cluster.pods.count == 3)
        #expect(cluster.pods.first { $0.metadata.name == "orphan" }?.metadata.controllerReference == nil)
    }

    @Test func countsPodsAvailableAfterMinReadySeconds() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Make.replicaSet(replicas: 2, minReadySeconds: 30))))
        cluster.runUntilQuiet()
        let ready = try #require(cluster.time(ReplicaSet.self) { $0.status.readyReplicas == 2 })
        let available = try #require(cluster.time(ReplicaSet.self) { $0.status.availableReplicas == 2 })
        #expect((29.9...30.5).contains((available - ready).seconds))
    }
}
