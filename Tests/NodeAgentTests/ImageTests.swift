// Images: pulls and their order, the registry's bandwidth, failures and back-off.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

/// 50 MB at 10 MB/s: five seconds for an image, alone.
private var slow: NodeAgentConfiguration {
    var configuration = NodeAgentConfiguration.prompt
    configuration.pullBytesPerSecond = 10e6
    configuration.defaultImageBytes = 50_000_000
    return configuration
}

extension TestCluster {
    /// The first time at which a pod's container was in this state, in seconds.
    fileprivate func first(_ state: String, _ name: String) -> String? {
        story(of: name).first { $0.contains("c=" + state) }?.split(separator: " ").first.map(String.init)
    }
}

@Suite("Pulls")
struct PullTests {
    @Test func `pulls are serial and images stay`() throws {
        var cluster = try TestCluster(configuration: slow)
        cluster.create(pod("a", image: "app"))
        cluster.create(pod("b", image: "other"))
        cluster.run(until: seconds(1))
        cluster.create(pod("c", image: "app"))
        cluster.run(until: seconds(20))
        #expect(cluster.first("running", "a") == "6.0")
        #expect(cluster.first("running", "b") == "11.0")
        // The image is there after five seconds, but other's pull comes first.
        #expect(cluster.first("running", "c") == "11.0")
        #expect(
            cluster.events.contains(
                "Pulled: Successfully pulled image \"app\" in 0s (9s including waiting). Image size: 50000000 bytes."))
        #expect(
            cluster.events.contains(
                "Pulled: Successfully pulled image \"app\" in 5s (5s including waiting). Image size: 50000000 bytes."))
        #expect(
            cluster.events.contains(
                "Pulled: Successfully pulled image \"other\" in 5s (10s including waiting). Image size: 50000000 bytes."))
        cluster.create(pod("d", image: "app"))
        cluster.run(until: seconds(30))
        #expect(cluster.first("running", "d") == "21.0")
        #expect(cluster.events.contains("Pulled: Container image \"app\" already present on machine and can be accessed by the pod"))
    }

    @Test(arguments: [(nil as Int?, ["16.0", "16.0", "16.0"]), (2, ["11.0", "11.0", "16.0"]), (1, ["6.0", "11.0", "16.0"])])
    func `pulls at a time share the node's bandwidth`(_ limit: Int?, _ running: [String]) throws {
        var configuration = slow
        configuration.serializeImagePulls = false
        configuration.maxParallelImagePulls = limit ?? 0
        var cluster = try TestCluster(configuration: configuration)
        for name in ["a", "b", "c"] { cluster.create(pod(name, image: name)) }
        cluster.run(until: seconds(30))
        #expect(["a", "b", "c"].map { cluster.first("running", $0) } == running)
    }

    @Test func `nodes that pull share the registry's bandwidth`() throws {
        var configuration = slow
        configuration.registryBytesPerSecond = 10e6
        var cluster = try TestCluster(nodes: 2, configuration: configuration)
        cluster.create(pod("a", image: "app"))
        cluster.run(until: seconds(4))
        cluster.create(pod("b", node: "n1", image: "app"))
        cluster.run(until: seconds(30))
        // Four seconds alone leave a fifth for two seconds at half the speed; the other one has 40 MB to go then.
        #expect(cluster.first("running", "a") == "7.0")
        #expect(cluster.first("running", "b") == "11.0")
        #expect(
            cluster.events.contains(
                "Pulled: Successfully pulled image \"app\" in 6s (6s including waiting). Image size: 50000000 bytes."))
    }

    /// The shared registry against a fluid that is divided anew at every arrival and every end.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `bandwidth is shared as a fluid is`(_ seed: UInt64) throws {
        var stream = RandomStream(seed: seed, purpose: RandomPurpose("test"), owner: "registry")
        var configuration = slow
        configuration.registryBytesPerSecond = 25e6
        let arrivals = (0..<8).map { _ in stream.uniform() * 12 }.sorted()
        let bytes = (0..<8).map { _ in Int64(stream.uniform(below: 100_000_000)) + 1 }
        for index in 0..<8 { configuration.images["image-\(index)"] = ImageRecord(bytes: bytes[index]) }
        var cluster = try TestCluster(nodes: 8, configuration: configuration)
        for index in 0..<8 {
            cluster.run(until: seconds(arrivals[index]))
            cluster.create(pod("p\(index)", node: "n\(index)", image: "image-\(index)"))
        }
        cluster.run(until: seconds(200))
        var left = bytes.map(Double.init)
        var ends = Array(repeating: 0.0, count: 8)
        var now = 0.0
        while left.contains(where: { $0 > 0 }) {
            let active = (0..<8).filter { arrivals[$0] <= now && left[$0] > 0 }
            let rate = min(10e6, 25e6 / Double(max(1, active.count)))
            let nextEnd = active.map { now + left[$0] / rate }.min() ?? .infinity
            let next = min(nextEnd, arrivals.first { $0 > now } ?? .infinity)
            for index in active {
                left[index] -= (next - now) * rate
                if left[index] < 1e-3 { (left[index], ends[index]) = (0, next) }
            }
            now = next
        }
        for index in 0..<8 {
            let pod = try #require(cluster["p\(index)"])
            let change = try #require(
                cluster.changes.first { $0.pod?.metadata.name == pod.metadata.name && $0.pod?.status.phase == .running })
            // Seen after a watch latency, started in a second, written after a request latency.
            #expect(abs(change.time.seconds - (ends[index] + 0.010 + 1 + 0.002)) < 1e-6)
        }
    }

    @Test(arguments: [true, false])
    func `a pull under way is lost with its kubelet`(_ kubeletOnly: Bool) throws {
        var cluster = try TestCluster(configuration: slow)
        cluster.create(pod("a", image: "app"))
        cluster.run(until: seconds(3))
        cluster.fail(kubeletOnly: kubeletOnly)
        cluster.run(until: seconds(20))
        cluster.comeBack()
        cluster.run(until: seconds(60))
        #expect(cluster.first("running", "a") == "26.0")
    }
}

@Suite("Pulls that fail")
struct FailingPullTests {
    private var withoutApp: NodeAgentConfiguration {
        var configuration = NodeAgentConfiguration.prompt
        configuration.images["shop/app:1"] = ImageRecord(isMissing: true)
        return configuration
    }

    @Test func `pulls of an image that does not exist are repeated after 10 s, doubled up to 5 minutes`() throws {
        var cluster = try TestCluster(configuration: withoutApp)
        cluster.create(pod("a", image: "shop/app:1"))
        cluster.run(until: seconds(1000))
        let tried = cluster.story(of: "a").filter { $0.hasSuffix("c=ErrImagePull") }.map { $0.split(separator: " ")[0] }
        #expect(tried == ["0.0", "10.0", "30.0", "70.0", "150.0", "310.0", "610.0", "910.0"])
        // The kubelet notices that it backs off when it looks again.
        let waits = cluster.story(of: "a").filter { $0.hasSuffix("c=ImagePullBackOff") }.map { $0.split(separator: " ")[0] }
        #expect(waits == ["1.0", "20.0", "40.0", "80.0", "160.0", "320.0", "620.0", "920.0"])
        #expect(
            cluster.events.prefix(5) == [
                "Pulling: Pulling image \"shop/app:1\"",
                """
                Failed: Failed to pull image "shop/app:1": rpc error: code = NotFound desc = failed to pull and unpack image \
                "docker.io/shop/app:1": failed to resolve reference "docker.io/shop/app:1": docker.io/shop/app:1: not found
                """,
                "Failed: Error: ErrImagePull", "BackOff: Back-off pulling image \"shop/app:1\"", "Failed: Error: ImagePullBackOff",
            ])
    }

    @Test func `an image that must not be pulled is waited for`() throws {
        var cluster = try TestCluster(configuration: slow)
        cluster.create(pod("a", image: "app", .never))
        cluster.run(until: seconds(10))
        #expect(cluster.story(of: "a").last == "0.0 Pending c=ErrImageNeverPull")
        #expect(
            cluster.events == [
                "ErrImageNeverPull: Container image \"app\" is not present with pull policy of Never", "Failed: Error: ErrImageNeverPull",
            ])
        cluster.create(pod("b", image: "app"))
        cluster.run(until: seconds(30))
        // Pulled by the other pod at 15 s; the kubelet looks again every ten seconds.
        #expect(cluster.first("running", "a") == "21.0")
        #expect(cluster.events.contains("Failed: Error: ErrImageNeverPull (x2)"))
    }

    @Test func `a name that is no image's is told of, and looked at again`() throws {
        var cluster = try TestCluster(configuration: slow)
        cluster.create(pod("a", image: "Shop:1"))
        cluster.run(until: seconds(15))
        #expect(cluster.story(of: "a") == ["0.0 Pending", "0.0 Pending c=InvalidImageName"])
        let problem = "invalid reference format: repository name (library/Shop) must be lowercase"
        let first = "InspectFailed: Failed to apply default image tag \"Shop:1\": couldn't parse image name \"Shop:1\": \(problem)"
        #expect(cluster.events == [first, "Failed: Error: InvalidImageName", first + " (x2)", "Failed: Error: InvalidImageName (x2)"])
        cluster.delete("a")
        cluster.run(until: seconds(16))
        #expect(cluster["a"] == nil)
    }

    @Test func `a back-off is told at every pass over the pod`() throws {
        var configuration = slow
        configuration.images["shop/app:1"] = ImageRecord(isMissing: true)
        configuration.pullBackoffInitial = .seconds(160)
        var cluster = try TestCluster(configuration: configuration)
        cluster.create(pod("a", image: "shop/app:1"))
        cluster.run(until: seconds(159))
        // After a second, and then every minute; the next pull is tried at 160 s.
        #expect(cluster.events.count { $0.hasPrefix("BackOff: ") } == 3)
        #expect(cluster.story(of: "a").last == "1.0 Pending c=ImagePullBackOff")
        cluster.run(until: seconds(161))
        #expect(cluster.story(of: "a").last == "160.0 Pending c=ErrImagePull")
    }

    @Test func `an outage of the registry ends pulls, and those that wait get theirs when it is over`() throws {
        var cluster = try TestCluster(configuration: slow)
        cluster.create(pod("a", image: "registry.example:5000/app:2"))
        cluster.run(until: seconds(3))
        cluster.registry(isDown: true)
        cluster.run(until: seconds(50))
        cluster.registry(isDown: false)
        cluster.run(until: seconds(100))
        // Failed at 3, 13 and 33 s; at 73 s it works.
        #expect(cluster.story(of: "a").filter { $0.hasSuffix("c=ErrImagePull") }.count == 3)
        #expect(cluster.first("running", "a") == "79.0")
        #expect(
            cluster.events.contains(
                """
                Failed: Failed to pull image "registry.example:5000/app:2": rpc error: code = Unknown desc = failed to pull and unpack image \
                "registry.example:5000/app:2": failed to resolve reference "registry.example:5000/app:2": failed to do request: Head \
                "https://registry.example:5000/v2/app/manifests/2": dial tcp: connect: connection refused
                """))
    }

    @Test(arguments: [(ImagePullPolicy.always, 11.5, "11.0 Running c=ErrImagePull/1"), (.ifNotPresent, 12.5, "12.0 Running c=running/1")])
    func `a restart asks the registry if the policy is Always`(_ policy: ImagePullPolicy, _ end: Double, _ story: String) throws {
        var behaviour = WorkloadBehaviour()
        behaviour.crash = .constant(.seconds(10))
        var cluster = try TestCluster(behaviour)
        cluster.create(pod("a", image: "app", policy))
        cluster.run(until: seconds(5))
        cluster.registry(isDown: true)
        cluster.run(until: seconds(end))
        #expect(cluster.story(of: "a").last?.hasPrefix(story) == true)
    }
}
