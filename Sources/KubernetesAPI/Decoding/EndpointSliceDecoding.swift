// Reading EndpointSlices.

extension EndpointSlice: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> EndpointSlice? {
        var result = EndpointSlice(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        var hasType = false
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "addressType":
                hasType = value.scalarText != ""
                if hasType { context.choose(value, into: &result.addressType, of: ["FQDN", "IPv4", "IPv6"]) }
            case "endpoints": if !value.isNull { context.read(value, into: &result.endpoints) }
            case "ports": if !value.isNull { context.read(value, into: &result.ports) }
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        result.metadata = metadata
        if !hasType, context.objects.validates { context.error(missing: "addressType", in: node) }
        return result
    }
}

extension Endpoint: YAMLFields {
    package init() { self.init(addresses: []) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "addresses": if !value.isNull { context.read(value, into: &addresses) }
        case "conditions":
            if value.isNull { break }
            context.fields(value) { field, value, context in
                switch field {
                case "ready": context.read(value, into: &ready)
                case "serving": context.read(value, into: &serving)
                case "terminating": context.read(value, into: &terminating)
                default: return false
                }
                return true
            }
        case "hostname": context.read(value, into: &hostname)
        case "nodeName": context.read(value, into: &nodeName)
        case "zone": context.read(value, into: &zone)
        case "targetRef": if !value.isNull { pod = PodReference.decode(target: value, &context) }
        case "hints":
            if value.isNull { break }
            context.fields(value) { field, value, context in
                switch field {
                case "forZones": context.readNames(value, into: &zoneHints, key: "name")
                case "forNodes": context.readNames(value, into: &nodeHints, key: "name")
                default: return false
                }
                return true
            }
        default: return context.ignored(field, value, of: "Endpoint")
        }
        return true
    }

}

extension Endpoint.PodReference {
    /// What a `targetRef` refers to; nil unless that is a pod: only pods matter as targets.
    static func decode(target node: YAMLNode, _ context: inout DecodingContext) -> Endpoint.PodReference? {
        var kind = ""
        var reference = Endpoint.PodReference(key: NamespacedName(namespace: "", name: ""), uid: UID(""))
        context.fields(node) { field, value, context in
            switch field {
            case "kind": context.read(value, into: &kind)
            case "namespace": context.read(value, into: &reference.key.namespace)
            case "name": context.read(value, into: &reference.key.name)
            case "uid": if let text = String.decode(value, &context) { reference.uid = UID(text) }
            default: return context.ignored(field, value, of: "ObjectReference")
            }
            return true
        }
        return kind == "Pod" ? reference : nil
    }
}

extension EndpointPort: YAMLFields {
    package init() { self.init(port: nil) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "name": context.read(value, into: &name)
        case "protocol":
            if value.scalarText != "" { context.choose(value, into: &transport, of: ["SCTP", "TCP", "UDP"]) }
        case "port": context.read(value, into: &port)
        case "appProtocol": context.read(value, into: &appProtocol)
        default: return false
        }
        return true
    }
}
