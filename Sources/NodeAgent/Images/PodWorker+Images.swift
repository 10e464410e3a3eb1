// What a container needs before it can start: its image, under its pull policy, with the back-off of pulls that fail.
// <https://kubernetes.io/docs/concepts/containers/images/>

import DiscreteEvents
import KubernetesAPI

extension PodWorker {
    /// The bytes of a container's image.
    func imageBytes(_ index: Int, _ environment: PodEnvironment) -> Int64 {
        let settings = environment.configuration.value
        let known = settings.images.isEmpty ? nil : settings.images[image(index)]?.bytes
        return known ?? behaviour.value.imageBytes ?? settings.defaultImageBytes
    }

    /// Sees to it that a container's image is there. Returns true if it is; otherwise the container waits for it, in one way or
    /// another.
    mutating func fetchImage(
        _ index: Int, at time: SimulatedTime, images: inout ImageStore, _ environment: PodEnvironment, incidents: inout [PodIncident]
    ) -> Bool {
        let image = image(index)
        if let problem = ImageReference.problem(of: image) {
            incidents.append(.imageNameInvalid(index, problem))
            containers[index].state = .waiting(until: nextTry(after: time, environment), .invalidImageName)
            return false
        }
        let answer = images.ask(
            for: image, bytes: imageBytes(index, environment), policy: read(index) { $0.imagePullPolicy } ?? .ifNotPresent,
            environment.pullConditions(of: image), by: ImageStore.Request(pod: generation, container: Int32(index), at: time))
        switch answer {
        case .present:
            incidents.append(.imagePresent(index))
            return true
        case .arrived:
            incidents.append(.pulling(index))
            incidents.append(.pulled(index, took: .zero, withWaiting: .zero))
            return true
        case .underWay:
            incidents.append(.pulling(index))
            containers[index].state = .pulling
        case .failed(let failure):
            incidents.append(.pulling(index))
            pullFailed(index, failure, at: time, environment, &incidents)
        case .notAllowed:
            incidents.append(.pullNotAllowed(index))
            containers[index].state = .waiting(until: nextTry(after: time, environment), .errImageNeverPull)
        }
        return false
    }

    /// The pull that a container waited for is over.
    mutating func pullEnded(
        _ pull: ImageStore.Pull, for request: ImageStore.Request, _ failure: PullFailure?, at now: SimulatedTime,
        _ environment: PodEnvironment, incidents: inout [PodIncident]
    ) {
        let index = Int(request.container)
        guard !isStopping, case .pulling = containers[index].state else { return }
        if let failure {
            pullFailed(index, failure, at: now, environment, &incidents)
        } else {
            incidents.append(
                .pulled(index, took: now - max(pull.begins, request.at), withWaiting: now - request.at))
            create(index, at: now, environment, &incidents)
        }
    }

    /// The kubelet says ErrImagePull, and looks at the pod again: soon after the pod's sandbox came up, which its runtime tells it of,
    /// later after the wait that follows any failed pass.
    private mutating func pullFailed(
        _ index: Int, _ failure: PullFailure, at now: SimulatedTime, _ environment: PodEnvironment, _ incidents: inout [PodIncident]
    ) {
        let settings = environment.configuration.value
        if health.isEmpty { health = Array(repeating: ContainerHealth(), count: containers.count) }
        let wait = health[index].pullBackoff.fail(at: now, initial: settings.pullBackoffInitial, maximum: settings.pullBackoffMaximum)
        incidents.append(.pullFailed(index, failure))
        let next = health[index].pullBackoff.failures == 1 ? now + settings.relistPeriod : nextTry(after: now, environment)
        containers[index].state = .waiting(until: min(next, now + wait), .errImagePull)
    }

    /// A container whose image could not be pulled is looked at again.
    mutating func retryImage(
        _ index: Int, at time: SimulatedTime, images: inout ImageStore, _ environment: PodEnvironment, incidents: inout [PodIncident]
    ) {
        let over = health.isEmpty ? .distantPast : health[index].pullBackoff.over
        if over > time {
            incidents.append(.backingOffPull(index))
            containers[index].state = .waiting(until: min(over, nextPass(after: time, environment)), .imagePullBackOff)
        } else if fetchImage(index, at: time, images: &images, environment, incidents: &incidents) {
            create(index, at: time, environment, &incidents)
        }
    }
}

extension PodEnvironment {
    /// What a pull of an image meets at present.
    func pullConditions(of image: String) -> ImageStore.Conditions {
        let settings = configuration.value
        let limit = settings.serializeImagePulls ? 1 : settings.maxParallelImagePulls > 0 ? settings.maxParallelImagePulls : .max
        let isMissing = !settings.images.isEmpty && settings.images[image]?.isMissing ?? false
        return ImageStore.Conditions(limit: limit, failure: registryIsDown ? .unavailable : isMissing ? .notFound : nil)
    }
}

/// The back-off of the pulls of one image for one pod: 10 s after the first failure, doubled up to five minutes; forgotten when
/// twice the longest wait has passed without a failure.
struct PullBackoff: Hashable, Sendable {
    private var wait = SimulatedDuration.zero
    /// When the next pull may begin.
    private(set) var over = SimulatedTime.distantPast
    /// Failures since it was forgotten last.
    private(set) var failures: Int32 = 0

    /// A pull failed. Returns the wait.
    mutating func fail(at now: SimulatedTime, initial: SimulatedDuration, maximum: SimulatedDuration) -> SimulatedDuration {
        if failures == 0 || now - (over - wait) > maximum * 2 {
            wait = min(initial, maximum)
            failures = 1
        } else {
            wait = min(wait * 2, maximum)
            failures &+= 1
        }
        over = now + wait
        return wait
    }
}
