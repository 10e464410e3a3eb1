// Who owns an object: its references, looked up among what is there.
// <https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/>

import APIServer
import KubernetesAPI

/// What an owner reference comes to.
enum OwnerState: Hashable, Sendable {
    /// The owner is there.
    case solid
    /// The owner is gone.
    case dangling
    /// The owner is being deleted and waits for its dependents.
    case waiting
    /// Nobody can say: the reference names no kind that is served.
    case unknown
}

/// Finds owners by kind, namespace and name, as the collector's requests do.
struct OwnerGraph: Sendable {
    /// Owners that objects of the very start refer to and that are not there: a dump of a part of a cluster has many, and to judge
    /// them would be to delete the dump.
    private var unjudged: Set<UID> = []
    /// Kinds outside Kubernetes' own that objects have been seen of, as `apiVersion kind`.
    private var seenKinds: Set<String> = []

    // MARK: What it remembers

    /// An object was seen. `isFromTheStart`: it was there when the simulation began.
    mutating func observe(_ object: APIObject, isFromTheStart: Bool, _ view: SharedInformers) {
        if case .unstructured(let other) = object {
            let kind = other.value.apiVersion + " " + other.value.kindName
            if !seenKinds.contains(kind) { seenKinds.insert(kind) }
        }
        guard isFromTheStart, object.readMetadata({ !$0.ownerReferences.isEmpty }) else { return }
        for reference in object.readMetadata({ $0.ownerReferences }) where owner(reference, of: object, view) == nil {
            unjudged.insert(reference.uid)
        }
    }

    /// An object is gone: whoever it owned may be judged.
    mutating func forget(_ owner: UID) { if !unjudged.isEmpty { unjudged.remove(owner) } }

    // MARK: Look-ups

    /// The owner a reference names, if it is there. An object of the name with another UID is another object.
    func owner(_ reference: OwnerReference, of dependent: APIObject, _ view: SharedInformers) -> APIObject? {
        let namespace = dependent.readMetadata { $0.namespace }
        let found: APIObject?
        if let kind = OwnerGraph.modelledKind(reference) {
            found = view[ObjectKey(kind, namespace: kind.isNamespaced ? namespace : "", reference.name)]
        } else {
            let name = reference.kind + "/" + reference.name
            found = view[ObjectKey(.unstructured, namespace: namespace, name)] ?? view[ObjectKey(.unstructured, name)]
        }
        guard let found, found.readMetadata({ $0.uid }) == reference.uid else { return nil }
        return found
    }

    func state(of reference: OwnerReference, dependent: APIObject, _ view: SharedInformers) -> OwnerState {
        if let owner = owner(reference, of: dependent, view) {
            return owner.readMetadata { OwnerGraph.isDeletingDependents($0) } ? .waiting : .solid
        }
        if unjudged.contains(reference.uid) { return .solid }
        let isServed =
            OwnerGraph.modelledKind(reference) != nil || BuiltInKinds.isServed(reference.kind, in: reference.apiVersion)
            || seenKinds.contains(reference.apiVersion + " " + reference.kind)
        return isServed ? .dangling : .unknown
    }

    /// The namespace of an owner that exists, but where the dependent's reference cannot mean it; nil if there is none such.
    func foreignNamespace(of reference: OwnerReference, dependent: APIObject, _ view: SharedInformers) -> String? {
        let kind = OwnerGraph.modelledKind(reference) ?? .unstructured
        let namespace = dependent.readMetadata { $0.namespace }
        for object in view.tables[kind].objects where object.readMetadata({ $0.uid == reference.uid && !$0.namespace.isEmpty }) {
            let found = object.readMetadata { $0.namespace }
            return found == namespace ? nil : found
        }
        return nil
    }

    /// Whether a reference of a cluster-wide object names a namespaced kind: such an owner cannot be looked up at all.
    static func isOutOfScope(_ reference: OwnerReference, of dependent: APIObject) -> Bool {
        dependent.readMetadata { $0.namespace.isEmpty } && (modelledKind(reference)?.isNamespaced ?? false)
    }

    static func isDeletingDependents(_ metadata: ObjectMeta) -> Bool {
        metadata.isTerminating && metadata.finalizers.contains(Finalizers.foregroundDeletion)
    }

    private static func modelledKind(_ reference: OwnerReference) -> Kind? {
        guard let kind = kinds[reference.kind], kind.isServed(in: reference.apiVersion) else { return nil }
        return kind
    }

    private static let kinds = Dictionary(
        uniqueKeysWithValues: Kind.allCases.filter { $0 != .unstructured }.map { ($0.description, $0) })
}
