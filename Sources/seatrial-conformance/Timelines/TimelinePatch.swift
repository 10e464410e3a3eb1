// A merge patch on a stored object. Stored objects are typed, patches are trees: what the user wrote is kept as a tree, patched,
// and read again; what others wrote into the stored object stays.

import APIServer
import KubernetesAPI

/// The trees of the objects the driver made, and how a patch of one becomes a request.
struct TimelinePatches {
    /// By kind and name: what the user wrote, with all patches since.
    private var trees: [String: JSONTree] = [:]
    private let namespace: String

    init(namespace: String) { self.namespace = namespace }

    private static func key(_ kind: String, _ name: String) -> String { kind + "/" + name }

    /// An object as the user wrote it.
    mutating func create(_ tree: JSONTree, kind: String, name: String) throws -> APIObject {
        let placed =
            TimelinePatches.isClusterScoped(kind)
            ? tree : tree.merging(.map([.init(key: "metadata", value: .map([.init(key: "namespace", value: .text(namespace))]))]))
        trees[TimelinePatches.key(kind, name)] = placed
        return try TimelinePatches.object(placed)
    }

    private static func isClusterScoped(_ kind: String) -> Bool {
        ["Node", "Namespace", "PriorityClass", "PersistentVolume", "StorageClass", "CSINode", "CSIDriver"].contains(kind)
    }

    /// The object a tree describes, with the API server's defaults. The API server's checks are left to the API server.
    static func object(_ tree: JSONTree) throws -> APIObject {
        var loader = ManifestLoader(options: ManifestLoader.Options(validates: false))
        let loaded = loader.load(documents: try YAMLFile.parse(Array(tree.json.utf8), name: "patch").documents)
        if let problem = loaded.diagnostics.first(where: { $0.severity == .error }) { throw TimelineError(problem.description) }
        guard let object = loaded.objects.first else { throw TimelineError("no object in \(tree.json)") }
        return object.object
    }

    /// The stored object with the patch applied.
    mutating func patch(_ stored: APIObject, kind: String, _ patch: JSONTree, status: Bool) throws -> APIObject {
        var object = stored
        for part in patch.entries {
            switch part.key {
            case "metadata":
                guard !status else { continue }
                var metadata = object.metadata
                try TimelinePatches.apply(part.value, to: &metadata)
                object = object.withMetadata { $0 = metadata }
            case "spec" where !status: object = try patchSpec(object, kind: kind, patch)
            case "status" where status || kind == "Node": object = try TimelinePatches.patchStatus(object, part.value)
            case "apiVersion", "kind": break
            default:
                // Of kinds the simulator does not know it keeps the metadata; what ConfigMaps and Secrets say is not looked at.
                guard [.unstructured, .configMap, .secret].contains(object.kind) else {
                    throw TimelineError("a patch of \(kind) \(part.key) is not built")
                }
            }
        }
        return object.withMetadata { $0.resourceVersion = 0 }
    }

    private static func apply(_ patch: JSONTree, to metadata: inout ObjectMeta) throws {
        for part in patch.entries {
            switch part.key {
            case "labels": for entry in part.value.entries { metadata.labels[entry.key] = entry.value.string }
            case "annotations": for entry in part.value.entries { metadata.annotations[entry.key] = entry.value.string }
            case "finalizers": metadata.finalizers = part.value.elements.compactMap(\.string)
            // The recorded owners' UIDs are not those of the simulated ones.
            case "ownerReferences" where part.value.elements.isEmpty: metadata.ownerReferences = []
            default: throw TimelineError("a patch of metadata.\(part.key) is not built")
            }
        }
    }

    private mutating func patchSpec(_ stored: APIObject, kind: String, _ patch: JSONTree) throws -> APIObject {
        if case .node(let node) = stored { return .node(try TimelinePatches.patchNode(node, patch)) }
        let key = TimelinePatches.key(kind, stored.metadata.name)
        guard let tree = trees[key] else {
            if let scaled = TimelinePatches.scaled(stored, patch) { return scaled }
            throw TimelineError("\(key) was not made by the driver: its spec cannot be patched")
        }
        let patched = tree.merging(patch)
        trees[key] = patched
        let wanted = try TimelinePatches.object(patched)
        return TimelinePatches.keepingOthers(wanted, stored, patch).withMetadata { $0 = stored.metadata }
    }

    /// A workload the driver did not make, if the patch only sets its size.
    private static func scaled(_ stored: APIObject, _ patch: JSONTree) -> APIObject? {
        guard let spec = patch["spec"], spec.entries.count == 1, let size = spec["replicas"]?.integer else { return nil }
        switch stored {
        case .deployment(let object): return .deployment(object.with { $0.spec.replicas = Int32(size) })
        case .replicaSet(let object): return .replicaSet(object.with { $0.spec.replicas = Int32(size) })
        case .statefulSet(let object): return .statefulSet(object.with { $0.spec.replicas = Int32(size) })
        default: return nil
        }
    }

    /// What others than the user write into specs stays, unless the patch is about it: replicas (autoscalers), cluster IPs and node
    /// ports (the API server), volume names (the binder).
    private static func keepingOthers(_ wanted: APIObject, _ stored: APIObject, _ patch: JSONTree) -> APIObject {
        let setsReplicas = patch.value("spec", "replicas") != nil
        switch (wanted, stored) {
        case (.deployment(let new), .deployment(let old)) where !setsReplicas:
            return .deployment(new.with { $0.spec.replicas = old.value.spec.replicas })
        case (.replicaSet(let new), .replicaSet(let old)) where !setsReplicas:
            return .replicaSet(new.with { $0.spec.replicas = old.value.spec.replicas })
        case (.statefulSet(let new), .statefulSet(let old)) where !setsReplicas:
            return .statefulSet(new.with { $0.spec.replicas = old.value.spec.replicas })
        case (.replicationController(let new), .replicationController(let old)) where !setsReplicas:
            return .replicationController(new.with { $0.replicas = old.value.replicas })
        case (.service(let new), .service(let old)):
            return .service(
                new.with {
                    if patch.value("spec", "clusterIP") == nil { $0.clusterIP = old.value.clusterIP }
                    guard patch.value("spec", "ports") == nil else { return }
                    $0.ports = old.value.ports
                })
        case (.persistentVolumeClaim(let new), .persistentVolumeClaim(let old)):
            return .persistentVolumeClaim(
                new.with {
                    $0.spec.volumeName = old.value.spec.volumeName
                    $0.spec.storageClassName = old.value.spec.storageClassName
                })
        case (.job(let new), .job(let old)):
            return .job(
                new.with {
                    $0.spec.selector = old.value.spec.selector
                    $0.spec.template.labels = old.value.spec.template.labels
                })
        default: return wanted
        }
    }

    private static func patchNode(_ node: Shared<Node>, _ patch: JSONTree) throws -> Shared<Node> {
        var result = node
        for part in (patch["spec"] ?? .null).entries {
            switch part.key {
            case "unschedulable": result = result.with { $0.spec.unschedulable = part.value == .bool(true) }
            case "taints":
                let taints = try nodeObject(["spec": .map([.init(key: "taints", value: part.value)])]).spec.taints
                result = result.with { changed in
                    // The times of taints that were there already stay.
                    changed.spec.taints = taints.map { taint in
                        node.value.spec.taints.first { $0 == taint || ($0.matches(taint) && $0.value == taint.value) } ?? taint
                    }
                }
            default: throw TimelineError("a patch of Node spec.\(part.key) is not built")
            }
        }
        return result
    }

    private static func patchStatus(_ stored: APIObject, _ status: JSONTree) throws -> APIObject {
        switch stored {
        case .node(let node):
            let conditions = try nodeObject(["status": status]).status.conditions
            return .node(
                node.with {
                    for condition in conditions { $0.status.conditions.set(condition) }
                })
        case .pod(let pod):
            if let other = status.entries.first(where: { !["phase", "conditions", "reason", "message"].contains($0.key) }) {
                throw TimelineError("a patch of a pod's status.\(other.key) is not built")
            }
            guard case .pod(let wanted) = try bare("Pod", ["status": status]) else { throw TimelineError("no pod") }
            return .pod(
                pod.with { changed in
                    if status["phase"] != nil { changed.status.phase = wanted.value.status.phase }
                    if status["reason"] != nil { changed.status.reason = wanted.value.status.reason }
                    for condition in wanted.value.status.conditions { changed.status.conditions.set(condition) }
                })
        default: throw TimelineError("a patch of the status of \(stored.kindName) is not built")
        }
    }

    private static func nodeObject(_ parts: [String: JSONTree]) throws -> Node {
        guard case .node(let node) = try bare("Node", parts) else { throw TimelineError("no node") }
        return node.value
    }

    /// An object that is nothing but these parts.
    private static func bare(_ kind: String, _ parts: [String: JSONTree]) throws -> APIObject {
        var entries: [JSONTree.Entry] = [
            .init(key: "apiVersion", value: .text("v1")), .init(key: "kind", value: .text(kind)),
            .init(key: "metadata", value: .map([.init(key: "name", value: .text("n"))])),
        ]
        for key in parts.keys.sorted() { entries.append(.init(key: key, value: parts[key] ?? .null)) }
        return try object(.map(entries))
    }
}
