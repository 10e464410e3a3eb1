// EndpointSlices: what stands in them, when they are written, and that a look at what changed decides like a look at everything.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite("EndpointSlice controller") struct EndpointSliceTests {
    private static func service(_ name: String, ports: [ServicePort] = [ServicePort(port: 80)], selector: Labels? = nil) -> Service {
        var service = Service(
            metadata: ObjectMeta(name: name, namespace: "default", labels: ["team": "a"]), selector: selector ?? ["app": "web"])
        service.ports = ports
        return service
    }

    private static func cluster(maximum: Int = 100) -> TestCluster {
        var configuration = ControllerManagerConfiguration()
        configuration.maximumEndpointsPerSlice = maximum
        var cluster = TestCluster(configuration: configuration)
        for (index, zone) in ["a", "b"].enumerated() { cluster.addNode("node-\(index)", zone: zone) }
        return cluster
    }

    private static func slices(_ cluster: TestCluster, of service: String = "web") -> [EndpointSlice] {
        cluster.server.objects.all(EndpointSlice.self).map(\.value).filter { $0.metadata.labels[SliceLabels.service] == service }
    }

    /// "name ready serving terminating" of all endpoints.
    private static func endpoints(_ cluster: TestCluster, of service: String = "web") -> [String] {
        slices(cluster, of: service).flatMap(\.endpoints).map { endpoint in
            let flags = [endpoint.ready, endpoint.serving, endpoint.terminating].map { $0 == true ? "1" : "0" }.joined()
            return "\(endpoint.pod?.key.name ?? "") \(flags)"
        }.sorted()
    }

    private static func key(_ name: String) -> NamespacedName { NamespacedName(namespace: "default", name: name) }

    private static func setReady(_ name: String, _ ready: Bool, _ cluster: inout TestCluster) {
        guard let pod = cluster.server.objects.get(Pod.self, key(name))?.value else { return }
        var status = pod.status
        status.conditions.set(Condition(.ready, ready ? .true : .false, lastTransitionTime: cluster.now))
        cluster.execute(.patchPod(key(name), uid: pod.metadata.uid, .kubeletStatus(Shared(status))))
    }

    @Test func aServiceHasAnEmptySliceUntilItHasPods() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.service("web"))))
        cluster.run(for: .seconds(1))
        let empty = try #require(Self.slices(cluster).first)
        #expect(empty.endpoints.isEmpty && empty.ports.isEmpty && empty.metadata.name.hasPrefix("web-"))
        #expect(empty.metadata.ownerReferences.first?.controller == true)
        #expect(
            empty.metadata.labels == [
                "team": "a", SliceLabels.service: "web", SliceLabels.managedBy: "endpointslice-controller.k8s.io",
            ])
        cluster.execute(.create(APIObject(Make.pod("p", labels: ["app": "web"]))))
        cluster.run(for: .seconds(5))
        let filled = try #require(Self.slices(cluster).first)
        // The same slice: an update instead of a deletion and a creation.
        #expect(Self.slices(cluster).count == 1 && filled.metadata.name == empty.metadata.name)
        #expect(filled.metadata.generation == 2 && filled.ports == [EndpointPort(port: 80)])
        #expect(Self.endpoints(cluster) == ["p 110"])
        #expect(filled.endpoints.first?.zone == cluster.node(filled.endpoints.first?.nodeName ?? "")?.zone)
        cluster.execute(.delete(ObjectKey(.service, Self.key("web")), DeleteOptions()))
        cluster.runUntilQuiet()
        #expect(Self.slices(cluster).isEmpty)
    }

    @Test func servicesWithoutSelectorAndExternalNamesHaveNone() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.service("none", selector: [:]))))
        var external = Self.service("ext")
        external.type = .externalName
        cluster.execute(.create(APIObject(external)))
        cluster.runUntilQuiet()
        #expect(cluster.server.objects.all(EndpointSlice.self).isEmpty)
    }

    @Test func readinessDeletionAndPublishedAddresses() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.service("web"))))
        var published = Self.service("pub")
        published.publishNotReadyAddresses = true
        cluster.execute(.create(APIObject(published)))
        cluster.execute(.create(APIObject(Make.pod("p", labels: ["app": "web"]))))
        cluster.run(for: .seconds(5))
        Self.setReady("p", false, &cluster)
        cluster.run(for: .seconds(5))
        #expect(Self.endpoints(cluster) == ["p 000"] && Self.endpoints(cluster, of: "pub") == ["p 100"])
        Self.setReady("p", true, &cluster)
        cluster.run(for: .seconds(5))
        cluster.stopDelay = .seconds(3)
        cluster.execute(.delete(ObjectKey(.pod, Self.key("p")), DeleteOptions()))
        cluster.run(for: .seconds(2))
        #expect(Self.endpoints(cluster) == ["p 011"] && Self.endpoints(cluster, of: "pub") == ["p 111"])
        cluster.run(for: .seconds(5))
        #expect(Self.endpoints(cluster).isEmpty && Self.slices(cluster).count == 1 && Self.slices(cluster)[0].ports.isEmpty)
    }

    @Test func aPodThatEndsUnreadyIsGoneAtTheNextLook() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.service("web"))))
        for name in ["p", "q"] { cluster.execute(.create(APIObject(Make.pod(name, labels: ["app": "web"])))) }
        cluster.run(for: .seconds(5))
        Self.setReady("p", false, &cluster)
        cluster.run(for: .seconds(1))
        #expect(Self.endpoints(cluster) == ["p 000", "q 110"])
        // Its readiness does not change, so nobody is woken.
        guard let pod = cluster.server.objects.get(Pod.self, Self.key("p"))?.value else { return }
        var status = pod.status
        status.phase = .failed
        cluster.execute(.patchPod(Self.key("p"), uid: pod.metadata.uid, .kubeletStatus(Shared(status))))
        cluster.run(for: .seconds(1))
        #expect(Self.endpoints(cluster) == ["p 000", "q 110"])
        Self.setReady("q", false, &cluster)
        cluster.run(for: .seconds(1))
        #expect(Self.endpoints(cluster) == ["q 000"])
    }

    @Test func podsWithDifferentPortsOfANameStandInDifferentSlices() {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.service("web", ports: [ServicePort(port: 80, targetPort: .string("http"))]))))
        for (name, port) in [("a", Int32(8080)), ("b", 8080), ("c", 9090)] {
            var pod = Make.pod(name, labels: ["app": "web"])
            var spec = pod.spec.value
            spec.containers[0].ports = [ContainerPort(name: "http", containerPort: port)]
            pod.spec = Shared(spec)
            cluster.execute(.create(APIObject(pod)))
        }
        cluster.run(for: .seconds(10))
        let found = Self.slices(cluster).map {
            "\($0.ports.first?.port ?? 0) " + $0.endpoints.compactMap(\.pod?.key.name).sorted().joined()
        }
        #expect(found.sorted() == ["8080 ab", "9090 c"])
    }

    @Test func hintsFollowTheServicesPreference() throws {
        var cluster = Self.cluster()
        var service = Self.service("web")
        service.trafficDistribution = "PreferSameNode"
        cluster.execute(.create(APIObject(service)))
        cluster.execute(.create(APIObject(Make.pod("p", labels: ["app": "web"]))))
        cluster.run(for: .seconds(5))
        let endpoint = try #require(Self.slices(cluster).first?.endpoints.first)
        #expect(endpoint.nodeHints == [endpoint.nodeName] && endpoint.zoneHints == [endpoint.zone])
        let stored = try #require(cluster.server.objects.get(Service.self, Self.key("web")))
        cluster.execute(.update(.service(stored.with { $0.trafficDistribution = nil })))
        cluster.run(for: .seconds(5))
        #expect(Self.slices(cluster).first?.endpoints.first?.zoneHints.isEmpty == true)
    }

    @Test func aLookAtStaleSlicesIsPutOffForASecond() throws {
        var cluster = Self.cluster()
        cluster.watchLatency = .milliseconds(5)
        cluster.execute(.create(APIObject(Self.service("web"))))
        for name in ["a", "b"] { cluster.execute(.create(APIObject(Make.pod(name, labels: ["app": "web"])))) }
        cluster.run(for: .seconds(10))
        // The answer to the write about the first pod comes before the watch event of it: then the second pod changes.
        Self.setReady("a", false, &cluster)
        cluster.run(for: .milliseconds(3))
        Self.setReady("b", false, &cluster)
        let start = cluster.now
        cluster.runUntilQuiet()
        let writes = cluster.history.filter { $0.time > start && $0.object.kind == .endpointSlice }
        #expect(writes.count == 2)
        let gap = try #require(writes.last).time - start
        #expect(gap > .seconds(1) && gap < .milliseconds(1100))
    }

    @Test func whatSomebodyElseDoesToASliceIsUndoneAfterASecond() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.service("web"))))
        cluster.execute(.create(APIObject(Make.pod("p", labels: ["app": "web"]))))
        cluster.run(for: .seconds(5))
        let slice = try #require(Self.slices(cluster).first)
        cluster.execute(.delete(ObjectKey(.endpointSlice, slice.metadata.key), DeleteOptions()))
        cluster.run(for: .milliseconds(900))
        #expect(Self.slices(cluster).isEmpty)
        cluster.run(for: .milliseconds(200))
        #expect(Self.endpoints(cluster) == ["p 110"])
        let replaced = try #require(Self.slices(cluster).first)
        var emptied = replaced
        emptied.endpoints = []
        cluster.execute(.update(APIObject(emptied)))
        cluster.run(for: .milliseconds(1100))
        #expect(Self.endpoints(cluster) == ["p 110"])
    }

    @Test func aPodWhoseNodeIsGoneIsLeftOutAndReported() throws {
        var cluster = Self.cluster()
        cluster.execute(.create(APIObject(Self.service("web"))))
        cluster.execute(.create(APIObject(Make.pod("p", labels: ["app": "web"]))))
        cluster.run(for: .seconds(5))
        let node = try #require(cluster.pods.first?.nodeName)
        cluster.execute(.delete(ObjectKey(.node, node), DeleteOptions()))
        Self.setReady("p", false, &cluster)
        cluster.run(for: .seconds(4))
        #expect(Self.endpoints(cluster).isEmpty)
        let reports = cluster.events.filter { $0.reason == "FailedToUpdateEndpointSlices" }
        #expect(
            reports.first?.message
                == "Error updating Endpoint Slices for Service default/web: "
                + "skipping Pod p for Service default/web: Node \(node) Not Found")
        // At once, after one second and after two more.
        #expect(reports.last?.count == 3)
        cluster.addNode(node, zone: "c")
        cluster.run(for: .seconds(5))
        #expect(Self.endpoints(cluster) == ["p 000"] && Self.slices(cluster)[0].endpoints[0].zone == "c")
    }

    @Test("Whatever happens, in the end the slices hold what the pods say", arguments: Array(1...20) as [UInt64])
    func agreesWithTheStore(_ seed: UInt64) {
        var random = TestGenerator(state: seed)
        var cluster = Self.cluster(maximum: 3)
        var names = 0
        for name in ["web", "api", "all"] {
            let service = Self.service(name, selector: name == "all" ? ["tier": "x"] : ["app": name])
            cluster.execute(.create(APIObject(service)))
        }
        for _ in 0..<150 {
            let pods = cluster.pods
            let pod = pods.randomElement(using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3:
                names += 1
                cluster.execute(
                    .create(
                        APIObject(Make.pod("p\(names)", labels: ["app": ["web", "api"][names % 2], "tier": ["x", "y"][names / 2 % 2]]))))
            case 4: if let pod { cluster.execute(.delete(ObjectKey(.pod, pod.metadata.key), DeleteOptions())) }
            case 5, 6: if let pod, pod.nodeName != nil { Self.setReady(pod.metadata.name, !pod.isReady, &cluster) }
            case 7:
                if let pod {
                    let labels: Labels = ["app": ["web", "api"].randomElement(using: &random) ?? "web", "tier": "x"]
                    cluster.execute(.patchMetadata(ObjectKey(.pod, pod.metadata.key), uid: pod.metadata.uid, .labels(labels)))
                }
            case 8:
                if let slice = cluster.server.objects.all(EndpointSlice.self).randomElement(using: &random) {
                    cluster.execute(.delete(ObjectKey(.endpointSlice, slice.value.metadata.key), DeleteOptions()))
                }
            default:
                let zone = ["a", "b", "c"].randomElement(using: &random) ?? "a"
                if let node = cluster.server.objects.get(Node.self, NamespacedName(namespace: "", name: "node-0")) {
                    cluster.execute(.update(.node(node.with { $0.metadata.labels[Node.zoneLabel] = zone })))
                }
            }
            cluster.run(for: .milliseconds(Int.random(in: 0..<400, using: &random)))
        }
        cluster.runUntilQuiet()
        for name in ["web", "api", "all"] {
            let selector: Labels = name == "all" ? ["tier": "x"] : ["app": name]
            let expected = cluster.pods.filter {
                ServiceSelectors.matches(selector, $0.metadata.labels) && EndpointRules.isEndpoint(Shared($0))
            }.map { "\($0.metadata.name) \($0.isReady ? "110" : "000")" }
            #expect(Self.endpoints(cluster, of: name) == expected.sorted())
            #expect(Self.slices(cluster, of: name).allSatisfy { $0.endpoints.count <= 3 })
        }
    }
}
