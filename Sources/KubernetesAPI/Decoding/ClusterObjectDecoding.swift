// Reading Namespaces, PriorityClasses, ServiceAccounts, Events, and objects of any other kind.

import DiscreteEvents

extension Namespace: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Namespace? {
        var result = Namespace(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec":
                context.fields(value) { field, value, context in
                    guard field == "finalizers" else { return false }
                    context.read(value, into: &result.finalizers)
                    return true
                }
            case "status":
                context.fields(value) { field, value, context in
                    guard field == "phase" else { return context.ignored(field, value, of: "NamespaceStatus") }
                    result.isTerminating = value.scalarText == "Terminating"
                    return true
                }
            default: return false
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension PriorityClass: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> PriorityClass? {
        var result = PriorityClass(metadata: ObjectMeta(), value: 0)
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "value": context.read(value, into: &result.value)
            case "globalDefault": context.read(value, into: &result.globalDefault)
            case "preemptionPolicy":
                context.choose(value, into: &result.preemptionPolicy, of: PreemptionPolicy.names)
            default: return context.ignored(field, value, of: "PriorityClass")
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension ServiceAccount: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ServiceAccount? {
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            context.ignored(field, value, of: "ServiceAccount")
        }
        return isMapping ? ServiceAccount(metadata: metadata) : nil
    }
}

extension PreemptionPolicy {
    /// All policies, in the order error messages list them.
    static let names = ["PreemptLowerPriority", "Never"]
}

extension KubernetesEvent: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> KubernetesEvent? {
        var result = KubernetesEvent(
            about: "", NamespacedName(namespace: "", name: ""), uid: UID(""), reason: "", message: "", source: "")
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "involvedObject", "regarding":
                context.fields(value) { field, value, context in result.read(involved: field, value, &context) }
            case "reason": context.read(value, into: &result.reason)
            case "message", "note": context.read(value, into: &result.message)
            case "type": if value.scalarText != "" { context.choose(value, into: &result.severity, of: ["Normal", "Warning"]) }
            case "count", "deprecatedCount": context.read(value, into: &result.count)
            case "source", "deprecatedSource":
                context.fields(value) { field, value, context in
                    switch field {
                    case "component": context.read(value, into: &result.source)
                    case "host": break
                    default: return false
                    }
                    return true
                }
            case "reportingComponent", "reportingController":
                if result.source.isEmpty { context.read(value, into: &result.source) }
            case "deprecatedFirstTimestamp", "deprecatedLastTimestamp": break
            default: return context.ignored(field, value, of: "Event")
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }

    private mutating func read(involved field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "kind": context.read(value, into: &involvedKind)
        case "namespace": context.read(value, into: &involved.namespace)
        case "name": context.read(value, into: &involved.name)
        case "uid": if let text = String.decode(value, &context) { involvedUID = UID(text) }
        default: return context.ignored(field, value, of: "ObjectReference")
        }
        return true
    }
}

extension Unstructured: YAMLDecodable {
    /// Only the metadata is looked at.
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Unstructured? {
        var result = Unstructured(apiVersion: "", kindName: "", metadata: ObjectMeta())
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "apiVersion": context.read(value, into: &result.apiVersion)
            case "kind": context.read(value, into: &result.kindName)
            case "metadata": context.read(value, into: &result.metadata)
            default: break
            }
            return true
        }
        return isMapping ? result : nil
    }
}
