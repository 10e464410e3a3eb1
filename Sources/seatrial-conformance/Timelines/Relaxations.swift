// Every way in which a comparison of timelines is less than strict, in one table, each with its reason. What no entry speaks of
// must agree: every value of every field in its order, every Event with its text and count, every refusal with code and text.

/// How two sequences of a field's values are made comparable.
enum SequenceRule {
    /// Not compared.
    case ignored
    /// Values that stand shorter than this (milliseconds) on one side may be missing on the other; what lasts must come on both, at
    /// most so much apart.
    case lasting(Double)
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
        /// Whether there are any with these first words.
        case occurrence
        /// That a pod that was not there any more was not deleted counts as its deletion.
        case eitherDeleted
        /// Whether there are any, and how often within a fifth (at least two).
        case roughly
        /// Not compared.
        case ignored
    }
    let name: String
    let reasons: [String]
    /// Only messages with these words; nil: all.
    var words: String?
    let rule: Rule
    let reason: String

    /// Only where the recording starts from a snapshot; then `reasons` are not looked at.
    var isForSnapshots = false
    /// Only where many nodes change at once.
    var isForBursts = false

    func applies(_ event: ReportedEvent, inSnapshot: Bool, inBurst: Bool) -> Bool {
        if isForSnapshots { return inSnapshot }
        return reasons.contains(event.reason) && words.map { event.message.contains($0) } ?? true && (inBurst || !isForBursts)
    }

    /// An Event of a StatefulSet that says that it deleted a pod, or that the pod was not there any more, as one that says the former.
    static func deletion(_ event: ReportedEvent) -> ReportedEvent {
        let (failure, end) = (" failed error: pods ", " not found")
        guard event.reason == "FailedDelete", event.message.hasSuffix(end), let middle = event.message.split(separator: failure).first
        else { return event }
        var result = event
        result.reason = "SuccessfulDelete"
        result.type = "Normal"
        result.message = String(middle) + " successful"
        return result
    }

    /// Whether two numbers of reports are about the same.
    static func areClose(_ first: Int, _ second: Int) -> Bool {
        (first == 0) == (second == 0) && abs(first - second) <= max(2, max(first, second) / 5)
    }

    private static let mergedMark = "(combined from similar events): "

    /// A message without the mark of merged events.
    static func unmerged(_ message: String) -> String {
        message.hasPrefix(mergedMark) ? String(message.dropFirst(mergedMark.count)) : message
    }

    /// A message without its numbers and without the mark of merged events.
    static func withoutNumbers(_ message: String) -> String {
        unmerged(message).split(separator: " ").filter { Int($0) == nil }.joined(separator: " ")
    }
}

enum Relaxations {
    /// Two writes closer together than this may be one on the other side: twice the tolerance of reactions.
    static let transient = 300.0

    /// The same on a machine that was held up: all of a chain of reactions may have come late, or none.
    static func transient(_ lateness: Double) -> Double { lateness > usualLateness ? lateness : transient }

    /// The driver takes one of several equal objects, and controllers choose among equals by their random UIDs: which of the simulated
    /// ones plays the part is tried this often, and the recording agrees with one of them or with none.
    static let draws = 6

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
            kinds: [
                "Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "PodDisruptionBudget", "Job",
                "ResourceQuota",
            ],
            paths: [
                "replicas", "fullyLabeled", "ready", "available", "unavailable", "updated", "terminating", "observedGen",
                "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas",
                "currentNumberScheduled", "numberReady", "numberAvailable", "numberUnavailable", "updatedNumberScheduled",
                "numberMisscheduled",
                "currentHealthy", "disruptionsAllowed", "expectedPods", "desiredHealthy", "active", "succeeded", "failed",
                "used.*",
            ], rule: .curve(exactly: 0),
            reason: "the recorded machine was shared: pods of one burst came 10 to 100 ms apart, so counters pass through values "
                + "that equal pods becoming ready together skip, and two events a few milliseconds apart make one status write or two"),
        FieldRelaxation(
            name: "merged status writes", kinds: ["PodDisruptionBudget", "Job"], paths: ["disrupted", "uncounted", "completedIndexes"],
            rule: .lasting(transient), reason: "the same for lists"),
        FieldRelaxation(
            name: "endpoints of a burst", kinds: ["EndpointSlice"], paths: ["endpoints"], rule: .lasting(staleSlices),
            reason: "pods that change within a burst are written one, two or three at a time, and a pod that changes while the last "
                + "write is not seen yet waits for a second: which one that happens to is chance"),
    ]

    /// The EndpointSlice controller's back-off after a look at slices that are older than what it wrote, with what follows.
    private static let staleSlices = 1100.0

    static let events: [EventRelaxation] = [
        EventRelaxation(
            name: "budgets before pods", reasons: ["NoPods"], rule: .ignored,
            reason:
                "a budget reports it when it is looked at before the first of its pods is there; where both are created together that is "
                + "a matter of milliseconds, and of how busy the machine was"),
        EventRelaxation(
            name: "looks at a service", reasons: ["FailedToUpdateEndpointSlices"], rule: .presence,
            reason: "each look while the node of a pod is missing makes one, and pods that go together make one look or several"),
        EventRelaxation(
            name: "who deletes first", reasons: ["SuccessfulDelete", "FailedDelete"], rule: .eitherDeleted,
            reason: "when pod garbage collection fails a pod to delete it, the pod's StatefulSet deletes it too, as it does every "
                + "failed pod: two requests within milliseconds, and the second finds nothing"),
        EventRelaxation(
            name: "nodes of a burst", reasons: ["FailedScheduling"], rule: .occurrence,
            reason: "when more nodes change than the node controller has workers, it goes through them in random order and as fast as "
                + "its client may: how many are tainted when the scheduler looks at a pod, and so what else it says of the others, is a "
                + "matter of milliseconds",
            isForBursts: true),
        EventRelaxation(
            name: "rollout steps", reasons: ["ScalingReplicaSet"], rule: .presence,
            reason: "each size a ReplicaSet is given makes one; see the sizes"),
        EventRelaxation(
            name: "attempts", reasons: ["FailedCreate"], rule: .roughly,
            reason: "a refused creation is tried again after 5 ms, 10 ms, 20 ms, ... and with each change of a pod: how many attempts fall "
                + "into the first second depends on reactions of milliseconds"),
        EventRelaxation(
            name: "attempts", reasons: ["FailedScheduling"], words: "unbound immediate PersistentVolumeClaims", rule: .roughly,
            reason: "binding a volume takes four writes within milliseconds, each of which makes the scheduler look again"),
        EventRelaxation(
            name: "attempts", reasons: ["SawCompletedJob"], rule: .roughly,
            reason:
                "a new Job wakes the CronJob controller at once, and it tells again of the finished one unless it sees its own status by "
                + "then: a matter of a millisecond"),
        EventRelaxation(
            name: "nodes not ready", reasons: ["NodeNotReady"], rule: .presence,
            reason: "the recorded controller manager had counted the same Event of the node in an earlier scenario, and tells a pod again "
                + "in its next pass when its write met a conflict"),
        EventRelaxation(
            name: "looks at a finished job", reasons: ["SawCompletedJob"], rule: .presence,
            reason: "a CronJob that is looked at again before its own write is seen reports the job again: a matter of milliseconds"),
        EventRelaxation(
            name: "Events before the snapshot", reasons: [], rule: .uncounted,
            reason: "a dump does not tell what the controllers remember of the Events they sent before it", isForSnapshots: true),
    ]

    /// The relaxation for a field, if there is one.
    static func rule(for path: String, of kind: String, underRealKubelet: Bool) -> FieldRelaxation? {
        if underRealKubelet, let special = realKubelet.first(where: { $0.applies(kind, path) }) { return special }
        return fields.first { $0.applies(kind, path) }
    }

    /// For the recording of the real kubelet's code.
    private static let realKubelet: [FieldRelaxation] = [
        FieldRelaxation(
            name: "stubbed probes", kinds: ["Pod", "ReplicaSet", "Deployment"],
            paths: [
                "conds.Ready", "conds.ContainersReady", "conds.Available", "conds.Progressing", "ready", "available", "unavailable",
            ], rule: .ignored, reason: "probes were stubbed out there, and the stub makes containers Ready before they run"),
        FieldRelaxation(
            name: "relist of containers", kinds: ["Pod"], paths: ["conds.PodReadyToStartContainers", "containers"],
            rule: .lasting(relist),
            reason: "the kubelet asks its runtime each second what there is: that a pod's sandbox is there before its containers run, or "
                + "that a container is missing, shows when a question falls between; and it sends five statuses a second"),
    ]

    /// Where a recording starts from a snapshot: after so many Events about one object the others are not compared. 25 of a controller
    /// may come at once, then one each five minutes; of those it had sent before, a dump tells only in part.
    static let eventBudget = 20

    /// How often the real kubelet lists its containers, and the time it needs to tell of some pods.
    private static let relist = 1500.0

    /// How much later than the simulator the recorded machine may be, milliseconds; the simulator may not be later. The machine was
    /// shared: what takes some milliseconds took up to 200 in calm recordings, and two such reactions may follow one another.
    static let usualLateness = 350.0
    private static let longestLateness = 1500.0
    /// Pods made this soon after an action are made because of it.
    private static let consequence = 1000.0

    /// The same for one recording: some ran beside others, some were held up. Measured by the longest way from an action, or from a
    /// pod's creation, to the kubelet's first word about the pod; and from an action to the Deployment controller's.
    static func lateness(_ view: TimelineView, _ actions: [Double]) -> Double {
        var longest = usualLateness
        for track in view.tracks where track.kind == "Pod" && track.controller?.kind == "ReplicaSet" {
            guard !track.history.contains(where: { $0.path == "conds.PodScheduled" && $0.value?.string != "True" }),
                let heard = track.history.first(where: { $0.path == "containers" })?.time
            else { continue }
            // Of several actions one after the other the pod may follow from the one that made its owner.
            let owner = track.controller.flatMap { view.track($0.kind, $0.name, namespace: track.namespace) }
            let maker = owner?.controller.flatMap { view.track($0.kind, $0.name, namespace: track.namespace) } ?? owner
            let causes = [actions.last { $0 <= track.created }, maker.flatMap { $0.isInitial ? nil : $0.created }].compactMap { $0 }
            let cause = causes.filter { $0 <= track.created && track.created - $0 < consequence }.min()
            longest = max(longest, min(heard - (cause ?? track.created), longestLateness))
        }
        // The first look of the Deployment controller at a change, some writes long, ends with the word that it was seen.
        for track in view.tracks where track.kind == "Deployment" {
            for change in track.history where change.path == "gen" {
                guard let action = actions.last(where: { $0 <= change.time }), change.time - action < consequence,
                    let seen = track.history.first(where: { $0.path == "observedGen" && $0.time >= change.time && $0.value == change.value }
                    )
                else { continue }
                longest = max(longest, min(seen.time - action, longestLateness))
            }
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
