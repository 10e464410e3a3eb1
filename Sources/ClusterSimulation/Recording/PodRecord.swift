// The life of one pod, as its versions tell it.

import DiscreteEvents
import KubernetesAPI

/// The life of one pod: a row of `pods.csv`.
public struct PodRecord: Sendable {
    public var name: NamespacedName
    /// `Kind/name` of the workload it belongs to, at its creation: the Deployment of a Deployment's pod, else the controller that
    /// made it. Empty for a bare pod.
    public var owner: String
    public var created: SimulatedTime
    public var scheduled: SimulatedTime?
    /// Phase Running.
    public var started: SimulatedTime?
    public var ready: SimulatedTime?
    /// Phase Succeeded or Failed.
    public var finished: SimulatedTime?
    /// The request to delete it.
    public var deletionRequested: SimulatedTime?
    /// Gone from the API.
    public var deleted: SimulatedTime?
    public var node: String?
    public var attempts: Int
    public var restarts: Int
    public var phase: PodPhase
    /// Why it is (or ended) as it is: the last scheduling failure, an eviction, an exit reason.
    public var reason: String
    /// What it asks its node for, by the resources of ``RunRecord/resources``: millicores, and base units of all else. Shared with pods of
    /// the same spec; shorter where more resources became known later.
    public var requests: [Int64] = [0, 0]
    /// Cores.
    public var requestedCPU: Double { Double(requests[0]) / 1000 }
    /// Bytes.
    public var requestedMemory: Double { Double(requests[1]) }
    /// It existed before the run; its times are those its status told then, and missing where it did not.
    public var isFromSnapshot = false
}

extension PodRecord {
    /// Takes over what a new version of the pod says.
    mutating func update(_ pod: Shared<Pod>, at now: SimulatedTime) {
        let before = phase
        phase = pod.value.status.phase
        restarts = pod.value.status.restarts
        if started == nil, before != .running, phase == .running { started = now }
        if ready == nil, pod.isReady { ready = now }
        if finished == nil, before != phase, pod.isTerminal { finished = now }
        let conditions = pod.value.status.conditions
        if !pod.value.status.reason.isEmpty {
            reason = pod.value.status.reason
        } else if let disruption = conditions[.disruptionTarget], disruption.status == .true {
            reason = disruption.reason
        } else if pod.value.nodeName == nil, let scheduled = conditions[.podScheduled], scheduled.status == .false {
            reason = scheduled.reason + ": " + scheduled.message
        } else if pod.isTerminal,
            let ended = pod.value.status.containerStatuses.lazy.compactMap({ status -> String? in
                if case .terminated(let termination) = status.state { termination.reason } else { nil }
            }).first
        {
            reason = ended
        } else if pod.value.nodeName != nil {
            reason = ""
        }
    }
}
