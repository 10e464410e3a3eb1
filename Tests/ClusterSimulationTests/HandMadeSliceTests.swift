// EndpointSlices that no controller made: addresses count, whoever has them.

import APIServer
import DiscreteEvents
import KubernetesAPI
import ServiceNetwork
import Testing

@testable import ClusterSimulation

@Suite("EndpointSlices made by hand")
struct HandMadeSliceTests {
    /// A Deployment `web`, and a Service `manual` without a selector that somebody sends a hundred requests a second to.
    private func cluster(_ slices: [APIObject] = []) throws -> Cluster {
        try shop {
            var service = Service(metadata: ObjectMeta(name: "manual", namespace: "shop"))
            service.ports = [ServicePort(port: 80)]
            $0.objects += [APIObject(service)] + slices
            $0.checksInvariants = true
            let target = TrafficTarget(service: name("manual"))
            var source = TrafficSource(name: "users", target: target, arrivals: .poisson(rate: 100))
            source.policy.timeout = .seconds(1)
            source.start = at(60)
            var traffic = TrafficConfiguration()
            traffic.sources = [source]
            traffic.services = [ServiceBehaviour(target, serviceTime: .constant(.milliseconds(10)))]
            traffic.services[0].capacity = PodCapacity(concurrency: 8)
            $0.traffic = traffic
        }
    }

    /// - Parameter isManaged: it has the label of the EndpointSlice controller, which leaves Services without a selector alone.
    private func slice(_ addresses: [String], isManaged: Bool = false) -> APIObject {
        var labels: Labels = [SliceLabels.service: "manual"]
        if isManaged { labels[SliceLabels.managedBy] = SliceLabels.controller }
        return APIObject(
            EndpointSlice(
                metadata: ObjectMeta(name: "manual-1", namespace: "shop", labels: labels),
                endpoints: addresses.map { Endpoint(addresses: [$0]) }, ports: [EndpointPort(port: 8080)]))
    }

    @Test("They lead to the pods that have the addresses, as long as these do")
    func pods() throws {
        var cluster = try cluster()
        cluster.run(until: at(50))
        let pods = Array(cluster.pods(of: "web").prefix(2))
        #expect(pods.allSatisfy { !$0.status.podIP.isEmpty })
        cluster.ask(.create(slice(pods.map(\.status.podIP))))
        cluster.run(until: at(180))
        // One of the two goes; its address is nobody's then.
        cluster.ask(.delete(ObjectKey(.pod, pods[0].metadata.key), DeleteOptions()))
        cluster.run(until: at(300))
        let record = try #require(cluster.finish().traffic)
        #expect(cluster.violation == nil)
        #expect(Set(record.pods.filter { $0.received > 0 }.map(\.pod)).isSuperset(of: pods.map(\.metadata.key)))
        let half = Double(record.pods.first { $0.pod == pods[1].metadata.key }?.received ?? 0)
        #expect(abs(half - 12_000) < 600, "\(half)")
        let before = record.failures(from: at(61), until: at(180)).requests
        let after = record.failures(from: at(220), until: at(300)).requests
        #expect(before == 0 && (3_700...4_300).contains(after), "\(before), \(after)")
    }

    @Test("Endpoints made by hand lead there as well: they are mirrored into a slice, and what it says changes with them")
    func endpoints() throws {
        var cluster = try cluster()
        cluster.run(until: at(50))
        let pods = Array(cluster.pods(of: "web").prefix(2))
        func endpoints(_ addresses: [String]) -> Endpoints {
            let subset = EndpointSubset(addresses: addresses.map { EndpointAddress(ip: $0) }, ports: [EndpointPort(port: 8080)])
            return Endpoints(metadata: ObjectMeta(name: "manual", namespace: "shop"), subsets: [subset])
        }
        cluster.ask(.create(APIObject(endpoints([pods[0].status.podIP]))))
        cluster.run(until: at(120))
        cluster.ask(.update(APIObject(endpoints([pods[1].status.podIP]))))
        cluster.run(until: at(180))
        let record = try #require(cluster.finish().traffic)
        #expect(cluster.violation == nil)
        #expect(record.sources[0].failures == 0)
        let shares = pods.map { pod in Double(record.pods.first { $0.pod == pod.metadata.key }?.received ?? 0) }
        #expect(shares.allSatisfy { abs($0 - 6_000) < 450 }, "\(shares)")
    }

    @Test("An address that is no pod's is a host outside, which serves as the scenario says and never fails")
    func hostOutside() throws {
        var cluster = try cluster([slice(["192.0.2.7"])])
        cluster.run(until: at(180))
        let record = try #require(cluster.finish().traffic)
        #expect(cluster.violation == nil)
        #expect(record.sources[0].failures == 0 && record.sources[0].count(.succeeded) > 11_000)
        // 10 ms out and back each, and as much of service.
        #expect(abs(record.sources[0].latency.quantile(at: 0.01) - 0.03) < 0.001)
        #expect(record.pods.map(\.pod) == [NamespacedName(namespace: "", name: "192.0.2.7")])
    }

    @Test(
        "Nobody answers at an address of the pods' range that no pod has, until one does, whoever the slice says wrote it",
        arguments: [false, true])
    func nobody(isManaged: Bool) throws {
        var cluster = try cluster()
        cluster.run(until: at(50))
        // A node gives its addresses in turn: the next pod has the next one.
        let node = try #require(cluster.pods(of: "web").first?.nodeName)
        let taken = cluster.pods(onNode: node).compactMap { AddressRange.address($0.status.podIP) }
        let free = AddressRange.text(try #require(taken.max()) + 1)
        cluster.ask(.create(slice([free], isManaged: isManaged)))
        cluster.run(until: at(120))
        var late = barePod("late")
        if case .pod(let pod) = late { late = .pod(pod.with { $0.nodeName = node }) }
        cluster.ask(.create(late))
        cluster.run(until: at(180))
        let pod = try #require(cluster.pods(of: "late").first)
        try #require(pod.status.podIP == free)
        let record = try #require(cluster.finish().traffic)
        #expect(cluster.violation == nil)
        // What was sent in the last second may have been sent again to the pod.
        let (sent, failed) = (record.sources[0].sentBySecond[61..<118], record.sources[0].failedSent[61..<118])
        #expect(failed == sent && sent.allSatisfy { $0 > 0 }, "\(failed) of \(sent)")
        let after = record.failures(from: at(140), until: at(179)).requests
        #expect(after == 0 && record.sources[0].count(.succeeded) > 3_500, "\(after)")
    }
}
