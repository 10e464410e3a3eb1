// Reading what all kinds have: metadata, owner references, conditions.

import DiscreteEvents

extension ObjectMeta: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ObjectMeta? {
        var meta = ObjectMeta()
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "name": context.read(value, into: &meta.name)
            case "namespace": context.read(value, into: &meta.namespace)
            case "labels": context.read(value, into: &meta.labels)
            case "annotations": context.read(value, into: &meta.annotations)
            case "uid": if let text = String.decode(value, &context) { meta.uid = UID(text) }
            case "creationTimestamp": context.readInstant(value, into: &meta.creationTimestamp)
            case "ownerReferences": context.read(value, into: &meta.ownerReferences)
            case "resourceVersion": context.readResourceVersion(value, into: &meta.resourceVersion)
            case "generation": context.read(value, into: &meta.generation)
            case "generateName": context.read(value, into: &meta.generateName)
            case "deletionTimestamp": context.readInstant(value, into: &meta.deletionTimestamp)
            case "deletionGracePeriodSeconds": context.read(value, into: &meta.deletionGracePeriodSeconds)
            case "finalizers": context.read(value, into: &meta.finalizers)
            default: return context.ignored(field, value, of: "ObjectMeta")
            }
            return true
        }
        return isMapping ? meta : nil
    }
}

extension DecodingContext {
    /// Resource versions are opaque texts; those of a real cluster are numbers, and any other counts as unset.
    fileprivate mutating func readResourceVersion(_ node: YAMLNode, into field: inout UInt64) {
        if let text = String.decode(node, &self) { field = UInt64(text) ?? 0 }
    }

    /// Calls `field` for the entries of an object but `apiVersion`, `kind` and `metadata`.
    @inline(__always)
    mutating func objectFields(
        _ node: YAMLNode, _ metadata: inout ObjectMeta, _ field: (String, YAMLNode, inout DecodingContext) -> Bool
    ) -> Bool {
        fields(node) { key, value, context in
            switch key {
            case "apiVersion", "kind": return true
            case "metadata":
                context.read(value, into: &metadata)
                return true
            default: return field(key, value, &context)
            }
        }
    }
}

extension OwnerReference: YAMLFields {
    package init() { self.init(apiVersion: "", kind: "", name: "", uid: UID("")) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "apiVersion": context.read(value, into: &apiVersion)
        case "kind": context.read(value, into: &kind)
        case "name": context.read(value, into: &name)
        case "uid": if let text = String.decode(value, &context) { uid = UID(text) }
        case "controller": context.read(value, into: &controller)
        case "blockOwnerDeletion": context.read(value, into: &blockOwnerDeletion)
        default: return false
        }
        return true
    }
}

extension Condition: YAMLFields {
    package init() { self.init(ConditionType(rawValue: ""), .unknown) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "type": if let text = String.decode(value, &context) { type = ConditionType(rawValue: text) }
        case "status": context.choose(value, into: &status, of: ["True", "False", "Unknown"])
        case "reason": context.read(value, into: &reason)
        case "message": context.read(value, into: &message)
        case "lastTransitionTime": context.readInstant(value, into: &lastTransitionTime)
        case "lastUpdateTime": context.readInstant(value, into: &lastUpdateTime)
        default: return context.ignored(field, value, of: "Condition")
        }
        return true
    }
}
