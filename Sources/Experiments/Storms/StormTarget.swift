// What the operators of a storm change and delete.

import KubernetesAPI

/// An object, by the names that a timeline needs.
struct StormTarget: Sendable, Hashable {
    let kind: String
    /// `namespace/name`.
    let name: String
    /// A container of its pods.
    var container = "main"
    /// Whether it is a DaemonSet whose new pods come before the old ones go.
    var surges = false
    /// The labels of its pods, as the fields of a YAML mapping; empty if it has none.
    var labels = ""
    /// The pieces of the storm without which it is not there.
    var needs: [StormScenario.Need] = []

    /// How the timeline names it.
    var field: String { kind.prefix(1).lowercased() + kind.dropFirst() + ": " + name }
}

extension StormTarget {
    /// What a generated piece is about; nil for an object without a namespace.
    init?(_ piece: StormScenario.Piece) {
        let parts = piece.name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, !parts[1].isEmpty else { return nil }
        self.init(
            kind: parts[0], name: parts[1] + "/" + parts[2], surges: piece.text.contains("maxSurge: 1"), labels: "app: \(parts[2])",
            needs: [.object(piece.name)])
    }

    /// An object of somebody's manifests.
    init(_ object: APIObject) {
        let metadata = object.metadata
        self.init(kind: object.kindName, name: "\(metadata.namespace)/\(metadata.name)")
        let template: PodTemplate
        switch object {
        case .deployment(let deployment): template = deployment.value.spec.template
        case .statefulSet(let set): template = set.value.spec.template
        case .replicaSet(let set): template = set.value.spec.template
        case .daemonSet(let set):
            template = set.value.spec.template
            if case .rollingUpdate(let surge, _) = set.value.spec.updateStrategy { surges = surge != .int(0) }
        default: return
        }
        container = template.spec.value.containers.first?.name ?? ""
        labels = template.labels.keys.map { "\(JSONText.quoted($0)): \(JSONText.quoted(template.labels[$0] ?? ""))" }.joined(
            separator: ", ")
    }
}
