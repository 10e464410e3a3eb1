// The admission plugins at work in the API server: what is filled in, charged and refused as objects are written.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import APIServer

@Suite("Admission in the server")
struct AdmissionTests {
    private func container(_ requests: ResourceList = [:], _ limits: ResourceList = [:], name: String = "c") -> Container {
        Container(name: name, image: "i", resources: ResourceRequirements(requests: requests, limits: limits))
    }

    private func pod(_ name: String, _ containers: [Container]) -> Pod {
        Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: Shared(PodSpec(containers: containers)))
    }

    private func refusal(_ result: APIResult) -> String? {
        if case .failure(let error) = result { error.description } else { nil }
    }

    private func configMap(_ name: String) -> APIObject {
        APIObject(ConfigMap(metadata: ObjectMeta(name: name, namespace: "default")))
    }

    /// The LimitRange of the recorded scenario.
    private var limitRange: LimitRange {
        var container = LimitRangeItem(.container)
        container.defaultLimit = [.cpu: Quantity(milli: 500), .memory: Quantity(bytes: 512 << 20)]
        container.defaultRequest = [.cpu: Quantity(milli: 100)]
        container.max = [.cpu: Quantity(1), .memory: Quantity(bytes: 1 << 30)]
        container.min = [.cpu: Quantity(milli: 50)]
        container.maxLimitRequestRatio = [.cpu: Quantity(4)]
        var whole = LimitRangeItem(.pod)
        whole.max = [.cpu: Quantity(2), .memory: Quantity(bytes: 2 << 30)]
        var claim = LimitRangeItem(.persistentVolumeClaim)
        claim.max = [.storage: Quantity(bytes: 10 << 30)]
        claim.min = [.storage: Quantity(bytes: 1 << 30)]
        return LimitRange(metadata: ObjectMeta(name: "lr", namespace: "default"), limits: [container, whole, claim])
    }

    @Test func `a LimitRange fills in and refuses as recorded`() throws {
        var server = APIServer(seed: 1)
        try server.done(.create(APIObject(limitRange)))
        let big = container([.cpu: Quantity(milli: 500)], [.cpu: Quantity(milli: 1500), .memory: Quantity(bytes: 2 << 30)])
        let whole: ResourceList = [.cpu: Quantity(1), .memory: Quantity(bytes: 1 << 30)]
        let refused: [(pod: Pod, text: String)] = [
            (pod("defaults", [container()]), "cpu max limit to request ratio per Container is 4, but provided ratio is 5.000000"),
            (
                pod("toosmall", [container([.cpu: Quantity(milli: 10)])]),
                "[minimum cpu usage per Container is 50m, but request is 10m, cpu max limit to request ratio per Container is 4, but "
                    + "provided ratio is 50.000000]"
            ),
            (
                pod("toobig", [big]),
                "[maximum cpu usage per Container is 1, but limit is 1500m, maximum memory usage per Container is 1Gi, but limit is 2Gi]"
            ),
            (
                pod("podmax", (0..<3).map { container(whole, whole, name: "c\($0)") }),
                "[maximum cpu usage per Pod is 2, but limit is 3, maximum memory usage per Pod is 2Gi, but limit is 3Gi]"
            ),
        ]
        for (pod, text) in refused {
            #expect(refusal(server.execute(.create(APIObject(pod)), at: .zero)) == "pods \"\(pod.metadata.name)\" is forbidden: \(text)")
        }
        let asked = pod("request-only", [container([.cpu: Quantity(milli: 200), .memory: Quantity(bytes: 256 << 20)])])
        try server.done(.create(APIObject(asked)))
        let stored = try server.storedPod("request-only")
        #expect(stored.spec.value.containers[0].resources.limits == [.cpu: Quantity(milli: 500), .memory: Quantity(bytes: 512 << 20)])
        #expect(stored.spec.value.containers[0].resources.requests == asked.spec.value.containers[0].resources.requests)
        #expect(
            stored.metadata.annotations["kubernetes.io/limit-ranger"]
                == "LimitRanger plugin set: cpu, memory limit for container c0"
                .replacing("c0", with: "c"))
        var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: "small", namespace: "default"))
        claim.spec.accessModes = [.readWriteOnce]
        claim.spec.requests = [.storage: Quantity(bytes: 500 << 20)]
        #expect(
            refusal(server.execute(.create(APIObject(claim)), at: .zero))
                == "persistentvolumeclaims \"small\" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"
        )
    }

    @Test func `pods of one template share what a LimitRange made of it, until it changes`() throws {
        var server = APIServer(seed: 1)
        var item = LimitRangeItem(.container)
        item.defaultRequest = [.cpu: Quantity(milli: 100)]
        try server.done(.create(APIObject(LimitRange(metadata: ObjectMeta(name: "lr", namespace: "default"), limits: [item]))))
        let template = Shared(PodSpec(containers: [container()]))
        func make(_ name: String) throws -> Pod {
            try server.done(.create(APIObject(Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: template))))
            return try server.storedPod(name)
        }
        let (first, second) = (try make("a"), try make("b"))
        #expect(first.spec === second.spec)
        #expect(first.spec.value.containers[0].resources.requests[.cpu] == Quantity(milli: 100))
        item.defaultRequest = [.cpu: Quantity(milli: 300)]
        let changed = LimitRange(metadata: ObjectMeta(name: "lr", namespace: "default"), limits: [item])
        try server.done(.update(APIObject(changed)))
        #expect(try make("c").spec.value.containers[0].resources.requests[.cpu] == Quantity(milli: 300))
        try server.done(.delete(ObjectKey(.limitRange, namespace: "default", "lr"), DeleteOptions()))
        let free = try make("d")
        #expect(free.spec.value.containers[0].resources.requests.isEmpty && free.metadata.annotations.isEmpty)
    }

    @Test func `quotas are charged with the write, before the object, and refuse as recorded`() throws {
        var server = APIServer(seed: 1)
        var quota = ResourceQuota(metadata: ObjectMeta(name: "q", namespace: "default"))
        quota.spec.hard = ["pods": Quantity(1), "count/configmaps": Quantity(1), "count/deployments.apps": Quantity(1)]
        try server.done(.create(APIObject(quota)))
        // Nobody has counted yet: nothing is charged, nothing refused.
        try server.done(.create(configMap("early")))
        quota.status.hard = quota.spec.hard
        quota.status.used = ["pods": Quantity(0), "count/configmaps": Quantity(0), "count/deployments.apps": Quantity(0)]
        try server.done(.updateStatus(APIObject(quota)))
        _ = server.changes()
        try server.done(.create(APIObject(pod("p", [container()]))))
        #expect(server.changes() == ["MODIFIED q", "ADDED p"])
        #expect(
            refusal(server.execute(.create(APIObject(pod("p2", [container()]))), at: .zero))
                == "pods \"p2\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1")
        try server.done(.create(configMap("cm0")))
        #expect(
            refusal(server.execute(.create(configMap("cm1")), at: .zero))
                == "configmaps \"cm1\" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=1, "
                + "limited: count/configmaps=1")
        try server.done(.create(APIObject(deployment("web"))))
        #expect(
            refusal(server.execute(.create(APIObject(deployment("web2"))), at: .zero))
                == "deployments.apps \"web2\" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: "
                + "count/deployments.apps=1, limited: count/deployments.apps=1")
        // Other namespaces, and kinds the quota does not name, are free.
        try server.done(.create(APIObject(pod("p3", [container()])).withMetadata { $0.namespace = "kube-system" }))
        #expect(server.changes() == ["MODIFIED q", "ADDED cm0", "MODIFIED q", "ADDED web", "ADDED p3"])
    }

    @Test func `a service that turns into one with node ports is charged the difference`() throws {
        var server = APIServer(seed: 1)
        var quota = ResourceQuota(metadata: ObjectMeta(name: "q", namespace: "default"))
        quota.spec.hard = ["services": Quantity(2), "services.nodeports": Quantity(1), "services.loadbalancers": Quantity(0)]
        quota.status.hard = quota.spec.hard
        quota.status.used = ["services": .zero, "services.nodeports": .zero, "services.loadbalancers": .zero]
        try server.restore(APIObject(quota), at: .zero)
        var service = Service(metadata: ObjectMeta(name: "s", namespace: "default"))
        service.ports = [ServicePort(port: 80)]
        try server.done(.create(APIObject(service)))
        service.type = .nodePort
        try server.done(.update(APIObject(service)))
        let used = server.objects.get(ResourceQuota.self, quota.metadata.key)?.value.status.used
        #expect(used == ["services": Quantity(1), "services.nodeports": Quantity(1), "services.loadbalancers": .zero])
        service.type = .loadBalancer
        #expect(
            refusal(server.execute(.update(APIObject(service)), at: .zero))
                == "services \"s\" is forbidden: exceeded quota: q, requested: services.loadbalancers=1, used: services.loadbalancers=0, "
                + "limited: services.loadbalancers=0")
    }

    @Test func `an account that is not there refuses the pod`() throws {
        var server = APIServer(seed: 1)
        var spec = PodSpec(containers: [container()])
        spec.serviceAccountName = "builder"
        let built = APIObject(Pod(metadata: ObjectMeta(name: "p", namespace: "default"), spec: Shared(spec)))
        #expect(
            refusal(server.execute(.create(built), at: .zero))
                == "pods \"p\" is forbidden: error looking up service account default/builder: serviceaccount \"builder\" not found")
        try server.done(.create(APIObject(ServiceAccount(metadata: ObjectMeta(name: "builder", namespace: "default")))))
        try server.done(.create(built))
        try server.done(.create(APIObject(pod("q", [container()]))))
        #expect(try server.storedPod("q").spec.value.serviceAccountName == "default")
    }

    @Test func `an Event that was not repeated for an hour is made anew, its count going on`() throws {
        var correlator = EventCorrelator()
        var server = APIServer(seed: 1)
        let event = KubernetesEvent(
            about: "Pod", NamespacedName(namespace: "default", name: "p"), uid: UID("u"), reason: "BackOff", message: "m", source: "kubelet"
        )
        var changes: [String] = []
        for minute in [0, 59, 118, 179, 180] {
            let now = SimulatedTime.zero + .minutes(minute)
            let correlated = correlator.correlate(event, at: now)
            let sent = try #require(correlated)
            try server.done(.record(Shared(sent)), at: now)
            let next = server.watchLog.next(for: .recorder, committedBy: now)
            let logged = try #require(next)
            changes.append("\(logged.change.rawValue) \(sent.count)")
        }
        #expect(changes == ["ADDED 1", "MODIFIED 2", "MODIFIED 3", "ADDED 4", "MODIFIED 5"])
    }

    @Test(
        "The resource of any kind, as quotas name it",
        arguments: [
            ("v1", "ConfigMap", "configmaps"), ("networking.k8s.io/v1", "Ingress", "ingresses.networking.k8s.io"),
            ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies.networking.k8s.io"), ("v1", "Endpoints", "endpoints"),
            ("example.com/v1", "Gateway", "gateways.example.com"),
        ])
    func resources(_ apiVersion: String, _ kind: String, _ resource: String) {
        #expect(Unstructured(apiVersion: apiVersion, kindName: kind, metadata: ObjectMeta(name: "x")).resource == resource)
    }
}
