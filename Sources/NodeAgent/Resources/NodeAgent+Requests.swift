// Requests use processors: what they want stands beside what their container does by itself, and what it gets, they share with that.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// What the requests to a pod want of its node's processors.
package struct RequestDemand: Hashable, Sendable {
    package var pod: UID
    /// On average over the last second.
    package var cores: Double

    package init(pod: UID, cores: Double) {
        self.pod = pod
        self.cores = cores
    }
}

/// What the requests to a pod have of its node's processors.
package struct RequestProcessors: Hashable, Sendable {
    /// What their container may use: its limit, or on a node that is wanted by too many what it is granted.
    package var cores: Double
    /// What the container wants for other things.
    package var others: Double
}

extension NodeAgent {
    /// Sets what requests want from now on. Pods that are not named want nothing, as before.
    ///
    /// A node is looked at only where it matters: where somebody is held back already, where all together may want more than there is, or where a
    /// container's requests and its own usage meet its limit.
    package mutating func set(_ demands: [RequestDemand], at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        for node in nodesWithRequests { kubelets[Int(node)].usage.requests = 0 }
        for demand in demands {
            guard let place = place(of: demand.pod) else { continue }
            let known = kubelets[place.kubelet].withPod(place.slot) { (limit: $0.requestLimit, hasOwnUsage: hasOwnUsage($0)) }
            guard let known else { continue }
            kubelets[place.kubelet].setRequestCPU(demand.cores, of: place.slot)
            if kubelets[place.kubelet].usage.requests == nil { nodesWithRequests.append(Int32(place.kubelet)) }
            kubelets[place.kubelet].usage.requests = (kubelets[place.kubelet].usage.requests ?? 0) + min(demand.cores, known.limit)
            if known.hasOwnUsage, known.limit < .infinity { unsettle(place.kubelet) }
        }
        for node in nodesWithRequests where kubelets[Int(node)].usage.areRequestsFelt { unsettle(Int(node)) }
        settleUsage(at: now, effects: &effects)
    }

    /// What the requests to a pod have from now on; nil if no kubelet has it.
    package func processorsForRequests(to pod: UID, at now: SimulatedTime) -> RequestProcessors? {
        guard let place = place(of: pod) else { return nil }
        return kubelets[place.kubelet].withPod(place.slot) { worker in
            let index = worker.requestContainer
            guard index < worker.containers.count else { return nil }
            let others = hasOwnUsage(worker) ? demand(of: worker, index, place.slot, at: now)?.cpu?.value(at: now) ?? 0 : 0
            let rate = worker.pace.isEmpty ? 1 : worker.pace[index].rate
            let granted = rate < 1 ? rate * (others + Double(worker.requestCPU)) : .infinity
            return RequestProcessors(cores: min(worker.requestLimit, granted), others: others)
        } ?? nil
    }
}

extension PodWorker {
    /// The container that takes requests: the first of those that are not there to initialise.
    var requestContainer: Int { initCount }

    /// Cores that it may use; infinite without a limit.
    var requestLimit: Double {
        func cores(_ limits: ResourceList?) -> Double { limits?[.cpu].map { Double($0.milliValue) / 1000 } ?? .infinity }
        let spec = pod.value.spec.value
        return min(cores(spec.containers.first?.resources.limits), cores(spec.resources?.limits))
    }
}
