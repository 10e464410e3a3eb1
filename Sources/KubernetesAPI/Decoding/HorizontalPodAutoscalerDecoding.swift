// Reading HorizontalPodAutoscalers (autoscaling/v2, and the single cpu target of autoscaling/v1).

import DiscreteEvents

extension HorizontalPodAutoscaler: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> HorizontalPodAutoscaler? {
        var result = HorizontalPodAutoscaler(metadata: ObjectMeta())
        var metadata = ObjectMeta()
        let isFirstVersion = node["apiVersion"]?.scalarText == "autoscaling/v1"
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec":
                context.fields(value) { field, value, context in
                    isFirstVersion && result.spec.decodeFirstVersion(field: field, value, &context)
                        || result.spec.decode(field: field, value, &context)
                }
            case "status":
                context.fields(value) { field, value, context in
                    isFirstVersion && field == "currentCPUUtilizationPercentage"
                        || result.status.decode(field: field, value, &context)
                }
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        result.metadata = metadata
        if context.objects.appliesDefaults { result.spec.applyDefaults() }
        return result
    }
}

extension HorizontalPodAutoscalerSpec: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "scaleTargetRef": context.read(value, into: &scaleTargetRef)
        case "minReplicas": context.read(value, into: &minReplicas)
        case "maxReplicas": context.read(value, into: &maxReplicas)
        case "metrics": context.read(value, into: &metrics)
        case "behavior":
            guard !value.isNull else { break }
            var read = HorizontalPodAutoscalerBehavior()
            context.fields(value) { field, value, context in
                switch field {
                case "scaleUp": context.read(value, into: &read.scaleUp)
                case "scaleDown": context.read(value, into: &read.scaleDown)
                default: return false
                }
                return true
            }
            behavior = read
        default: return false
        }
        return true
    }
}

extension HorizontalPodAutoscalerSpec {
    /// The field only autoscaling/v1 has.
    fileprivate mutating func decodeFirstVersion(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        guard field == "targetCPUUtilizationPercentage" else { return false }
        var target = MetricTarget()
        target.type = .utilization
        context.read(value, into: &target.averageUtilization)
        if target.averageUtilization != nil { metrics = [MetricSpec(.resource(.cpu), target)] }
        return true
    }
}

extension CrossVersionObjectReference: YAMLFields {
    public init() { self.init(kind: "", name: "", apiVersion: "") }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "kind": context.read(value, into: &kind)
        case "name": context.read(value, into: &name)
        case "apiVersion": context.read(value, into: &apiVersion)
        default: return false
        }
        return true
    }
}

extension MetricIdentifier: YAMLFields {
    public init() { self.init(name: "", selector: nil) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "name": context.read(value, into: &name)
        case "selector": context.read(value, into: &selector)
        default: return false
        }
        return true
    }
}

extension MetricTarget: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "type":
            guard let text = String.decode(value, &context), !text.isEmpty else { break }
            type = TargetType(rawValue: text)
            if type == nil { context.error(value, FieldError.invalid("", text, "must be either Utilization, Value, or AverageValue").body) }
        case "value": context.read(value, into: &self.value)
        case "averageValue": context.read(value, into: &averageValue)
        case "averageUtilization": context.read(value, into: &averageUtilization)
        default: return false
        }
        return true
    }
}

extension ScalingRules: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "stabilizationWindowSeconds": context.read(value, into: &stabilizationWindowSeconds)
        case "selectPolicy": context.choose(value, into: &selectPolicy, of: ["Disabled", "Max", "Min"])
        case "policies": context.read(value, into: &policies)
        case "tolerance": context.read(value, into: &tolerance)
        default: return false
        }
        return true
    }
}

extension ScalingPolicy: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ScalingPolicy? {
        var type: PolicyType?
        var policy = ScalingPolicy(.pods, 0, periodSeconds: 0)
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "type": context.choose(value, into: &type, of: ["Percent", "Pods"])
            case "value": context.read(value, into: &policy.value)
            case "periodSeconds": context.read(value, into: &policy.periodSeconds)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        guard let type else {
            if context.objects.validates, node["type"]?.isNull ?? true {
                context.error(missing: "type", in: node, FieldError.notSupported("", "", supported: ["Percent", "Pods"]).body)
            }
            return nil
        }
        policy.type = type
        return policy
    }
}

/// One metric of a spec or a status: the five kinds of sources have the same fields, of which each uses some.
private struct MetricFields {
    var resource = ""
    var container = ""
    var metric = MetricIdentifier()
    var describedObject = CrossVersionObjectReference()
    var target = MetricTarget()

    mutating func decode(_ field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "name": context.read(value, into: &resource)
        case "container": context.read(value, into: &container)
        case "metric": context.read(value, into: &metric)
        case "describedObject": context.read(value, into: &describedObject)
        case "target", "current": context.read(value, into: &target)
        default: return false
        }
        return true
    }

    static let types = ["ContainerResource", "External", "Object", "Pods", "Resource"]

    func source(_ type: String) -> MetricSource? {
        switch type {
        case "Resource": .resource(ResourceName(resource))
        case "ContainerResource": .containerResource(ResourceName(resource), container: container)
        case "Pods": .pods(metric)
        case "Object": .object(metric, describedObject)
        case "External": .external(metric)
        default: nil
        }
    }

    /// Exactly the source that the type names must be there.
    static func checkSources(of node: YAMLNode, _ type: String, _ context: inout DecodingContext) {
        let expected = type.prefix(1).lowercased() + type.dropFirst()
        if type.isEmpty { context.error(missing: "type", in: node, "Required value: must specify a metric source type") }
        if !types.contains(type) {
            // The API server says so twice: of the type, and when it looks for its source.
            for _ in 0..<2 { context.error(missing: "type", in: node, FieldError.notSupported("", type, supported: types).body) }
        } else if node[expected]?.isNull ?? true {
            context.error(missing: expected, in: node, "Required value: must populate information for the given metric source")
        }
        let present = sources.filter { !(node[$0]?.isNull ?? true) }
        if present.count == 1 { return }
        for field in present where field != expected {
            context.error(missing: field, in: node, "Forbidden: must populate the given metric source only")
        }
    }

    private static let sources = ["object", "external", "pods", "resource", "containerResource"]

    /// The type of a metric and the fields of the source that belongs to it.
    static func read(_ node: YAMLNode, _ context: inout DecodingContext) -> (type: String, fields: MetricFields)? {
        var type = ""
        var found: MetricFields?
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "type": context.read(value, into: &type)
            case "resource", "containerResource", "pods", "object", "external":
                guard !value.isNull else { break }
                var read = MetricFields()
                context.fields(value) { read.decode($0, $1, &$2) }
                if node["type"]?.scalarText?.lowercased() == field.lowercased() { found = read }
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        return (type, found ?? MetricFields())
    }
}

extension MetricSpec: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> MetricSpec? {
        guard let (type, fields) = MetricFields.read(node, &context) else { return nil }
        MetricFields.checkSources(of: node, type, &context)
        return fields.source(type).map { MetricSpec($0, fields.target) }
    }
}

extension HorizontalPodAutoscalerStatus: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "observedGeneration": context.read(value, into: &observedGeneration)
        case "lastScaleTime": context.readInstant(value, into: &lastScaleTime)
        case "currentReplicas": context.read(value, into: &currentReplicas)
        case "desiredReplicas": context.read(value, into: &desiredReplicas)
        case "conditions": context.read(value, into: &conditions)
        case "currentMetrics":
            guard !value.isNull else { break }
            var read: [MetricStatus?] = []
            context.elements(value) { element, context in
                guard let (type, fields) = MetricFields.read(element, &context) else { return }
                read.append(
                    fields.source(type).map {
                        MetricStatus(
                            $0, value: fields.target.value, averageValue: fields.target.averageValue,
                            averageUtilization: fields.target.averageUtilization)
                    })
            }
            currentMetrics = read
        default: return false
        }
        return true
    }
}
