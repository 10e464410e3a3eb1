// Pulls from request to end: the registry's bandwidth, its outages, and the pods that wait.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    // MARK: The registry

    /// The registry answers nobody until ``registryReturns()``: pulls under way fail, and so do all that are begun.
    package mutating func registryFails(at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        environment.registryOutages += 1
        for number in kubelets.indices where !kubelets[number].images.pulls.isEmpty { restless.append(number) }
        arrangePulls(at: now, effects: &effects)
        settleUsage(at: now, effects: &effects)
    }

    /// An outage of the registry is over. Whoever waits tries again when his back-off is over.
    package mutating func registryReturns() { environment.registryOutages = max(0, environment.registryOutages - 1) }

    // MARK: Pulls

    /// Some node's next image should be complete.
    mutating func handlePullTimer(at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard registry.timer == now else { return }
        registry.timer = .distantFuture
        registry.advance(to: now)
        restless += registry.complete
        arrangePulls(at: now, effects: &effects)
    }

    /// Goes over the nodes on which pulls were asked for or are over. Every event that may have led to that ends with it, when all
    /// pods are in their slots again.
    mutating func arrangePulls(at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        if !talkative.isEmpty { arrangeReports(at: now, effects: &effects) }
        guard !restless.isEmpty else { return }
        while let number = restless.popLast() { arrangePulls(on: number, at: now, effects: &effects) }
        setPullTimer(effects: &effects)
    }

    /// Ends what is complete or must fail, begins what may begin, and tells the pods that wait.
    private mutating func arrangePulls(on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        registry.advance(to: now)
        kubelets[number].images.serve(upTo: registry.served)
        // What less than half a nanosecond would bring, and what floating-point numbers of this size cannot tell from nothing.
        let slack = max(configuration.value.pullBytesPerSecond * 0.5e-9, 1e-3)
        let environment = environment
        let ended = kubelets[number].images.takeEnded(slack: slack, at: now) { environment.pullConditions(of: $0.image) }
        registry.set(number, complete: kubelets[number].images.nextComplete)
        for (pull, failure) in ended { tell(of: pull, failure, on: number, at: now, effects: &effects) }
        collectImagesIfFull(on: number, at: now, effects: &effects)
        if kubelets[number].usage.imageDisk != nil { unsettle(number) }
        if !ended.isEmpty { planImageReport(on: number, at: now, effects: &effects) }
    }

    private mutating func tell(
        of pull: ImageStore.Pull, _ failure: PullFailure?, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        for slot in kubelets[number].slotRange {
            guard var worker = kubelets[number].take(slot) else { continue }
            var changed = false
            for request in pull.requests where request.pod == worker.generation {
                worker.pullEnded(pull, for: request, failure, at: now, environment, incidents: &incidents)
                changed = true
            }
            if changed { step(&worker, slot, on: number, at: now, effects: &effects) }
            kubelets[number].put(worker, into: slot)
        }
    }

    /// The kubelet stops, and its pulls with it.
    mutating func interruptPulls(on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard !kubelets[number].images.pulls.isEmpty else { return }
        registry.advance(to: now)
        kubelets[number].images.interrupt()
        registry.set(number, complete: nil)
        setPullTimer(effects: &effects)
    }

    private mutating func setPullTimer(effects: inout Effects<KubeletTimer>) {
        let next = registry.next
        if next < .distantFuture, next != registry.timer {
            effects.wake(at: next, KubeletTimer(node: 0, pod: 0, kind: .pulled, generation: 0))
        }
        registry.timer = next
    }
}
