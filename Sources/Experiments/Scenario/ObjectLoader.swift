// Loads the manifests a scenario names, and keeps what was found wrong with them.

import DiscreteEvents
import KubernetesAPI

struct ObjectLoader {
    private var manifests: ManifestLoader
    /// What was found in the files, in order.
    private(set) var diagnostics: [Diagnostic] = []
    /// Values to be put into objects before they are read; those that found their object are no longer here.
    var edits: [ScenarioEdit] = []
    private var editFailures: [String] = []

    init(options: ManifestLoader.Options) { manifests = ManifestLoader(options: options) }

    /// The objects of the file a node names, without their places.
    mutating func objects(in node: YAMLNode, _ decoder: inout ScenarioDecoder) -> [APIObject] {
        load(node, &decoder).map(\.object)
    }

    /// The objects of the file a node names. Findings about a file are reported once.
    mutating func load(_ node: YAMLNode, _ decoder: inout ScenarioDecoder) -> [LoadedObject] {
        guard let bytes = decoder.file(node), let path = node.scalarText else { return [] }
        let file = decoder.location(of: path)
        let loaded = editedDocuments(bytes, file: file).map { manifests.load(documents: $0) } ?? manifests.load(bytes, file: file)
        diagnostics += loaded.diagnostics
        checkTimeZones(loaded.objects)
        if loaded.objects.isEmpty, !loaded.hasErrors { decoder.context.error(node, "there are no objects in \(path)") }
        return loaded.objects
    }

    /// The documents of a file with other values in them; nil: there is nothing to change, or it cannot be parsed.
    private mutating func editedDocuments(_ bytes: [UInt8], file: String) -> [YAMLNode]? {
        guard !edits.isEmpty, var documents = try? YAMLFile.parse(bytes, name: file).documents else { return nil }
        edits.removeAll { edit in
            guard let node = edit.field.path.object?.find(in: documents) else { return false }
            do throws(FactorPathError) {
                documents = try edit.apply(at: edit.field.path.place(in: node))
            } catch {
                editFailures.append("\(edit.field.position): \(error.message)")
            }
            return true
        }
        return documents
    }

    /// What came of the values to be put in, after all files: those that could not be placed.
    mutating func takeEditFailures() -> [String] {
        defer { (edits, editFailures) = ([], []) }
        return editFailures
            + edits.map { edit in
                let object = edit.field.path.object?.description ?? ""
                return "\(edit.field.position): there is no \(object) in the files of the scenario's cluster.objects"
            }
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
