// Creating, updating, patching: versions, conflicts, generations.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import APIServer

@Suite("Writes")
struct WriteTests {
    var api = APIServer(seed: 1)

    @Test mutating func `a created object gets identity, version, generation and a cleared status`() throws {
        var wanted = pod("a")
        wanted.status.phase = .running
        wanted.metadata.deletionTimestamp = .zero
        try api.done(.create(APIObject(wanted)), at: seconds(1.7))
        let stored = try api.storedPod("a")
        #expect(stored.metadata.resourceVersion == 1)
        #expect(stored.metadata.generation == 1)
        #expect(stored.metadata.creationTimestamp == seconds(1))
        #expect(!stored.metadata.uid.text.isEmpty)
        #expect(!stored.metadata.isTerminating)
        #expect(stored.status.phase == .pending)
        #expect(stored.status.qosClass == .bestEffort)
    }

    @Test mutating func `a claim without a class gets the youngest default one, a volume begins as pending`() throws {
        for (name, isDefault, time) in [("old", true, 1.0), ("new", true, 2.0), ("other", false, 3.0)] {
            var storageClass = StorageClass(metadata: ObjectMeta(name: name), provisioner: "disk.example.com")
            if isDefault { storageClass.metadata.annotations[VolumeAnnotation.isDefaultClass] = "true" }
            try api.done(.create(APIObject(storageClass)), at: seconds(time))
        }
        var wanted = PersistentVolumeClaim(metadata: ObjectMeta(name: "data", namespace: "default"), phase: .bound)
        wanted.spec.accessModes = [.readWriteOnce]
        wanted.spec.requests = [.storage: Quantity(bytes: 1 << 30)]
        try api.done(.create(APIObject(wanted)))
        wanted.metadata.name = "classless"
        wanted.spec.storageClassName = ""
        try api.done(.create(APIObject(wanted)))
        func claim(_ name: String) -> PersistentVolumeClaim? {
            api.objects.get(PersistentVolumeClaim.self, NamespacedName(namespace: "default", name: name))?.value
        }
        #expect(claim("data")?.className == "new" && claim("data")?.phase == .pending)
        #expect(claim("classless")?.spec.storageClassName == "")
        var made = PersistentVolume(metadata: ObjectMeta(name: "pv"))
        made.spec.accessModes = [.readWriteOnce]
        made.spec.capacity = [.storage: Quantity(bytes: 1 << 30)]
        try api.done(.create(APIObject(made)))
        let name = NamespacedName(namespace: "", name: "pv")
        var volume = try #require(api.objects.get(PersistentVolume.self, name)).value
        #expect(volume.phase == .pending)
        // The status is written by itself.
        volume.phase = .bound
        try api.done(.update(APIObject(volume)))
        #expect(api.objects.get(PersistentVolume.self, name)?.value.phase == .pending)
        try api.done(.updateStatus(APIObject(volume)))
        #expect(api.objects.get(PersistentVolume.self, name)?.value.phase == .bound)
    }

    @Test mutating func `names are drawn per prefix and redrawn when taken`() throws {
        var wanted = pod("")
        wanted.metadata.generateName = "web-"
        let first = try #require(try api.done(.create(APIObject(wanted)))).metadata.name
        let second = try #require(try api.done(.create(APIObject(wanted)))).metadata.name
        #expect(first != second)
        #expect(first.hasPrefix("web-") && first.utf8.count == 9)
        // A server in which the first name is taken goes on to the next.
        var other = APIServer(seed: 1)
        try other.done(.create(APIObject(pod(first))))
        #expect(try other.done(.create(APIObject(wanted)))?.metadata.name == second)
        wanted.metadata.generateName = ""
        guard case .failure(.invalid) = api.execute(.create(APIObject(wanted)), at: .zero) else {
            Issue.record("an object without any name was accepted")
            return
        }
    }

    @Test mutating func `an update needs the stored version, or none`() throws {
        try api.done(.create(APIObject(deployment("web"))))
        let stale = try api.storedDeployment("web")
        var fresh = stale
        fresh.spec.replicas = 5
        try api.done(.update(APIObject(fresh)))
        let answer = api.execute(.update(APIObject(stale)), at: .zero)
        #expect(throws: APIError.conflict(deploymentKey("web"))) { try answer.get() }
        fresh.metadata.resourceVersion = 0
        fresh.spec.replicas = 6
        try api.done(.update(APIObject(fresh)))
        #expect(try api.storedDeployment("web").spec.replicas == 6)
        fresh.metadata.uid = UID("other")
        #expect(throws: APIError.self) { try api.done(.update(APIObject(fresh))) }
    }

    @Test mutating func `a write that changes nothing makes no version and no event`() throws {
        try api.done(.create(APIObject(deployment("web"))))
        let stored = try api.storedDeployment("web")
        _ = api.changes()
        try api.done(.update(APIObject(stored)))
        try api.done(.updateStatus(APIObject(stored)))
        try api.done(.operate(deploymentKey("web"), .scale(3)))
        try api.done(.operate(deploymentKey("web"), .apply(APIObject(deployment("web")))))
        #expect(api.changes().isEmpty)
        #expect(api.resourceVersion == 1)
    }

    @Test mutating func `main and status are written apart, and only the spec counts generations`() throws {
        try api.done(.create(APIObject(deployment("web"))))
        var both = try api.storedDeployment("web")
        both.spec.replicas = 9
        both.status.readyReplicas = 2
        both.metadata.annotations["deployment.kubernetes.io/revision"] = "1"
        try api.done(.updateStatus(APIObject(both)))
        var stored = try api.storedDeployment("web")
        #expect(stored.spec.replicas == 3)
        #expect(stored.status.readyReplicas == 2)
        #expect(stored.metadata.annotations["deployment.kubernetes.io/revision"] == "1")
        #expect(stored.metadata.generation == 1)
        both.metadata.resourceVersion = 0
        both.status.readyReplicas = 7
        try api.done(.update(APIObject(both)))
        stored = try api.storedDeployment("web")
        #expect(stored.spec.replicas == 9)
        #expect(stored.status.readyReplicas == 2)
        #expect(stored.metadata.generation == 2)
    }

    @Test mutating func `a pod is bound once, and not when it is being deleted or gated`() throws {
        try api.done(.create(APIObject(pod("a"))))
        let uid = try api.storedPod("a").metadata.uid
        let name = NamespacedName(namespace: "default", name: "a")
        try api.done(.bind(name, uid: uid, node: "n1"), at: seconds(3.2))
        let bound = try api.storedPod("a")
        #expect(bound.nodeName == "n1")
        #expect(bound.status.conditions[.podScheduled]?.status == .true)
        #expect(bound.status.conditions[.podScheduled]?.lastTransitionTime == seconds(3))
        #expect(bound.metadata.generation == 1)
        guard case .failure(let error) = api.execute(.bind(name, uid: uid, node: "n2"), at: .zero) else {
            Issue.record("bound twice")
            return
        }
        #expect(error.isConflict)
        #expect(error.description.contains("pod a is already assigned to node \"n1\""))
        #expect(throws: APIError.self) { try api.done(.bind(name, uid: UID("gone"), node: "n1")) }
    }

    @Test mutating func `the kubelet's status leaves the conditions of others in place`() throws {
        try api.done(.create(APIObject(pod("a", node: "n1"))))
        let uid = try api.storedPod("a").metadata.uid
        let name = NamespacedName(namespace: "default", name: "a")
        try api.done(.patchPod(name, uid: uid, .conditions([Condition(.disruptionTarget, .true)])))
        var status = PodStatus(phase: .running)
        status.conditions = [Condition(.ready, .true)]
        try api.done(.patchPod(name, uid: uid, .kubeletStatus(Shared(status))))
        let stored = try api.storedPod("a").status
        #expect(stored.conditions.map(\.type) == [.disruptionTarget, .ready])
        #expect(stored.qosClass == .bestEffort)
        // What ended stays so.
        try api.done(.patchPod(name, uid: uid, .phase(.failed, reason: "Evicted", message: "", condition: nil)))
        try api.done(.patchPod(name, uid: uid, .kubeletStatus(Shared(status))))
        #expect(try api.storedPod("a").status.phase == .failed)
        #expect(try api.storedPod("a").status.reason == "Evicted")
    }

    @Test mutating func `nothing is created in a namespace that is missing or terminating`() throws {
        let wanted = APIObject(pod("a", namespace: "shop"))
        #expect(throws: APIError.notFound(ObjectKey(.namespace, "shop"))) { try api.done(.create(wanted)) }
        try api.done(.create(APIObject(Namespace(metadata: ObjectMeta(name: "shop")))))
        try api.done(.create(wanted))
        try api.done(.delete(ObjectKey(.namespace, "shop"), DeleteOptions()))
        guard case .failure(.forbidden(_, let why)) = api.execute(.create(APIObject(pod("b", namespace: "shop"))), at: .zero) else {
            Issue.record("created in a terminating namespace")
            return
        }
        #expect(why == "unable to create new content in namespace shop because it is being terminated")
    }
}
