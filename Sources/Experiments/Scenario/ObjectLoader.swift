// Loads the manifests a scenario names, and keeps what was found wrong with them.

import DiscreteEvents
import KubernetesAPI

struct ObjectLoader {
    private var manifests: ManifestLoader
    /// What was found in the files, in order.
    private(set) var diagnostics: [Diagnostic] = []

    init(options: ManifestLoader.Options) { manifests = ManifestLoader(options: options) }

    /// The objects of the file a node names, without their places.
    mutating func objects(in node: YAMLNode, _ decoder: inout ScenarioDecoder) -> [APIObject] {
        load(node, &decoder).map(\.object)
    }

    /// The objects of the file a node names. Findings about a file are reported once.
    mutating func load(_ node: YAMLNode, _ decoder: inout ScenarioDecoder) -> [LoadedObject] {
        guard let bytes = decoder.file(node), let path = node.scalarText else { return [] }
        let loaded = manifests.load(bytes, file: decoder.location(of: path))
        diagnostics += loaded.diagnostics
        checkTimeZones(loaded.objects)
        if loaded.objects.isEmpty, !loaded.hasErrors { decoder.context.error(node, "there are no objects in \(path)") }
        return loaded.objects
    }

    /// The objects of documents that are parsed already.
    mutating func load(documents: [YAMLNode]) -> [LoadedObject] {
        let loaded = manifests.load(documents: documents)
        diagnostics += loaded.diagnostics
        return loaded.objects
    }

    /// Names given twice, owners that own each other.
    mutating func check(_ objects: [LoadedObject]) { diagnostics += ManifestLoader.check(objects) }

    /// Zones that nobody knows, in the API server's words. A machine without any zones is told of when they are read.
    private mutating func checkTimeZones(_ objects: [LoadedObject]) {
        for loaded in objects {
            guard case .cronJob(let cronJob) = loaded.object, let name = cronJob.value.spec.timeZone,
                let isKnown = try? ZoneInfoFolder.zone(named: name) != nil, !isKnown
            else { continue }
            let error = CronJobSpec.unknown(timeZone: name)
            add(.error, loaded, field: error.field, error.body)
        }
    }

    mutating func add(_ severity: Diagnostic.Severity, _ object: LoadedObject, field: String = "", _ message: String) {
        diagnostics.append(Diagnostic(severity: severity, file: object.file, line: object.line, field: field, message: message))
    }
}
