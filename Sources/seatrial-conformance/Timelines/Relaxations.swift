// Every way in which a comparison of timelines is less than strict, in one table, each with its reason. What no entry speaks of
// must agree: every value of every field in its order, every Event with its text and count, every refusal with code and text.

/// How two sequences of a field's values are made comparable.
enum SequenceRule {
    /// Not compared.
    case ignored
    /// Only values that last are compared: those that stood shorter than this (milliseconds) on one side may be missing on the other.
    case settled(Double)
    /// As curves: the first values exactly (how many) and the last; in between each number that stands must lie between those the
    /// other side takes on within the tolerance of time.
    case curve(exactly: Int)
    /// That the numbers rise.
    case rising
}

/// One relaxation for fields.
struct FieldRelaxation {
    let name: String
    /// Empty: all kinds.
    let kinds: [String]
    /// Fields, `conds.*` standing for all conditions.
    let paths: [String]
    let rule: SequenceRule
    let reason: String

    func applies(_ kind: String, _ path: String) -> Bool {
        (kinds.isEmpty || kinds.contains(kind))
            && paths.contains { $0 == path || ($0.hasSuffix("*") && path.hasPrefix($0.dropLast())) }
    }
}

/// One relaxation for Events.
struct EventRelaxation {
    enum Rule {
        /// Whether there are any, not how many or with which numbers.
        case presence
        /// How often it was reported, not with which count.
        case uncounted
        /// Not compared.
        case ignored
    }
    let name: String
    let reasons: [String]
    let rule: Rule
    let reason: String

    func applies(_ event: ReportedEvent) -> Bool { reasons.contains(event.reason) }

    /// A message without its numbers and without the mark of merged events.
    static func withoutNumbers(_ message: String) -> String {
        let mark = "(combined from similar events): "
        let plain = message.hasPrefix(mark) ? String(message.dropFirst(mark.count)) : message
        return plain.split(separator: " ").filter { Int($0) == nil }.joined(separator: " ")
    }
}

enum Relaxations {
    /// Two writes closer together than this may be one on the other side: twice the tolerance of reactions.
    static let transient = 300.0

    static let fields: [FieldRelaxation] = [
        FieldRelaxation(
            name: "node choice", kinds: ["Pod"], paths: ["pod-template-hash"], rule: .ignored,
            reason: "hashes of templates differ; the role of the pod says which ReplicaSet it is of"),
        FieldRelaxation(
            name: "rollout steps", kinds: ["ReplicaSet"], paths: ["spec_replicas"], rule: .curve(exactly: 2),
            reason: "the pairs of sizes in the midst of a rollout depend on the order in which single pods become ready; a simulator "
                + "whose controllers are not held up takes other steps to the same end"),
        FieldRelaxation(
            name: "rollout steps", kinds: ["ReplicaSet"], paths: ["gen", "observedGen"], rule: .rising,
            reason: "each step of a rollout is one generation"),
        FieldRelaxation(
            name: "merged status writes",
            kinds: ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "PodDisruptionBudget", "Job", "ResourceQuota"],
            paths: [
                "replicas", "fullyLabeled", "ready", "available", "unavailable", "updated", "terminating", "observedGen",
                "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas",
                "currentNumberScheduled", "numberReady", "numberAvailable", "numberUnavailable", "updatedNumberScheduled",
                "numberMisscheduled",
                "currentHealthy", "disruptionsAllowed", "expectedPods", "desiredHealthy", "disrupted", "active", "succeeded", "failed",
                "uncounted",
                "completedIndexes", "used.*",
            ], rule: .curve(exactly: 0),
            reason: "the recorded machine was shared: pods of one burst came 10 to 100 ms apart, so counters pass through values "
                + "that equal pods becoming ready together skip, and two events a few milliseconds apart make one status write or two"),
        FieldRelaxation(
            name: "endpoints of a burst", kinds: ["EndpointSlice"], paths: ["endpoints"], rule: .settled(staleSlices),
            reason: "pods that change within a burst are written one, two or three at a time, and a pod that changes while the last "
                + "write is not seen yet waits for a second: which one that happens to is chance"),
    ]

    /// The EndpointSlice controller's back-off after a look at slices that are older than what it wrote, with what follows.
    private static let staleSlices = 1100.0

    static let events: [EventRelaxation] = [
        EventRelaxation(
            name: "rollout steps", reasons: ["ScalingReplicaSet"], rule: .presence,
            reason: "each size a ReplicaSet is given makes one; see the sizes"),
        EventRelaxation(
            name: "counts of node Events", reasons: ["NodeNotReady"], rule: .uncounted,
            reason: "the recorded controller manager had counted the same Event in an earlier scenario"),
    ]

    static func isIgnored(_ kind: String, _ path: String) -> Bool {
        if case .ignored? = fields.first(where: { $0.applies(kind, path) })?.rule { true } else { false }
    }

    /// How much later than the simulator the recorded machine may be, milliseconds; the simulator may not be later. The machine was
    /// shared: what takes some milliseconds took up to 200 in calm recordings, and more in those that ran beside others. Measured by
    /// what it took longest to bind a pod that had room and to hear of it from its kubelet.
    static func lateness(_ view: TimelineView) -> Double {
        var longest = 350.0
        for track in view.tracks where track.kind == "Pod" && !track.isInitial {
            guard let bound = track.history.first(where: { $0.path == "node" })?.time, track.value("conds.PodScheduled", at: bound) != nil,
                !track.history.contains(where: { $0.path == "conds.PodScheduled" && $0.time < bound }),
                let heard = track.history.first(where: { $0.path == "containers" })?.time
            else { continue }
            longest = max(longest, min(heard - track.created, 1000))
        }
        return longest
    }

    /// The node monitor passes each five seconds, later by what each pass takes.
    static let nodeMonitorPhase = 5000.0

    /// The largest difference in time that is agreement, in milliseconds: 150 ms, or 10 % of the time since the last action, at most
    /// `cap`: one second, or five where the phase of the node monitor counts.
    static func tolerance(sinceAction elapsed: Double, cap: Double) -> Double { max(150, min(elapsed * 0.1, cap)) }

    /// API times are whole seconds.
    static let wholeSeconds = 1.0
}
