// A recorded timeline: what the driver did and what the watch showed, line by line.

import ClusterSimulation
import Foundation
import KubernetesAPI

/// A timeline that cannot be replayed: a line nobody understands, an object nobody finds.
struct TimelineError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Something the driver of the recording did.
enum TimelineAction {
    case create(kind: String, name: String)
    case patch(kind: String, name: String, JSONTree, status: Bool)
    case delete(kind: String, name: String, JSONTree?)
    case deleteNamespace
    case evict(pod: String)
    case drain(node: String, DrainOptions)
    case drained
    case stopKubelets([String])
    case startKubelets([String])
    /// A new machine with labels and taints.
    case addNode(String, labels: [(String, String)], taints: [String])
    case forgetNode(String)
    /// Use of the processor: of all ready pods together or of each, in thousandths; nil: none is measured.
    case load(total: Int?, each: Int?)
    /// When a node's lease was renewed last.
    case lease(node: String, renewTime: String)
    case secondOfMinute(Double)
    /// A remark.
    case remark(String)
}

struct TimelineRecording {
    struct Action {
        /// Milliseconds since the start.
        var time: Int
        var action: TimelineAction
        /// The refusal: HTTP status and message.
        var refusal: (status: Int, message: String)?
        /// What the API server answered, where the recording tells.
        var result: JSONTree?
        var annotations: JSONTree
        var line: Int
    }

    let name: String
    let file: String
    let actions: [Action]
    let changes: [ObservedChange]
    /// The manifests: parsed documents in order.
    let manifests: [YAMLNode]
    /// The snapshot the recording starts from, if it does.
    let snapshot: [YAMLNode]?
    /// The namespace of the scenario.
    let namespace: String

    init(file: String) throws {
        self.file = file
        let url = URL(fileURLWithPath: file)
        name = url.deletingPathExtension().lastPathComponent
        let folder = url.deletingLastPathComponent()
        let manifestFile = folder.appendingPathComponent(name + ".yaml").path
        let snapshotFile = folder.appendingPathComponent("cluster.yaml").path
        if FileManager.default.fileExists(atPath: manifestFile) {
            manifests = try YAMLFile.parse(try recordedBytes(manifestFile), name: manifestFile).documents
            snapshot = nil
        } else if FileManager.default.fileExists(atPath: snapshotFile) {
            manifests = []
            snapshot = try YAMLFile.parse(try recordedBytes(snapshotFile), name: snapshotFile).documents
        } else {
            throw TimelineError("\(file): there is neither \(name).yaml nor cluster.yaml beside it")
        }
        var actions: [Action] = []
        var changes: [ObservedChange] = []
        for document in try YAMLFile.parse(try recordedBytes(file), name: file).documents {
            let line = JSONTree(document)
            let place = "\(file):\(document.line)"
            guard let time = line["t"]?.integer, let event = line["ev"]?.string else {
                throw TimelineError("\(place): a line without t and ev")
            }
            if event == "ACTION" {
                actions.append(
                    Action(
                        time: time, action: try TimelineRecording.action(line, place), refusal: TimelineRecording.refusal(line),
                        result: line["result"], annotations: line["annotations"] ?? .null, line: document.line))
                continue
            }
            guard let change = ObservedChange.Change(rawValue: event) else { throw TimelineError("\(place): unknown event \(event)") }
            guard let kind = line["kind"]?.string, let name = line["name"]?.string else {
                throw TimelineError("\(place): a line without kind and name")
            }
            changes.append(
                ObservedChange(
                    time: Double(time), change: change, kind: kind, name: name, namespace: line["ns"]?.string ?? "",
                    fields: (line["set"] ?? .map([])).entries))
        }
        guard !actions.isEmpty, !changes.isEmpty else { throw RecordingError.empty(file) }
        self.actions = actions
        self.changes = changes
        namespace = changes.first { $0.change == .initial && $0.kind == "Namespace" }?.name ?? name
    }

    private static func refusal(_ line: JSONTree) -> (status: Int, message: String)? {
        if case .list(let parts)? = line["error"], let status = parts.first?.integer {
            return (status, parts.last?.string ?? "")
        }
        if let status = line["code"]?.integer, status >= 400 { return (status, line["message"]?.string ?? "") }
        return nil
    }

    private static func action(_ line: JSONTree, _ place: String) throws -> TimelineAction {
        guard let what = line["what"]?.string else { throw TimelineError("\(place): an ACTION without what") }
        func text(_ key: String) throws -> String {
            guard let text = line[key]?.string else { throw TimelineError("\(place): \(what) without \(key)") }
            return text
        }
        switch what {
        case "create": return .create(kind: try text("kind"), name: try text("name"))
        case "patch":
            guard let patch = line["patch"] else { throw TimelineError("\(place): patch without patch") }
            let part = line["sub"]?.string
            guard part == nil || part == "status" || part == "scale" else {
                throw TimelineError("\(place): unknown subresource \(part ?? "")")
            }
            return .patch(kind: try text("kind"), name: try text("name"), patch, status: part == "status")
        case "delete": return .delete(kind: try text("kind"), name: try text("name"), line["options"])
        case "delete-namespace": return .deleteNamespace
        case "kubelet": return try kubeletCall(try text("call"), place)
        case "kubelet stops": return .stopKubelets([try text("node")])
        case "kubelet starts again": return .startKubelets([try text("node")])
        case "kill-kubelet": return .stopKubelets(["hollow-0"])
        case "start-kubelet": return .startKubelets(["hollow-0"])
        case "load":
            if let total = line["total"]?.integer { return .load(total: total, each: nil) }
            guard let each = line["milli"]?.integer else { throw TimelineError("\(place): load without total and milli") }
            return .load(total: nil, each: each < 0 ? nil : each)
        case "lease": return .lease(node: try text("node"), renewTime: try text("renewTime"))
        case "wallclock":
            guard let second = line["second_of_minute"]?.double else { throw TimelineError("\(place): wallclock without second_of_minute") }
            return .secondOfMinute(second)
        case "mark": return .remark(try text("label"))
        case "note": return .remark(try text("text"))
        case "drained": return .drained
        default: break
        }
        if what == "evict" || what.hasPrefix("evict ") {
            let parts = try text("path").split(separator: "/")
            guard parts.count > 2 else { throw TimelineError("\(place): eviction of nothing") }
            return .evict(pod: String(parts[parts.count - 2]))
        }
        if what.hasPrefix("kubectl ") { return try command(what, place) }
        throw TimelineError("\(place): unknown ACTION \(what)")
    }

    /// A command about a node: `kubectl drain node-1 --force (a remark)`.
    private static func command(_ text: String, _ place: String) throws -> TimelineAction {
        let words = (text.split(separator: "(").first ?? "").split(separator: " ").dropFirst().map(String.init)
        let (flags, others) = (words.filter { $0.hasPrefix("-") }, words.filter { !$0.hasPrefix("-") })
        guard others.count == 2 else { throw TimelineError("\(place): unknown command \(text)") }
        let node = others[1]
        func unschedulable(_ flag: Bool) -> TimelineAction {
            let spec = JSONTree.map([.init(key: "unschedulable", value: flag ? .bool(true) : .null)])
            return .patch(kind: "Node", name: node, .map([.init(key: "spec", value: spec)]), status: false)
        }
        switch others[0] {
        case "drain": return .drain(node: node, try drainOptions(flags, place))
        case "cordon" where flags.isEmpty: return unschedulable(true)
        case "uncordon" where flags.isEmpty: return unschedulable(false)
        default: throw TimelineError("\(place): unknown command \(text)")
        }
    }

    private static func drainOptions(_ flags: [String], _ place: String) throws -> DrainOptions {
        var options = DrainOptions()
        for flag in flags {
            let parts = flag.split(separator: "=", maxSplits: 1).map(String.init)
            switch (parts[0], parts.count > 1 ? parts[1] : "true") {
            // No drain could end without the former; emptyDirs are not looked at.
            case ("--ignore-daemonsets", "true"), ("--delete-emptydir-data", "true"): break
            case ("--force", "true"): options.force = true
            case ("--disable-eviction", "true"): options.disableEviction = true
            case ("--grace-period", let seconds) where Int64(seconds) != nil: options.gracePeriod = Int64(seconds)
            default: throw TimelineError("\(place): unknown flag \(flag) of kubectl drain")
            }
        }
        return options
    }

    /// A call of the fake kubelet's own interface: `/stop?node=a,b`.
    private static func kubeletCall(_ call: String, _ place: String) throws -> TimelineAction {
        let parts = call.split(separator: "?", maxSplits: 1)
        guard parts.count == 2 else { throw TimelineError("\(place): kubelet call \(call)") }
        var node = ""
        var labels: [(String, String)] = []
        var taints: [String] = []
        for argument in parts[1].split(separator: "&") {
            let pair = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else { throw TimelineError("\(place): kubelet call \(call)") }
            switch pair[0] {
            case "node": node = pair[1]
            case "label":
                let label = pair[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                labels.append((label[0], label.count > 1 ? label[1] : ""))
            case "taint": taints.append(pair[1])
            default: throw TimelineError("\(place): unknown argument \(pair[0]) in kubelet call \(call)")
            }
        }
        let nodes = node.split(separator: ",").map(String.init)
        guard let first = nodes.first else { throw TimelineError("\(place): kubelet call without node") }
        switch parts[0] {
        case "/stop": return .stopKubelets(nodes)
        case "/start": return .startKubelets(nodes)
        case "/add": return .addNode(first, labels: labels, taints: taints)
        case "/forget": return .forgetNode(first)
        default: throw TimelineError("\(place): unknown kubelet call \(call)")
        }
    }
}
