// What a watch showed, object by object, recorded or simulated; and who plays which role in it.

/// An object's life as watched.
struct ObjectTrack {
    /// A value that a field took on; nil: the field went.
    struct Transition {
        var time: Double
        var path: String
        var value: JSONTree?
    }
    let kind: String
    let namespace: String
    let name: String
    /// It existed before the recording.
    let isInitial: Bool
    let created: Double
    fileprivate(set) var deleted: Double?
    fileprivate(set) var state: [String: JSONTree] = [:]
    fileprivate(set) var history: [Transition] = []

    /// Kind and name of the controller that made it.
    var controller: (kind: String, name: String)? {
        let owners = history.first { $0.path == "owner" && $0.time == created }?.value
        guard let owner = owners?.elements.compactMap(\.string).first(where: { $0.hasSuffix("*") }) else { return nil }
        let parts = owner.dropLast().split(separator: "/", maxSplits: 1)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }

    /// The value of a field at a time (changes of that very moment included).
    func value(_ path: String, at time: Double) -> JSONTree? {
        history.last { $0.path == path && $0.time <= time }?.value
    }

    func exists(at time: Double) -> Bool { created <= time && (deleted ?? .infinity) > time }
}

/// A Kubernetes Event as watched.
struct ReportedEvent {
    var time: Double
    /// Kind and name of the object.
    var about: String
    var reason: String
    var type: String
    var message: String
    /// nil: the component does not count.
    var count: Int?
    var source: String
}

/// Everything a watch showed of one scenario.
struct TimelineView {
    private(set) var tracks: [ObjectTrack] = []
    private(set) var events: [ReportedEvent] = []
    /// The latest object of each kind and name.
    private var places: [String: Int] = [:]
    /// The objects by name alone.
    private var named: [String: Int] = [:]
    private(set) var lastTime: Double = 0

    /// The kinds of objects that were shown, each once.
    var kinds: [String] {
        var seen: Set<String> = []
        return tracks.lazy.map(\.kind).filter { seen.insert($0).inserted }
    }

    mutating func observe(_ change: ObservedChange) {
        lastTime = max(lastTime, change.time)
        if change.kind == "Event" {
            observe(event: change)
            return
        }
        let key = TimelineView.key(change.kind, change.namespace, change.name)
        let index: Int
        if let known = places[key], change.change != .added || tracks[known].deleted == nil {
            index = known
        } else {
            index = tracks.count
            let isNew = change.change == .added
            tracks.append(
                ObjectTrack(
                    kind: change.kind, namespace: change.namespace, name: change.name, isInitial: !isNew, created: isNew ? change.time : 0))
            places[key] = index
            named[change.name] = index
        }
        if change.change == .deleted {
            tracks[index].deleted = change.time
            return
        }
        for field in change.fields { tracks[index].set(field.key, field.value, at: change.time) }
    }

    private mutating func observe(event change: ObservedChange) {
        func text(_ key: String) -> String { change.fields.first { $0.key == key }?.value.string ?? "" }
        events.append(
            ReportedEvent(
                time: change.time, about: text("about"), reason: text("reason"), type: text("type"), message: text("message"),
                count: change.fields.first { $0.key == "count" }?.value.integer, source: text("from")))
    }

    private static func key(_ kind: String, _ namespace: String, _ name: String) -> String { kind + " " + namespace + "/" + name }

    /// The object of a kind and name that was there last.
    func track(_ kind: String, _ name: String, namespace: String = "") -> ObjectTrack? {
        places[TimelineView.key(kind, namespace, name)].map { tracks[$0] }
    }

    func index(_ kind: String, _ name: String, namespace: String = "") -> Int? { places[TimelineView.key(kind, namespace, name)] }

    // MARK: Roles

    /// The role of the object of this name, if there is one.
    func role(ofName name: String) -> String? { named[name].map { role(of: tracks[$0]) } }

    /// Who an object is whatever its random name: `web/rs2` for the second ReplicaSet of the Deployment web, `web/rs2/pod` for
    /// each of its pods.
    func role(of track: ObjectTrack) -> String {
        // What was there before has the same name on both sides.
        guard !track.isInitial, let controller = track.controller else { return track.name }
        let owner =
            places[TimelineView.key(controller.kind, track.namespace, controller.name)].map { role(of: tracks[$0]) } ?? controller.name
        switch (track.kind, controller.kind) {
        case ("Pod", "StatefulSet"): return track.name
        case ("Pod", _):
            if let index = track.state["job-completion-index"]?.string { return owner + "/pod[\(index)]" }
            return owner + "/pod"
        case ("ReplicaSet", _): return owner + "/rs\(position(of: track, among: controller))"
        case ("Job", _): return owner + "/job\(position(of: track, among: controller))"
        case ("ControllerRevision", _): return owner + "/revision\(position(of: track, among: controller))"
        case ("EndpointSlice", _): return owner + "/slice"
        default: return track.name
        }
    }

    /// The place of an object among those of its kind and controller, by time of creation; those that have the same name (made
    /// anew) are one.
    private func position(of track: ObjectTrack, among controller: (kind: String, name: String)) -> Int {
        var names: [String] = []
        for other in tracks where other.kind == track.kind && other.namespace == track.namespace {
            guard !other.isInitial, let owner = other.controller, owner == controller, !names.contains(other.name) else { continue }
            names.append(other.name)
        }
        return (names.firstIndex(of: track.name) ?? names.count) + 1
    }

    /// A text with the names of objects replaced by their roles, and nodes of pods by a word: which one it is, is random.
    func inRoles(_ text: String, hidingNodes: Bool = false) -> String {
        var result = ""
        var word = ""
        func flush() {
            guard !word.isEmpty else { return }
            var core = word
            var tail = ""
            while core.hasSuffix(".") || core.hasSuffix("-") {
                tail = String(core.removeLast()) + tail
            }
            if let index = named[core] {
                result += hidingNodes && tracks[index].kind == "Node" ? "(node)" : role(of: tracks[index])
            } else if let owner = ownerOfRefused(core) {
                result += owner + "/pod"
            } else {
                result += hidingNodes && TimelineView.isNodeName(core) ? "(node)" : core
            }
            result += tail
            word = ""
        }
        for character in text {
            if character.isASCII, character.isLetter || character.isNumber || character == "-" || character == "." {
                word.append(character)
            } else {
                flush()
                result.append(character)
            }
        }
        flush()
        return result
    }

    /// The ReplicaSet whose name a pod's begins with that was refused, and so never shown: the rest is random.
    private func ownerOfRefused(_ name: String) -> String? {
        guard let dash = name.lastIndex(of: "-"), name[dash...].count == 6, let index = named[String(name[..<dash])],
            tracks[index].kind == "ReplicaSet"
        else { return nil }
        return role(of: tracks[index])
    }

    /// Whether a name is one of those the recordings' machines have.
    private static func isNodeName(_ name: String) -> Bool {
        let parts = name.split(separator: "-")
        return parts.count == 2 && ["node", "za", "zb", "zc", "hollow"].contains(parts[0]) && Int(parts[1]) != nil
    }
}

extension ObjectTrack {
    /// Maps whose entries are watched one by one.
    private static let mergedFields = ["conds", "used", "hard"]
    private static let replacedMaps = ["taintTimes"]

    fileprivate mutating func set(_ field: String, _ value: JSONTree, at time: Double) {
        let isMerged = ObjectTrack.mergedFields.contains(field)
        guard isMerged || ObjectTrack.replacedMaps.contains(field) else {
            note(field, value == .null ? nil : value, at: time)
            return
        }
        let prefix = field + "."
        let entries = value.entries
        if !isMerged || value == .null {
            for path in state.keys.sorted() where path.hasPrefix(prefix) && !entries.contains(where: { prefix + $0.key == path }) {
                note(path, nil, at: time)
            }
        }
        for entry in entries { note(prefix + entry.key, entry.value == .null ? nil : entry.value, at: time) }
    }

    private mutating func note(_ path: String, _ value: JSONTree?, at time: Double) {
        guard state[path] != value else { return }
        state[path] = value
        history.append(Transition(time: time, path: path, value: value))
    }
}
