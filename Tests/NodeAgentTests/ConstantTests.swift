// The kubelet's constants, its heartbeats and its passes over pods.
// <https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/>
//
// Where else they are held to the tick: the node's status every 10 s, pressure and its 5 minutes in Resources/PressureTests.swift and
// ImageReportTests.swift; crash back-off in CrashBackoffTests.swift and KubeletTests.swift, that of pulls in ImageTests.swift; probes in
// ProbeTests.swift; grace periods in KubeletTests.swift and LifecycleTests.swift; removal of pods in KubeletDelayTests.swift; collection of
// images in ImageTests.swift. That a node's status which has not changed is reported all the same, every 5 minutes, is no event here: it
// says nothing new, and its lease says oftener that the node is alive.

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
        #expect(kubelet.syncFrequency == .seconds(60) && kubelet.syncErrorDelay == .seconds(10) && kubelet.syncJitter == 0.5)
        #expect(kubelet.relistPeriod == .seconds(1) && kubelet.eviction.monitoringInterval == .seconds(10))
        #expect(kubelet.eviction.pressureTransitionPeriod == .minutes(5) && NodeUsage.reportInterval == .seconds(10))
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

    /// The waits between the passes over a pod in which its kubelet says this.
    private func waits(_ saying: String, pod name: String, image: String, until end: SimulatedTime) throws -> [SimulatedDuration] {
        var configuration = NodeAgentConfiguration()
        configuration.images["missing:1"] = ImageRecord(isMissing: true)
        configuration.pullBackoffInitial = .hours(1)
        configuration.pullBackoffMaximum = .hours(1)
        var cluster = try TestCluster(configuration: configuration)
        cluster.create(pod(name) { $0.containers[0].image = image })
        var passes: [SimulatedTime] = []
        while let next = cluster.nextEventTime, next <= end {
            let told = cluster.events.count
            cluster.run(until: next)
            if cluster.events[told...].contains(where: { $0.hasPrefix(saying) }) { passes.append(next) }
        }
        return zip(passes, passes.dropFirst()).map { $1 - $0 }
    }

    @Test func `after a pass that failed the kubelet tries again in 10 to 15 s, each pod in its own rhythm`() throws {
        let (one, other) = try (
            waits("InspectFailed", pod: "a", image: "No Name", until: seconds(100)),
            waits("InspectFailed", pod: "b", image: "No Name", until: seconds(100))
        )
        #expect(one.count >= 5 && other.count >= 5 && one != other && Set(one).count == one.count)
        #expect((one + other).allSatisfy { $0 >= .seconds(10) && $0 <= .seconds(15) })
    }

    @Test func `a pod that waits for the end of a back-off is passed over every 60 to 90 s`() throws {
        let waits = try waits("BackOff", pod: "a", image: "missing:1", until: seconds(600))
        #expect(waits.count >= 5 && Set(waits).count == waits.count)
        #expect(waits.allSatisfy { $0 >= .seconds(60) && $0 <= .seconds(90) })
    }
}
