// Reading StatefulSets and ReplicationControllers.

import DiscreteEvents

extension StatefulSet: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> StatefulSet? {
        var spec = StatefulSetSpec(selector: LabelSelector(), template: PodTemplate(spec: Shared(PodSpec())))
        var status = StatefulSetStatus()
        let errorsBefore = context.errorCount
        var selector: LabelSelector?
        var template: PodTemplate?
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec":
                context.fields(value) { field, value, context in
                    switch field {
                    case "replicas": context.read(value, into: &spec.replicas)
                    case "selector": context.read(value, into: &selector)
                    case "template": template = context.podTemplate(value, at: "spec.template", in: node)
                    case "serviceName": context.read(value, into: &spec.serviceName)
                    case "volumeClaimTemplates": if !value.isNull { context.read(value, into: &spec.volumeClaimTemplates) }
                    default: return context.ignored(field, value, of: "StatefulSetSpec")
                    }
                    return true
                }
            case "status": context.read(value, into: &status)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        if context.errorCount == errorsBefore { context.require(selector: selector, template: template, in: node) }
        spec.selector = selector ?? LabelSelector()
        spec.template = template ?? spec.template
        return StatefulSet(metadata: metadata, spec: spec, status: status)
    }
}

extension StatefulSetStatus: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "replicas": context.read(value, into: &replicas)
        case "readyReplicas": context.read(value, into: &readyReplicas)
        case "currentReplicas": context.read(value, into: &currentReplicas)
        case "updatedReplicas": context.read(value, into: &updatedReplicas)
        case "availableReplicas": context.read(value, into: &availableReplicas)
        case "observedGeneration": context.read(value, into: &observedGeneration)
        default: return context.ignored(field, value, of: "StatefulSetStatus")
        }
        return true
    }
}

extension ReplicationController: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ReplicationController? {
        var result = ReplicationController(
            metadata: ObjectMeta(), selector: Labels(), template: PodTemplate(spec: Shared(PodSpec())))
        let errorsBefore = context.errorCount
        var template: PodTemplate?
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec":
                context.fields(value) { field, value, context in
                    switch field {
                    case "replicas": context.read(value, into: &result.replicas)
                    case "selector": context.read(value, into: &result.selector)
                    case "template": template = context.podTemplate(value, at: "spec.template", in: node)
                    case "minReadySeconds": return context.ignored(field, value, of: "StatefulSetSpec")
                    default: return false
                    }
                    return true
                }
            case "status": context.read(value, into: &result.status)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        result.metadata = metadata
        if let template {
            result.template = template
            if context.objects.appliesDefaults, result.selector.isEmpty { result.selector = template.labels }
        } else if context.objects.validates, context.errorCount == errorsBefore {
            context.error(missing: "spec.template", in: node)
        }
        return result
    }
}
