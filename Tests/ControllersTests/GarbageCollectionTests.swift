// Garbage collection of random owner graphs against a naive model, and the three ways to delete an owner.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite struct GarbageCollectionTests {
    private static func reference(to object: APIObject, controller: Bool = false) -> OwnerReference {
        OwnerReference(
            apiVersion: "v1", kind: object.kindName, name: object.metadata.name, uid: object.metadata.uid, controller: controller,
            blockOwnerDeletion: true)
    }

    @Test("What is left is what a fixed point of 'some owner lives' leaves", arguments: Array(1...25) as [UInt64])
    func agreesWithANaiveModel(_ seed: UInt64) {
        var random = TestGenerator(state: seed)
        var cluster = TestCluster()
        var owners: [[Int]] = []
        var keys: [(ObjectKey, UID)] = []
        for number in 0..<40 {
            var references: [OwnerReference] = []
            var mine: [Int] = []
            for candidate in 0..<number where Int.random(in: 0..<12, using: &random) == 0 {
                guard let object = cluster.server.objects[keys[candidate].0] else { continue }
                references.append(Self.reference(to: object, controller: references.isEmpty && Bool.random(using: &random)))
                mine.append(candidate)
            }
            var metadata = ObjectMeta(name: "o\(number)", namespace: "default")
            metadata.ownerReferences = references
            let object = APIObject(Unstructured(apiVersion: "v1", kindName: "Thing", metadata: metadata))
            guard case .success(let stored?) = cluster.execute(.create(object)) else { continue }
            keys.append((stored.key, stored.metadata.uid))
            owners.append(mine)
        }
        cluster.run(for: .seconds(1))
        var isGone = Array(repeating: false, count: keys.count)
        for number in keys.indices where Int.random(in: 0..<4, using: &random) == 0 {
            cluster.execute(.delete(keys[number].0, DeleteOptions()))
            isGone[number] = true
        }
        for number in keys.indices where !owners[number].isEmpty && owners[number].allSatisfy({ isGone[$0] }) { isGone[number] = true }
        cluster.runUntilQuiet()
        for number in keys.indices {
            #expect((cluster.server.objects[keys[number].0] == nil) == isGone[number], "o\(number)")
            let left = cluster.server.objects[keys[number].0]?.metadata.ownerReferences.map(\.uid) ?? []
            #expect(left.allSatisfy { uid in keys.indices.contains { keys[$0].1 == uid && !isGone[$0] } })
        }
    }

    private static func deployed() -> TestCluster {
        var cluster = TestCluster()
        for number in 0..<3 { cluster.addNode("node-\(number)") }
        cluster.execute(.create(APIObject(Make.deployment(replicas: 3))))
        cluster.run(for: .seconds(20))
        return cluster
    }

    private static let key = ObjectKey(.deployment, namespace: "default", "web")

    @Test func backgroundDeletionTakesOwnersFirst() throws {
        var cluster = Self.deployed()
        cluster.execute(.delete(Self.key, DeleteOptions()))
        #expect(cluster.deployment("web") == nil)
        cluster.runUntilQuiet()
        #expect(cluster.replicaSets.isEmpty && cluster.pods.isEmpty)
    }

    @Test func foregroundDeletionTakesDependentsFirst() {
        var cluster = Self.deployed()
        cluster.execute(.delete(Self.key, DeleteOptions(propagation: .foreground)))
        #expect(cluster.deployment("web")?.metadata.isTerminating == true)
        cluster.check = { cluster in
            if !cluster.pods.isEmpty { #expect(!cluster.replicaSets.isEmpty && cluster.deployment("web") != nil) }
            if !cluster.replicaSets.isEmpty { #expect(cluster.deployment("web") != nil) }
        }
        cluster.runUntilQuiet()
        #expect(cluster.deployment("web") == nil && cluster.replicaSets.isEmpty && cluster.pods.isEmpty)
    }

    @Test func orphaningLeavesDependents() {
        var cluster = Self.deployed()
        cluster.execute(.delete(Self.key, DeleteOptions(propagation: .orphan)))
        cluster.runUntilQuiet()
        #expect(cluster.deployment("web") == nil)
        #expect(cluster.replicaSets.count == 1 && cluster.pods.count == 3)
        #expect(cluster.replicaSets.first?.metadata.ownerReferences.isEmpty == true)
    }

    @Test func objectsOfUnknownOwnersAreLeftAlone() {
        var cluster = TestCluster()
        let reference = OwnerReference(apiVersion: "v1", kind: "ReplicaSet", name: "elsewhere", uid: UID("unseen"), controller: true)
        cluster.execute(.create(APIObject(Make.pod("p", owners: [reference]))))
        cluster.runUntilQuiet()
        #expect(cluster.pods.count == 1)
    }

    @Test func anObjectMadeForAnOwnerThatNeverWasIsDeleted() {
        var cluster = TestCluster()
        cluster.run(for: .seconds(1))
        for (name, kind, version) in [
            ("absent", "ReplicaSet", "apps/v1"), ("plain", "ConfigMap", "v1"), ("custom", "Widget", "example.com/v1"),
            ("old", "ReplicaSet", "extensions/v1beta1"),
        ] {
            let reference = OwnerReference(apiVersion: version, kind: kind, name: "never", uid: UID("unseen"), controller: true)
            cluster.execute(.create(APIObject(Make.pod(name, owners: [reference]))))
        }
        cluster.runUntilQuiet()
        // Nobody can tell whether owners of kinds that are not served exist.
        #expect(cluster.pods.map(\.metadata.name).sorted() == ["custom", "old"])
    }

    @Test func anOwnerOfAnotherNamespaceIsNoOwner() throws {
        var cluster = TestCluster()
        let owner = ConfigMap(metadata: ObjectMeta(name: "owner", namespace: "elsewhere"))
        cluster.execute(.create(APIObject(Namespace(metadata: ObjectMeta(name: "elsewhere")))))
        cluster.execute(.create(APIObject(owner)))
        cluster.run(for: .seconds(1))
        let stored = try #require(cluster.server.objects[ObjectKey(.configMap, namespace: "elsewhere", "owner")])
        cluster.execute(.create(APIObject(Make.pod("p", owners: [Self.reference(to: stored)]))))
        cluster.runUntilQuiet()
        #expect(cluster.pods.isEmpty)
        let report = try #require(cluster.events.first { $0.reason == "OwnerRefInvalidNamespace" })
        #expect(
            report.message
                == "ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: \(stored.metadata.uid)] "
                + "does not exist in namespace \"default\"")
    }

    @Test func ownersInACircleGoTogether() throws {
        var cluster = TestCluster()
        func thing(_ name: String) -> ObjectKey { ObjectKey(.unstructured, namespace: "default", "Thing/" + name) }
        for name in ["a", "b"] {
            let metadata = ObjectMeta(name: name, namespace: "default")
            cluster.execute(.create(APIObject(Unstructured(apiVersion: "v1", kindName: "Thing", metadata: metadata))))
        }
        for (name, owner) in [("a", "b"), ("b", "a")] {
            let (dependent, owner) = (try #require(cluster.server.objects[thing(name)]), try #require(cluster.server.objects[thing(owner)]))
            cluster.execute(
                .patchMetadata(thing(name), uid: dependent.metadata.uid, .ownerReferences([Self.reference(to: owner)])))
        }
        cluster.run(for: .seconds(1))
        cluster.execute(.delete(thing("a"), DeleteOptions(propagation: .foreground)))
        cluster.runUntilQuiet()
        #expect(cluster.server.objects[thing("a")] == nil && cluster.server.objects[thing("b")] == nil)
    }
}
