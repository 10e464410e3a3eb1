// Deletion: grace periods, finalizers, propagation, namespaces. Times are those of the recorded `pod-graceful-deletion`.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import APIServer

@Suite("Deletion")
struct DeletionTests {
    var api = APIServer(seed: 1)

    private mutating func create(_ pod: Pod) throws {
        try api.done(.create(APIObject(pod)))
        _ = api.changes()
    }

    @Test mutating func `a bound pod is marked and left to its kubelet`() throws {
        try create(pod("a", node: "n1"))
        try api.done(.delete(podKey("a"), DeleteOptions()), at: seconds(3.4))
        let marked = try api.storedPod("a").metadata
        #expect(marked.deletionTimestamp == seconds(33))
        #expect(marked.deletionGracePeriodSeconds == 30)
        #expect(marked.generation == 2)
        #expect(api.changes() == ["MODIFIED a"])
        // Asking again without a grace period of its own changes nothing.
        try api.done(.delete(podKey("a"), DeleteOptions()), at: seconds(9))
        try api.done(.delete(podKey("a"), DeleteOptions(gracePeriodSeconds: 60)), at: seconds(9))
        #expect(api.changes().isEmpty)
        // The kubelet is done.
        let done = try api.done(.delete(podKey("a"), DeleteOptions(gracePeriodSeconds: 0, uid: marked.uid)), at: seconds(10.9))
        #expect(done == nil)
        #expect(api.changes() == ["MODIFIED a", "DELETED a"])
        #expect(api.objects[podKey("a")] == nil)
    }

    @Test mutating func `a shorter grace period counts from the first request, and never ends in the past`() throws {
        try create(pod("a", node: "n1"))
        try api.done(.delete(podKey("a"), DeleteOptions()), at: seconds(3.4))
        try api.done(.delete(podKey("a"), DeleteOptions(gracePeriodSeconds: 3)), at: seconds(5.4))
        var metadata = try api.storedPod("a").metadata
        #expect(metadata.deletionTimestamp == seconds(6))
        #expect(metadata.deletionGracePeriodSeconds == 3)
        try api.done(.delete(podKey("a"), DeleteOptions(gracePeriodSeconds: 1)), at: seconds(5.9))
        metadata = try api.storedPod("a").metadata
        #expect(metadata.deletionTimestamp == seconds(5))
        #expect(metadata.generation == 2)
    }

    @Test(arguments: ["unbound", "succeeded", "failed", "forced"])
    mutating func `pods without anything to stop go at once`(_ state: String) throws {
        try create(pod("a", node: state == "unbound" ? nil : "n1"))
        let stored = try api.storedPod("a")
        if state == "succeeded" || state == "failed" {
            let phase: PodPhase = state == "succeeded" ? .succeeded : .failed
            try api.done(
                .patchPod(stored.metadata.key, uid: stored.metadata.uid, .phase(phase, reason: "", message: "", condition: nil)))
        }
        _ = api.changes()
        let options = DeleteOptions(gracePeriodSeconds: state == "forced" ? 0 : nil)
        #expect(try api.done(.delete(podKey("a"), options)) == nil)
        #expect(api.changes() == ["MODIFIED a", "DELETED a"])
    }

    @Test mutating func `finalizers keep an object until the last one goes`() throws {
        try create(pod("a", node: "n1", finalizers: ["example.com/f"]))
        let uid = try api.storedPod("a").metadata.uid
        try api.done(.delete(podKey("a"), DeleteOptions()), at: seconds(3))
        try api.done(.delete(podKey("a"), DeleteOptions(gracePeriodSeconds: 0)), at: seconds(4))
        #expect(try api.storedPod("a").metadata.deletionGracePeriodSeconds == 0)
        #expect(api.changes() == ["MODIFIED a", "MODIFIED a"])
        #expect(try api.done(.patchMetadata(podKey("a"), uid: uid, .removeFinalizer("example.com/f"))) == nil)
        #expect(api.changes() == ["DELETED a"])
    }

    @Test(arguments: [
        (DeleteOptions.Propagation.foreground, Finalizers.foregroundDeletion), (.orphan, Finalizers.orphan),
    ])
    mutating func `propagation leaves its work to the garbage collector`(
        _ propagation: DeleteOptions.Propagation, finalizer: String
    ) throws {
        try api.done(.create(APIObject(deployment("web"))))
        try api.done(.delete(deploymentKey("web"), DeleteOptions(propagation: propagation)), at: seconds(2.5))
        let marked = try api.storedDeployment("web").metadata
        #expect(marked.finalizers == [finalizer])
        #expect(marked.deletionTimestamp == seconds(2))
        #expect(marked.generation == 2)
        // The other propagation takes its place.
        let other: DeleteOptions.Propagation = propagation == .orphan ? .foreground : .orphan
        try api.done(.delete(deploymentKey("web"), DeleteOptions(propagation: other)))
        #expect(try api.storedDeployment("web").metadata.finalizers.count == 1)
        let now = try api.storedDeployment("web").metadata
        try api.done(.patchMetadata(deploymentKey("web"), uid: now.uid, .removeFinalizer(now.finalizers[0])))
        #expect(api.objects[deploymentKey("web")] == nil)
    }

    @Test mutating func `an explicit background deletion withdraws what was asked for earlier`() throws {
        try api.done(.create(APIObject(deployment("web"))))
        try api.done(.delete(deploymentKey("web"), DeleteOptions(propagation: .foreground)), at: seconds(2))
        try api.done(.delete(deploymentKey("web"), DeleteOptions()), at: seconds(3))
        #expect(try api.storedDeployment("web").metadata.finalizers == [Finalizers.foregroundDeletion])
        try api.done(.delete(deploymentKey("web"), DeleteOptions(propagation: .background)), at: seconds(4))
        #expect(api.objects[deploymentKey("web")] == nil)
    }

    @Test(arguments: [Kind.job, .replicationController, .cronJob])
    mutating func `kinds older than garbage collection orphan their dependents by default`(_ kind: Kind) throws {
        let metadata = ObjectMeta(name: "a", namespace: "default")
        let template = PodTemplate(labels: ["app": "a"], spec: Shared(PodSpec(containers: [Container(name: "c")])))
        let key = ObjectKey(kind, metadata.key)
        switch kind {
        case .job: try api.done(.create(APIObject(Job(metadata: metadata, spec: JobSpec(template: template)))))
        case .cronJob:
            let spec = CronJobSpec(schedule: "* * * * *", jobTemplate: JobTemplate(spec: JobSpec(template: template)))
            try api.done(.create(APIObject(CronJob(metadata: metadata, spec: spec))))
        default: try api.done(.create(APIObject(ReplicationController(metadata: metadata, replicas: 0, selector: ["app": "a"], template: template))))
        }
        try api.done(.delete(key, DeleteOptions()), at: seconds(1))
        #expect(api.objects[key]?.metadata.finalizers == (kind == .cronJob ? nil : [Finalizers.orphan]))
    }

    @Test mutating func `a UID precondition protects the next object of the name`() throws {
        try create(pod("a"))
        let old = try api.storedPod("a").metadata.uid
        try api.done(.delete(podKey("a"), DeleteOptions(uid: old)))
        try api.done(.create(APIObject(pod("a"))))
        #expect(throws: APIError.self) { try api.done(.delete(podKey("a"), DeleteOptions(uid: old))) }
        #expect(throws: APIError.notFound(podKey("b"))) { try api.done(.delete(podKey("b"), DeleteOptions())) }
    }

    @Test mutating func `a namespace terminates until its finalizer is taken away`() throws {
        let key = ObjectKey(.namespace, "shop")
        try api.done(.create(APIObject(Namespace(metadata: ObjectMeta(name: "shop")))))
        try api.done(.delete(key, DeleteOptions()))
        let marked = try #require(api.objects[key])
        #expect(marked.metadata.isTerminating)
        try api.done(.patchMetadata(key, uid: marked.metadata.uid, .removeFinalizer(Finalizers.kubernetes)))
        #expect(api.objects[key] == nil)
        try api.done(.create(APIObject(Namespace(metadata: ObjectMeta(name: "default")))))
        #expect(throws: APIError.self) { try api.done(.delete(ObjectKey(.namespace, "default"), DeleteOptions())) }
    }
}
