// Disks: nodes that have one, nodes that have none, and kubelets with thresholds of their own.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Disks")
struct DiskTests {
    private func cluster(disk: Int64?, _ change: (inout NodeAgentConfiguration) -> Void = { _ in }) throws -> TestCluster {
        var configuration = NodeAgentConfiguration.prompt
        change(&configuration)
        var room: ResourceList = ["cpu": Quantity(4), "memory": Quantity(bytes: 8 << 30), "pods": Quantity(110)]
        if let disk { room[.ephemeralStorage] = Quantity(bytes: disk << 30) }
        return try TestCluster(allocatable: room, configuration: configuration)
    }

    @Test(
        "Only a node whose object has ephemeral-storage can run out of it",
        arguments: [(100, 95, true), (100, 80, false), (1000, 95, false), (nil, 95, false), (nil, 1_000_000, false)]
            as [(Int64?, Int64, Bool)])
    func pressure(_ disk: Int64?, _ used: Int64, _ isFull: Bool) throws {
        var cluster = try cluster(disk: disk)
        cluster.create(pod("a"))
        cluster.run(until: seconds(5))
        cluster.fillDisk(bytes: used << 30)
        cluster.run(until: seconds(60))
        #expect(cluster.nodeChanges.map(\.condition.type) == (isFull ? [.diskPressure] : []))
        #expect((cluster["a"]?.status.reason == "Evicted") == isFull)
    }

    @Test("A kubelet evicts by its own node's thresholds", arguments: [("n0", true), ("n1", false)])
    func ownThresholds(_ node: String, _ isFull: Bool) throws {
        var cluster = try cluster(disk: 100) {
            var settings = EvictionSettings()
            settings.thresholds = [EvictionThreshold(.nodefsAvailable, .share(0.5))]
            $0.evictionByNode[node] = settings
        }
        cluster.create(pod("a"))
        cluster.run(until: seconds(5))
        // More than half of the disk is full: for the usual thresholds not nearly enough.
        cluster.fillDisk(bytes: 60 << 30)
        cluster.run(until: seconds(60))
        #expect((cluster["a"]?.status.reason == "Evicted") == isFull)
    }

    // MARK: Inodes

    @Test(
        "A node of which somebody says how many inodes it has can run out of them",
        arguments: [(1000, 951, true), (1000, 950, false), (0, 1_000_000, false)] as [(Int, Int64, Bool)])
    func inodes(_ inodes: Int, _ used: Int64, _ isFull: Bool) throws {
        var cluster = try cluster(disk: nil) { $0.eviction.inodes = inodes }
        cluster.create(pod("a"))
        cluster.run(until: seconds(5))
        cluster.fillDisk(inodes: used)
        cluster.run(until: seconds(60))
        #expect(cluster.nodeChanges.map(\.condition.type) == (isFull ? [.diskPressure] : []))
        #expect((cluster["a"]?.status.reason == "Evicted") == isFull)
    }

    @Test("Short of inodes, who uses the most of them goes, and the kubelet says of what there was too little")
    func inodesOfPods() throws {
        var configuration = NodeAgentConfiguration.prompt
        configuration.eviction.inodes = 1000
        func uses(_ inodes: Double, _ image: String) -> BehaviourRule {
            var behaviour = WorkloadBehaviour()
            var usage = ResourceUsage()
            usage.inodes = ResourceLoad(.constant(inodes))
            behaviour.usage = [usage]
            return BehaviourRule(selector: LabelSelector(matchLabels: [:]), image: image, behaviour: behaviour)
        }
        var cluster = try TestCluster(configuration: configuration, behaviours: [uses(500, "many"), uses(460, "few")])
        cluster.create(pod("few", image: "few"))
        cluster.create(pod("many", image: "many"))
        cluster.run(until: seconds(60))
        #expect(cluster["few"]?.status.phase == .running)
        #expect(
            cluster["many"]?.status.message
                == "The node was low on resource: inodes. Threshold quantity: 50, available: 40. ")
    }

    // MARK: emptyDir volumes

    /// A pod whose volume of at most 100 MiB takes another 10 MiB every second.
    private func filling(isInMemory: Bool, _ change: (inout PodSpec) -> Void = { _ in }) throws -> TestCluster {
        let mebibyte = 1048576.0
        var behaviour = WorkloadBehaviour()
        behaviour.emptyDirs = [
            VolumeUsage(volume: "cache", size: ResourceLoad(.growth(from: 0, perSecond: 10 * mebibyte), isSinceStart: true))
        ]
        var cluster = try TestCluster(
            allocatable: ["cpu": Quantity(4), "memory": Quantity(bytes: 8 << 30), "ephemeral-storage": Quantity(bytes: 100 << 30)],
            behaviour)
        cluster.create(
            pod("a") {
                let limit = Quantity(bytes: 100 << 20)
                $0.volumes = [Volume(name: "cache", source: .emptyDir(isInMemory: isInMemory, sizeLimit: limit))]
                change(&$0)
            })
        return cluster
    }

    @Test("A pod whose volume exceeds its limit is evicted at the next look")
    func volumeLimit() throws {
        var cluster = try filling(isInMemory: false)
        let passes = try #require(cluster.firstPass) - SimulatedTime.zero
        // The pod's start time has whole seconds.
        let look = (seconds(10) + .nanoseconds(1)).roundedUp(toMultipleOf: .seconds(10), phase: passes)
        cluster.run(until: look - .nanoseconds(1))
        #expect(cluster["a"]?.status.phase == .running)
        cluster.run(until: seconds(40))
        let status = try #require(cluster["a"]).status
        #expect(status.phase == .failed && status.reason == "Evicted")
        #expect(status.message == "Usage of EmptyDir volume \"cache\" exceeds the limit \"100Mi\". ")
        let failed = try #require(cluster.changes.first { $0.pod?.status.phase == .failed }?.time)
        #expect(failed == look + .milliseconds(202))
    }

    @Test("A volume in memory is its pod's, holds no more than its limit, and outlives containers")
    func volumeInMemory() throws {
        var roomy = try filling(isInMemory: true) { $0.resources = ResourceRequirements(limits: [.memory: Quantity(bytes: 100 << 20)]) }
        roomy.run(until: seconds(100))
        #expect(roomy["a"]?.status.restarts == 0)
        var narrow = try filling(isInMemory: true) { $0.resources = ResourceRequirements(limits: [.memory: Quantity(bytes: 50 << 20)]) }
        narrow.run(until: seconds(100))
        // Nobody uses memory that could be killed for it.
        #expect(narrow["a"]?.status.phase == .running && narrow["a"]?.status.restarts == 0)
    }

    @Test("What a volume in memory holds counts to the pod's memory")
    func volumeAndContainer() throws {
        var behaviour = WorkloadBehaviour()
        let mebibyte = 1048576.0
        var usage = ResourceUsage()
        usage.memory = ResourceLoad(.constant(20 * mebibyte))
        behaviour.usage = [usage]
        behaviour.emptyDirs = [VolumeUsage(volume: "cache", size: ResourceLoad(.growth(from: 0, perSecond: mebibyte), isSinceStart: true))]
        var cluster = try TestCluster(behaviour)
        cluster.create(
            pod("a") {
                $0.volumes = [Volume(name: "cache", source: .emptyDir(isInMemory: true, sizeLimit: nil))]
                $0.resources = ResourceRequirements(limits: [.memory: Quantity(bytes: 64 << 20)])
            })
        cluster.run(until: seconds(44))
        #expect(cluster["a"]?.status.containerStatuses[0].restartCount == 0 && cluster["a"]?.isReady == true)
        cluster.run(until: seconds(50))
        #expect(cluster.story(of: "a").contains { $0.hasPrefix("44.0 Running c=OOMKilled:137") })
        // What it wrote is still there: the next run has no room either.
        #expect(try #require(cluster["a"]).status.containerStatuses[0].restartCount >= 1)
        #expect(cluster["a"]?.isReady == false)
    }

    @Test("A load with a ceiling is the smaller of the two at all times", arguments: [LoadProfile.Shape.steps, .ramp])
    func capped(_ shape: LoadProfile.Shape) {
        let values = [0.0, 10, 4, 4, 7, 1, 12, 12]
        let profile = LoadProfile(values.enumerated().map { .init(seconds(Double($0.offset) * 3), $0.element) }, shape)
        let capped = profile.capped(at: 5)
        for tick in 0..<300 {
            let time = seconds(Double(tick) / 10)
            #expect(abs(capped.value(at: time) - min(5, profile.value(at: time))) < 1e-6)
        }
        #expect(profile.capped(at: 12) == profile)
    }
}
