// How many replicas one metric asks for.
// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details>

import DiscreteEvents
import KubernetesAPI

/// What one metric comes to.
struct ReplicaProposal: Hashable, Sendable {
    var replicas: Int32
    /// The metric as the status shows it, in thousandths: an average per pod, or the value itself.
    var milliUsage: Int64
    /// Percent of the requests; nil unless that is the target.
    var utilization: Int32?
}

/// The calculation for one autoscaler at one moment. Doubles and truncating integers are mixed exactly as in Kubernetes: ratios
/// near the tolerance, and near whole numbers of pods, depend on it.
struct ReplicaCalculator: Sendable {
    var pods: [Shared<Pod>]
    var tolerances: Tolerances
    var configuration: AutoscalerConfiguration
    var now: SimulatedTime

    // MARK: Metrics with a value per pod

    /// Utilisation: usage in percent of what the pods request.
    func replicas(
        utilization target: Int32, of resource: ResourceName, container: String?, _ given: PodMetrics, current: Int32
    ) throws(ReplicaCalculationError) -> ReplicaProposal {
        let (groups, metrics) = try believable(given, resource: resource)
        let requests = try requests(of: resource, container: container)
        let measured = try utilization(metrics, requests)
        let ratio = Double(measured.percent) / Double(target)
        let proposal = try scaled(current, ratio: ratio, groups, metrics) { metrics, missing throws(ReplicaCalculationError) in
            if ratio < 1 {
                // Pods nobody knows about are assumed to be fully used before others are taken away.
                let fallback = Int64(max(100, target))
                for pod in missing { metrics.assume((requests[pod] ?? 0) &* fallback / 100, for: pod) }
            } else if ratio > 1 {
                for pod in missing { metrics.assume(0, for: pod) }
            }
        } again: { metrics throws(ReplicaCalculationError) in
            Double(try utilization(metrics, requests).percent) / Double(target)
        }
        return ReplicaProposal(replicas: proposal, milliUsage: measured.average, utilization: measured.percent)
    }

    /// An average value per pod: of a resource, or (`resource` nil) of a custom metric.
    func replicas(
        averageValue target: Int64, of resource: ResourceName?, _ given: PodMetrics, current: Int32
    ) throws(ReplicaCalculationError) -> ReplicaProposal {
        let (groups, metrics) = try believable(given, resource: resource)
        let usage = metrics.total / Int64(metrics.count)
        let ratio = Double(usage) / Double(target)
        let proposal = try scaled(current, ratio: ratio, groups, metrics) { metrics, missing in
            for pod in missing { metrics.assume(ratio < 1 ? target : 0, for: pod) }
        } again: { metrics in
            Double(metrics.total / Int64(metrics.count)) / Double(target)
        }
        return ReplicaProposal(replicas: proposal, milliUsage: usage)
    }

    /// The samples that count, and the pods by the worth of theirs.
    private func believable(
        _ given: PodMetrics, resource: ResourceName?
    ) throws(ReplicaCalculationError) -> (PodGroups, PodMetrics) {
        guard !pods.isEmpty else { throw .noPods }
        let groups = PodGroups(pods, given, resource: resource, configuration, at: now)
        var metrics = given
        metrics.remove(groups.ignored + groups.unready)
        guard !metrics.isEmpty else {
            throw ReplicaCalculationError("did not receive metrics for targeted pods (pods might be unready)")
        }
        return (groups, metrics)
    }

    /// From a ratio to replicas: straight away if all pods are known; otherwise the unknown are assumed to be what speaks against a
    /// change, and only what still follows then is done.
    private func scaled(
        _ current: Int32, ratio: Double, _ groups: PodGroups, _ known: PodMetrics,
        fill: (inout PodMetrics, [String]) throws(ReplicaCalculationError) -> Void,
        again: (PodMetrics) throws(ReplicaCalculationError) -> Double
    ) throws(ReplicaCalculationError) -> Int32 {
        let unreadyMatter = !groups.unready.isEmpty && ratio > 1
        if !unreadyMatter, groups.missing.isEmpty {
            return tolerances.contain(ratio) ? current : (ratio * Double(groups.readyCount)).replicasRoundedUp
        }
        var metrics = known
        if !groups.missing.isEmpty { try fill(&metrics, groups.missing) }
        if unreadyMatter { for pod in groups.unready { metrics.assume(0, for: pod) } }
        let newRatio = try again(metrics)
        if tolerances.contain(newRatio) || (ratio < 1 && newRatio > 1) || (ratio > 1 && newRatio < 1) { return current }
        let replicas = (newRatio * Double(metrics.count)).replicasRoundedUp
        if (newRatio < 1 && replicas > current) || (newRatio > 1 && replicas < current) { return current }
        return replicas
    }

    private func utilization(
        _ metrics: PodMetrics, _ requests: [String: Int64]
    ) throws(ReplicaCalculationError) -> (percent: Int32, average: Int64) {
        let sums = metrics.totals(of: requests)
        guard sums.requested != 0 else { throw ReplicaCalculationError("no metrics returned matched known pods") }
        return (Int32(truncatingIfNeeded: sums.usage &* 100 / sums.requested), sums.usage / sums.pods)
    }

    /// What each pod requests of a resource, in thousandths. One container without a request spoils all.
    private func requests(of resource: ResourceName, container: String?) throws(ReplicaCalculationError) -> [String: Int64] {
        var result: [String: Int64] = [:]
        for pod in pods { result[pod.value.metadata.name] = try request(of: pod.value, resource, container) }
        return result
    }

    private func request(
        of pod: Pod, _ resource: ResourceName, _ container: String?
    ) throws(ReplicaCalculationError) -> Int64 {
        let spec = pod.spec.value
        if container == nil, let level = spec.resources?.requests, level.contains(where: { $0.name.isSupportedAtPodLevel }) {
            guard let request = spec.effectiveRequests[resource] else {
                throw ReplicaCalculationError("missing pod-level request for \(resource) in Pod \(pod.metadata.name)")
            }
            return request.milliValue
        }
        var sum: Int64 = 0
        for candidate in spec.containers + spec.initContainers.filter(\.isSidecar)
        where container == nil || candidate.name == container {
            guard let request = candidate.resources.requests[resource] else {
                throw ReplicaCalculationError(
                    "missing request for \(resource) in container \(candidate.name) of Pod \(pod.metadata.name)")
            }
            sum &+= request.milliValue
        }
        return sum
    }

    // MARK: Metrics with one value

    /// One value that is to be met by the ready pods together, as an Ingress' requests per second.
    func replicas(value target: Int64, _ usage: Int64, current: Int32) throws(ReplicaCalculationError) -> ReplicaProposal {
        let ratio = Double(usage) / Double(target)
        guard current != 0 else { return ReplicaProposal(replicas: ratio.replicasRoundedUp, milliUsage: usage) }
        if tolerances.contain(ratio) { return ReplicaProposal(replicas: current, milliUsage: usage) }
        guard !pods.isEmpty else {
            throw ReplicaCalculationError("unable to calculate ready pods: \(ReplicaCalculationError.noPods)")
        }
        let ready = pods.reduce(0) { $0 + ($1.value.status.phase == .running && $1.isReady ? 1 : 0) }
        return ReplicaProposal(replicas: (ratio * Double(ready)).replicasRoundedUp, milliUsage: usage)
    }

    /// One value that is to be shared by all replicas, ready or not, as the length of a queue.
    func replicas(valuePerPod target: Int64, _ usage: Int64, statusReplicas: Int32) -> ReplicaProposal {
        var replicas = statusReplicas
        if !tolerances.contain(Double(usage) / (Double(target) * Double(replicas))) {
            replicas = (Double(usage) / Double(target)).replicasRoundedUp
        }
        let average = (Double(usage) / Double(statusReplicas)).rounded(.up)
        return ReplicaProposal(replicas: replicas, milliUsage: Int64(exactly: average) ?? .min)
    }
}

extension ReplicaCalculationError {
    static let noPods = ReplicaCalculationError("no pods returned by selector while calculating replica count")
}

extension Double {
    /// Rounded up to a whole number of replicas. What no 32 bits hold (a zero target) becomes the smallest number, as on amd64.
    fileprivate var replicasRoundedUp: Int32 { Int32(exactly: rounded(.up)) ?? .min }
}
