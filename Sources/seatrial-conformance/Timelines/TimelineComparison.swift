// A recorded timeline beside the simulated one: which recorded object is which simulated one, and what is compared of them. The
// parts: actions, objects, times, fields, the order of writes, Events, rollouts.

import Controllers
import KubernetesAPI

struct TimelineComparison {
    let recording: TimelineRecording
    let recorded: TimelineView
    let simulated: TimelineView
    let actionTimes: [Double]
    /// How much later than the simulator the recorded machine may be, milliseconds.
    let lateness: Double
    /// The same of the Deployment controller, where that is more.
    let rolloutLateness: Double?
    /// What of the recording's circumstances relaxations depend on.
    let circumstances: [Relaxation.Circumstance]
    /// When the recording is over, milliseconds.
    let end: Double
    var result: TimelineResult
    /// What happened to the objects of a crowd, collected while it is compared.
    var crowd: [CrowdStep]?
    /// The writes of the two objects that are being compared, for their order.
    var writes: [MatchedWrite] = []
    /// Reports of Events that are the same on both sides, for their times.
    var reportPairs: [(Report, Report)] = []
    /// Whether the two ReplicaSets that are being compared take other sizes.
    var takesOtherSteps = false
    /// Deployments one of whose ReplicaSets takes other steps.
    var otherRollouts: [String] = []

    /// - Parameter inputs: what the replay took from the recording beyond the tolerance of times.
    init(
        _ recording: TimelineRecording, recorded: TimelineView, simulated: TimelineView, actions: [ReplayedAction],
        inputs: [(Relaxation, Int)]
    ) {
        self.recording = recording
        self.recorded = recorded
        self.simulated = simulated
        result = TimelineResult(name: recording.name)
        actionTimes = recording.actions.compactMap { action in
            switch action.action {
            case .remark, .lease, .secondOfMinute: nil
            default: Double(action.time)
            }
        }
        end = max(recorded.lastTime, recording.actions.last.map { Double($0.time) } ?? 0)
        lateness = Relaxations.lateness(recorded)
        var circumstances: [Relaxation.Circumstance] = []
        if recorded.tracks.contains(where: { $0.kind == "Node" && TimelineMachines.isReal($0.name) }) { circumstances.append(.realKubelet) }
        if recording.snapshot != nil { circumstances.append(.snapshot) }
        let workers = ControllerManagerConfiguration().nodeUpdateWorkers
        if TimelineComparison.nodesOfActions(recording).contains(where: { $0.count > workers }) { circumstances.append(.burst) }
        rolloutLateness = Relaxations.rolloutLateness(recorded, actionTimes)
        if rolloutLateness != nil { circumstances.append(.heldUpRollout) }
        self.circumstances = circumstances
        for (relaxation, count) in inputs { result.relax(relaxation, times: count) }
        compare(actions)
        compareObjects()
        compareRollouts()
        compareEvents()
        result.differences.sort { ($0.time ?? -1) < ($1.time ?? -1) }
    }

    // MARK: Objects

    private mutating func compareObjects() {
        var groups: [(kind: String, role: String, recorded: [ObjectTrack], simulated: [ObjectTrack])] = []
        var places: [String: Int] = [:]
        func place(_ kind: String, _ role: String) -> Int {
            let key = kind + " " + role
            if let known = places[key] { return known }
            places[key] = groups.count
            groups.append((kind, role, [], []))
            return groups.count - 1
        }
        for track in recorded.tracks {
            let index = place(track.kind, role(of: track, recorded))
            groups[index].recorded.append(track)
        }
        for track in simulated.tracks {
            // What was there before and did not change is not in every recording.
            if track.isInitial, track.history.allSatisfy({ $0.time == 0 }), track.deleted == nil,
                places[track.kind + " " + role(of: track, simulated)] == nil
            {
                continue
            }
            let index = place(track.kind, role(of: track, simulated))
            if isAfterEnd(track.created), groups[index].simulated.count >= groups[index].recorded.count {
                result.relax(Relaxations.afterEnd)
                continue
            }
            groups[index].simulated.append(track)
        }
        for group in groups where !(group.recorded.isEmpty && group.simulated.isEmpty) {
            result.objects += group.recorded.count
            let subject = "\(group.kind) \(group.role)"
            if group.recorded.count != group.simulated.count {
                result.differ(
                    at: group.recorded.first?.created ?? group.simulated.first?.created, subject,
                    recorded: "\(group.recorded.count) created", simulated: "\(group.simulated.count) created")
            }
            let isCrowd = max(group.recorded.count, group.simulated.count) > 1
            crowd = isCrowd ? [] : nil
            for (left, right) in pairs(group.recorded, group.simulated) { compare(left, right, subject) }
            if group.kind == "Pod", group.recorded.count == group.simulated.count { compareNodes(group.recorded, group.simulated, subject) }
            compareCrowd(subject)
        }
    }

    /// Nodes of one pool that the same is done to are equal: the node controller goes through them in random order, so which of them
    /// it comes to first is random.
    private func role(of track: ObjectTrack, _ view: TimelineView) -> String {
        guard track.kind == "Node", let pool = track.name.split(separator: "-").first else { return view.role(of: track) }
        let done = TimelineComparison.nodesOfActions(recording).map { $0.contains(track.name) ? "x" : "-" }
        return done.contains("x") ? "\(pool)-* \(done.joined())" : track.name
    }

    /// The nodes named in each of the actions that stop or start kubelets.
    private static func nodesOfActions(_ recording: TimelineRecording) -> [[String]] {
        recording.actions.compactMap { action in
            switch action.action {
            case .stopKubelets(let nodes), .startKubelets(let nodes): nodes
            default: nil
            }
        }
    }

    /// The nodes that the pods of one role got. Which of several equal nodes that is is an input of the replay; that it was possible is
    /// not.
    private mutating func compareNodes(_ left: [ObjectTrack], _ right: [ObjectTrack], _ subject: String) {
        func nodes(_ tracks: [ObjectTrack]) -> String {
            tracks.compactMap { track in track.history.last { $0.path == "node" }?.value?.string }.sorted().joined(separator: ", ")
        }
        if nodes(left) != nodes(right) { result.differ(at: nil, subject + " nodes", recorded: nodes(left), simulated: nodes(right)) }
    }

    /// One recorded object beside the simulated one that plays it.
    private mutating func compare(_ left: ObjectTrack, _ right: ObjectTrack, _ subject: String) {
        writes = []
        takesOtherSteps = takesOtherSteps(left, right)
        if !left.isInitial { compareTime(left.created, right.created, subject, "created") }
        switch (left.deleted, right.deleted) {
        case (let first?, let second?): compareTime(first, second, subject, "gone")
        case (nil, nil): break
        case (nil, let end?) where isAfterEnd(end): result.relax(Relaxations.afterEnd)
        default:
            result.differ(
                at: left.deleted ?? right.deleted, subject, recorded: left.deleted == nil ? "stays" : "gone",
                simulated: right.deleted == nil ? "stays" : "gone")
        }
        var seen: Set<String> = []
        let paths = (left.history + right.history).map(\.path).filter { seen.insert($0).inserted }
        for path in paths { compare(left, right, path, subject) }
        compareOrder(subject)
    }

    /// Whether what the replay shows at this time came when the recording was over.
    func isAfterEnd(_ time: Double) -> Bool { time > end + Relaxations.reaction }
}
