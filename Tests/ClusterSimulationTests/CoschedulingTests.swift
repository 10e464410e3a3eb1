// Gangs in a running cluster: all pods of a PodGroup get nodes, or none, and those that wait for each other do not wait for ever.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Scheduling
import Testing

@testable import ClusterSimulation

@Suite("Coscheduling")
struct CoschedulingTests {
    private static func group(_ name: String, minMember: Int32, timeout: Int32? = nil, resources: ResourceList? = nil) -> APIObject {
        var object = Unstructured(
            apiVersion: "scheduling.x-k8s.io/v1alpha1", kindName: "PodGroup", metadata: ObjectMeta(name: name, namespace: "shop"))
        var spec = PodGroupSpec()
        spec.minMember = minMember
        spec.scheduleTimeoutSeconds = timeout
        spec.minResources = resources
        object.podGroup = spec
        return APIObject(object)
    }

    private static func member(
        _ name: String, of group: String, cpu: Int64 = 1000, _ change: (inout PodSpec) -> Void = { _ in }
    ) -> APIObject {
        barePod(name, cpu: cpu, change).withMetadata { $0.labels[PodGroupSpec.label] = group }
    }

    private static func members(_ count: Int, of group: String, cpu: Int64 = 1000) -> [APIObject] {
        (0..<count).map { member("\(group)-\($0)", of: group, cpu: cpu) }
    }

    private static func gate(_ spec: inout PodSpec) { spec.schedulingGates = ["example.com/wait"] }

    /// Without a pause a group that does not fit is tried again as fast as the scheduler can.
    private static let patient = "{\"podGroupBackoffSeconds\":10}"

    /// Machines of four cores, and the default profile, or one with Coscheduling.
    private static func cluster(
        machines: Int = 1, arguments: String? = "{}", _ objects: [APIObject], _ change: (inout ClusterConfiguration) -> Void = { _ in }
    ) throws -> Cluster {
        var configuration = ClusterConfiguration()
        configuration.nodes = (0..<machines).map { machine("m-\($0)") }
        configuration.objects = objects
        configuration.recording.watchLog = true
        configuration.checksInvariants = true
        if let arguments {
            var profile = configuration.scheduler.profiles[0]
            profile.plugins = [
                ExtensionPointConfiguration(.multiPoint, enabled: [WeightedPlugin("Coscheduling")]),
                ExtensionPointConfiguration(.queueSort, enabled: [WeightedPlugin("Coscheduling")], disabled: ["*"]),
            ]
            profile.arguments = [PluginConfiguration(name: "Coscheduling", arguments: .other(arguments))]
            configuration.scheduler.profiles[0] = profile
        }
        change(&configuration)
        return try Cluster(configuration)
    }

    /// The names of the pods that have a node, sorted.
    private static func bound(_ cluster: Cluster) -> [String] {
        cluster.pods.filter { $0.nodeName != nil }.map(\.metadata.name).sorted()
    }

    private static let isAlone = "cannot find enough sibling pods"

    /// What a pod was ever told of its failures, `alone`: also of those from before its siblings came.
    private static func messages(_ cluster: Cluster, about name: String, alone: Bool = false) -> [String] {
        var messages: [String] = []
        for case .pod(let pod) in cluster.record.watchLog.map(\.object) where pod.value.metadata.name == name {
            guard let condition = pod.value.status.conditions[.podScheduled], condition.status == .false,
                condition.reason == "Unschedulable", condition.message != messages.last, alone || !condition.message.contains(isAlone)
            else { continue }
            messages.append(condition.message)
        }
        return messages
    }

    // MARK: All or none

    @Test("a gang that does not fit leaves nothing bound and its room to others, unlike pods without a gang")
    func tooLarge() throws {
        // Five pods of two cores for eight cores, and one of three that comes later.
        let objects = [CoschedulingTests.group("g", minMember: 5)] + CoschedulingTests.members(5, of: "g", cpu: 2000)
        let late = TimelineEntry(at: at(20), action: .apply([barePod("solo", cpu: 3000)]))
        var gang = try CoschedulingTests.cluster(machines: 2, arguments: CoschedulingTests.patient, objects) { $0.timeline = [late] }
        gang.run(until: at(60))
        #expect(CoschedulingTests.bound(gang) == ["solo"] && gang.violation == nil)
        let texts = (0..<5).flatMap { CoschedulingTests.messages(gang, about: "g-\($0)") }
        #expect(texts.contains { $0.contains("Insufficient cpu") && $0.contains("PodGroup shop/g gets rejected due to Pod g-") })
        #expect(texts.contains("0/1 nodes are available: 1 optimistic rejection in PostFilter."))
        var single = try CoschedulingTests.cluster(machines: 2, arguments: nil, objects) { $0.timeline = [late] }
        single.run(until: at(60))
        #expect(CoschedulingTests.bound(single).count == 4 && !CoschedulingTests.bound(single).contains("solo"))
    }

    @Test("of two gangs that each need all there is one gets it, where the default profile gives half to each")
    func twoGangs() throws {
        var objects = [CoschedulingTests.group("a", minMember: 3), CoschedulingTests.group("b", minMember: 3)]
        for number in 0..<3 { objects += ["a", "b"].map { CoschedulingTests.member("\($0)-\(number)", of: $0) } }
        var single = try CoschedulingTests.cluster(arguments: nil, objects)
        single.run(until: at(100))
        #expect(CoschedulingTests.bound(single) == ["a-0", "a-1", "b-0", "b-1"])
        var gangs = try CoschedulingTests.cluster(arguments: CoschedulingTests.patient, objects)
        gangs.run(until: at(100))
        #expect(CoschedulingTests.bound(gangs) == ["a-0", "a-1", "a-2"] && gangs.violation == nil)
        // The first gang's end lets the second one in, at the latest when pods are tried that were left for five minutes.
        for number in 0..<3 { gangs.ask(.delete(ObjectKey(.pod, name("a-\(number)")), DeleteOptions(gracePeriodSeconds: 0))) }
        gangs.run(until: at(700))
        #expect(CoschedulingTests.bound(gangs) == ["b-0", "b-1", "b-2"] && gangs.violation == nil)
    }

    @Test("pods of a gang are bound together, once its last pod has come")
    func together() throws {
        let objects = [CoschedulingTests.group("g", minMember: 3)] + CoschedulingTests.members(2, of: "g")
        var cluster = try CoschedulingTests.cluster(objects) {
            $0.timeline = [TimelineEntry(at: at(30), action: .apply([CoschedulingTests.member("g-2", of: "g")]))]
        }
        cluster.run(until: at(29))
        #expect(CoschedulingTests.bound(cluster) == [])
        let few = "pre-filter pod g-1 cannot find enough sibling pods, current pods number: 2, minMember of group: 3."
        #expect(CoschedulingTests.messages(cluster, about: "g-1", alone: true).first?.contains(few) == true)
        // The last one has the others tried at once.
        cluster.run(until: at(32))
        #expect(CoschedulingTests.bound(cluster) == ["g-0", "g-1", "g-2"] && cluster.violation == nil)
    }

    @Test("a group that needs more than is free is not tried, and is when it is enough")
    func resources() throws {
        let wanted: ResourceList = [.cpu: Quantity(6), .memory: Quantity(bytes: 1 << 30)]
        let objects = [CoschedulingTests.group("g", minMember: 2, resources: wanted)] + CoschedulingTests.members(2, of: "g")
        var cluster = try CoschedulingTests.cluster(objects) {
            $0.timeline = [TimelineEntry(at: at(30), action: .addNodes([machine("more")]))]
        }
        cluster.run(until: at(29))
        #expect(CoschedulingTests.bound(cluster) == [])
        #expect(CoschedulingTests.messages(cluster, about: "g-1").first?.contains("resource gap: cpu 2.") == true)
        cluster.run(until: at(400))
        #expect(CoschedulingTests.bound(cluster) == ["g-0", "g-1"] && cluster.violation == nil)
    }

    @Test("a pod of a group that does not exist is not placed, and is when the group comes")
    func unknownGroup() throws {
        var cluster = try CoschedulingTests.cluster([CoschedulingTests.member("p", of: "g")]) {
            $0.timeline = [TimelineEntry(at: at(30), action: .apply([CoschedulingTests.group("g", minMember: 1)]))]
        }
        cluster.run(until: at(29))
        #expect(CoschedulingTests.messages(cluster, about: "p") == ["0/1 nodes are available: 1 PodGroup not found."])
        cluster.run(until: at(40))
        #expect(CoschedulingTests.bound(cluster) == ["p"] && cluster.violation == nil)
    }

    // MARK: The end of waiting

    @Test(
        "a gang waits as long as its group says, else as the configuration does, and never longer than a quarter of an hour",
        arguments: [
            (10, "{}", 10, "10s"), (nil, "{}", 60, "1m0s"), (nil, "{\"permitWaitingTimeSeconds\":30}", 30, "30s"),
            (3600, "{}", 900, "15m0s"),
        ] as [(Int32?, String, Double, String)])
    func timeOut(timeout: Int32?, arguments: String, seconds: Double, text: String) throws {
        // The third pod is there, and is not to be tried.
        let objects =
            [CoschedulingTests.group("g", minMember: 3, timeout: timeout)] + CoschedulingTests.members(2, of: "g")
            + [CoschedulingTests.member("g-2", of: "g", CoschedulingTests.gate)]
        var cluster = try CoschedulingTests.cluster(arguments: arguments, objects)
        cluster.run(until: at(seconds - 0.5))
        #expect(CoschedulingTests.messages(cluster, about: "g-0") == [] && CoschedulingTests.messages(cluster, about: "g-1") == [])
        #expect(cluster.scheduler.queue.pods(in: .inFlight).map(\.name.name) == ["g-0", "g-1"])
        cluster.run(until: at(seconds + 1))
        let all = (CoschedulingTests.messages(cluster, about: "g-0") + CoschedulingTests.messages(cluster, about: "g-1")).sorted()
        #expect(
            all == [
                "0/1 nodes are available: 1 rejected due to timeout after waiting \(text) at plugin Coscheduling.",
                "0/1 nodes are available: 1 rejection in Unreserve.",
            ])
        #expect(CoschedulingTests.bound(cluster) == [] && cluster.violation == nil)
        // Nothing of the node is held any more.
        #expect(cluster.scheduler.cache.podCount == 0)
    }

    @Test("a waiting pod that is deleted takes its gang's places with it")
    func deleted() throws {
        let objects =
            [CoschedulingTests.group("g", minMember: 3)] + CoschedulingTests.members(2, of: "g", cpu: 2000)
            + [CoschedulingTests.member("g-2", of: "g", CoschedulingTests.gate)]
        var cluster = try CoschedulingTests.cluster(objects) {
            $0.timeline = [TimelineEntry(at: at(10), action: .apply([barePod("other", cpu: 3000)]))]
        }
        cluster.run(until: at(20))
        #expect(CoschedulingTests.bound(cluster) == [])
        cluster.ask(.delete(ObjectKey(.pod, name("g-0")), DeleteOptions()))
        cluster.run(until: at(40))
        #expect(CoschedulingTests.bound(cluster) == ["other"] && cluster.violation == nil)
        #expect(CoschedulingTests.messages(cluster, about: "g-1").first == "0/1 nodes are available: 1 rejection in Unreserve.")
    }

    @Test("without a pause a group that nearly fits is tried again and again, back-off or not")
    func eager() throws {
        let objects = [CoschedulingTests.group("g", minMember: 5)] + CoschedulingTests.members(5, of: "g")
        func attempts(_ arguments: String) throws -> Int {
            var cluster = try CoschedulingTests.cluster(arguments: arguments, objects)
            cluster.run(until: at(1))
            #expect(CoschedulingTests.bound(cluster) == [] && cluster.violation == nil)
            return cluster.record.attempts.count
        }
        #expect(try attempts("{}") > 500)
        #expect(try attempts(CoschedulingTests.patient) < 50)
    }

    @Test("a group that failed is not tried for a while")
    func backoff() throws {
        let objects = [CoschedulingTests.group("g", minMember: 5)] + CoschedulingTests.members(5, of: "g")
        var cluster = try CoschedulingTests.cluster(arguments: "{\"podGroupBackoffSeconds\":120}", objects) {
            $0.timeline = [TimelineEntry(at: at(60), action: .addNodes([machine("more")]))]
        }
        cluster.run(until: at(100))
        let texts = (0..<5).flatMap { CoschedulingTests.messages(cluster, about: "g-\($0)") }
        #expect(CoschedulingTests.bound(cluster) == [] && texts.contains { $0.contains("podGroup shop/g failed recently") })
        cluster.run(until: at(500))
        #expect(CoschedulingTests.bound(cluster).count == 5 && cluster.violation == nil)
    }

    @Test("while only a tenth of a group is missing, a pod that fits nowhere does not send the others away")
    func smallGap() throws {
        let objects = [CoschedulingTests.group("g", minMember: 10)] + CoschedulingTests.members(10, of: "g", cpu: 440)
        func waiting(_ arguments: String) throws -> Int {
            var cluster = try CoschedulingTests.cluster(arguments: arguments, objects)
            cluster.run(until: at(5))
            #expect(CoschedulingTests.bound(cluster) == [] && cluster.violation == nil)
            return cluster.scheduler.queue.pods(in: .inFlight).count
        }
        #expect(try waiting("{}") == 9)
        #expect(try waiting("{\"podGroupRejectPercentage\":9,\"podGroupBackoffSeconds\":60}") == 0)
    }

    @Test("a waiting pod makes room for one of higher priority without being deleted")
    func preempted() throws {
        let objects =
            [
                APIObject(PriorityClass(metadata: ObjectMeta(name: "high"), value: 1000)), CoschedulingTests.group("g", minMember: 3),
                CoschedulingTests.member("g-2", of: "g", CoschedulingTests.gate),
            ] + CoschedulingTests.members(2, of: "g", cpu: 2000)
        var cluster = try CoschedulingTests.cluster(objects) {
            let urgent = barePod("urgent", cpu: 3000) { $0.priorityClassName = "high" }
            $0.timeline = [TimelineEntry(at: at(20), action: .apply([urgent]))]
        }
        cluster.run(until: at(30))
        #expect(CoschedulingTests.bound(cluster) == ["urgent"] && cluster.pods.count == 4 && cluster.violation == nil)
        let texts = (0..<2).flatMap { CoschedulingTests.messages(cluster, about: "g-\($0)") }
        #expect(texts.count { $0 == "0/1 nodes are available: 1 preempted." } == 2)
    }

    @Test("gangs and pods without one come by priority, then by when they were created")
    func order() throws {
        // A full machine becomes free. The older gang is first, though the pods of the younger one came before its own.
        let objects =
            [barePod("first", cpu: 4000), CoschedulingTests.group("old", minMember: 2), CoschedulingTests.group("young", minMember: 2)]
            + CoschedulingTests.members(2, of: "young", cpu: 2000) + CoschedulingTests.members(2, of: "old", cpu: 2000)
        var cluster = try CoschedulingTests.cluster(objects)
        cluster.run(until: at(20))
        #expect(CoschedulingTests.bound(cluster) == ["first"])
        cluster.ask(.delete(ObjectKey(.pod, name("first")), DeleteOptions(gracePeriodSeconds: 0)))
        cluster.run(until: at(40))
        #expect(CoschedulingTests.bound(cluster) == ["old-0", "old-1"] && cluster.violation == nil)
    }
}
