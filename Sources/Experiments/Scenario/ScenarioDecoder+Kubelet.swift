// Settings of the kubelet that do not go together, as its own validation has it.
// <https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/>

import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension ScenarioDecoder {
    mutating func checkKubelet(_ fields: Fields, _ settings: NodeAgentConfiguration) {
        let (low, high) = (settings.imageCollection.lowThreshold, settings.imageCollection.highThreshold)
        if low >= high, let node = fields["imageGCLowThresholdPercent"] ?? fields["imageGCHighThresholdPercent"] {
            context.error(node, "imageGCLowThresholdPercent \(low) must be less than imageGCHighThresholdPercent \(high)")
        }
        if settings.serializeImagePulls, settings.maxParallelImagePulls > 1, let node = fields["maxParallelImagePulls"] {
            context.error(node, "cannot be larger than 1 unless serializeImagePulls is set to false")
        }
        checkShutdown(fields, settings)
        checkBackoffs(fields, settings)
    }

    private mutating func checkShutdown(_ fields: Fields, _ settings: NodeAgentConfiguration) {
        let (all, critical) = (settings.shutdownGracePeriod, settings.shutdownGracePeriodCriticalPods)
        for (name, period) in [("shutdownGracePeriod", all), ("shutdownGracePeriodCriticalPods", critical)] {
            guard let node = fields[name], period > .zero, period < .seconds(1) else { continue }
            context.error(node, "must be either 0s or at least 1s")
        }
        if critical > all, let node = fields["shutdownGracePeriodCriticalPods"] {
            context.error(node, "shutdownGracePeriodCriticalPods \(critical.text) must not be longer than shutdownGracePeriod \(all.text)")
        }
    }

    /// `crashLoopBackOff.maxContainerRestartPeriod` (KEP-4603).
    private static let longestCrashBackoff = SimulatedDuration.seconds(300)

    private mutating func checkBackoffs(_ fields: Fields, _ settings: NodeAgentConfiguration) {
        let longest = ScenarioDecoder.longestCrashBackoff
        if settings.crashBackoffMaximum > longest, let node = fields["crashBackoffMaximum"] {
            context.error(node, "must not be longer than \(longest.text)")
        }
        for (name, initial, maximum) in [
            ("crashBackoff", settings.crashBackoffInitial, settings.crashBackoffMaximum),
            ("imagePullBackoff", settings.pullBackoffInitial, settings.pullBackoffMaximum),
        ] {
            // A maximum below the usual first wait shortens that, as it does in the real one.
            guard initial > maximum, let node = fields[name + "Initial"] else { continue }
            context.error(node, "\(name)Initial \(initial.text) must not be longer than \(name)Maximum \(maximum.text)")
        }
    }
}
