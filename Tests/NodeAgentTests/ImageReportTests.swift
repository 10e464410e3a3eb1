// Images in the status of nodes: what kubelets say of them, and when.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Image reports")
struct ImageReportTests {
    /// A kubelet that started at 100 s: it lists its images at 100, 130, 160 s, ..., and passes over them at 100, 400 s, ...
    private func cluster(capacity: Int64 = 0) throws -> TestCluster {
        var configuration = NodeAgentConfiguration.prompt
        configuration.pullBytesPerSecond = 10e6
        configuration.images = ["app": ImageRecord(bytes: 50_000_000), "registry.example/large:1": ImageRecord(bytes: 60_000_000)]
        configuration.imageCollection.capacity = capacity
        configuration.eviction.thresholds.removeAll { $0.signal == .imagefsAvailable }
        var cluster = try TestCluster(configuration: configuration)
        cluster.run(until: seconds(100))
        cluster.fail(kubeletOnly: true)
        cluster.comeBack()
        return cluster
    }

    private func pod(_ name: String, image: String) -> Pod { NodeAgentTests.pod(name) { $0.containers[0].image = image } }

    @Test func `what was pulled is reported after the next listing, the largest first, and once`() throws {
        var cluster = try cluster()
        for image in ["app", "registry.example/large:1", "unsized"] { cluster.create(pod(String(image.prefix(3)), image: image)) }
        cluster.run(until: seconds(129.9))
        #expect(cluster.images == [])
        cluster.run(until: seconds(130.1))
        #expect(cluster.images == ["registry.example/large:1 60000000", "docker.io/library/app:latest 50000000"])
        cluster.run(until: seconds(200))
        #expect(cluster.isIdle)
    }

    @Test func `an image that comes after a listing waits for the next one`() throws {
        var cluster = try cluster()
        cluster.run(until: seconds(127))
        cluster.create(pod("a", image: "app"))
        cluster.run(until: seconds(159.9))
        #expect(cluster.images == [])
        cluster.run(until: seconds(160.1))
        #expect(cluster.images == ["docker.io/library/app:latest 50000000"])
    }

    @Test func `what garbage collection removes is reported, too`() throws {
        var cluster = try cluster(capacity: 100_000_000)
        cluster.create(pod("a", image: "app"))
        cluster.run(until: seconds(110))
        cluster.delete("a")
        cluster.create(pod("b", image: "registry.example/large:1"))
        cluster.run(until: seconds(399))
        #expect(cluster.images.count == 2)
        cluster.run(until: seconds(431))
        #expect(cluster.images == ["registry.example/large:1 60000000"])
    }

    @Test func `a kubelet that starts says what its machine has`() throws {
        var cluster = try cluster()
        cluster.create(pod("a", image: "app"))
        cluster.run(until: seconds(110))
        cluster.fail(kubeletOnly: false)
        cluster.run(until: seconds(175))
        #expect(cluster.images == [])
        cluster.comeBack()
        cluster.run(until: seconds(175.1))
        #expect(cluster.images == ["docker.io/library/app:latest 50000000"])
    }

    @Test func `fifty images are reported at most`() {
        let images = (1...60).map { ContainerImage(names: ["app:\($0)"], sizeBytes: Int64($0)) }
        let reported = ImageStore(images).summary
        #expect(reported.map(\.sizeBytes) == (11...60).reversed().map { Int64($0) })
    }

    @Test(arguments: [("web:1", true), ("docker.io/library/web:1", true), ("web:2", false)])
    func `an image is known by its name in full`(_ image: String, _ isPresent: Bool) throws {
        var store = ImageStore([ContainerImage(names: ["docker.io/library/web@sha256:ab", "docker.io/library/web:1"], sizeBytes: 5)])
        #expect(store.bytes == 5)
        let answer = store.ask(
            for: image, bytes: 5, policy: .never, ImageStore.Conditions(limit: 1, failure: nil),
            by: ImageStore.Request(pod: 0, container: 0, at: .zero))
        #expect(answer == (isPresent ? .present : .notAllowed))
    }
}

extension TestCluster {
    /// Names and bytes of the images that the first node's status shows.
    fileprivate var images: [String] {
        let node = api.objects.get(Node.self, NamespacedName(namespace: "", name: "n0"))?.value
        return (node?.status.images ?? []).map { $0.names.joined(separator: ",") + " \($0.sizeBytes)" }
    }
}
