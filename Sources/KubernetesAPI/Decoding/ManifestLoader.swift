// Turns manifests and dumps of clusters into objects: YAML or JSON bytes in, objects and findings out.
//
//     var loader = ManifestLoader()
//     let loaded = loader.load(bytes, file: "shop.yaml")
//     for finding in loaded.diagnostics { print(finding) }      // shop.yaml:12: spec.replicas: Invalid value: -1: …
//
// One loader may read many files; equal pod specs of all of them become one value. Reading files from disk is the caller's.

import DiscreteEvents

/// An object and where it was read.
public struct LoadedObject: Sendable {
    public let object: APIObject
    public let file: String
    /// The line the object starts on, from 1.
    public let line: Int
    /// The line of its owner references, or 0.
    let ownersLine: Int

    init(object: APIObject, file: String, line: Int, ownersLine: Int) {
        self.object = object
        self.file = file
        self.line = line
        self.ownersLine = ownersLine
    }

    /// An object that was made rather than read, at a place to be named in messages about it.
    public init(object: APIObject, file: String, line: Int) {
        self.init(object: object, file: file, line: line, ownersLine: object.metadata.ownerReferences.isEmpty ? 0 : line)
    }
}

/// Reads Kubernetes objects.
public struct ManifestLoader: Sendable {
    public struct Options: Sendable {
        /// The wall-clock time of simulated time zero, in whole seconds since 1970; points in time are read relative to it.
        public var origin: Int64
        /// Whether fields left out get the API server's defaults. Off for objects that say all that matters.
        public var appliesDefaults: Bool
        /// Whether objects are checked as the API server checks them.
        public var validates: Bool

        public init(origin: Int64 = 0, appliesDefaults: Bool = true, validates: Bool = true) {
            self.origin = origin
            self.appliesDefaults = appliesDefaults
            self.validates = validates
        }

        /// For objects recorded from a real API server: neither completed nor checked.
        public static let stored = Options(appliesDefaults: false, validates: false)
    }

    /// What a file contains, in order of appearance, and what is wrong with it.
    public struct Result: Sendable {
        public var objects: [LoadedObject] = []
        /// Errors and warnings. Objects with errors are left out of `objects`.
        public var diagnostics: [Diagnostic] = []

        public init() {}

        public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
    }

    public let options: Options
    private var state: ObjectDecodingState

    public init(options: Options = Options()) {
        self.options = options
        state = ObjectDecodingState()
        state.origin = options.origin
        state.appliesDefaults = options.appliesDefaults
        state.validates = options.validates
    }

    /// The number of distinct pod specs read so far.
    public var podSpecCount: Int { state.specs.count }

    /// Reads one file of one or more documents, lists included. `file` is its name in messages.
    public mutating func load(_ bytes: [UInt8], file: String) -> Result {
        bytes.withUnsafeBufferPointer { load($0, file: file) }
    }

    /// Reads one file from a buffer, which may be a mapped file.
    public mutating func load(_ bytes: UnsafeBufferPointer<UInt8>, file: String) -> Result {
        do {
            return load(documents: try YAMLFile.parse(bytes, name: file).documents)
        } catch {
            var result = Result()
            result.diagnostics.append(
                Diagnostic(severity: .error, file: file, line: max(1, error.line), field: "", message: error.message))
            return result
        }
    }

    /// Reads one file from text.
    public mutating func load(_ text: String, file: String) -> Result { load(Array(text.utf8), file: file) }

    /// Reads several files and checks them as a whole: names given twice, owners that own each other.
    public static func load(files: [(name: String, bytes: [UInt8])], options: Options = Options()) -> Result {
        var loader = ManifestLoader(options: options)
        var all = Result()
        for file in files {
            let one = loader.load(file.bytes, file: file.name)
            all.objects += one.objects
            all.diagnostics += one.diagnostics
        }
        all.diagnostics += check(all.objects)
        return all
    }

    /// Reads objects from parsed nodes, each an object or a list of them.
    package mutating func load(documents: [YAMLNode]) -> Result {
        var result = Result()
        var context = DecodingContext()
        swap(&context.objects, &state)
        for document in documents { ManifestLoader.load(document, assuming: nil, &context, into: &result.objects) }
        swap(&context.objects, &state)
        state.specs.forgetFile()
        state.volumeMountNames = []
        result.diagnostics = context.diagnostics
        if context.suppressedCount > 0, let file = documents.first?.file.name {
            result.diagnostics.append(
                Diagnostic(severity: .warning, file: file, line: 1, field: "", message: "and \(context.suppressedCount) more findings"))
        }
        return result
    }

    /// Reads one object, or the objects of a list. `assuming` is what the items of a typed list are if they do not say so.
    private static func load(
        _ node: YAMLNode, assuming assumed: (apiVersion: String, kind: String)?, _ context: inout DecodingContext,
        into objects: inout [LoadedObject]
    ) {
        guard node.kind == .mapping else {
            context.error(node, "is no Kubernetes object: expected a mapping with apiVersion and kind")
            return
        }
        context.enter(node) { context in
            guard let kind = typeName("kind", node, assumed?.kind, &context),
                let apiVersion = typeName("apiVersion", node, assumed?.apiVersion, &context)
            else { return }
            if kind == "List" || (kind.hasSuffix("List") && node["items"]?.kind == .sequence) {
                let item = kind == "List" ? nil : (apiVersion: apiVersion, kind: String(kind.dropLast(4)))
                guard let items = node["items"], !items.isNull else { return }
                context.elements(items) { load($0, assuming: item, &$1, into: &objects) }
                return
            }
            let errorsBefore = context.errorCount
            guard let object = context.apiObject(node, apiVersion: apiVersion, kind: kind), context.errorCount == errorsBefore else {
                return
            }
            objects.append(
                LoadedObject(
                    object: object, file: node.file.name, line: node.line,
                    ownersLine: object.metadata.ownerReferences.isEmpty ? 0 : node.line(ofField: "metadata.ownerReferences")))
        }
    }

    private static func typeName(
        _ field: String, _ node: YAMLNode, _ assumed: String?, _ context: inout DecodingContext
    ) -> String? {
        if let value = node[field], !value.isNull {
            guard let text = String.decode(value, &context) else { return nil }
            if !text.isEmpty { return text }
        }
        if assumed == nil { context.error(missing: field, in: node, "Required value: every object needs \(field)") }
        return assumed
    }
}

extension DecodingContext {
    /// Reads, completes and checks one object; nil if it is refused (reported).
    mutating func apiObject(_ node: YAMLNode, apiVersion: String, kind: String) -> APIObject? {
        switch ServedKind(apiVersion: apiVersion, kind: kind) {
        case .refused(let reason):
            error(node["apiVersion"] ?? node, reason)
            return nil
        case .other(let isNamespaced):
            guard var object = Unstructured.decode(node, &self) else { return nil }
            object.apiVersion = apiVersion
            object.kindName = kind
            if PodGroupSpec.describes(kind, apiVersion) { object.podGroup = podGroup(node) }
            complete(&object.metadata, isNamespaced: isNamespaced)
            check(object, in: node)
            return APIObject(object)
        case .modelled(let kind):
            switch kind {
            case .pod: return modelled(Pod.self, node)
            case .node: return modelled(Node.self, node)
            case .namespace: return modelled(Namespace.self, node)
            case .replicaSet: return modelled(ReplicaSet.self, node)
            case .deployment: return modelled(Deployment.self, node)
            case .priorityClass: return modelled(PriorityClass.self, node)
            case .event: return modelled(KubernetesEvent.self, node)
            case .persistentVolume: return modelled(PersistentVolume.self, node)
            case .persistentVolumeClaim: return modelled(PersistentVolumeClaim.self, node)
            case .storageClass: return modelled(StorageClass.self, node)
            case .csiNode: return modelled(CSINode.self, node)
            case .csiDriver: return modelled(CSIDriver.self, node)
            case .csiStorageCapacity: return modelled(CSIStorageCapacity.self, node)
            case .volumeAttachment: return modelled(VolumeAttachment.self, node)
            case .service: return modelled(Service.self, node)
            case .statefulSet: return modelled(StatefulSet.self, node)
            case .replicationController: return modelled(ReplicationController.self, node)
            case .podDisruptionBudget: return modelled(PodDisruptionBudget.self, node)
            case .job: return modelled(Job.self, node)
            case .cronJob: return modelled(CronJob.self, node)
            case .daemonSet: return modelled(DaemonSet.self, node)
            case .controllerRevision: return modelled(ControllerRevision.self, node)
            case .endpointSlice: return modelled(EndpointSlice.self, node)
            case .horizontalPodAutoscaler: return modelled(HorizontalPodAutoscaler.self, node)
            case .resourceQuota: return modelled(ResourceQuota.self, node)
            case .limitRange: return modelled(LimitRange.self, node)
            case .serviceAccount: return modelled(ServiceAccount.self, node)
            case .configMap: return modelled(ConfigMap.self, node)
            case .secret: return modelled(Secret.self, node)
            case .ingress: return modelled(Ingress.self, node)
            case .networkPolicy: return modelled(NetworkPolicy.self, node)
            case .endpoints: return modelled(Endpoints.self, node)
            case .unstructured: return nil
            }
        }
    }

    /// The spec of a PodGroup; an empty one if it has none.
    private mutating func podGroup(_ node: YAMLNode) -> PodGroupSpec {
        var spec = PodGroupSpec()
        _ = fields(node) { field, value, context in
            if field == "spec" { context.read(value, into: &spec) }
            return true
        }
        return spec
    }

    private mutating func modelled<Object: KubernetesObject & YAMLDecodable & ValidatedObject>(
        _ type: Object.Type, _ node: YAMLNode
    ) -> APIObject? {
        let errorsBefore = errorCount
        guard var object = Object.decode(node, &self) else { return nil }
        complete(&object.metadata, isNamespaced: Object.kind.isNamespaced)
        if errorCount == errorsBefore { check(object, in: node) }
        return APIObject(object)
    }

    private mutating func complete(_ metadata: inout ObjectMeta, isNamespaced: Bool) {
        guard objects.appliesDefaults, isNamespaced, metadata.namespace.isEmpty else { return }
        metadata.namespace = "default"
    }

    private mutating func check(_ object: some ValidatedObject, in node: YAMLNode) {
        guard objects.validates else { return }
        for finding in object.validateApartFromPodSpec() { report(finding, in: node) }
    }
}
