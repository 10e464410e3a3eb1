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
        guard isMapping else { return nil }
        result.metadata = metadata
        if let mode = metadata.annotations[Service.topologyModeKey], mode.lowercased() == "auto" {
            context.warning(
                node["metadata"] ?? node, "the annotation \(Service.topologyModeKey) has no effect here: spec.trafficDistribution has")
        }
        if context.objects.appliesDefaults { result.applyDefaults() }
        return result
    }

    private static let topologyModeKey = "service.kubernetes.io/topology-mode"
    private static let singleStackNotice = "has no effect here: Services are served over IPv4 alone"

    private mutating func decode(spec field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "selector": context.read(value, into: &selector)
        case "type":
            if value.scalarText != "" {
                context.choose(value, into: &type, of: ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"])
            }
        case "clusterIP": context.read(value, into: &clusterIP)
        case "clusterIPs": if !value.isNull { context.read(value, into: &clusterIPs) }
        case "ports": if !value.isNull { context.read(value, into: &ports) }
        case "externalName": context.read(value, into: &externalName)
        case "externalIPs": if !value.isNull { context.read(value, into: &externalIPs) }
        case "publishNotReadyAddresses": context.read(value, into: &publishNotReadyAddresses)
        case "sessionAffinity": if value.scalarText != "" { context.choose(value, into: &sessionAffinity, of: ["ClientIP", "None"]) }
        case "sessionAffinityConfig": readSessionTimeout(value, &context)
        case "internalTrafficPolicy": context.choose(value, into: &internalTrafficPolicy, of: ["Cluster", "Local"])
        case "externalTrafficPolicy":
            if value.scalarText != "" { context.choose(value, into: &externalTrafficPolicy, of: ["Cluster", "Local"]) }
        case "ipFamilies":
            guard !value.isNull else { break }
            context.elements(value) { element, context in
                let family: IPFamily? = context.choose(element, of: ["IPv4", "IPv6"])
                if let family { ipFamilies.append(family) }
                if family == .ipv6 { context.warning(element, Service.singleStackNotice) }
            }
        case "ipFamilyPolicy":
            context.choose(value, into: &ipFamilyPolicy, of: ["PreferDualStack", "RequireDualStack", "SingleStack"])
            if ipFamilyPolicy == .requireDualStack { context.warning(value, Service.singleStackNotice) }
        case "trafficDistribution": context.read(value, into: &trafficDistribution)
        case "healthCheckNodePort": context.read(value, into: &healthCheckNodePort)
        case "loadBalancerClass": context.read(value, into: &loadBalancerClass)
        case "loadBalancerSourceRanges": if !value.isNull { context.read(value, into: &loadBalancerSourceRanges) }
        case "allocateLoadBalancerNodePorts": context.read(value, into: &allocateLoadBalancerNodePorts)
        default: return context.ignored(field, value, of: "ServiceSpec")
        }
        return true
    }

    private mutating func readSessionTimeout(_ node: YAMLNode, _ context: inout DecodingContext) {
        guard !node.isNull else { return }
        context.fields(node) { field, value, context in
            guard field == "clientIP" else { return false }
            if value.isNull { return true }
            context.fields(value) { field, value, context in
                guard field == "timeoutSeconds" else { return false }
                context.read(value, into: &sessionTimeoutSeconds)
                return true
            }
            return true
        }
    }
}

extension Service {
    /// Completes a service as far as that needs no address: the addresses themselves are given when it is created.
    package mutating func applyDefaults() {
        if sessionAffinity == .clientIP { sessionTimeoutSeconds = sessionTimeoutSeconds ?? Service.defaultSessionTimeout }
        if type != .externalName { internalTrafficPolicy = internalTrafficPolicy ?? .cluster }
        if isExternallyAccessible { externalTrafficPolicy = externalTrafficPolicy ?? .cluster }
        if type == .loadBalancer { allocateLoadBalancerNodePorts = allocateLoadBalancerNodePorts ?? true }
        for index in ports.indices
        where ports[index].targetPort == nil || ports[index].targetPort == .int(0) || ports[index].targetPort == .string("") {
            ports[index].targetPort = .int(ports[index].port)
        }
        if !clusterIP.isEmpty, clusterIPs.isEmpty { clusterIPs = [clusterIP] }
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
        case "appProtocol": context.read(value, into: &appProtocol)
        default: return false
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
        case "unhealthyPodEvictionPolicy":
            context.choose(value, into: &unhealthyPodEvictionPolicy, of: ["AlwaysAllow", "IfHealthyBudget"])
        default: return false
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
        case "conditions": if !value.isNull { context.read(value, into: &conditions) }
        default: return false
        }
        return true
    }
}
