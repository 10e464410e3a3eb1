// The replay: a simulated cluster like the recorded one, and the driver's actions carried out on it at their times.

import APIServer
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Scheduling

/// One action as it went on the simulated cluster.
struct ReplayedAction {
    let action: TimelineRecording.Action
    /// The simulated refusal.
    var refusal: (status: Int, message: String)?
    /// Why the action could not be carried out at all.
    var obstacle: String?
    /// What was stored, in the form of `result` and `annotations`, where the recording tells.
    var result: String?
}

struct TimelineReplay {
    private let recording: TimelineRecording
    private let recorded: TimelineView
    private let start: TimelineStart
    private let latencies: TimelineLatencies
    private let watched: WatchedChanges
    private var cluster: Cluster
    private var patches: TimelinePatches
    private(set) var simulated = TimelineView()
    /// The simulated timeline, line by line.
    private(set) var changes: [ObservedChange] = []
    private(set) var actions: [ReplayedAction] = []
    /// The operations of the simulated operator, by place in `actions`.
    private var operations: [Int?] = []
    private var watchEvents = 0
    /// The failures that keep nodes down.
    private var failures: [String: Int] = [:]
    /// Recorded pods by role, in order of creation, whose part no simulated pod has taken yet.
    private var parts: [String: [ObjectTrack]] = [:]
    /// Which simulated object plays a recorded one.
    private var twins: [String: String] = [:]
    /// Which of several equal objects plays the recorded one: the first, the second, ...
    private let draw: Int
    /// What was taken from the recording beyond the tolerance of times.
    private(set) var inputs: [(Relaxation, Int)] = []
    private let lateness: Double
    /// Whether there ever were several.
    private(set) var hadChoice = false
    /// How much longer than the recording the replay goes on, milliseconds.
    private static let afterEnd = 6000.0

    init(_ recording: TimelineRecording, _ recorded: TimelineView, draw: Int = 0) throws {
        self.recording = recording
        self.recorded = recorded
        self.draw = draw
        let machines = TimelineMachines(recording, recorded)
        let snapshotTime = recording.snapshot.flatMap { TimelineMachines.newestTime(of: $0) }.map { $0 / 1_000_000_000 }
        start = TimelineStart(recording, recorded, snapshotTime: snapshotTime)
        latencies = TimelineLatencies(recorded)
        lateness = Relaxations.lateness(recorded)
        let hasSnapshot = recording.snapshot != nil
        watched = WatchedChanges(
            start: start.zero, namespace: hasSnapshot ? nil : recording.namespace,
            showsNodes: hasSnapshot || recorded.tracks.contains { $0.kind == "Node" }, alsoShown: recorded.kinds)
        patches = TimelinePatches(namespace: recording.namespace)
        cluster = try Cluster(machines.configuration(start, latencies))
        for renewal in start.renewals { cluster.renewedLease(of: renewal.node, at: renewal.at) }
        for index in recorded.tracks.indices where recorded.tracks[index].kind == "Pod" && !recorded.tracks[index].isInitial {
            let track = recorded.tracks[index]
            parts[recorded.role(of: track), default: []].append(track)
        }
    }

    /// Carries everything out, and lets the cluster go on as long as the recording does.
    mutating func run() throws {
        advance(to: start.zero, recording: false)
        for action in recording.actions {
            let late = recorded.lateness(of: action, usual: latencies.request + 2)
            if late > Relaxations.reaction { inputs.append((Relaxations.driverTimes, 1)) }
            let time = Double(action.time) + late
            advance(to: max(cluster.now, start.zero + .microseconds(Int(time * 1000))))
            try perform(action)
        }
        // What the recording shows last may come a little later here.
        advance(to: start.zero + .milliseconds(Int(recorded.lastTime + TimelineReplay.afterEnd)))
        for index in actions.indices {
            guard let operation = operations[index] else { continue }
            actions[index].refusal = cluster.refusal(of: operation)
            guard case .create(let kind, let name) = actions[index].action.action, actions[index].action.result != nil,
                let key = key(kind, name), case .pod(let pod)? = cluster.stored(key)
            else { continue }
            actions[index].result = TimelineReplay.shown(pod.value)
        }
    }

    // MARK: Time

    /// Lets the cluster run, and tells the scheduler of the recorded place of every new pod before it looks at it.
    private mutating func advance(to time: SimulatedTime, recording isRecording: Bool = true) {
        while let next = cluster.nextEventTime, next <= time {
            cluster.run(until: next)
            takeIn(isRecording)
        }
        cluster.run(until: time)
        takeIn(isRecording)
    }

    private mutating func takeIn(_ isRecording: Bool) {
        while watchEvents < cluster.watchEventCount {
            let event = cluster.watchEvent(watchEvents)
            watchEvents += 1
            guard var change = watched.change(event) else { continue }
            // What is written at one moment comes in its order.
            change.time += Double(watchEvents) * 1e-6
            if !isRecording {
                // What was there before the start is no news.
                if change.kind == "Event" || recording.snapshot != nil { continue }
                if change.change == .added { change.change = .initial }
                change.time = 0
            }
            simulated.observe(change)
            changes.append(change)
            if case .pod(let pod) = event.object, event.change == .added { cast(pod.value, change) }
        }
    }

    /// A new pod takes the part of the recorded pod of its role that was made as the same: its node, and its kubelet's lateness.
    private mutating func cast(_ pod: Pod, _ change: ObservedChange) {
        guard let track = simulated.track("Pod", change.name, namespace: change.namespace) else { return }
        let role = simulated.role(of: track)
        guard var open = parts[role], !open.isEmpty else { return }
        let part = PodPart(open.removeFirst(), latencies, lateness: lateness)
        parts[role] = open
        if pod.nodeName == nil, let node = part.node { cluster.prefer(node, for: pod.metadata.uid) }
        guard pod.spec.value.initContainers.isEmpty else { return }
        var taken = 0
        cluster.setBehaviour(of: pod) { taken = part.adjust(&$0) }
        if taken > 0 { inputs.append((Relaxations.kubeletTimes, taken)) }
    }

    // MARK: Actions

    private mutating func perform(_ action: TimelineRecording.Action) throws {
        actions.append(ReplayedAction(action: action))
        operations.append(nil)
        do {
            try carryOut(action)
        } catch {
            actions[actions.count - 1].obstacle = "\(error)"
        }
    }

    private mutating func carryOut(_ action: TimelineRecording.Action) throws {
        let time = Double(action.time)
        switch action.action {
        case .create(let kind, let name):
            guard let tree = manifest(kind, name) else { throw TimelineError("\(recording.name).yaml has no \(kind) \(name)") }
            let object = try patches.create(tree, kind: kind, name: name)
            request(.create(object), "create \(kind) \(name)")
        case .patch(let kind, let name, let patch, let isStatus):
            let name = twin(kind, name, at: time)
            guard let key = key(kind, name) else { throw TimelineError("patching a \(kind) is not built") }
            guard let stored = cluster.stored(key) else {
                // For the API server to refuse.
                return request(.patchMetadata(key, uid: UID(""), .labels(Labels())), "patch \(kind) \(name)")
            }
            let patched = try patches.patch(stored, kind: kind, patch, status: isStatus)
            let touchesStatus = patch.entries.contains { $0.key == "status" }
            request(touchesStatus ? .updateStatus(patched) : .update(patched), "patch \(kind) \(name)")
        case .delete(let kind, let name, let options):
            let name = twin(kind, name, at: time)
            guard let key = key(kind, name) else { throw TimelineError("deleting a \(kind) is not built") }
            request(.delete(key, try deleteOptions(options)), "delete \(kind) \(name)")
        case .deleteNamespace:
            request(
                .delete(ObjectKey(.namespace, NamespacedName(namespace: "", name: recording.namespace)), DeleteOptions()),
                "delete namespace")
        case .evict(let pod): try evict(twin("Pod", pod, at: time))
        case .drain(let node, let options): operations[operations.count - 1] = cluster.startDrain(of: node, options)
        case .drained, .remark, .lease, .secondOfMinute: break
        case .stopKubelets(let nodes):
            // The containers of a hollow node live in its kubelet's process.
            let failure = TimelineMachines.hasRealKubelet(nodes) ? cluster.crash(nodes) : cluster.stopKubelets(of: nodes)
            for node in nodes { failures[node] = failure }
        case .startKubelets(let nodes):
            // One process is the kubelet of all of them; it takes its time.
            let late = nodes.map { (node: $0, by: recorded.lateness(ofReturn: $0, at: time, usual: latencies.request + 2)) }
            for (node, delay) in late.sorted(by: { $0.by < $1.by }) {
                if delay > Relaxations.reaction { inputs.append((Relaxations.kubeletTimes, 1)) }
                advance(to: max(cluster.now, start.zero + .microseconds(Int((time + delay) * 1000))))
                guard let failure = failures.removeValue(forKey: node) else { throw TimelineError("\(node) starts but was not stopped") }
                cluster.start(node, after: failure)
            }
        case .addNode(let name, let labels, let taints):
            cluster.join(try TimelineMachines.node(name, labels: labels, taints: taints))
        case .forgetNode(let name): cluster.takeAway(name)
        case .load(let total, let each): try setLoad(total: total, each: each)
        }
    }

    /// The pods' use of the processor as the metrics server will tell of it.
    private mutating func setLoad(total: Int?, each: Int?) throws {
        let value: LoadChange.Value =
            if let total { .total(Double(total) / 1000) } else if let each { .each(Double(each) / 1000) } else { .unknown }
        cluster.setLoad(LoadChange(namespace: recording.namespace, value))
    }

    /// A request to the Eviction API.
    private mutating func evict(_ pod: String) throws {
        request(.evict(NamespacedName(namespace: recording.namespace, name: pod), EvictionOptions()), "evict \(pod)")
    }

    private mutating func request(_ request: APIRequest, _ description: String) {
        operations[operations.count - 1] = cluster.request(request, description)
    }

    /// The resources of a pod's containers and its annotations, as recordings show what admission made of a pod.
    private static func shown(_ pod: Pod) -> String {
        func map(_ list: ResourceList) -> JSONTree {
            .map(list.map { .init(key: $0.name.description, value: .text($0.quantity.description)) }.sorted { $0.key < $1.key })
        }
        let containers = pod.spec.value.containers.map { container -> JSONTree in
            let (limits, requests) = (container.resources.limits, container.resources.requests)
            var entries: [JSONTree.Entry] = []
            if !limits.isEmpty { entries.append(.init(key: "limits", value: map(limits))) }
            if !requests.isEmpty { entries.append(.init(key: "requests", value: map(requests))) }
            return .map(entries)
        }
        let annotations = pod.metadata.annotations.map { JSONTree.Entry(key: $0.key, value: .text($0.value)) }
        return JSONTree.list(containers).json + " " + (annotations.isEmpty ? "null" : JSONTree.map(annotations).json)
    }

    private func manifest(_ kind: String, _ name: String) -> JSONTree? {
        recording.manifests.lazy.map { JSONTree($0) }.first {
            $0["kind"]?.string == kind && ($0.value("metadata", "name")?.string == name)
        }
    }

    private func deleteOptions(_ tree: JSONTree?) throws -> DeleteOptions {
        var options = DeleteOptions()
        for entry in tree?.entries ?? [] {
            switch (entry.key, entry.value.plain) {
            case ("gracePeriodSeconds", let text): options.gracePeriodSeconds = Int64(text)
            case ("propagationPolicy", "Background"): options.propagation = .background
            case ("propagationPolicy", "Foreground"): options.propagation = .foreground
            case ("propagationPolicy", "Orphan"): options.propagation = .orphan
            default: throw TimelineError("unknown delete option \(entry.key)=\(entry.value.plain)")
            }
        }
        return options
    }

    /// The address of an object; nil for kinds the simulator does not know.
    private func key(_ kind: String, _ name: String) -> ObjectKey? {
        guard let known = Kind.allCases.first(where: { $0.description == kind && $0 != .unstructured }) else {
            return ObjectKey(.unstructured, NamespacedName(namespace: recording.namespace, name: kind + "/" + name))
        }
        return ObjectKey(known, NamespacedName(namespace: known.isNamespaced ? recording.namespace : "", name: name))
    }

    // MARK: Twins

    /// The simulated object that plays the recorded one: of the same role and in the same state, if possible the one that came
    /// into being as the same of its role.
    private mutating func twin(_ kind: String, _ name: String, at time: Double) -> String {
        if let known = twins[kind + "/" + name] { return known }
        guard let index = recorded.index(kind, name), !recorded.tracks[index].isInitial else { return name }
        let track = recorded.tracks[index]
        let role = recorded.role(of: track)
        guard role != name else { return name }
        let place = recorded.tracks[..<index].count { $0.kind == kind && recorded.role(of: $0) == role }
        let players = simulated.tracks.filter { $0.kind == kind && simulated.role(of: $0) == role }
        let taken = twins.filter { $0.key.hasPrefix(kind + "/") }.map(\.value)
        func likeness(_ other: ObjectTrack, _ traits: [String]) -> Int {
            guard !taken.contains(other.name), other.exists(at: time) else { return -1 }
            return traits.count { path in
                let (mine, its) = (track.value(path, at: time), other.value(path, at: time))
                return path == "deletionTimestamp" ? (mine == nil) == (its == nil) : mine == its
            }
        }
        func alike(_ traits: [String]) -> [Int] {
            let most = players.map { likeness($0, traits) }.max() ?? -1
            return players.indices.filter { most >= 0 && likeness(players[$0], traits) == most }
        }
        // First the one on the same node that came into being as the same of its role; then its equals, wherever they are.
        let states = ["phase", "conds.Ready", "deletionTimestamp"]
        let closest = alike(states + ["node"])
        let first = closest.contains(place) ? place : closest.first
        let equals = first.map { first in [first] + alike(states).filter { $0 != first } } ?? []
        hadChoice = hadChoice || equals.count > 1
        let found = equals.isEmpty ? name : players[equals[draw % equals.count]].name
        twins[kind + "/" + name] = found
        return found
    }
}

extension TimelineView {
    /// How long a kubelet that starts again took to report its node ready, but for what ours takes.
    func lateness(ofReturn node: String, at time: Double, usual: Double) -> Double {
        let longest = 1500.0
        let returns = track("Node", node)?.history.first { $0.path == "conds.Ready" && $0.time >= time }
        guard let returns, returns.value?.string?.hasPrefix("True") ?? false, returns.time - time <= longest else { return 0 }
        return max(0, returns.time - time - usual)
    }

    /// How long the real API server took to carry out an action, but for what ours takes: until the change showed.
    func lateness(of action: TimelineRecording.Action, usual: Double) -> Double {
        let longest = 500.0
        let time = Double(action.time)
        let effect: Double?
        switch action.action {
        case .create(let kind, let name):
            effect = tracks.first { $0.kind == kind && $0.name == name && !$0.isInitial && $0.created >= time }?.created
        case .patch(let kind, let name, _, _):
            effect = tracks.lazy.filter { $0.kind == kind && $0.name == name }.flatMap(\.history).first { $0.time >= time }?.time
        case .delete(let kind, let name, _):
            let ends = tracks.lazy.filter { $0.kind == kind && $0.name == name }.flatMap { track in
                track.history.filter { $0.path == "deletionTimestamp" || $0.path == "grace" }.map(\.time)
                    + (track.deleted.map { [$0] } ?? [])
            }
            effect = ends.first { $0 >= time }
        default: effect = nil
        }
        guard let effect, effect - time <= longest else { return 0 }
        return max(0, effect - time - usual)
    }
}
