// Reading StatefulSets and ReplicationControllers.

import DiscreteEvents

extension StatefulSet: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> StatefulSet? {
        var spec = StatefulSetSpec(selector: LabelSelector(), template: .empty)
        var status = StatefulSetStatus()
        var metadata = ObjectMeta()
        let source = context.workload(node, &metadata, &status) { field, value, context in
            switch field {
            case "replicas": context.read(value, into: &spec.replicas)
            case "serviceName": context.read(value, into: &spec.serviceName)
            case "volumeClaimTemplates": if !value.isNull { context.read(value, into: &spec.volumeClaimTemplates) }
            case "podManagementPolicy":
                context.choose(value, into: &spec.podManagementPolicy) {
                    .invalid("", $0, "must be 'OrderedReady' or 'Parallel'")
                }
            case "updateStrategy": context.read(value, into: &spec.updateStrategy)
            case "minReadySeconds": context.read(value, into: &spec.minReadySeconds)
            case "revisionHistoryLimit": context.read(value, into: &spec.revisionHistoryLimit)
            case "ordinals":
                guard !value.isNull else { break }
                context.fields(value) { field, value, context in
                    guard field == "start" else { return false }
                    context.read(value, into: &spec.firstOrdinal)
                    return true
                }
            case "persistentVolumeClaimRetentionPolicy": context.read(value, into: &spec.claimRetention)
            default: return false
            }
            return true
        }
        guard let source else { return nil }
        (spec.selector, spec.template) = source
        return StatefulSet(metadata: metadata, spec: spec, status: status)
    }
}

extension StatefulSetUpdateStrategy: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> StatefulSetUpdateStrategy? {
        let errorsBefore = context.errorCount
        // The API server shows the whole strategy; its type is reported below.
        let fields = UpdateStrategyFields(node, &context, of: [.onDelete, .rollingUpdate], fields: ["partition", "maxUnavailable"])
        guard let fields else { return nil }
        let rolling = fields.rolling == nil ? "null" : "{\"Partition\":\(fields.partition),\"MaxUnavailable\":null}"
        if let type = fields.unknownType {
            if context.errorCount == errorsBefore {
                let strategy = "{\"Type\":\(JSONText.quoted(type)),\"RollingUpdate\":\(rolling)}"
                context.error(
                    node, FieldError.invalid("", strategy, quoted: false, "must be 'RollingUpdate' or 'OnDelete'").body)
            }
            return nil
        }
        if fields.type == .rollingUpdate { return .rollingUpdate(partition: fields.partition) }
        if let place = fields.rolling, context.objects.validates {
            context.error(place, FieldError.invalid("", rolling, quoted: false, "only allowed for updateStrategy 'RollingUpdate'").body)
        }
        return .onDelete
    }
}

extension ClaimRetentionPolicy: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "whenDeleted": context.choose(value, into: &whenDeleted, of: ["Retain", "Delete"])
        case "whenScaled": context.choose(value, into: &whenScaled, of: ["Retain", "Delete"])
        default: return false
        }
        return true
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
        case "currentRevision": context.read(value, into: &currentRevision)
        case "updateRevision": context.read(value, into: &updateRevision)
        case "collisionCount": context.read(value, into: &collisionCount)
        case "conditions": context.read(value, into: &conditions)
        default: return false
        }
        return true
    }
}

extension ReplicationController: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ReplicationController? {
        var result = ReplicationController(metadata: ObjectMeta(), selector: Labels(), template: .empty)
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
                    case "minReadySeconds": context.read(value, into: &result.minReadySeconds)
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
            if context.objects.appliesDefaults {
                if result.selector.isEmpty { result.selector = template.labels }
                if result.metadata.labels.isEmpty { result.metadata.labels = template.labels }
            }
        } else if context.objects.validates, context.errorCount == errorsBefore {
            context.error(missing: "spec.template", in: node)
        }
        return result
    }
}
