// The simulated cluster's watch log in the form of the recordings.

import APIServer
import DiscreteEvents
import Experiments
import KubernetesAPI

/// What of a simulated watch the recordings would have shown.
struct WatchedChanges {
    /// What every recording shows.
    private static let kinds = [
        "Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ControllerRevision", "Service",
        "EndpointSlice", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ResourceQuota", "PersistentVolumeClaim", "Event",
    ]
    /// The simulated time of the recording's start.
    let start: SimulatedTime
    /// nil: all namespaces, as a recording from a snapshot shows them.
    let namespace: String?
    let showsNodes: Bool
    /// Other kinds that this recording shows.
    let alsoShown: [String]

    /// The line of an event; nil for what is not shown.
    func change(_ event: WatchEvent) -> ObservedChange? {
        let metadata = event.object.metadata
        let kind = event.object.kindName
        switch kind {
        case "Node": guard showsNodes else { return nil }
        case "Namespace": guard namespace == nil || namespace == metadata.name else { return nil }
        case "Event":
            guard case .event(let report) = event.object else { return nil }
            let isOfNode = report.value.involvedKind == "Node"
            guard isOfNode ? showsNodes : namespace == nil || namespace == report.value.involved.namespace else { return nil }
        default:
            guard WatchedChanges.kinds.contains(kind) || alsoShown.contains(kind), namespace == nil || namespace == metadata.namespace
            else { return nil }
        }
        let fields = fields(of: event.object)
        var shown = fields
        if event.change == .modified {
            shown = WatchedFields.difference(from: event.previous.map { self.fields(of: $0) } ?? [], to: fields)
            if shown.isEmpty, kind != "Event" { return nil }
        }
        return ObservedChange(
            time: milliseconds(event.time), change: change(event.change), kind: kind, name: kind == "Event" ? "-" : metadata.name,
            namespace: namespace == nil ? metadata.namespace : "",
            fields: shown.map { JSONTree.Entry(key: $0.name, value: relative(JSONTree($0.value), $0.name)) })
    }

    private func fields(of object: APIObject) -> [WatchedFields.Field] {
        var fields = WatchedFields.of(object)
        switch object {
        case .namespace: break
        case .persistentVolumeClaim(let claim):
            // Recordings only say whether there is a volume.
            fields.removeAll { $0.name == "volume" || $0.name == "selectedNode" }
            fields.append(WatchedFields.Field(name: "volume", value: .boolean(!claim.value.spec.volumeName.isEmpty)))
        case .event: return WatchedFields.of(object)
        default: break
        }
        return fields
    }

    private func change(_ change: WatchEvent.Change) -> ObservedChange.Change {
        switch change {
        case .added: .added
        case .modified: .modified
        case .deleted: .deleted
        }
    }

    func milliseconds(_ time: SimulatedTime) -> Double { Double((time - start).nanoseconds) / 1e6 }

    /// Times are shown relative to the start.
    private func relative(_ value: JSONTree, _ field: String) -> JSONTree {
        switch value {
        case .number(let text) where TimelineFields.isTime(field):
            guard let seconds = Double(text) else { return value }
            return .number(String(seconds - start.seconds))
        case .map(let entries) where field == "taintTimes":
            return .map(entries.map { JSONTree.Entry(key: $0.key, value: relative($0.value, "taintTimes." + $0.key)) })
        default: return value
        }
    }
}

/// What is known about the fields of timelines.
enum TimelineFields {
    private static let times = [
        "deletionTimestamp", "startTime", "completionTime", "lastScheduleTime", "lastSuccessfulTime", "lastScaleTime",
    ]

    /// Whether a field holds a point in time, in seconds since the start.
    static func isTime(_ path: String) -> Bool { times.contains(path) || path.hasPrefix("taintTimes.") }
}
