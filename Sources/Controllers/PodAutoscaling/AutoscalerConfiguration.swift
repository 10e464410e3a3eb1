// The horizontal pod autoscaler's flags, and what may go wrong in a calculation.

import DiscreteEvents
import KubernetesAPI

/// Flags `--horizontal-pod-autoscaler-*` of kube-controller-manager with their defaults.
/// <https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/>
public struct AutoscalerConfiguration: Hashable, Sendable {
    /// How often each autoscaler is looked at.
    public var syncPeriod = SimulatedDuration.seconds(15)
    /// Deviation from the target, as a fraction of it, that causes no change; `behavior` may say otherwise.
    public var tolerance = 0.1
    /// Within this time of a pod's start its cpu samples are used only while it is ready.
    public var cpuInitializationPeriod = SimulatedDuration.minutes(5)
    /// A pod that turned unready within this time of its start has not been ready yet.
    public var initialReadinessDelay = SimulatedDuration.seconds(30)
    /// How long higher recommendations hold back a scale-down; `behavior` may say otherwise.
    public var downscaleStabilization = SimulatedDuration.minutes(5)

    public init() {}
}

/// Why no number of replicas could be computed, in the controller's words.
package struct ReplicaCalculationError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// How far the ratio of a metric to its target may be from 1 without consequences.
struct Tolerances: Hashable, Sendable {
    var up: Double
    var down: Double

    /// The flag's tolerance, or those of the autoscaler's own rules (KEP-4951).
    init(_ behavior: HorizontalPodAutoscalerBehavior?, flag: Double) {
        up = behavior?.scaleUp?.tolerance?.approximateFloat64 ?? flag
        down = behavior?.scaleDown?.tolerance?.approximateFloat64 ?? flag
    }

    func contain(_ ratio: Double) -> Bool { 1 - down <= ratio && ratio <= 1 + up }
}
