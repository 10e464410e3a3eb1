// Bugs planted in the way to the API server, one for each thing that the invariants watch and storms cannot be trusted to break by
// themselves: each is noticed, as what it is.

import DiscreteEvents
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
    private func violation(_ timeline: String, traffic: String = "", _ bug: (any Saboteur)?) throws -> InvariantViolation? {
        let text = """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: sabotage}
            spec:
              duration: 45m
              cluster:
                nodePools: [{name: node, count: 3, zones: [a], resources: {cpu: 4, memory: 8Gi, pods: 30}}]
                objects: [objects.yaml]
              faults: [{at: 1m, node: node-0, effect: partition, down: 5m}]
              timeline: [\(timeline)]
              \(traffic)
              expect: [{invariants: converge}]
            """
        var scenario = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", text), ("objects.yaml", Self.manifests)])
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
