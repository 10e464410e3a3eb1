// The kubelet's constants and its heartbeats, as section 15 of the specification of the control plane has them.
// <https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/>

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Constants of the kubelet")
struct ConstantTests {
    @Test func `defaults are those of Kubernetes 1.36`() {
        let kubelet = NodeAgentConfiguration()
        #expect(kubelet.leaseRenewal == .seconds(10) && kubelet.leaseJitter == 0.04)
        #expect(kubelet.crashBackoffInitial == .seconds(10) && kubelet.crashBackoffMaximum == .seconds(300))
        #expect(kubelet.crashBackoffReset == .seconds(600))
        #expect(kubelet.pullBackoffInitial == .seconds(10) && kubelet.pullBackoffMaximum == .seconds(300))
        #expect(kubelet.minimumGrace == .seconds(2) && PodSpec.defaultGracePeriodSeconds == 30)
        #expect(kubelet.serializeImagePulls && kubelet.shutdownGracePeriod == .zero)
        let images = kubelet.imageCollection
        #expect(images.highThreshold == 85 && images.lowThreshold == 80)
        #expect(images.minimumAge == .minutes(2) && images.period == .minutes(5))
        let probe = Probe()
        #expect(probe.initialDelaySeconds == 0 && probe.timeoutSeconds == 1 && probe.periodSeconds == 10)
        #expect(probe.successThreshold == 1 && probe.failureThreshold == 3)
    }

    @Test func `leases are renewed every 10 s, by up to 4 percent later, each node in its own rhythm`() throws {
        let cluster = try TestCluster(nodes: 50)
        var phases: Set<SimulatedTime> = []
        for node in 0..<50 {
            var renewals = [cluster.agent.lastRenewal(node, at: seconds(100))]
            for tick in 0..<4000 {
                let last = cluster.agent.lastRenewal(node, at: seconds(100 + Double(tick) / 10))
                if last != renewals.last { renewals.append(last) }
            }
            let periods = zip(renewals, renewals.dropFirst()).map { $1 - $0 }
            #expect(periods.count >= 38)
            #expect(periods.allSatisfy { $0 == periods[0] && $0 >= .seconds(10) && $0 <= .milliseconds(10_400) })
            phases.insert(renewals[0])
        }
        #expect(phases.count == 50)
    }
}
