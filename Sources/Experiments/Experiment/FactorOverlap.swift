// Two factors that set one field, each under a name of its own: the later would silently undo what the earlier did.

import KubernetesAPI

/// Looks up where the factors' paths lead in the files of a scenario. Paths that are spelled alike are found when the experiment is read.
struct FactorOverlap {
    /// A field of the scenario, or of an object in one of its manifests, by its way from there.
    private struct Target {
        let object: ManifestObject?
        let steps: [FactorPath.Step]

        /// Whether both are about the same field, or one about a part of the other.
        func overlaps(_ other: Target) -> Bool { object == other.object && zip(steps, other.steps).allSatisfy { $0 == $1 } }
    }

    private let spec: YAMLNode
    private let manifests: [YAMLNode]

    /// - Parameter scenarioFile: what cannot be read of it, and where paths lead to nothing, is told of when the scenario is loaded.
    init?(scenarioFile path: String) {
        func documents(_ path: String) -> [YAMLNode] {
            ((try? YAMLFile.parse(InputFiles.read(path), name: path).documents) ?? []).filter { !$0.isNull }
        }
        guard let spec = documents(path).first?["spec"] else { return nil }
        self.spec = spec
        let decoder = ScenarioDecoder(folder: PathText.split(path).folder)
        let files = spec["cluster"]?["objects"].map { Array($0.elements) } ?? []
        manifests = files.compactMap(\.scalarText).flatMap { documents(decoder.location(of: $0)) }
    }

    /// What is wrong with the fields of an experiment's factors.
    func messages(_ fields: [Factor.ScenarioField]) -> [String] {
        var known: [(target: Target, text: String)] = []
        var messages: [String] = []
        for field in fields {
            guard let target = target(of: field.path) else { continue }
            if let other = known.first(where: { $0.target.overlaps(target) }) {
                messages.append("\(field.position): is about the same field as \(other.text), or a part of it")
            }
            known.append((target, field.path.text))
        }
        return messages
    }

    private func target(of path: FactorPath) -> Target? {
        guard var object = path.object else {
            return (try? path.place(inSpec: spec)).map { Target(object: nil, steps: $0.steps) }
        }
        guard let node = object.find(in: manifests), let place = try? path.place(in: node) else { return nil }
        object.namespace = object.namespace ?? "default"
        return Target(object: object, steps: place.steps)
    }
}
