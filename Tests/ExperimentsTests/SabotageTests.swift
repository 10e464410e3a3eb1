// Bugs planted in the way to the API server, one for each thing that the invariants watch and storms cannot be trusted to break by
// themselves: each is noticed, as what it is.

import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import APIServer
@testable import ClusterSimulation
@testable import Experiments

@Suite("What breaks an invariant is noticed")
struct SabotageTests {
    private static let manifests = """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: db}
        spec:
          replicas: 3
          serviceName: db
          selector: {matchLabels: {app: db}}
          volumeClaimTemplates:
            - metadata: {name: data}
              spec: {accessModes: [ReadWriteOnce], storageClassName: disk, resources: {requests: {storage: 1Gi}}}
          template:
            metadata: {labels: {app: db}}
            spec: {containers: [{name: db, image: "db:1", resources: {requests: {cpu: 100m}}}]}
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: log}
        spec:
          serviceName: log
          selector: {matchLabels: {app: log}}
          template:
            metadata: {labels: {app: log}}
            spec:
              affinity:
                nodeAffinity:
                  preferredDuringSchedulingIgnoredDuringExecution:
                    - weight: 100
                      preference: {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-0]}]}
              containers: [{name: log, image: "log:1", resources: {requests: {cpu: 100m}}}]
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 1
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: web, image: "web:1", resources: {requests: {cpu: 100m}}}]}
        ---
        {apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: disk}, provisioner: disk.csi.example.com}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}, ports: [{port: 80}]}}
        ---
        {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: db}, spec: {minAvailable: 1, selector: {matchLabels: {app: db}}}}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: db}
        spec: {defaultBackend: {service: {name: db, port: {number: 80}}}}
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: open}
        spec: {podSelector: {}, ingress: [{}]}
        ---
        {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: b}}
        ---
        {apiVersion: v1, kind: Secret, metadata: {name: password}, stringData: {a: b}}
        ---
        {apiVersion: v1, kind: ResourceQuota, metadata: {name: quota}, spec: {hard: {pods: 6, requests.cpu: 1}}}
        """

    /// The first broken invariant of a small cluster with a bug.
    private func violation(
        _ timeline: String, traffic: String = "", faults: String = "", with changes: [String: String] = [:], _ bug: (any Saboteur)?
    ) throws -> InvariantViolation? {
        let text = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: sabotage}
            spec:
              duration: 45m
              cluster:
                nodePools: [{name: node, count: 3, zones: [a], resources: {cpu: 4, memory: 8Gi, pods: 30}}]
                objects: [objects.yaml]
              faults: [{at: 1m, node: node-0, effect: partition, down: 5m}\(faults)]
              timeline: [\(timeline)]
              \(traffic)
              expect: [{invariants: converge}]
            """
        let manifests = changes.reduce(Self.manifests) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
        var scenario = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", text), ("objects.yaml", manifests)])
        scenario.configuration.saboteur = bug
        return try scenario.run().record.violation
    }

    private static let timeline =
        "{at: 150s, delete: pod/default/log-0}, {at: 4m, maintain: {node: node-1, reboot: 10s}}, {at: 8m, scale: {deployment: default/web, replicas: 9}}"

    @Test("Without a bug nothing is broken")
    func sound() throws { #expect(try violation(Self.timeline, nil) == nil) }

    @Test("A claim whose last write fails is bound at the next resync: nothing is broken in the end")
    func bindingFails() throws { #expect(try violation("", ClaimStatusLost()) == nil) }

    @Test(
        "A watcher that sees nothing of a kind is found out, whatever it is",
        arguments: [
            (Watcher.scheduler, Kind.pod), (.scheduler, .service), (.scheduler, .podDisruptionBudget), (.scheduler, .storageClass),
            (.scheduler, .statefulSet), (.scheduler, .persistentVolume), (.scheduler, .persistentVolumeClaim),
            (.scheduler, .volumeAttachment), (.kubelets, .persistentVolume), (.kubelets, .persistentVolumeClaim), (.kubelets, .node),
            (.kubelets, .configMap), (.kubelets, .secret), (.controllerManager, .resourceQuota),
        ])
    func blind(watcher: Watcher, kind: Kind) throws {
        let violation = try #require(try violation("", Blindness(watcher: watcher, kind: kind)))
        #expect(violation.invariant == .cachesCurrent && violation.object?.kind == kind, "\(violation)")
    }

    private static let requests = "traffic: {sources: [{name: users, service: default/db, poisson: {rate: 1}}]}"

    @Test("Without a bug kube-proxies know all they should, through a partition and maintenance")
    func soundNetwork() throws { #expect(try violation(Self.timeline, traffic: Self.requests, nil) == nil) }

    @Test(
        "A network that does not hear of a kind goes by what is not there, and is found out",
        arguments: [Kind.service, .endpointSlice, .ingress, .networkPolicy])
    func blindNetwork(kind: Kind) throws {
        let violation = try #require(try violation(Self.timeline, traffic: Self.requests, NetworkBlindness(kind: kind)))
        #expect(violation.invariant == .cachesCurrent && violation.object?.kind == kind, "\(violation)")
        #expect(violation.detail.contains("kube-proxies"))
    }

    @Test("An endpoint that went and that the network did not hear of is found out")
    func endpointStays() throws {
        let bug = NetworkBlindness(kind: .endpointSlice, onlyLater: true)
        let violation = try #require(try violation(Self.timeline, traffic: Self.requests, bug))
        #expect(violation.invariant == .cachesCurrent && violation.object?.kind == .endpointSlice, "\(violation)")
    }

    @Test("A pod that is taken away while it runs, declared over before, gives its name to another one")
    func identityTwice() throws {
        let violation = try #require(try violation(Self.timeline, DeletedAtOnce()))
        #expect(violation.invariant == .identityOnce && violation.object?.name.name == "log-0", "\(violation)")
    }

    @Test("A quota that forgets what it let in lets in too much, whatever it says of itself")
    func quotaForgets() throws {
        let violation = try #require(try violation(Self.timeline, QuotaForgotten()))
        #expect(violation.invariant == .quotaRespected && violation.detail.contains("what was let in comes to 7 of 6 pods"), "\(violation)")
    }

    @Test("A node that is left cordoned after its maintenance is found in the end")
    func cordonStays() throws {
        let violation = try #require(try violation(Self.timeline, UncordonIgnored()))
        #expect(violation.invariant == .nodesRecover && violation.object?.name.name == "node-1", "\(violation)")
        #expect(violation.detail.contains("maintenance"))
    }

    @Test("A workload that stays short in the end is found, though its containers were restarted once")
    func staysShort() throws {
        // All containers are started again after the machine's crash, and one pod is never called ready after that.
        let crash = ", {at: 9m, nodes: all, down: 30s}"
        #expect(try violation("", faults: crash, nil) == nil)
        let violation = try #require(try violation("", faults: crash, ReadinessLost(pod: "web-", from: .minutes(9))))
        #expect(violation.invariant == .workloadsWhole && violation.detail.contains("nothing is in the way"), "\(violation)")
        #expect(violation.object?.kind == .replicaSet)
    }

    @Test("A workload that lacks two pods is found, though something is in the way of one of them")
    func oneIsHindered() throws {
        // Of four pods that want the same port of their node, three nodes take three.
        let changes = ["pods: 6": "pods: 9", "name: web, image": "name: web, ports: [{containerPort: 80, hostPort: 80}], image"]
        let scale = "{at: 8m, scale: {deployment: default/web, replicas: 4}}"
        #expect(try violation(scale, with: changes, nil) == nil)
        let violation = try #require(try violation(scale, with: changes, ReadinessLost(pod: "web-", from: .minutes(8))))
        #expect(violation.invariant == .workloadsWhole && violation.object?.kind == .replicaSet, "\(violation)")
        #expect(violation.detail.contains("wants 4 pods, 2 are available, and something is in the way of only 1"), "\(violation)")
    }

    @Test("A quota excuses only what it refuses: pods that nobody makes although there is room are found")
    func quotaHasRoom() throws {
        let scale = "{at: 8m, scale: {deployment: default/web, replicas: 9}}"
        let violation = try #require(try violation(scale, with: ["pods: 6": "pods: 30"], CreationsLost()))
        #expect(violation.invariant == .workloadsWhole && violation.detail.contains("wants 9 pods, 1 are available"), "\(violation)")
    }

    @Test("A budget whose status promises too much is found when pods go beyond it, and when it stays wrong")
    func budgetMiscounted() throws {
        let strict = ["minAvailable: 1": "minAvailable: 3"]
        let drains = "{at: 8m, drain: {node: node-0, timeout: 1m}}, {at: 8m, drain: {node: node-1, timeout: 1m}}"
        let evicted = try #require(try violation(drains, with: strict, BudgetMiscounted()))
        #expect(evicted.invariant == .budgetRespected, "\(evicted)")
        #expect(evicted.detail.contains("needs 3 healthy pods, and of its pods 3 are"), "\(evicted)")
        let kept = try #require(try violation("", with: strict, BudgetMiscounted()))
        #expect(kept.invariant == .statusTrue && kept.object?.kind == .podDisruptionBudget, "\(kept)")
        #expect(try violation(drains, with: strict, nil) == nil)
    }

    @Test("A volume that is deleted and that nothing holds is found")
    func volumeStays() throws {
        let timeline = "{at: 8m, delete: statefulset/default/db}, {at: 9m, delete: persistentvolumeclaim/default/data-db-0}"
        let violation = try #require(try violation(timeline, VolumeHeld()))
        #expect(violation.invariant == .deletionsEnd && violation.object?.kind == .persistentVolume, "\(violation)")
        #expect(try self.violation(timeline, nil) == nil)
    }
}

/// The first pod whose name begins like this is never called ready once `from` is over, whatever its kubelet says.
private struct ReadinessLost: Saboteur {
    let pod: String
    let from: SimulatedDuration
    private var struck: NamespacedName?

    init(pod: String, from: SimulatedDuration) {
        self.pod = pod
        self.from = from
    }
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .patchPod(let name, _, .kubeletStatus(let status)) = request, name.name.hasPrefix(pod), now > .zero + from else {
            return nil
        }
        if struck == nil { struck = name }
        guard struck == name, status.value.readySince != nil, let stored = api.objects.get(Pod.self, name) else { return nil }
        return .success(.pod(stored))
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}

/// From the eighth minute on, pods are made only in their makers' imagination.
private struct CreationsLost: Saboteur {
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .create(.pod(let pod)) = request, now > .zero + .minutes(8), pod.value.metadata.controllerReference?.kind == "ReplicaSet"
        else { return nil }
        return .success(.pod(pod))
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}

/// Every status of a budget allows one pod more than it should.
private struct BudgetMiscounted: Saboteur {
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .updateStatus(.podDisruptionBudget(let budget)) = request else { return nil }
        return api.execute(.updateStatus(.podDisruptionBudget(budget.with { $0.status.disruptionsAllowed += 1 })), at: now)
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}

/// The finalizer of volumes is taken away in vain.
private struct VolumeHeld: Saboteur {
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .patchMetadata(let key, _, .removeFinalizer) = request, key.kind == .persistentVolume else { return nil }
        return api.objects[key].map { .success($0) }
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}

/// The API server fails once to write that a claim is bound.
private struct ClaimStatusLost: Saboteur {
    private var hasFailed = false

    init() {}
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .updateStatus(.persistentVolumeClaim) = request, !hasFailed else { return nil }
        hasFailed = true
        return .failure(.timeout)
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}

/// A watcher sees nothing of one kind.
private struct Blindness: Saboteur {
    let watcher: Watcher
    let kind: Kind

    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? { nil }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { watcher != self.watcher || event.object.kind != kind }
}

/// The network hears nothing of one kind; `onlyLater`: of what comes in the first two minutes it does.
private struct NetworkBlindness: Saboteur {
    let kind: Kind
    var onlyLater = false

    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? { nil }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
    func reachesNetwork(_ event: WatchEvent) -> Bool {
        event.object.kind != kind || (onlyLater && event.time < .zero + .minutes(2))
    }
}

/// A pod that is to be deleted is declared over, and is gone.
private struct DeletedAtOnce: Saboteur {
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .delete(let key, let options) = request, options.gracePeriodSeconds != 0, let pod = api.objects.get(Pod.self, key.name)
        else { return nil }
        let over = pod.with { $0.status.phase = .succeeded }
        _ = api.commit(.pod(over), over: .pod(pod), at: now)
        var atOnce = options
        atOnce.gracePeriodSeconds = 0
        return api.execute(.delete(key, atOnce), at: now)
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}

/// Before each pod that comes, quotas forget all they have let in.
private struct QuotaForgotten: Saboteur {
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .create(.pod) = request else { return nil }
        for quota in api.objects.all(ResourceQuota.self) {
            let empty = quota.with { quota in
                for name in quota.status.used.names { quota.status.used[name] = .zero }
            }
            _ = api.commit(.resourceQuota(empty), over: .resourceQuota(quota), at: now)
        }
        return nil
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}

/// Nodes are not made schedulable again, and nobody is told.
private struct UncordonIgnored: Saboteur {
    mutating func execute(_ request: APIRequest, in api: inout APIServer, at now: SimulatedTime) -> APIResult? {
        guard case .patchNode(let name, .unschedulable(false)) = request else { return nil }
        return api.objects[ObjectKey(.node, name)].map { .success($0) }
    }
    mutating func delivers(_ event: WatchEvent, to watcher: Watcher) -> Bool { true }
}
