// Which pod is asked about, as kubectl's users write it.

import DiscreteEvents
import KubernetesAPI

/// `pod/NAME` or `pod/NAMESPACE/NAME`, and a time of the run.
public struct PodQuery: Hashable, Sendable {
    public let pod: NamespacedName
    /// nil: the end of the run.
    public let time: SimulatedTime?

    /// - Parameter namespace: where the name does not say.
    /// - Throws: `ScenarioError` for a text that names no pod, or no time.
    public init(_ text: String, namespace: String, at time: String?) throws(ScenarioError) {
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count > 1 {
            guard ["pod", "pods", "po"].contains(parts.removeFirst()) else {
                throw ScenarioError(["\(text): only pods can be explained: pod/NAME"])
            }
        }
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
            throw ScenarioError(["\(text): expected pod/NAME or pod/NAMESPACE/NAME"])
        }
        pod =
            parts.count == 2
            ? NamespacedName(namespace: parts[0], name: parts[1]) : NamespacedName(namespace: namespace, name: parts[0])
        guard let time else {
            self.time = nil
            return
        }
        do throws(DurationTextError) {
            self.time = .zero + (try SimulatedDuration(text: time))
        } catch {
            throw ScenarioError(["--at: \(error)"])
        }
    }
}
