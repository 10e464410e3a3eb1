// What quotas and limit ranges say to a pod. The arithmetic is held to recordings in ConformanceTests; here are the refusals.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import APIServer

@Suite("Quotas and limits")
struct QuotaAndLimitTests {
    private func pod(requests: ResourceList, limits: ResourceList = [:]) -> Pod {
        let container = Container(name: "c", resources: ResourceRequirements(requests: requests, limits: limits))
        return Pod(metadata: ObjectMeta(name: "p", namespace: "ns"), spec: Shared(PodSpec(containers: [container])))
    }

    private func quota(_ hard: ResourceList, used: ResourceList, scopes: [ScopeRequirement] = []) -> ResourceQuota {
        var quota = ResourceQuota(metadata: ObjectMeta(name: "q", namespace: "ns"))
        quota.spec.hard = hard
        quota.spec.scopes = scopes
        quota.status.hard = hard
        quota.status.used = used
        return quota
    }

    @Test func `a pod that fits is charged to every quota, one that does not to none`() throws {
        var quotas = [
            quota(["pods": Quantity(2), "requests.cpu": Quantity(2)], used: ["pods": Quantity(0), "requests.cpu": Quantity(milli: 500)]),
            quota(["pods": Quantity(1)], used: ["pods": Quantity(0)]),
        ]
        let wanted = pod(requests: [.cpu: Quantity(1)])
        try QuotaCheck.charge(&quotas, for: APIObject(wanted), at: .zero)
        #expect(quotas.map { $0.status.used["pods"] } == [Quantity(1), Quantity(1)])
        #expect(quotas[0].status.used["requests.cpu"] == Quantity(milli: 1500))
        let before = quotas
        let refusal = #expect(throws: QuotaRefusal.self) { try QuotaCheck.charge(&quotas, for: APIObject(wanted), at: .zero) }
        #expect(
            refusal?.description == "exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=1500m, limited: requests.cpu=2")
        #expect(quotas == before)
    }

    @Test func `who bounds memory demands that containers name it`() {
        var quotas = [quota(["limits.memory": Quantity(bytes: 1 << 30), "requests.cpu": Quantity(1)], used: [:])]
        let refusal = #expect(throws: QuotaRefusal.self) { try QuotaCheck.charge(&quotas, for: APIObject(pod(requests: [:])), at: .zero) }
        #expect(refusal?.description == "failed quota: q: must specify limits.memory for: c; requests.cpu for: c")
    }

    @Test func `a scope decides which pods are counted`() throws {
        let quiet = ScopeRequirement(.priorityClass, .isIn, values: ["batch"])
        var quotas = [quota(["pods": Quantity(0)], used: ["pods": Quantity(0)], scopes: [quiet])]
        try QuotaCheck.charge(&quotas, for: APIObject(pod(requests: [:])), at: .zero)
        #expect(quotas[0].status.used["pods"] == Quantity(0))
    }

    @Test func `a scope of volume attributes decides which claims are counted`() {
        let fast = ScopeRequirement(.volumeAttributesClass, .isIn, values: ["fast"])
        var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: "c", namespace: "ns"))
        #expect(!QuotaUsage.matches([fast], APIObject(claim)))
        claim.spec.volumeAttributesClassName = "fast"
        #expect(QuotaUsage.matches([fast], APIObject(claim)))
        #expect(!QuotaUsage.matches([fast, ScopeRequirement(.bestEffort)], APIObject(claim)))
    }

    @Test func `a load balancer without node ports counts those it asked for`() {
        var service = Service(metadata: ObjectMeta(name: "s", namespace: "ns"))
        service.type = .loadBalancer
        service.ports = [ServicePort(port: 80), ServicePort(port: 81)]
        #expect(QuotaUsage.of(APIObject(service), at: .zero)["services.nodeports"] == Quantity(2))
        service.allocateLoadBalancerNodePorts = false
        service.ports[0].nodePort = 30080
        #expect(QuotaUsage.of(APIObject(service), at: .zero)["services.nodeports"] == Quantity(1))
    }

    @Test func `a claim is bounded by what it requests`() {
        var item = LimitRangeItem(.persistentVolumeClaim)
        item.min = [.storage: Quantity(bytes: 1 << 30)]
        item.max = [.storage: Quantity(bytes: 10 << 30)]
        let ranger = LimitRanger([item])
        #expect(ranger.violations(ofClaimRequesting: [.storage: Quantity(bytes: 5 << 30)]).isEmpty)
        #expect(
            ranger.violations(ofClaimRequesting: [.storage: Quantity(bytes: 20 << 30)])
                == ["maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 20Gi"])
    }
}
