// Reading Ingresses and NetworkPolicies.

extension Ingress: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Ingress? {
        var result = Ingress(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec":
                context.fields(value) { field, value, context in
                    switch field {
                    case "ingressClassName": context.read(value, into: &result.className)
                    case "defaultBackend": context.read(value, into: &result.defaultBackend)
                    case "rules": if !value.isNull { context.read(value, into: &result.rules) }
                    default: return context.ignored(field, value, of: "IngressSpec")
                    }
                    return true
                }
            default: return context.ignored(field, value, of: "Ingress")
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension IngressRule: YAMLFields {
    package init() { self.init(host: "") }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "host": context.read(value, into: &host)
        case "http":
            if value.isNull { break }
            paths = []
            context.fields(value) { field, value, context in
                guard field == "paths" else { return false }
                if !value.isNull { context.read(value, into: &paths) }
                return true
            }
        default: return false
        }
        return true
    }
}

extension IngressPath: YAMLFields {
    package init() { self.init(path: "", pathType: nil, backend: IngressBackend()) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "path": context.read(value, into: &path)
        case "pathType": context.choose(value, into: &pathType, of: ["Exact", "ImplementationSpecific", "Prefix"])
        case "backend": context.read(value, into: &backend)
        default: return false
        }
        return true
    }
}

extension IngressBackend: YAMLFields {
    package init() { self.init(service: nil) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "resource":
            hasResource = !value.isNull
            return context.ignored(field, value, of: "IngressBackend")
        case "service":
            if value.isNull { break }
            service = ""
            context.fields(value) { field, value, context in
                switch field {
                case "name": context.read(value, into: &service)
                case "port": readPort(value, &context)
                default: return false
                }
                return true
            }
        default: return false
        }
        return true
    }

    private mutating func readPort(_ node: YAMLNode, _ context: inout DecodingContext) {
        context.fields(node) { field, value, context in
            switch field {
            case "name": context.read(value, into: &portName)
            case "number": context.read(value, into: &portNumber)
            default: return false
            }
            return true
        }
    }
}

extension NetworkPolicy: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> NetworkPolicy? {
        var result = NetworkPolicy(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        var types: [String] = []
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            guard field == "spec" else { return false }
            context.fields(value) { field, value, context in
                switch field {
                case "podSelector": if !value.isNull { context.read(value, into: &result.podSelector) }
                case "ingress": if !value.isNull { context.read(value, into: &result.ingress) }
                case "egress": if !value.isNull { context.read(value, into: &result.egress) }
                case "policyTypes": if !value.isNull { types = policyTypes(value, &context) }
                default: return false
                }
                return true
            }
            return true
        }
        guard isMapping else { return nil }
        result.metadata = metadata
        // Left out, they are Ingress, and Egress if there are rules for it.
        result.restrictsIngress = types.isEmpty || types.contains("Ingress")
        result.restrictsEgress = types.isEmpty ? !result.egress.isEmpty : types.contains("Egress")
        return result
    }

    private static func policyTypes(_ node: YAMLNode, _ context: inout DecodingContext) -> [String] {
        var types: [String] = []
        context.read(node, into: &types)
        guard context.objects.validates else { return types }
        if types.count > 2 { context.error(node, FieldError.invalid("", types, "may not specify more than two policyTypes").body) }
        for (type, place) in zip(types, node.elements) where type != "Ingress" && type != "Egress" {
            context.error(place, FieldError.notSupported("", type, supported: ["Egress", "Ingress"]).body)
        }
        return types
    }
}

extension NetworkPolicy.Rule: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        if value.isNull { return ["from", "to", "ports"].contains(field) }
        switch field {
        case "from", "to": context.read(value, into: &peers)
        case "ports": context.read(value, into: &ports)
        default: return false
        }
        return true
    }

    package init() { self.init(peers: []) }
}

extension NetworkPolicy.Peer: YAMLFields {
    package init() { self.init(block: nil) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "podSelector": context.read(value, into: &podSelector)
        case "namespaceSelector": context.read(value, into: &namespaceSelector)
        case "ipBlock": context.read(value, into: &block)
        default: return false
        }
        return true
    }
}

extension NetworkPolicy.Block: YAMLFields {
    package init() { self.init("") }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "cidr": context.read(value, into: &range)
        case "except": if !value.isNull { context.read(value, into: &except) }
        default: return false
        }
        return true
    }
}

extension NetworkPolicy.Port: YAMLFields {
    package init() { self.init(nil) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "protocol": if !value.isNull { context.choose(value, into: &transport, of: ["SCTP", "TCP", "UDP"]) }
        case "port": context.read(value, into: &port)
        case "endPort": context.read(value, into: &endPort)
        default: return false
        }
        return true
    }
}
