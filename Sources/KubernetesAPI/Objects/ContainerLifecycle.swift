// What a container's spec says of its life: probes, hooks, and which exits it is restarted after.

/// A probe: its timing, and what it asks. Whether the container answers is the workload behaviour's business.
/// <https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/>
public struct Probe: Hashable, Sendable {
    /// What is asked. All handlers succeed and fail at the same times here; they differ in the text of their failures.
    public enum Handler: Hashable, Sendable {
        case exec(command: [String])
        case httpGet(scheme: String, host: String, port: IntOrString, path: String)
        case tcpSocket(host: String, port: IntOrString)
        case grpc(port: Int32)
    }
    public var initialDelaySeconds: Int32 = 0
    public var timeoutSeconds: Int32 = 1
    public var periodSeconds: Int32 = 10
    public var successThreshold: Int32 = 1
    public var failureThreshold: Int32 = 3
    /// What a container that fails this probe gets to stop; nil: what the pod's spec says.
    public var terminationGracePeriodSeconds: Int64?
    public var handler: Handler?
    /// A digest of the probe's action and its grace period.
    public var unmodelled: UInt64 = 0

    public init() {}
}

/// The hooks of a container.
/// <https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/>
public struct Lifecycle: Hashable, Sendable {
    public enum Hook: Hashable, Sendable {
        /// Takes exactly so many seconds; a negative number, which the API server refuses, takes none.
        case sleep(seconds: Int64)
        /// A command or a request, which takes the time the workload's behaviour says.
        case action
    }
    public var postStart: Hook?
    public var preStop: Hook?

    public init(postStart: Hook? = nil, preStop: Hook? = nil) {
        self.postStart = postStart
        self.preStop = preStop
    }
}

/// A rule of a container's `restartPolicyRules` (KEP-5307).
public struct RestartRule: Hashable, Sendable {
    public static let restart = "Restart"
    /// Every container of the pod runs again, from the first init container on (KEP-5532).
    public static let restartAllContainers = "RestartAllContainers"

    /// Which exits a rule is about.
    public struct ExitCodes: Hashable, Sendable {
        public static let isIn = "In"
        public static let isNotIn = "NotIn"

        public var `operator`: String
        public var values: [Int32]

        public init(_ operator: String, _ values: [Int32]) {
            self.operator = `operator`
            self.values = values
        }

        /// No exit fits an operator nobody knows.
        func contains(_ code: Int32) -> Bool {
            switch `operator` {
            case ExitCodes.isIn: values.contains(code)
            case ExitCodes.isNotIn: !values.contains(code)
            default: false
            }
        }
    }

    public var action: String
    /// The API server demands them; a rule without any fits no exit.
    public var exitCodes: ExitCodes?

    public init(action: String, exitCodes: ExitCodes? = nil) {
        self.action = action
        self.exitCodes = exitCodes
    }

    public func matches(exitCode: Int32) -> Bool { exitCodes?.contains(exitCode) ?? false }
}
