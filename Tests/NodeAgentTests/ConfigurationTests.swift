// Pods that take something from ConfigMaps and Secrets: they wait until it is there.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("ConfigMaps and Secrets")
struct ConfigurationTests {
    private static let map = ConfigurationReference(.configMap, "settings")
    private static let secret = ConfigurationReference(.secret, "password")

    private static func mounting(_ references: [ConfigurationReference]) -> Pod {
        pod("p") { $0.volumes = [Volume(name: "v", source: .configuration(references))] }
    }

    private static func reading(_ references: [ConfigurationReference]) -> Pod {
        pod("p") { $0.containers[0].configuration = references }
    }

    private static func object(_ reference: ConfigurationReference, keys: [String] = []) -> APIObject {
        let metadata = ObjectMeta(name: reference.name, namespace: "default")
        return switch reference.source {
        case .configMap: APIObject(ConfigMap(metadata: metadata, keys: keys))
        case .secret: APIObject(Secret(metadata: metadata, keys: keys))
        }
    }

    /// When the pod's container was first reported to run.
    private static func started(_ cluster: TestCluster) -> SimulatedTime? {
        cluster.changes.first { change in
            change.pod?.status.containerStatuses.contains { if case .running = $0.state { true } else { false } } ?? false
        }?.time
    }

    private static func waiting(_ cluster: TestCluster) -> String? {
        guard case .waiting(let reason)? = cluster.changes.last?.pod?.status.containerStatuses.first?.state else { return nil }
        return reason
    }

    @Test(
        "A volume without its ConfigMap or Secret is tried again after half a second, doubled each time up to 122 s",
        arguments: [(map, "configmap \"settings\""), (secret, "secret \"password\"")])
    func volumeBackoff(_ reference: ConfigurationReference, text: String) throws {
        var cluster = try TestCluster()
        cluster.create(Self.mounting([reference]))
        // Tries at 0.01, 0.51, 1.51, 3.51, 7.51, 15.51, ... 63.51, 127.51 s; from then on every 122 s.
        cluster.run(until: seconds(120))
        let complaint = "FailedMount: MountVolume.SetUp failed for volume \"v\" : \(text) not found"
        #expect(cluster.events.first == complaint)
        #expect(cluster.events.filter { $0.hasPrefix(complaint) }.count == 8)
        #expect(Self.waiting(cluster) == "ContainerCreating")
        cluster.execute(.create(Self.object(reference)))
        cluster.run(until: seconds(127.5))
        #expect(Self.started(cluster) == nil)
        // The pass that waits began anew 10 s after its 123 s were over; the pod starts with its first look after that.
        cluster.run(until: seconds(140))
        // A container takes a second to start; two milliseconds for the report.
        #expect(Self.started(cluster) == seconds(134.012))
        #expect(
            cluster.events.contains(
                "FailedMount: Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], "
                    + "failed to process volumes=[]: context deadline exceeded"))
    }

    @Test("A volume whose ConfigMap comes soon costs the back-off, and the kubelet's next look")
    func soon() throws {
        var cluster = try TestCluster()
        cluster.create(Self.mounting([Self.map]))
        cluster.run(until: seconds(1))
        cluster.execute(.create(Self.object(Self.map)))
        cluster.run(until: seconds(60))
        // Mounted at 1.51 s, and looked for every 300 ms since 10 ms: just then.
        #expect(Self.started(cluster) == seconds(2.512))
    }

    @Test(
        "What is there, or optional, or not asked for keeps no pod waiting",
        arguments: [
            (ConfigurationReference(.configMap, "settings", keys: ["a"]), ["a", "b"]),
            (ConfigurationReference(.secret, "nowhere", isOptional: true), []),
            (ConfigurationReference(.configMap, "kube-root-ca.crt"), []),
        ])
    func nothingToWaitFor(_ reference: ConfigurationReference, keys: [String]) throws {
        var cluster = try TestCluster()
        if !keys.isEmpty { cluster.execute(.create(Self.object(reference, keys: keys))) }
        cluster.run(until: seconds(1))
        var pod = Self.mounting([reference])
        pod.spec = pod.spec.with { $0.containers[0].configuration = [reference] }
        cluster.create(pod)
        cluster.run(until: seconds(3))
        #expect(Self.started(cluster) == seconds(2.012))
    }

    @Test(
        "A container whose environment lacks something is not made, and tried again every ten seconds",
        arguments: [
            (map, [], "configmap \"settings\" not found"), (secret, [], "secret \"password\" not found"),
            (ConfigurationReference(.configMap, "settings", keys: ["a"]), ["b"], "couldn't find key a in ConfigMap default/settings"),
            (ConfigurationReference(.secret, "password", keys: ["a"]), ["b"], "couldn't find key a in Secret default/password"),
        ] as [(ConfigurationReference, [String], String)])
    func environment(_ reference: ConfigurationReference, keys: [String], problem: String) throws {
        var cluster = try TestCluster()
        if !keys.isEmpty { cluster.execute(.create(Self.object(reference, keys: keys))) }
        cluster.create(Self.reading([reference]))
        cluster.run(until: seconds(15))
        #expect(Self.waiting(cluster) == "CreateContainerConfigError")
        #expect(cluster.events.contains("Failed: Error: " + problem))
        if keys.isEmpty {
            cluster.execute(.create(Self.object(reference)))
        } else {
            cluster.execute(.delete(Self.object(reference).key, DeleteOptions()))
            cluster.execute(.create(Self.object(reference, keys: keys + ["a"])))
        }
        cluster.run(until: seconds(60))
        #expect(Self.started(cluster) == seconds(21.012))
    }

    @Test("Volumes that want several things name them all")
    func several() throws {
        var cluster = try TestCluster()
        cluster.create(Self.mounting([Self.map, ConfigurationReference(.secret, "password")]))
        cluster.run(until: seconds(0.1))
        #expect(
            cluster.events.first
                == "FailedMount: MountVolume.SetUp failed for volume \"v\" : [configmap \"settings\" not found, "
                + "secret \"password\" not found]")
    }

    @Test("A pod that is deleted while it waits goes at once")
    func deleted() throws {
        var cluster = try TestCluster()
        cluster.create(Self.mounting([Self.map]))
        cluster.run(until: seconds(5))
        cluster.delete("p")
        cluster.run(until: seconds(7))
        #expect(cluster.changes.last?.kind == "DELETED")
    }
}
