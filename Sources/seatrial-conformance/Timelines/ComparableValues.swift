// Single values in the form in which recorded and simulated ones are compared.

extension TimelineFields {
    /// A value as it is compared: names as roles, what is random left out, nothing as `-`.
    static func comparable(_ value: JSONTree?, _ kind: String, _ path: String, _ view: TimelineView) -> String {
        guard let value else { return "-" }
        switch (kind, path) {
        case ("Pod", "node"): return "a node"
        case (_, "owner"), (_, "active"), (_, "disrupted"):
            if case .list(let elements) = value { return elements.map { inRoles($0, view) }.sorted().joined(separator: ", ") }
            return value.plain
        case ("EndpointSlice", "endpoints"): return value.elements.map { inRoles($0, view) }.sorted().joined(separator: ", ")
        case ("Pod", "pod-template-hash"): return templateHash(value.plain, view)
        case (_, "controller-revision-hash"), (_, "currentRevision"), (_, "updateRevision"): return revision(value.plain, view)
        case ("Service", "clusterIP"): return value.plain.hasPrefix("10.96.") ? "an address" : value.plain
        case ("Service", "ports"):
            return value.elements.map { port in
                let parts = port.elements
                return "\(parts.first?.plain ?? "") \(parts.dropFirst().first?.plain ?? "")"
                    + (parts.last == .null ? "" : " and a node port")
            }.joined(separator: ", ")
        default: return value.string.map { view.inRoles($0) } ?? value.plain
        }
    }

    /// The role of the ReplicaSet whose name ends with a hash of a template.
    private static func templateHash(_ text: String, _ view: TimelineView) -> String {
        let track = view.tracks.last { $0.kind == "ReplicaSet" && $0.name.hasSuffix("-" + text) }
        return track.map { view.role(of: $0) } ?? text
    }

    private static func inRoles(_ value: JSONTree, _ view: TimelineView) -> String { view.inRoles(value.plain) }

    /// A revision's role, from its name or the hash at the end of it.
    private static func revision(_ text: String, _ view: TimelineView) -> String {
        if let role = view.role(ofName: text) { return role }
        let track = view.tracks.last { $0.kind == "ControllerRevision" && $0.name.hasSuffix("-" + text) }
        return track.map { view.role(of: $0) } ?? text
    }
}
