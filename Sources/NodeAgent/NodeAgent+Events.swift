// The Events kubelets record about pods. No text is made when nobody records them.
// <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>

import APIServer
import DiscreteEvents
import KubernetesAPI

extension NodeAgent {
    /// Records what became of a pod's containers, and empties the list.
    mutating func report(_ worker: inout PodWorker, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>) {
        guard !incidents.isEmpty else { return }
        defer { incidents.removeAll(keepingCapacity: true) }
        guard configuration.value.recordsEvents else { return }
        let pod = worker.pod
        for incident in incidents {
            switch incident {
            case .imagePresent(let index):
                record(
                    pod, "Pulled",
                    "Container image \"\(worker.image(index))\" already present on machine and can be accessed by the pod",
                    on: number, at: now, effects: &effects)
            case .pulling(let index):
                record(pod, "Pulling", "Pulling image \"\(worker.image(index))\"", on: number, at: now, effects: &effects)
            case .pulled(let index, let took, let withWaiting):
                let bytes = worker.imageBytes(index, environment)
                record(
                    pod, "Pulled",
                    "Successfully pulled image \"\(worker.image(index))\" in \(took.inMilliseconds) "
                        + "(\(withWaiting.inMilliseconds) including waiting). Image size: \(bytes) bytes.",
                    on: number, at: now, effects: &effects)
            case .pullFailed(let index, let failure):
                let image = worker.image(index)
                record(
                    pod, "Failed", "Failed to pull image \"\(image)\": \(failure.text(image))", severity: .warning, on: number, at: now,
                    effects: &effects)
                record(pod, "Failed", "Error: ErrImagePull", severity: .warning, on: number, at: now, effects: &effects)
            case .backingOffPull(let index):
                record(
                    pod, "BackOff", "Back-off pulling image \"\(worker.image(index))\"", on: number, at: now, effects: &effects)
                record(pod, "Failed", "Error: ImagePullBackOff", severity: .warning, on: number, at: now, effects: &effects)
            case .pullNotAllowed(let index):
                record(
                    pod, "ErrImageNeverPull",
                    "Container image \"\(worker.image(index))\" is not present with pull policy of Never", severity: .warning,
                    on: number, at: now, effects: &effects)
                record(pod, "Failed", "Error: ErrImageNeverPull", severity: .warning, on: number, at: now, effects: &effects)
            case .imageNameInvalid(let index, let problem):
                let image = worker.container(index).image
                record(
                    pod, "InspectFailed",
                    "Failed to apply default image tag \"\(image)\": couldn't parse image name \"\(image)\": \(problem)",
                    severity: .warning,
                    on: number, at: now, effects: &effects)
                record(pod, "Failed", "Error: InvalidImageName", severity: .warning, on: number, at: now, effects: &effects)
            case .started:
                record(pod, "Created", "Container created", on: number, at: now, effects: &effects)
                record(pod, "Started", "Container started", on: number, at: now, effects: &effects)
            case .backingOff(let index):
                record(
                    pod, "BackOff",
                    "Back-off restarting failed container \(worker.name(index)) in pod "
                        + "\(pod.value.metadata.name)_\(pod.value.metadata.namespace)(\(pod.value.metadata.uid))",
                    severity: .warning, on: number, at: now, effects: &effects)
            case .unhealthy(let index, let kind, let isHanging):
                reportUnhealthy(worker, index, kind, isHanging, on: number, at: now, effects: &effects)
            case .killing(let index, let kind):
                record(pod, "Killing", worker.reasonToKill(index, kind), on: number, at: now, effects: &effects)
            case .configurationMissing(let problem):
                record(pod, "Failed", "Error: " + problem, severity: .warning, on: number, at: now, effects: &effects)
            case .postStartFailed:
                record(pod, "FailedPostStartHook", "PostStartHook failed", severity: .warning, on: number, at: now, effects: &effects)
            case .preStopFailed:
                record(pod, "FailedPreStopHook", "PreStopHook failed", severity: .warning, on: number, at: now, effects: &effects)
            }
        }
    }

    /// Each failed probe of the row counts as one Event.
    private mutating func reportUnhealthy(
        _ worker: PodWorker, _ index: Int, _ kind: ProbeKind, _ isHanging: Bool, on number: Int, at now: SimulatedTime,
        effects: inout Effects<KubeletTimer>
    ) {
        guard let probe = worker.container(index).probe(kind) else { return }
        let address = worker.base.podIP
        let isWaiting = kind == .readiness && worker.health[index].answersFrom <= now
        let output = probe.failure(of: worker.container(index), at: address, isHanging: isHanging, isWaiting: isWaiting)
        record(
            worker.pod, "Unhealthy", "\(kind.text) probe failed: \(output)", severity: .warning, times: Int(probe.failureThreshold),
            on: number, at: now, effects: &effects)
    }

    mutating func recordKilling(
        _ worker: PodWorker, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        guard configuration.value.recordsEvents else { return }
        for index in worker.containers.indices where worker.containers[index].isRunning {
            record(
                worker.pod, "Killing", "Stopping container \(worker.name(index))", on: number, at: now,
                effects: &effects)
        }
    }

    /// `times`: how often it happened since it was recorded last; it is sent once.
    mutating func record(
        _ pod: Shared<Pod>, _ reason: String, _ message: @autoclosure () -> String, severity: KubernetesEvent.Severity = .normal,
        times: Int = 1, on number: Int, at now: SimulatedTime, effects: inout Effects<KubeletTimer>
    ) {
        guard configuration.value.recordsEvents else { return }
        let event = KubernetesEvent(
            about: "Pod", pod.value.metadata.key, uid: pod.value.metadata.uid, reason: reason, message: message(), severity: severity,
            source: "kubelet")
        var sent: KubernetesEvent?
        for _ in 0..<times { sent = events.correlate(event, at: now) ?? sent }
        if let sent { effects.call(kubelets[number].client, .record(Shared(sent))) }
    }

    /// Records something about the node itself.
    mutating func record(
        aboutNode number: Int, _ reason: String, _ message: String, severity: KubernetesEvent.Severity = .normal, at now: SimulatedTime,
        effects: inout Effects<KubeletTimer>
    ) {
        guard configuration.value.recordsEvents else { return }
        let name = kubelets[number].name
        let event = KubernetesEvent(
            about: "Node", NamespacedName(namespace: "", name: name), uid: UID(name), reason: reason, message: message, severity: severity,
            source: "kubelet")
        if let correlated = events.correlate(event, at: now) { effects.call(kubelets[number].client, .record(Shared(correlated))) }
    }
}

extension SimulatedDuration {
    /// Cut to whole milliseconds, as the kubelet prints how long a pull took.
    fileprivate var inMilliseconds: SimulatedDuration { .nanoseconds(nanoseconds / 1_000_000 * 1_000_000) }
}
