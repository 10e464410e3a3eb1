// Reading Services and PodDisruptionBudgets.

import DiscreteEvents

extension Service: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Service? {
        var result = Service(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec": context.fields(value) { field, value, context in result.decode(spec: field, value, &context) }
            case "status": return context.ignored(field, value, of: "Service")
            default: return false
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }

    private mutating func decode(spec field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "selector": context.read(value, into: &selector)
        case "type":
            if value.scalarText != "" {
                context.choose(value, into: &type, of: ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"])
            }
        case "clusterIP": context.read(value, into: &clusterIP)
        case "ports": if !value.isNull { context.read(value, into: &ports) }
        default: return context.ignored(field, value, of: "ServiceSpec")
        }
        return true
    }
}

extension ServicePort: YAMLFields {
    package init() { self.init(port: 0) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "name": context.read(value, into: &name)
        case "port": context.read(value, into: &port)
        case "targetPort": context.read(value, into: &targetPort)
        case "nodePort": context.read(value, into: &nodePort)
        case "protocol":
            if value.scalarText != "" { context.choose(value, into: &transport, of: ["SCTP", "TCP", "UDP"]) }
        default: return context.ignored(field, value, of: "ServicePort")
        }
        return true
    }
}

extension PodDisruptionBudget: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> PodDisruptionBudget? {
        var result = PodDisruptionBudget(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec": context.read(value, into: &result.spec)
            case "status": context.read(value, into: &result.status)
            default: return false
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }
}

extension PodDisruptionBudgetSpec: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "minAvailable": context.read(value, into: &minAvailable)
        case "maxUnavailable": context.read(value, into: &maxUnavailable)
        case "selector": context.read(value, into: &selector)
        default: return context.ignored(field, value, of: "PodDisruptionBudgetSpec")
        }
        return true
    }
}

extension PodDisruptionBudgetStatus: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "disruptionsAllowed": context.read(value, into: &disruptionsAllowed)
        case "currentHealthy": context.read(value, into: &currentHealthy)
        case "desiredHealthy": context.read(value, into: &desiredHealthy)
        case "expectedPods": context.read(value, into: &expectedPods)
        case "observedGeneration": context.read(value, into: &observedGeneration)
        case "disruptedPods":
            if value.isNull { break }
            context.readMap(value) { name, time, context in
                if let since = context.instant(time) { disruptedPods.append(DisruptedPod(name: name, since: since)) }
            }
        default: return context.ignored(field, value, of: "PodDisruptionBudgetStatus")
        }
        return true
    }
}
