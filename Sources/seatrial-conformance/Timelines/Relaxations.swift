// Every way in which a comparison of timelines is less than strict, in one table, each with its reason. What no entry speaks of
// must agree: every value of every field in its order, every Event with its text and count, every refusal with code and text, every
// time within 150 ms or a tenth of the time since the driver's last action. Each use is counted and shown on the timeline's line.

enum Relaxations {
    static let table: [Relaxation] = [
        stubbedProbes, relist, rolloutSteps, mergedWrites, bursts, lastWords, budgets, looks, whoDeletes, burstWords, attempts, notReady,
        beforeSnapshot, heldUp, wholeSecond, jobBatching, monitorPhase,
        closeWrites, queueOfEvents, heldUpRollout, afterEnd, equals, kubeletTimes, driverTimes,
    ]

    // MARK: Values

    private static let stubbedProbes = Relaxation(
        name: "stubbed probes",
        uses: [
            .fields(
                ["Pod", "ReplicaSet", "Deployment"],
                ["conds.Ready", "conds.ContainersReady", "conds.Available", "conds.Progressing", "ready", "available", "unavailable"],
                .ignored, in: .realKubelet)
        ],
        reason: "probes were stubbed out there, and the stub makes containers Ready before they run")

    private static let relist = Relaxation(
        name: "relist of containers",
        uses: [.fields(["Pod"], ["conds.PodReadyToStartContainers", "containers"], .lasting(1500), in: .realKubelet)],
        reason: "the kubelet asks its runtime each second what there is: that a pod's sandbox is there before its containers run, or "
            + "that a container is missing, shows when a question falls between; and it sends five statuses a second")

    private static let mergedWrites = Relaxation(
        name: "merged status writes",
        uses: [
            .fields(
                [
                    "Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "PodDisruptionBudget", "Job",
                    "ResourceQuota",
                ],
                [
                    "replicas", "fullyLabeled", "ready", "available", "unavailable", "updated", "terminating",
                    "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas",
                    "currentNumberScheduled", "numberReady", "numberAvailable", "numberUnavailable", "updatedNumberScheduled",
                    "numberMisscheduled",
                    "currentHealthy", "disruptionsAllowed", "expectedPods", "desiredHealthy", "active", "succeeded", "failed",
                    "used.*",
                ], .curve),
            .fields(["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "PodDisruptionBudget"], ["observedGen"], .curve),
            .fields(["PodDisruptionBudget", "Job"], ["disrupted", "uncounted", "completedIndexes"], .lasting(transient)),
        ],
        reason: "the recorded machine was shared: pods of one burst came 10 to 100 ms apart, so counters and lists pass through values "
            + "that equal pods becoming ready together skip, and two events a few milliseconds apart make one status write or two")

    private static let bursts = Relaxation(
        name: "endpoints of a burst",
        // The controller's back-off after a look at slices that are older than what it wrote, with what follows.
        uses: [.fields(["EndpointSlice"], ["endpoints"], .lasting(1100))],
        reason: "pods that change within a burst are written one, two or three at a time, and a pod that changes while the last "
            + "write is not seen yet waits for a second: which one that happens to is chance")

    private static let rolloutSteps = Relaxation(
        name: "rollout steps",
        uses: [
            .fields(["ReplicaSet"], ["spec_replicas"], .rollout),
            .fields(["ReplicaSet"], ["gen", "observedGen"], .generations, in: .otherSteps),
            .events(["ScalingReplicaSet"], .presence, in: .otherSteps),
        ],
        reason: "the pairs of sizes in the midst of a rollout depend on the order in which single pods become ready; a simulator "
            + "whose controllers are not held up takes other steps to the same end. Each step is one generation and makes one Event. "
            + "The invariants of rollouts are checked on both sides instead")

    static let lastWords = Relaxation(
        name: "last words", uses: [.code],
        reason: "what a controller still writes into an object that is being removed depends on who comes first, it or the garbage "
            + "collector: a matter of milliseconds")

    // MARK: Events

    private static let budgets = Relaxation(
        name: "budgets before pods", uses: [.events(["NoPods"], .ignored)],
        reason: "a budget reports it when it is looked at before the first of its pods is there; where both are created together that is "
            + "a matter of milliseconds, and of how busy the machine was")

    private static let looks = Relaxation(
        name: "looks at a service", uses: [.events(["FailedToUpdateEndpointSlices"], .presence)],
        reason: "each look while the node of a pod is missing makes one, and pods that go together make one look or several")

    private static let whoDeletes = Relaxation(
        name: "who deletes first", uses: [.events(["SuccessfulDelete", "FailedDelete"], .eitherDeleted)],
        reason: "when pod garbage collection fails a pod to delete it, the pod's StatefulSet deletes it too, as it does every "
            + "failed pod: two requests within milliseconds, and the second finds nothing")

    private static let burstWords = Relaxation(
        name: "nodes of a burst",
        uses: [
            .events(["FailedScheduling"], .occurrence, in: .burst),
            .times(["Pod", "Event", "ReplicaSet", "Deployment", "EndpointSlice"], [], .window(nodeMonitorPhase), in: .burst),
        ],
        reason: "when more nodes change than the node controller has workers, it goes through them in random order and as fast as "
            + "its client may: how many are tainted when the scheduler looks at a pod, and so what else it says of the others, is a "
            + "matter of milliseconds, and whose pods are evicted first is chance")

    private static let attempts = Relaxation(
        name: "attempts",
        uses: [
            .events(["FailedCreate", "SawCompletedJob"], .roughly),
            .events(["FailedScheduling"], words: "unbound immediate PersistentVolumeClaims", .roughly),
        ],
        reason: "a refused creation is tried again after 5 ms, 10 ms, 20 ms, ... and with each change of a pod, binding a volume takes "
            + "four writes that each make the scheduler look again, and a new Job makes the CronJob tell again of the finished one unless it "
            + "sees its own status by then: how many attempts there are depends on reactions of milliseconds")

    private static let notReady = Relaxation(
        name: "nodes not ready", uses: [.events(["NodeNotReady"], .presence)],
        reason: "the recorded controller manager had counted the same Event of the node in an earlier scenario, and tells a pod again "
            + "in its next pass when its write met a conflict")

    static let beforeSnapshot = Relaxation(
        name: "Events before the snapshot", uses: [.events([], .uncounted, in: .snapshot)],
        reason: "a dump does not tell what the controllers remember of the Events they sent before it: neither the counts, nor how many "
            + "of the 25 that they may send of one object at once (then one each five minutes) were used up")

    // MARK: Times

    private static let heldUp = Relaxation(
        name: "held-up machine", uses: [.times([], [], .lateness), .times([], [], .order)],
        reason: "the machine of the recordings was shared: reactions of 5 ms show as 50 to 200 ms, and two may follow one another. By "
            + "how much is measured from the recording itself: three times the longest that its kubelets took from seeing a pod bound to "
            + "their first word about it, at least 350 ms, at most 1 s; and only later than the simulator. "
            + "By what it is more than 350 ms things may come earlier: late ones get into another order")

    static let wholeSecond = Relaxation(
        name: "whole seconds", uses: [.code],
        reason: "times of the API are whole seconds: the same moment may be written as two that are one second apart")

    private static let jobBatching = Relaxation(
        name: "Job batching",
        uses: [
            .times(
                ["Job"],
                ["active=*", "ready=*", "terminating=*", "succeeded=*", "failed=*", "uncounted=*", "completedIndexes=*", "conds.*"],
                .window(1000))
        ],
        reason: "the Job controller takes in what its pods do once a second, so a change that comes a little later waits for the next time")

    private static let monitorPhase = Relaxation(
        name: "phase of the node monitor",
        uses: [
            .times(["Node"], ["taints=*", "taintTimes.*", "conds.*=Unknown*"], .window(nodeMonitorPhase)),
            .times(["Pod"], ["conds.Ready=False"], .window(nodeMonitorPhase)),
            .order(["Pod"], ["conds.Ready=False"], within: nodeMonitorPhase),
        ],
        reason: "the node monitor passes each five seconds and later by what each pass takes: which pass sees a node is chance")

    private static let closeWrites = Relaxation(
        name: "close writes",
        uses: [
            .order(["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "PodDisruptionBudget", "Node"], [], within: nil),
            .order(["Pod"], ["finalizers=*", "deletionTimestamp", "conds.DisruptionTarget=*"], within: nil),
        ],
        reason: "two components that write to one object within what the machine may be late by may come in either order; the kubelet's "
            + "and the scheduler's writes to a pod always come in theirs")

    static let queueOfEvents = Relaxation(
        name: "queue of Events", uses: [.code],
        reason: "a controller's client sends 20 requests a second after a burst of 30: which of its waiting Events it sends first is "
            + "chance, so their times are compared in the order of all of one reason")

    private static let heldUpRollout = Relaxation(
        name: "held-up rollout",
        uses: [.times(["Deployment", "ReplicaSet", "Pod", "Event"], [], .rollout, in: .heldUpRollout)],
        reason:
            "the Deployment controller of a recording took more than a second from a change to its first word about it: what follows, one "
            + "pod after the other, is late by as much again, at most 1.5 s")

    static let afterEnd = Relaxation(
        name: "after the end", uses: [.code],
        reason: "the replay goes on after the last line of the recording: what comes more than 150 ms later was not recorded")

    // MARK: Inputs of the replay

    static let equals = Relaxation(
        name: "other equals", uses: [.code],
        reason: "the driver takes one of several equal objects, and controllers choose among equals by their random UIDs: which of the "
            + "simulated ones plays the part is tried, and the recording agrees with one of them or with none")

    static let kubeletTimes = Relaxation(
        name: "kubelets' times", uses: [.code],
        reason: "the fake kubelet was one process on a busy machine and wrote at other times than the annotations asked for, every pod at "
            + "its own: within the allowance of the held-up machine its times are inputs of the replay, as the annotations are")

    static let driverTimes = Relaxation(
        name: "driver's times", uses: [.code],
        reason: "an action is written down when it is sent, and shows when the API server has carried it out: on the busy machine up to "
            + "half a second later")

    // MARK: Numbers

    /// The tolerance of reactions, milliseconds.
    static let reaction = 150.0

    /// Two writes closer together than this may be one on the other side: twice the tolerance of reactions.
    static let transient = 300.0

    /// The same on a machine that was held up: all of a chain of reactions may have come late, or none.
    static func transient(_ lateness: Double) -> Double { lateness > usualLateness ? lateness : transient }

    /// By so much a number that stands shorter than that may be more than the other side ever shows: of some pods that come and go
    /// together one write may tell more than two.
    static let transientExcess = 2.0

    /// Which of several equal simulated objects plays the recorded one is tried this often.
    static let draws = 6

    /// So many sizes of a ReplicaSet are exact in every rollout.
    static let exactSizes = 3

    /// Where a recording starts from a snapshot: after so many Events about one object the others are not compared.
    static let eventBudget = 20

    /// So many Events of a component about one object may come at once; then one each five minutes.
    static let eventBurst = 25

    static let usualLateness = 350.0
    private static let longestLateness = 1000.0
    private static let longestRolloutLateness = 1500.0
    private static let nodeMonitorPhase = 5000.0

    /// API times are whole seconds.
    static let wholeSeconds = 1.0

    /// The largest difference in time that is agreement, in milliseconds: 150, or 10 % of the time since the last action, at most a
    /// second.
    static func tolerance(sinceAction elapsed: Double) -> Double { max(reaction, min(elapsed * 0.1, 1000)) }

    /// How late the recorded machine was: see the row on it.
    static func lateness(_ view: TimelineView) -> Double {
        var longest = 0.0
        for track in view.tracks where track.kind == "Pod" && !track.isInitial {
            guard let bound = track.history.first(where: { $0.path == "node" }), bound.time > track.created,
                !TimelineMachines.isReal(bound.value?.string ?? ""),
                let word = track.history.first(where: { $0.path == "containers" && $0.time >= bound.time })?.time
            else { continue }
            // A kubelet that was stopped is not late.
            let taken = word - bound.time
            if taken < longestLateness { longest = max(longest, taken) }
        }
        return min(max(usualLateness, 3 * longest), longestLateness)
    }
}

// MARK: Looking up

extension Relaxations {
    typealias EventUse = (relaxation: Relaxation, rule: EventRule)

    static func sequenceRule(
        _ kind: String, _ path: String, _ circumstances: [Relaxation.Circumstance]
    ) -> (relaxation: Relaxation, rule: SequenceRule)? {
        for relaxation in table {
            for case .fields(let kinds, let paths, let rule, let circumstance) in relaxation.uses {
                guard circumstance == .always || circumstances.contains(circumstance) else { continue }
                if Relaxation.fits(kind, anyOf: kinds), Relaxation.fits(path, anyOf: paths) { return (relaxation, rule) }
            }
        }
        return nil
    }

    static func eventUse(_ event: ReportedEvent, _ circumstances: [Relaxation.Circumstance]) -> EventUse? {
        for relaxation in table {
            for case .events(let reasons, let words, let rule, let circumstance) in relaxation.uses {
                guard circumstance == .always || circumstances.contains(circumstance) else { continue }
                guard words.map({ event.message.contains($0) }) ?? true else { continue }
                if Relaxation.fits(event.reason, anyOf: reasons) { return (relaxation, rule) }
            }
        }
        return nil
    }

    static func allowances(
        _ kind: String, _ what: String, _ circumstances: [Relaxation.Circumstance]
    ) -> [(Relaxation, TimeAllowance)] {
        table.flatMap { relaxation in
            relaxation.uses.compactMap { use -> (Relaxation, TimeAllowance)? in
                guard case .times(let kinds, let whats, let allowance, let circumstance) = use,
                    circumstance == .always || circumstances.contains(circumstance), Relaxation.fits(kind, anyOf: kinds),
                    Relaxation.fits(what, anyOf: whats)
                else { return nil }
                return (relaxation, allowance)
            }
        }
    }
}

extension Relaxations {
    /// The relaxation that lets two writes come in either order, `size` milliseconds apart.
    static func orderUse(_ kind: String, _ whats: [String], size: Double, lateness: Double) -> Relaxation? {
        table.first { relaxation in
            relaxation.uses.contains { use in
                guard case .order(let kinds, let patterns, let width) = use, size <= width ?? lateness else { return false }
                return Relaxation.fits(kind, anyOf: kinds) && whats.contains { Relaxation.fits($0, anyOf: patterns) }
            }
        }
    }

    /// How long the Deployment controller was held up, milliseconds: its first look at a change, some writes long, ends with the word
    /// that it was seen. Nil where it took no longer than other components may.
    static func rolloutLateness(_ view: TimelineView, _ actions: [Double]) -> Double? {
        var longest = 0.0
        for track in view.tracks where track.kind == "Deployment" {
            for change in track.history where change.path == "gen" {
                guard let action = actions.last(where: { $0 <= change.time }), change.time - action < longestLateness,
                    let seen = track.history.first(where: { $0.path == "observedGen" && $0.time >= change.time && $0.value == change.value }
                    )
                else { continue }
                longest = max(longest, seen.time - action)
            }
        }
        return longest > longestLateness ? min(longest, longestRolloutLateness) : nil
    }
}
