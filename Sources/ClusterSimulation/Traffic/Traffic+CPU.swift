// Requests and processors: what requests use goes to the kubelets and to metrics-server, and what pods may have of their nodes comes back.

import DiscreteEvents
import KubernetesAPI
import NodeAgent
import ServiceNetwork

extension Traffic {
    /// How often it is worked out what full nodes leave for requests. A pod's own limit binds at every moment.
    static let measuringInterval = SimulatedDuration.seconds(1)

    /// What the requests to each pod have wanted since the last call, cores on average, in the order in which pods became endpoints; pods that want and wanted nothing
    /// are left out.
    mutating func takeDemands(at now: SimulatedTime) -> [RequestDemand] {
        advance(to: now)
        var demands: [RequestDemand] = []
        for index in servers.pods.indices {
            guard let server = servers.pods[index].servers.first else { continue }
            let wanted = engine.cpuTime(of: server).wanted
            let cores = (wanted - servers.pods[index].wanted) / Traffic.measuringInterval.seconds
            servers.pods[index].wanted = wanted
            if cores == 0, servers.pods[index].demand == 0 { continue }
            servers.pods[index].demand = cores
            demands.append(RequestDemand(pod: servers.pods[index].reference.uid, cores: cores))
        }
        return demands
    }

    /// Sets what a pod has for its requests from now on.
    mutating func set(_ processors: RequestProcessors, of pod: UID, at now: SimulatedTime) {
        guard let number = server(of: pod) else { return }
        advance(to: now)
        engine.setProcessors(processors.cores, others: processors.others, of: number)
    }

    /// Core seconds that requests to a pod used between two times of the last minutes.
    func cpuTime(of pod: UID, from begin: SimulatedTime, to end: SimulatedTime) -> Double {
        server(of: pod).map { engine.cpuTime(of: $0, from: begin, to: end) } ?? 0
    }

    /// The first of a pod's servers, which all share its processors.
    private func server(of pod: UID) -> PodNumber? { servers.place(of: pod).flatMap { servers.pods[$0].servers.first } }
}

extension Cluster {
    /// What requests wanted in the last second goes to the kubelets; what they leave for them, to the requests.
    mutating func measureRequests() {
        let time = now
        guard let demands = traffic?.takeDemands(at: time) else { return }
        nodeAgent.set(demands, at: now, effects: &kubeletEffects)
        for demand in demands { refreshProcessors(of: demand.pod) }
        queue.schedule(.requestsMeasured, at: now + Traffic.measuringInterval)
    }

    /// What a pod may have of its node's processors may have changed.
    mutating func refreshProcessors(of pod: UID) {
        guard traffic?.usesCPU == true, let processors = nodeAgent.processorsForRequests(to: pod, at: now) else { return }
        let time = now
        traffic?.set(processors, of: pod, at: time)
    }
}
