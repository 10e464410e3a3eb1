// Reading Endpoints.

extension Endpoints: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Endpoints? {
        var subsets: [EndpointSubset] = []
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            guard field == "subsets" else { return false }
            if !value.isNull { context.read(value, into: &subsets) }
            return true
        }
        return isMapping ? Endpoints(metadata: metadata, subsets: subsets) : nil
    }
}

extension EndpointSubset: YAMLFields {
    package init() { self.init(addresses: []) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        if value.isNull { return ["addresses", "notReadyAddresses", "ports"].contains(field) }
        switch field {
        case "addresses": context.read(value, into: &addresses)
        case "notReadyAddresses": context.read(value, into: &notReadyAddresses)
        case "ports": context.read(value, into: &ports)
        default: return false
        }
        return true
    }
}

extension EndpointAddress: YAMLFields {
    package init() { self.init(ip: "") }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "ip": context.read(value, into: &ip)
        case "hostname": context.read(value, into: &hostname)
        case "nodeName": context.read(value, into: &nodeName)
        case "targetRef": if !value.isNull { pod = Endpoint.PodReference.decode(target: value, &context) }
        default: return false
        }
        return true
    }
}
