// Graceful node shutdown: a machine that is told in advance ends its pods in order before it goes down.
// <https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#graceful-node-shutdown>

import APIServer
import DiscreteEvents
import KubernetesAPI

extension PodEnding {
    /// Why pods of a node that shuts down end.
    static let nodeShutdown = PodEnding(reason: "Terminated", message: "Pod was terminated in response to imminent node shutdown.")
}

extension NodeAgent {
    /// The machine is about to shut down. The node turns NotReady, new pods are refused, and its pods end: the critical ones when
    /// all others are gone or have had their time. Nothing of that happens without a `shutdownGracePeriod`. Returns when the
    /// kubelet lets the machine go down at the latest; it goes on until then.
    @discardableResult
    package mutating func shutDown(_ number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) -> SimulatedTime {
        let settings = configuration.value
        guard settings.shutdownGracePeriod > .zero, kubelets[number].power == .running, !kubelets[number].isShuttingDown else { return now }
        let limit = now + settings.shutdownGracePeriod
        kubelets[number].shutsDownBy = limit
        record(aboutNode: number, "Shutdown", "Shutdown manager detected shutdown event", at: now, effects: &effects)
        effects.call(kubelets[number].client, .patchNode(kubelets[number].name, .conditions([NodeAgent.shuttingDown(at: now)])))
        let gone = endPods(on: number, critical: false, at: now, effects: &effects)
        settleUsage(at: now, effects: &effects)
        effects.wake(
            at: gone, KubeletTimer(node: Int32(number), pod: 0, kind: .shutdown, generation: kubelets[number].starts))
        return limit
    }

    /// Whether nothing holds up a machine that is to go down: its kubelet does not, no container runs any more, or their time is over.
    package func letsMachineGo(_ number: Int, at now: SimulatedTime) -> Bool {
        guard kubelets[number].power == .running, let limit = kubelets[number].shutsDownBy, now < limit else { return true }
        return kubelets[number].slotRange.allSatisfy { slot in
            kubelets[number].withPod(slot) { !$0.hasRunningContainer || $0.isStopped(at: now) } ?? true
        }
    }

    /// The condition Ready of a node that shuts down.
    static func shuttingDown(at now: SimulatedTime) -> Condition {
        Condition(.ready, .false, reason: "KubeletNotReady", message: "node is shutting down", lastTransitionTime: now.truncatedToSeconds)
    }

    /// Ends the pods of one group. Returns when the last of them is gone, or their time is over.
    @discardableResult
    mutating func endPods(
        on number: Int, critical: Bool, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) -> SimulatedTime {
        let settings = configuration.value
        let part = min(settings.shutdownGracePeriodCriticalPods, settings.shutdownGracePeriod)
        let period = critical ? part : settings.shutdownGracePeriod - part
        var gone = now
        for slot in kubelets[number].slotRange {
            guard var worker = kubelets[number].take(slot) else { continue }
            let spec = worker.pod.value.spec.value
            let isCritical = (spec.priority ?? 0) >= criticalPriority
            if isCritical == critical, worker.rejection == nil, !worker.pod.value.isTerminal {
                if !worker.isStopping { recordKilling(worker, on: number, at: now, effects: &effects) }
                let grace = min(spec.terminationGracePeriodSeconds, period.nanoseconds / 1_000_000_000)
                worker.terminate(.nodeShutdown, graceSeconds: grace, at: now, environment, incidents: &incidents)
                gone = max(gone, worker.stopped)
                step(&worker, slot, on: number, at: now, effects: &effects)
            }
            kubelets[number].put(worker, into: slot)
        }
        return min(gone, now + period)
    }
}

extension NodeAgent {
    /// Why a kubelet refuses a pod that was bound to its node; nil if it does not.
    func rejection(of pod: Shared<Pod>, _ charge: ResourceCharge, on number: Int) -> PodRejection? {
        if let pressure = kubelets[number].usage.eviction.rejection(of: pod.value.spec) { return pressure }
        if kubelets[number].isShuttingDown {
            return PodRejection(reason: "NodeShutdown", message: "Pod was rejected as the node is shutting down.")
        }
        return kubelets[number].resources.rejection(of: charge)
    }
}
