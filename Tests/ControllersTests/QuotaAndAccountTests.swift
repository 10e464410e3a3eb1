// The controllers that keep a namespace's accounts and counts, and node IPAM.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite("Quotas, accounts and node ranges")
struct QuotaAndAccountTests {
    private func quota(_ hard: ResourceList) -> ResourceQuota {
        var quota = ResourceQuota(metadata: ObjectMeta(name: "q", namespace: "default"))
        quota.spec.hard = hard
        return quota
    }

    private func used(_ cluster: TestCluster) -> ResourceList? {
        cluster.server.objects.get(ResourceQuota.self, NamespacedName(namespace: "default", name: "q"))?.value.status.used
    }

    @Test func `a new quota counts what is there, and pods that end or go are given back`() throws {
        var cluster = TestCluster()
        cluster.addNode("node-0")
        cluster.execute(.create(APIObject(Make.replicaSet(replicas: 3))))
        cluster.run(until: .zero + .seconds(10))
        cluster.execute(.create(APIObject(quota(["pods": Quantity(3), "count/pods": Quantity(9), "count/replicasets.apps": Quantity(5)]))))
        cluster.run(for: .milliseconds(10))
        #expect(used(cluster) == ["pods": Quantity(3), "count/pods": Quantity(3), "count/replicasets.apps": Quantity(1)])
        // The replacement of a deleted pod waits until the pod is gone: the ReplicaSet tries again, with back-off.
        let victim = try #require(cluster.pods.first)
        cluster.execute(.delete(ObjectKey(.pod, victim.metadata.key), DeleteOptions()))
        cluster.run(for: .seconds(10))
        #expect(cluster.pods.count == 3 && cluster.pods.allSatisfy { !$0.metadata.isTerminating })
        #expect(used(cluster)?["pods"] == Quantity(3))
        let refusals = cluster.events.filter { $0.reason == "FailedCreate" }
        #expect(refusals.allSatisfy { $0.message.hasSuffix("exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3") })
        #expect((3...8).contains(refusals.count))
        let set = try #require(cluster.replicaSets.first)
        #expect(set.status.conditions.isEmpty && set.status.replicas == 3)
    }

    @Test func `a quota that is changed is counted anew; its own status wakes nobody`() throws {
        var cluster = TestCluster()
        cluster.execute(.create(APIObject(quota(["pods": Quantity(4)]))))
        cluster.run(for: .seconds(1))
        let writes = cluster.history.count
        #expect(writes == 2)
        cluster.execute(.update(APIObject(quota(["pods": Quantity(4), "count/secrets": Quantity(1)]))))
        cluster.run(for: .seconds(1))
        #expect(cluster.history.count == writes + 2)
        #expect(used(cluster) == ["pods": .zero, "count/secrets": .zero])
    }

    @Test func `a terminating pod counts until its grace period has passed twice, found at the next full count`() throws {
        var cluster = TestCluster()
        cluster.addNode("node-0")
        cluster.execute(.create(APIObject(quota(["pods": Quantity(4), "count/pods": Quantity(4)]))))
        cluster.execute(.create(APIObject(Make.pod("p"))))
        cluster.run(until: .zero + .seconds(30))
        cluster.stoppedNodes.insert("node-0")
        cluster.execute(.delete(podKey("p"), DeleteOptions()))
        cluster.run(until: .zero + .seconds(299))
        #expect(used(cluster)?["pods"] == Quantity(1))
        cluster.run(until: .zero + .seconds(301))
        #expect(used(cluster) == ["pods": .zero, "count/pods": Quantity(1)])
    }

    private func podKey(_ name: String) -> ObjectKey { ObjectKey(.pod, namespace: "default", name) }

    @Test func `a namespace gets its account and its certificate, again when they are deleted, but not while it goes`() {
        var cluster = TestCluster()
        cluster.execute(.create(APIObject(Namespace(metadata: ObjectMeta(name: "shop")))))
        cluster.run(for: .seconds(1))
        let account = ObjectKey(.serviceAccount, namespace: "shop", "default")
        let certificate = PublishedCertificate.object(in: "shop").key
        #expect(cluster.server.objects[account] != nil && cluster.server.objects[certificate] != nil)
        cluster.execute(.delete(account, DeleteOptions()))
        cluster.execute(.delete(certificate, DeleteOptions()))
        cluster.run(for: .seconds(1))
        #expect(cluster.server.objects[account] != nil && cluster.server.objects[certificate] != nil)
        cluster.execute(.delete(ObjectKey(.namespace, "shop"), DeleteOptions()))
        cluster.runUntilQuiet()
        #expect(cluster.server.objects[account] == nil && cluster.server.objects[certificate] == nil)
        #expect(cluster.server.objects[ObjectKey(.namespace, "shop")] == nil)
    }

    @Test func `nodes that join get ranges in turn; those given back wait; who finds none is told`() throws {
        var configuration = ControllerManagerConfiguration()
        configuration.clusterCIDR = AddressRange("10.0.0.0/22")
        var cluster = TestCluster(configuration: configuration)
        cluster.run(until: .zero + .seconds(1))
        for number in 0..<3 { cluster.addNode("node-\(number)") }
        cluster.run(for: .seconds(1))
        #expect((0..<3).map { cluster.node("node-\($0)")?.spec.podCIDR } == ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"])
        cluster.execute(.delete(ObjectKey(.node, "node-0"), DeleteOptions()))
        cluster.run(for: .seconds(1))
        for number in 3..<6 { cluster.addNode("node-\(number)") }
        cluster.run(for: .milliseconds(500))
        #expect((3..<6).map { cluster.node("node-\($0)")?.spec.podCIDR } == ["10.0.3.0/24", "10.0.0.0/24", ""])
        let event = try #require(cluster.events.first { $0.reason == "CIDRNotAvailable" })
        #expect(event.message == "Node node-5 status is now: CIDRNotAvailable" && event.source == "cidrAllocator")
        // It asks again, with back-off, and gets what comes free.
        cluster.execute(.delete(ObjectKey(.node, "node-1"), DeleteOptions()))
        cluster.run(for: .seconds(30))
        #expect(cluster.node("node-5")?.spec.podCIDRs == ["10.0.1.0/24"])
    }

    @Test func `a small cluster has kubeadm's range, a large one what it needs`() {
        let configuration = ControllerManagerConfiguration()
        #expect(configuration.clusterRange(forNodes: 256).description == "10.244.0.0/16")
        #expect(configuration.clusterRange(forNodes: 5000).description == "10.224.0.0/11")
    }

    @Test("Text of address ranges", arguments: ["10.244.0.0/16", "0.0.0.0/0", "192.168.1.7/32"])
    func rangeText(_ text: String) { #expect(AddressRange(text)?.description == text) }

    @Test("What is no address range", arguments: ["10.244.0.0", "10.244.0/16", "10.244.0.0/33", "fd00::/64", "256.0.0.0/8", "/", ""])
    func noRange(_ text: String) { #expect(AddressRange(text) == nil) }
}
