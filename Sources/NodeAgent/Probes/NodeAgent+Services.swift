// Containers that wait for another service to be ready: how their nodes hear of it.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    /// Whether any workload waits for a service: otherwise nobody on the nodes asks for endpoints.
    package var looksUpServices: Bool { !awaitedServices.isEmpty }

    /// Endpoints that are there from the start.
    package mutating func adopt(_ slice: Shared<EndpointSlice>) {
        if looksUpServices { _ = environment.services.observe(slice.value, before: nil) }
    }

    /// Endpoints changed. The first ready one of a service sets free whoever waits for it.
    mutating func observe(
        _ slice: Shared<EndpointSlice>, _ event: WatchEvent, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        guard looksUpServices else { return }
        var before: EndpointSlice?
        if case .endpointSlice(let previous)? = event.previous { before = previous.value }
        let isGone = event.change == .deleted
        guard let service = environment.services.observe(isGone ? nil : slice.value, before: isGone ? slice.value : before),
            awaitedServices.contains(service)
        else { return }
        for number in kubelets.indices {
            // Containers run on without their kubelet, and find the service too.
            let isThere = kubelets[number].power == .running
            guard isThere || kubelets[number].power == .kubeletStopped || kubelets[number].power == .starting(afterCrash: false) else {
                continue
            }
            for slot in kubelets[number].slotRange {
                guard kubelets[number].waits(for: service, slot), var worker = kubelets[number].take(slot) else { continue }
                if !worker.isStopping, worker.serviceCame(at: now), isThere { step(&worker, slot, on: number, at: now, effects: &effects) }
                kubelets[number].put(worker, into: slot)
            }
        }
    }
}
