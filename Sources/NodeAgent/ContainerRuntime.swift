// The runtime state of one container on its node. Kept small: a big cluster has hundreds of thousands.

import DiscreteEvents
import KubernetesAPI

/// How one run of a container ended.
struct ContainerRun: Hashable, Sendable {
    /// The reasons the container runtime and the kubelet give.
    enum Reason: UInt8, Hashable, Sendable, CaseIterable {
        case completed, error, outOfMemory, cannotRun, startError, unknown
        /// The kubelet came back and the container was not there any more.
        case statusUnknown

        var text: String {
            switch self {
            case .completed: "Completed"
            case .error: "Error"
            case .outOfMemory: "OOMKilled"
            case .cannotRun: "ContainerCannotRun"
            case .startError: "StartError"
            case .unknown: "Unknown"
            case .statusUnknown: "ContainerStatusUnknown"
            }
        }
    }
    var startedAt: SimulatedTime
    var finishedAt: SimulatedTime
    var exitCode: Int32
    var reason: Reason

    /// A run that ended with an exit code of its own.
    init(from startedAt: SimulatedTime, to finishedAt: SimulatedTime, exitCode: Int32, reason: Reason? = nil) {
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.exitCode = exitCode
        self.reason = reason ?? (exitCode == 0 ? .completed : .error)
    }

    init(_ termination: ContainerTermination) {
        self.init(
            from: termination.startedAt, to: termination.finishedAt, exitCode: termination.exitCode,
            reason: Reason.allCases.first { $0.text == termination.reason })
    }

    /// As the status shows it: the API keeps whole seconds.
    var termination: ContainerTermination {
        ContainerTermination(
            exitCode: exitCode, reason: reason.text, startedAt: startedAt.truncatedToSeconds,
            finishedAt: finishedAt.truncatedToSeconds)
    }
}

/// The runtime state of one container. A time of `.distantFuture` means never.
struct ContainerRuntime: Sendable {
    enum Waiting: UInt8, Sendable {
        case creating, crashLoopBackOff, postStartHookError, errImagePull, imagePullBackOff, errImageNeverPull, invalidImageName
        case createContainerConfigError

        /// The reason in the status.
        var text: String {
            switch self {
            case .creating: "ContainerCreating"
            case .crashLoopBackOff: "CrashLoopBackOff"
            case .postStartHookError: "PostStartHookError"
            case .errImagePull: "ErrImagePull"
            case .imagePullBackOff: "ImagePullBackOff"
            case .errImageNeverPull: "ErrImageNeverPull"
            case .invalidImageName: "InvalidImageName"
            case .createContainerConfigError: "CreateContainerConfigError"
            }
        }

        /// It has run before, and will again.
        var followsRun: Bool { self == .crashLoopBackOff || self == .postStartHookError }
        var isAboutImage: Bool {
            switch self {
            case .errImagePull, .imagePullBackOff, .errImageNeverPull, .invalidImageName: true
            case .creating, .crashLoopBackOff, .postStartHookError, .createContainerConfigError: false
            }
        }
    }

    enum State: Sendable {
        /// Its turn has not come: init containers before it are not done.
        case blocked
        /// Its image is being pulled: the kubelet is told when that is over.
        case pulling
        /// Something is tried at `until`: to run, or to get its image.
        case waiting(until: SimulatedTime, Waiting)
        /// `ready`: when it turns ready. `ends`: by itself or because it is stopped, whichever comes first.
        case running(since: SimulatedTime, ready: SimulatedTime, ends: SimulatedTime, exitCode: Int32)
        /// Ended; runs again at `restart`.
        case ended(ContainerRun, restart: SimulatedTime)
    }
    var state = State.blocked
    /// The run before the current state, shown as `lastState`.
    var lastRun: ContainerRun?
    var restarts: Int32 = 0
    var backoff = CrashBackoff()
    /// When the wait after a crash is over: from then on it may start.
    var backoffOver = SimulatedTime.distantPast
    /// Its image was looked after for the start that is under way.
    var hasImage = false

    /// When the next step is due; `after`: readiness that came by then was seen.
    func nextStep(after seen: SimulatedTime) -> SimulatedTime {
        switch state {
        case .blocked, .pulling: .distantFuture
        case .waiting(let until, _): until
        case .running(_, let ready, let ends, _): ready > seen ? min(ready, ends) : ends
        case .ended(_, let restart): restart
        }
    }

    var isRunning: Bool { if case .running = state { true } else { false } }
    var isBlocked: Bool { if case .blocked = state { true } else { false } }
    var hasEndedForGood: Bool { if case .ended(_, restart: .distantFuture) = state { true } else { false } }
}
