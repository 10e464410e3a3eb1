// Behaviour from annotations: a pod may say for itself how its containers behave, where no scenario file speaks for it.

import DiscreteEvents
import KubernetesAPI

/// Annotations under one prefix (``scenarioPrefix`` in scenarios) that set a pod's ``WorkloadBehaviour``. Times are in milliseconds.
///
/// | annotation | meaning |
/// |---|---|
/// | `start-delay-ms` | from the moment the kubelet sees the bound pod to Running |
/// | `ready-delay-ms` | from Running to Ready |
/// | `never-start` | true or 1: its containers never run |
/// | `exit-after-ms`, `exit-code` | a run ends by itself after that time, with that code |
/// | `exit-code-index-N` | the code of the pod with completion index N of an Indexed Job |
/// | `term-ms`, `term-exit-code` | from the request to stop to the end (the grace period cuts it), and the code then, killed or not |
/// | `ready` | false: not ready as long as the annotation says so |
package struct BehaviourAnnotations {
    /// The prefix that scenarios use.
    package static let scenarioPrefix = "seatrial.dev/"
    private static let completionIndex = "batch.kubernetes.io/job-completion-index"

    private let prefix: String

    init(prefix: String) { self.prefix = prefix }

    /// The behaviour of a pod: what its annotations say over what it would be without them; nil if they say nothing.
    func behaviour(of pod: Pod, over usual: WorkloadBehaviour) -> WorkloadBehaviour? {
        let annotations = pod.metadata.annotations
        guard !annotations.isEmpty, annotations.contains(where: { $0.key.hasPrefix(prefix) }) else { return nil }
        var behaviour = usual
        if let delay = milliseconds("start-delay-ms", annotations) { behaviour.start = delay }
        if let delay = milliseconds("ready-delay-ms", annotations) { behaviour.ready = delay }
        if let length = milliseconds("exit-after-ms", annotations) { behaviour.run = length }
        if let time = milliseconds("term-ms", annotations) { behaviour.stop = time }
        if let code = code("exit-code", annotations) { behaviour.exitCode = code }
        if let index = annotations[BehaviourAnnotations.completionIndex], let code = code("exit-code-index-" + index, annotations) {
            behaviour.exitCode = code
        }
        if let code = code("term-exit-code", annotations) {
            behaviour.stopExitCode = code
            behaviour.killExitCode = code
        }
        behaviour.neverStarts = ["1", "true"].contains(annotations[prefix + "never-start"] ?? "")
        return behaviour
    }

    /// Whether a pod's annotations keep it from being ready at present.
    func holdsUnready(_ pod: Pod) -> Bool {
        !pod.metadata.annotations.isEmpty && pod.metadata.annotations[prefix + "ready"] == "false"
    }

    private func milliseconds(_ name: String, _ annotations: Labels) -> Distribution? {
        annotations[prefix + name].flatMap { Int($0) }.map { .constant(.milliseconds(max(0, $0))) }
    }

    private func code(_ name: String, _ annotations: Labels) -> Int32? { annotations[prefix + name].flatMap { Int32($0) } }
}
