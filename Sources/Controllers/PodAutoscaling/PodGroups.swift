// Which pods' samples can be believed: the pods of a scale, sorted by what their metrics are worth.
// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details>

import DiscreteEvents
import KubernetesAPI

/// The pods of a scale by the worth of their metrics; names in the order of the pods.
struct PodGroups: Sendable {
    /// Pods with a sample that counts.
    private(set) var readyCount = 0
    /// Not ready (yet): their sample does not count.
    private(set) var unready: [String] = []
    /// Without a sample.
    private(set) var missing: [String] = []
    /// Failed or on their way out: as if they did not exist.
    private(set) var ignored: [String] = []

    /// - Parameter resource: nil for custom metrics. Only cpu is distrusted around a pod's start.
    init(
        _ pods: [Shared<Pod>], _ metrics: PodMetrics, resource: ResourceName?, _ configuration: AutoscalerConfiguration,
        at now: SimulatedTime
    ) {
        for pod in pods {
            let name = pod.value.metadata.name
            if pod.isTerminating || pod.value.status.phase == .failed {
                ignored.append(name)
            } else if pod.value.status.phase == .pending {
                unready.append(name)
            } else if let sample = metrics[name] {
                if resource == .cpu, PodGroups.distrusts(sample, of: pod.value.status, configuration, at: now) {
                    unready.append(name)
                } else {
                    readyCount += 1
                }
            } else {
                missing.append(name)
            }
        }
    }

    /// Whether a cpu sample says more about the pod's start than about its work.
    private static func distrusts(
        _ sample: PodMetricSample, of status: PodStatus, _ configuration: AutoscalerConfiguration, at now: SimulatedTime
    ) -> Bool {
        guard let ready = status.conditions[.ready], let start = status.startTime else { return true }
        if start + configuration.cpuInitializationPeriod > now {
            // Starting up: the whole window must lie after the pod turned ready.
            return ready.status == .false || sample.timestamp < ready.lastTransitionTime + sample.window
        }
        // Later: only a pod that has never been ready is left out.
        return ready.status == .false && start + configuration.initialReadinessDelay > ready.lastTransitionTime
    }
}
