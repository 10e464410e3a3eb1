// The volume plugins: what nodes they refuse and which events wake a pod, and the objects they look up.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Scheduling

@Suite("Volume plugins")
struct VolumePluginTests {
    // MARK: Objects

    private func node(_ name: String, _ labels: Labels = [:]) -> Node {
        var node = Node(metadata: ObjectMeta(name: name, labels: labels.merging([Node.hostnameLabel: name])))
        node.status.allocatable = [.cpu: Quantity(8), .memory: Quantity(bytes: 8 << 30), .pods: Quantity(100)]
        return node
    }

    private func volume(
        _ name: String, _ source: PersistentVolumeSource = .other, labels: Labels = [:],
        _ change: (inout PersistentVolumeSpec) -> Void = { _ in }
    ) -> PersistentVolume {
        var spec = PersistentVolumeSpec()
        spec.capacity = [.storage: Quantity(bytes: 10 << 30)]
        spec.accessModes = [.readWriteOnce]
        spec.storageClassName = "class"
        spec.source = source
        change(&spec)
        return PersistentVolume(metadata: ObjectMeta(name: name, labels: labels), spec: spec, phase: .available)
    }

    /// A claim, bound if a volume is named.
    private func claim(
        _ name: String, volume: String = "", _ change: (inout PersistentVolumeClaimSpec) -> Void = { _ in }
    ) -> PersistentVolumeClaim {
        var spec = PersistentVolumeClaimSpec()
        spec.requests = [.storage: Quantity(bytes: 10 << 30)]
        spec.accessModes = [.readWriteOnce]
        spec.storageClassName = "class"
        spec.volumeName = volume
        change(&spec)
        var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: name, namespace: "default"), spec: spec, phase: .bound)
        if !volume.isEmpty { claim.metadata.annotations[VolumeAnnotation.bindCompleted] = "yes" }
        return claim
    }

    private func pod(_ name: String, on node: String? = nil, claims: [String] = [], _ volumes: [Volume.Source] = []) -> Pod {
        var spec = PodSpec(containers: [Container(name: "c")])
        spec.volumes = claims.map { Volume(name: $0, source: .persistentVolumeClaim(name: $0, readOnly: false)) }
        spec.volumes += volumes.enumerated().map { Volume(name: "v\($0.offset)", source: $0.element) }
        var pod = Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: Shared(spec))
        pod.metadata.uid = UID(name)
        pod.nodeName = node
        return pod
    }

    private func feasible(_ pod: Pod, nodes: [Node], pods: [Pod] = [], _ objects: [APIObject]) throws -> [String] {
        var maker = try DecisionMaker(configuration: SchedulerConfiguration(), nodes: nodes, pods: pods, objects: objects)
        let decision = maker.decide(pod)
        return try #require(decision).feasible.sorted()
    }

    // MARK: Decisions

    @Test("A volume two pods share counts once, one that is still attached counts too, and so do disks that a driver took over")
    func limits() throws {
        var csiNode = CSINode(
            metadata: ObjectMeta(name: "n"), drivers: [.init(name: "d", volumeLimit: 2), .init(name: "ebs.csi.aws.com", volumeLimit: 1)])
        var objects = [
            APIObject(csiNode), APIObject(volume("pv-1", .csi(driver: "d", handle: "1"))),
            APIObject(volume("pv-2", .csi(driver: "d", handle: "2"))), APIObject(volume("pv-3", .csi(driver: "d", handle: "3"))),
            APIObject(claim("c1", volume: "pv-1")), APIObject(claim("c2", volume: "pv-2")), APIObject(claim("c3", volume: "pv-3")),
        ]
        let there = pod("a", on: "n", claims: ["c1"])
        #expect(try feasible(pod("p", claims: ["c1", "c2"]), nodes: [node("n")], pods: [there], objects) == ["n"])
        #expect(try feasible(pod("p", claims: ["c3", "c2"]), nodes: [node("n")], pods: [there], objects) == [])
        objects.append(
            APIObject(
                VolumeAttachment(metadata: ObjectMeta(name: "va"), attacher: "d", nodeName: "n", persistentVolumeName: "pv-3")))
        #expect(try feasible(pod("p", claims: ["c2"]), nodes: [node("n")], pods: [there], objects) == [])
        #expect(try feasible(pod("p", claims: ["c3"]), nodes: [node("n")], pods: [there], objects) == ["n"])

        let disks: [Volume.Source] = [.awsElasticBlockStore(id: "aws://a/vol-1"), .awsElasticBlockStore(id: "vol-2")]
        #expect(try feasible(pod("p", disks), nodes: [node("n")], objects) == ["n"])
        csiNode.metadata.annotations[VolumeAnnotation.migratedPlugins] = "kubernetes.io/aws-ebs"
        objects[0] = APIObject(csiNode)
        #expect(try feasible(pod("p", disks), nodes: [node("n")], objects) == [])
        #expect(try feasible(pod("p", [disks[0], .awsElasticBlockStore(id: "vol-1")]), nodes: [node("n")], objects) == ["n"])
    }

    @Test("A volume of several zones fits each of them; nodes without zones fit everywhere")
    func zones() throws {
        let nodes = [
            node("a", [Node.zoneLabel: "a"]), node("b", [Node.zoneLabel: "b"]), node("c", [Node.zoneLabel: "c"]), node("none"),
        ]
        func feasible(_ labels: Labels) throws -> [String] {
            try self.feasible(
                pod("p", claims: ["c"]), nodes: nodes, [APIObject(volume("pv", labels: labels)), APIObject(claim("c", volume: "pv"))])
        }
        #expect(try feasible([Node.zoneLabel: "a__c"]) == ["a", "c", "none"])
        #expect(try feasible([Node.betaZoneLabel: "b"]) == ["b", "none"])
        // A list with a hole in it is no list of zones.
        #expect(try feasible([Node.zoneLabel: "a____c"]) == ["a", "b", "c", "none"])
        #expect(try feasible([Node.regionLabel: "r"]) == ["none"])
    }

    @Test("A claim for one pod only is free again when that pod would be gone")
    func exclusiveClaim() throws {
        var table = NodeTable()
        let profile = try SchedulingProfile(ProfileConfiguration(), registry: PluginRegistry(), nodes: &table)
        var cache = SchedulerCache(nodes: table)
        cache.setNode(Shared(node("n")))
        cache.set(APIObject(claim("c") { $0.accessModes = [.readWriteOncePod] }))
        let user = pod("user", on: "n", claims: ["c"])
        cache.setPod(Shared(user))
        let plugin = try #require(profile.plugins.first { $0.name == "VolumeRestrictions" } as? VolumeRestrictionsPlugin)
        let info = cache.info(Shared(pod("p", claims: ["c"])))
        let slot = try #require(cache.slot(of: "n"))
        guard case .proceed(var state) = plugin.preFilter(info, in: cache.snapshot) else {
            Issue.record("a claim in use is a matter for Filter")
            return
        }
        let other = cache.info(Shared(user))
        #expect(plugin.filter(info, on: slot, in: cache.snapshot, state: state) != nil)
        plugin.remove(other, on: slot, from: &state, for: info, in: cache.snapshot)
        #expect(plugin.filter(info, on: slot, in: cache.snapshot, state: state) == nil)
        plugin.add(other, on: slot, to: &state, for: info, in: cache.snapshot)
        #expect(plugin.filter(info, on: slot, in: cache.snapshot, state: state) != nil)
        cache.removePod(user.metadata.uid)
        guard case .skip = plugin.preFilter(info, in: cache.snapshot) else {
            Issue.record("nobody uses the claim")
            return
        }
    }

    @Test("A pod with resource claims is held back")
    func resourceClaims() throws {
        var pod = pod("p")
        #expect(DynamicResourcesPlugin().admits(pod, isPreempting: false))
        pod.spec = pod.spec.with { $0.resourceClaims = ["gpu"] }
        #expect(!DynamicResourcesPlugin().admits(pod, isPreempting: false))
        #expect(try feasible(pod, nodes: [node("n")], []) == [])
    }

    // MARK: The search for volumes

    /// The rules, volume by volume, as the PersistentVolume controller and the scheduler share them.
    private func naive(
        _ claim: PersistentVolumeClaim, _ node: Node, _ volumes: [PersistentVolume], without excluded: [String]
    ) -> String? {
        var best: PersistentVolume?
        for volume in volumes.sorted(by: { $0.metadata.name < $1.metadata.name })
        where volume.spec.storageClassName == claim.className && !excluded.contains(volume.metadata.name) {
            let isKept = volume.isKept(for: claim)
            if volume.spec.claimRef != nil && !isKept { continue }
            let size = volume.spec.capacity[.storage] ?? .zero
            if size < claim.requestedStorage { continue }
            let isNear = volume.spec.nodeAffinity?.matches(node) ?? true
            if isKept { return isNear ? volume.metadata.name : nil }
            if volume.phase != .available || !isNear { continue }
            if let selector = claim.spec.selector, !selector.matches(volume.metadata.labels) { continue }
            if let known = best?.spec.capacity[.storage], known <= size { continue }
            best = volume
        }
        return best?.metadata.name
    }

    @Test("finds on every node what the rules say, volume by volume", arguments: 0..<40 as Range<UInt64>)
    func candidates(seed: UInt64) {
        var random = RandomStream(seed: seed, purpose: RandomPurpose("volume-tests"), owner: 0)
        func below(_ bound: Int) -> Int { random.uniform(below: bound) }
        let zones = ["a", "b", "c"]
        let nodes = (0..<8).map { node("n\($0)", below(5) == 0 ? [:] : [Node.zoneLabel: zones[below(3)]]) }
        var claim = claim("c")
        claim.metadata.uid = UID("uid-c")
        claim.spec.requests = [.storage: Quantity(bytes: Int64(1 + below(4)) << 30)]
        if below(3) == 0 { claim.spec.selector = LabelSelector(matchLabels: ["tier": "fast"]) }
        var objects = ListedObjects()
        var volumes: [PersistentVolume] = []
        for number in 0..<30 {
            var volume = volume("pv-\(below(1000))-\(number)", labels: below(2) == 0 ? ["tier": "fast"] : [:])
            volume.spec.capacity = [.storage: Quantity(bytes: Int64(1 + below(6)) << 30)]
            if below(6) == 0 { volume.spec.storageClassName = "another" }
            if below(6) == 0 { volume.phase = .bound }
            if below(8) == 0 { volume.spec.claimRef = .init(NamespacedName(namespace: "default", name: "d")) }
            if below(40) == 0 { volume.spec.claimRef = .init(claim.metadata.key) }
            let terms = (0..<below(3)).map { _ in
                NodeSelectorTerm(matchExpressions: [
                    below(2) == 0
                        ? NodeSelectorRequirement(
                            key: Node.zoneLabel, operator: below(3) == 0 ? .notIn : .in, values: [zones[below(3)], "b"])
                        : NodeSelectorRequirement(key: Node.hostnameLabel, operator: .in, values: ["n\(below(8))"])
                ])
            }
            if !terms.isEmpty { volume.spec.nodeAffinity = NodeSelector(terms: terms) }
            volumes.append(volume)
            objects.set(APIObject(volume))
        }
        let candidates = VolumeCandidates(for: claim, objects)
        let excluded = (0..<below(8)).map { _ in volumes[below(volumes.count)].metadata.name }
        for node in nodes {
            let found = candidates.first(on: node, without: excluded)?.value.metadata.name
            #expect(found == naive(claim, node, volumes, without: excluded))
        }
    }

    // MARK: Listed objects

    @Test("Objects are listed by name whatever came and went, also under a new class", arguments: 0..<10 as Range<UInt64>)
    func listing(seed: UInt64) {
        var random = RandomStream(seed: seed, purpose: RandomPurpose("listing-tests"), owner: 0)
        var objects = ListedObjects()
        var model: [String: PersistentVolume] = [:]
        for _ in 0..<300 {
            let name = "pv-\(random.uniform(below: 40))"
            if random.uniform(below: 3) == 0 {
                if let known = model.removeValue(forKey: name) { objects.remove(APIObject(known)) }
            } else {
                let volume = volume(name) { $0.storageClassName = "class-\(random.uniform(below: 3))" }
                model[name] = volume
                objects.set(APIObject(volume))
            }
        }
        #expect(objects.persistentVolumes.all.map(\.value.metadata.name) == model.keys.sorted())
        for number in 0..<3 {
            let expected = model.values.filter { $0.spec.storageClassName == "class-\(number)" }.map(\.metadata.name).sorted()
            #expect(objects.volumesByClass["class-\(number)"].map(\.value.metadata.name) == expected)
        }
        for name in model.keys.sorted() { #expect(objects.persistentVolumes[name]?.value == model[name]) }
    }

    @Test("An assumption holds until the API server shows something newer, or it is taken back")
    func assumptions() {
        var objects = ListedObjects()
        var stored = volume("pv")
        stored.metadata.resourceVersion = 5
        objects.set(APIObject(stored))
        var taken = stored
        taken.spec.claimRef = .init(NamespacedName(namespace: "default", name: "c"))
        let assumed = APIObject(taken)
        objects.assume(assumed)
        #expect(objects.latestVolume("pv")?.value == taken && objects.persistentVolumes["pv"]?.value == stored)
        #expect(objects.volumeAssumed(for: claim("c"))?.value == stored)
        // An older event that was still on its way changes nothing.
        objects.set(APIObject(stored))
        #expect(objects.latestVolume("pv")?.value == taken)
        objects.forget(assumed)
        #expect(objects.latestVolume("pv")?.value == stored)
        objects.assume(assumed)
        stored.metadata.resourceVersion = 6
        objects.set(APIObject(stored))
        #expect(objects.latestVolume("pv")?.value == stored)
    }

    // MARK: Hints

    @Test("An event wakes a pod only if it may concern its volumes")
    func hints() throws {
        var table = NodeTable()
        let profile = try SchedulingProfile(ProfileConfiguration(), registry: PluginRegistry(), nodes: &table)
        var cache = SchedulerCache(nodes: table)
        let info = cache.info(Shared(pod("p", claims: ["c"], [.csi(driver: "d")])))
        func wakes(_ plugin: String, _ old: APIObject?, _ new: APIObject?) throws -> Bool {
            let kind = try #require(new ?? old).kind
            let event = try #require(ClusterEvent.change(of: kind, from: old, to: new))
            let listener = try #require(profile.plugins.first { $0.name == plugin } as? any EventListeningPlugin)
            return listener.events.contains(event.kind) && listener.isWoken(info, by: event, in: cache.snapshot)
        }
        let own = APIObject(claim("c"))
        for plugin in ["VolumeBinding", "VolumeZone"] {
            #expect(try wakes(plugin, own, own) && wakes(plugin, nil, own))
            #expect(try !wakes(plugin, nil, APIObject(claim("other"))))
        }
        for plugin in ["NodeVolumeLimits", "VolumeRestrictions"] { #expect(try wakes(plugin, nil, own) && !wakes(plugin, own, own)) }
        let attachment = APIObject(VolumeAttachment(metadata: ObjectMeta(name: "va"), attacher: "x", nodeName: "n"))
        #expect(try wakes("NodeVolumeLimits", attachment, nil))
        let zoned = volume("pv", labels: [Node.zoneLabel: "a"])
        #expect(
            try wakes("VolumeZone", APIObject(volume("pv")), APIObject(zoned)) && !wakes("VolumeZone", APIObject(zoned), APIObject(zoned)))
        let late = StorageClass(metadata: ObjectMeta(name: "s"), volumeBindingMode: .waitForFirstConsumer)
        let early = StorageClass(metadata: ObjectMeta(name: "s"))
        #expect(try wakes("VolumeZone", nil, APIObject(late)) && !wakes("VolumeZone", nil, APIObject(early)))
        #expect(try wakes("VolumeBinding", nil, APIObject(early)) && !wakes("VolumeBinding", APIObject(early), APIObject(late)))
        let capable = APIObject(CSIDriver(metadata: ObjectMeta(name: "d"), storageCapacity: true))
        let plain = APIObject(CSIDriver(metadata: ObjectMeta(name: "d")))
        #expect(try wakes("VolumeBinding", capable, plain) && !wakes("VolumeBinding", plain, capable))
        #expect(try !wakes("VolumeBinding", nil, plain))
    }
}
