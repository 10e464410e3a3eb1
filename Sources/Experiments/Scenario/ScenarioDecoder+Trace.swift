// Reads a trace: objects that come and go at times of their own.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

extension ScenarioDecoder {
    /// Objects with the times of their annotations.
    mutating func trace(_ node: YAMLNode, _ loader: inout ObjectLoader) -> [TraceEntry] {
        var entries: [TraceEntry] = []
        for loaded in loader.load(node, &self) {
            let annotations = loaded.object.metadata.annotations
            func seconds(_ key: String, _ loader: inout ObjectLoader) -> SimulatedTime? {
                guard let text = annotations[key] else { return nil }
                if Double(text) != nil, let seconds = try? SimulatedDuration(text: text + "s"), seconds >= .zero {
                    return SimulatedTime(sinceStart: seconds)
                }
                loader.add(
                    .error, loaded, field: "metadata.annotations[\(key)]",
                    "Invalid value: \"\(text)\": expected a number of seconds from 0 on")
                return nil
            }
            guard annotations[OpenbImport.createAt] != nil else {
                let field = "metadata.annotations[\(OpenbImport.createAt)]"
                loader.add(.error, loaded, field: field, "Required value: an object of a trace needs the seconds at which it is created")
                continue
            }
            guard let created = seconds(OpenbImport.createAt, &loader) else { continue }
            let deleted = seconds(OpenbImport.deleteAt, &loader)
            if let deleted, deleted < created {
                loader.add(.error, loaded, field: "metadata.annotations[\(OpenbImport.deleteAt)]", "is before the creation")
            }
            entries.append(TraceEntry(createAt: created, deleteAt: deleted, object: loaded.object))
        }
        // Stable: objects of one time come in the order of the file.
        return entries.enumerated().sorted { ($0.element.createAt, $0.offset) < ($1.element.createAt, $1.offset) }.map(\.element)
    }
}
