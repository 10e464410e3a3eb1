// Mirroring: what becomes of Endpoints that people write for Services without a selector.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite("EndpointSlice mirroring controller") struct EndpointSliceMirroringTests {
    private static let key = NamespacedName(namespace: "default", name: "db")

    private static func service(selector: Labels? = nil) -> APIObject {
        var service = Service(metadata: ObjectMeta(name: "db", namespace: "default"), selector: selector)
        service.ports = [ServicePort(port: 5432)]
        return APIObject(service)
    }

    private static func endpoints(_ addresses: [String], notReady: [String] = [], port: Int32 = 5432) -> Endpoints {
        let subset = EndpointSubset(
            addresses: addresses.map { EndpointAddress(ip: $0) }, notReadyAddresses: notReady.map { EndpointAddress(ip: $0) },
            ports: [EndpointPort(port: port)])
        let annotations: Labels = ["note": "by hand", SliceLabels.lastApplied: "{}", SliceLabels.triggerTime: "2026-01-01T00:00:00Z"]
        return Endpoints(
            metadata: ObjectMeta(name: "db", namespace: "default", labels: ["team": "a"], annotations: annotations), subsets: [subset])
    }

    /// A cluster in which some objects were made, and what follows has happened.
    private static func cluster(maximum: Int = 1000, _ objects: [APIObject]) -> TestCluster {
        var configuration = ControllerManagerConfiguration()
        configuration.maximumMirroredAddresses = maximum
        var cluster = TestCluster(configuration: configuration)
        for object in objects { cluster.execute(.create(object)) }
        cluster.run(for: .seconds(5))
        return cluster
    }

    private static func addresses(_ cluster: TestCluster) -> [[String]] {
        cluster.all(EndpointSlice.self).map { slice in
            slice.endpoints.map { ($0.addresses.first ?? "") + ($0.ready == true ? "" : " not ready") }
        }
    }

    private static func replace(_ endpoints: Endpoints, in cluster: inout TestCluster) {
        cluster.execute(.update(APIObject(endpoints)))
        cluster.run(for: .seconds(5))
    }

    @Test func addressesStandInOneSliceWithTheLabelsOfTheObject() throws {
        var cluster = Self.cluster([Self.service(), APIObject(Self.endpoints(["10.0.0.1", "10.0.0.2"], notReady: ["10.0.0.3"]))])
        let slice = try #require(cluster.all(EndpointSlice.self).first)
        #expect(Self.addresses(cluster) == [["10.0.0.1", "10.0.0.2", "10.0.0.3 not ready"]])
        #expect(slice.ports == [EndpointPort(port: 5432)] && slice.metadata.name.hasPrefix("db-") && slice.service == Self.key)
        #expect(
            slice.metadata.labels == [
                "team": "a", SliceLabels.service: "db", SliceLabels.managedBy: "endpointslicemirroring-controller.k8s.io",
            ])
        #expect(slice.metadata.annotations == ["note": "by hand"])
        #expect(slice.metadata.ownerReferences.map(\.kind) == ["Endpoints"])
        // What is written by nobody else is not written again.
        let generation = slice.metadata.generation
        cluster.run(for: .seconds(60))
        #expect(cluster.all(EndpointSlice.self).first?.metadata.generation == generation)
        // With the object its mirrors go.
        cluster.execute(.delete(ObjectKey(.endpoints, Self.key), DeleteOptions()))
        cluster.runUntilQuiet()
        #expect(cluster.all(EndpointSlice.self).isEmpty)
    }

    @Test func aChangeRewritesTheSliceAndOtherPortsReuseIt() throws {
        var cluster = Self.cluster([Self.service(), APIObject(Self.endpoints(["10.0.0.1"]))])
        let name = try #require(cluster.all(EndpointSlice.self).first?.metadata.name)
        Self.replace(Self.endpoints(["10.0.0.1", "10.0.0.9"]), in: &cluster)
        #expect(Self.addresses(cluster) == [["10.0.0.1", "10.0.0.9"]])
        Self.replace(Self.endpoints(["10.0.0.9"], port: 5433), in: &cluster)
        let slices = cluster.all(EndpointSlice.self)
        #expect(slices.map(\.metadata.name) == [name] && slices.first?.ports == [EndpointPort(port: 5433)])
        // A slice that somebody else changes or deletes is made what it was.
        var changed = try #require(slices.first)
        changed.endpoints = []
        cluster.execute(.update(APIObject(changed)))
        cluster.run(for: .seconds(5))
        #expect(Self.addresses(cluster) == [["10.0.0.9"]])
        cluster.execute(.delete(ObjectKey(.endpointSlice, changed.metadata.key), DeleteOptions()))
        cluster.run(for: .seconds(5))
        #expect(Self.addresses(cluster) == [["10.0.0.9"]])
    }

    @Test func nothingIsMirroredWithoutAServiceOrForOneWithASelector() throws {
        #expect(Self.addresses(Self.cluster([APIObject(Self.endpoints(["10.0.0.1"]))])) == [])
        // The Service's own slice, which has no endpoints, is all there is.
        let selecting = Self.cluster([Self.service(selector: ["app": "db"]), APIObject(Self.endpoints(["10.0.0.1"]))])
        #expect(Self.addresses(selecting) == [[]])
        // The order in which the two come does not matter; a selector that comes later takes the mirrors away.
        var late = Self.cluster([APIObject(Self.endpoints(["10.0.0.1"])), Self.service()])
        #expect(Self.addresses(late) == [["10.0.0.1"]])
        var service = try #require(late.get(Service.self, "db"))
        service.selector = ["app": "db"]
        late.execute(.update(APIObject(service)))
        late.run(for: .seconds(5))
        #expect(Self.addresses(late) == [[]] && late.all(EndpointSlice.self).first?.isManaged == true)
    }

    @Test func theEndpointsOfAServiceThatIsDeletedGoWithIt() {
        var cluster = Self.cluster([Self.service(), APIObject(Self.endpoints(["10.0.0.1"]))])
        cluster.execute(.delete(ObjectKey(.service, Self.key), DeleteOptions()))
        cluster.run(for: .seconds(5))
        #expect(cluster.all(Endpoints.self).isEmpty && cluster.all(EndpointSlice.self).isEmpty)
        // Those that somebody writes for the next Service of that name stay.
        cluster.execute(.create(Self.service()))
        cluster.execute(.create(APIObject(Self.endpoints(["10.0.0.2"]))))
        cluster.run(for: .seconds(5))
        #expect(Self.addresses(cluster) == [["10.0.0.2"]])
    }

    @Test func locksAndWhatAsksNotToBeMirroredAreLeftAlone() {
        var skipped = Self.endpoints(["10.0.0.1"])
        skipped.metadata.labels[SliceLabels.skipMirror] = "true"
        var cluster = Self.cluster([Self.service(), APIObject(skipped)])
        #expect(Self.addresses(cluster) == [])
        Self.replace(Self.endpoints(["10.0.0.1"]), in: &cluster)
        #expect(Self.addresses(cluster) == [["10.0.0.1"]])
        Self.replace(skipped, in: &cluster)
        #expect(Self.addresses(cluster) == [])
        var lock = Self.endpoints(["10.0.0.1"])
        lock.metadata.annotations[SliceLabels.leaderElection] = "{}"
        #expect(Self.addresses(Self.cluster([Self.service(), APIObject(lock)])) == [])
    }

    @Test func addressesBeyondTheLimitAreLeftOutAndToldOf() {
        let many = Self.endpoints(["10.0.0.1"], notReady: ["10.0.0.2", "10.0.0.3"])
        let cluster = Self.cluster(maximum: 2, [Self.service(), APIObject(many)])
        #expect(Self.addresses(cluster) == [["10.0.0.1", "10.0.0.2 not ready"]])
        #expect(
            cluster.messages(about: .endpoints, "TooManyAddressesToMirror") == [
                "A max of 2 addresses can be mirrored to EndpointSlices per Endpoints subset. 1 addresses were skipped"
            ])
    }

    @Test func subsetsAreJoinedByPortsAndDividedByFamilies() {
        var endpoints = Self.endpoints(["10.0.0.1", "2001:db8::1"])
        endpoints.subsets.append(EndpointSubset(addresses: [EndpointAddress(ip: "10.0.0.2")], ports: [EndpointPort(port: 5432)]))
        endpoints.subsets.append(EndpointSubset(addresses: [EndpointAddress(ip: "10.0.0.3")], ports: [EndpointPort(port: 80)]))
        // The later entry of an address counts.
        endpoints.subsets.append(EndpointSubset(notReadyAddresses: [EndpointAddress(ip: "10.0.0.1")], ports: [EndpointPort(port: 5432)]))
        let mirroring = SliceMirroring(endpoints, [], maximum: 1000)
        #expect(mirroring.created.map(\.addressType) == [.ipv4, .ipv6, .ipv4])
        #expect(
            mirroring.created.map { $0.endpoints.flatMap(\.addresses) } == [["10.0.0.1", "10.0.0.2"], ["2001:db8::1"], ["10.0.0.3"]])
        #expect(mirroring.created[0].endpoints.map(\.ready) == [false, true])
        // What is there as it should be is left alone, what is not asked for goes.
        let slices = mirroring.created.enumerated().map { index, slice in
            var slice = slice
            slice.metadata.name = "s\(index)"
            return Shared(slice)
        }
        let again = SliceMirroring(endpoints, slices, maximum: 1000)
        #expect(again.created.isEmpty && again.updated.isEmpty && again.deleted.isEmpty)
        endpoints.subsets = []
        #expect(SliceMirroring(endpoints, slices, maximum: 1000).deleted == slices)
    }

    @Test func textsThatAreNoAddressesAreCounted() {
        let mirroring = SliceMirroring(Self.endpoints(["10.0.0.1", "nonsense"]), [], maximum: 1000)
        #expect(mirroring.invalidAddresses == 1 && mirroring.skippedAddresses == 1)
        #expect(mirroring.created.map { $0.endpoints.count } == [1])
    }
}
