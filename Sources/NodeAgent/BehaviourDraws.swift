// The random numbers of a container's life. They belong to the container's run, not to the order of events.

import DiscreteEvents
import KubernetesAPI

/// Draws for the runs of one container: keyed by seed, pod name, container and run number, so the same under every policy.
struct BehaviourDraws {
    private let seed: UInt64
    private let pod: NamespacedName
    private let container: String

    /// `container` is empty for what concerns the pod as a whole.
    init(seed: UInt64, pod: NamespacedName, container: String) {
        self.seed = seed
        self.pod = pod
        self.container = container
    }

    /// A duration drawn from a distribution in seconds, never negative.
    func duration(_ distribution: Distribution, _ purpose: RandomPurpose, run: Int) -> SimulatedDuration {
        if case .constant(let value) = distribution.family { return SimulatedDuration(seconds: value) }
        let owner = pod.namespace + "/" + pod.name + "/" + container
        var stream = RandomStream(seed: seed, purpose: purpose, owner: owner)
        stream.index = UInt64(run)
        return distribution.sampleDuration(&stream)
    }
}
