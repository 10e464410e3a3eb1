// Reading DaemonSets and ControllerRevisions.

import DiscreteEvents

extension DaemonSet: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> DaemonSet? {
        var metadata = ObjectMeta()
        var status = DaemonSetStatus()
        var spec = DaemonSetSpec(selector: LabelSelector(), template: .empty)
        let source = context.workload(node, &metadata, &status, demandsSelector: false) { field, value, context in
            switch field {
            case "updateStrategy": context.read(value, into: &spec.updateStrategy)
            case "minReadySeconds": context.read(value, into: &spec.minReadySeconds)
            case "revisionHistoryLimit": context.read(value, into: &spec.revisionHistoryLimit)
            default: return false
            }
            return true
        }
        guard let source else { return nil }
        (spec.selector, spec.template) = source
        return DaemonSet(metadata: metadata, spec: spec, status: status)
    }
}

extension DaemonSetUpdateStrategy: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> DaemonSetUpdateStrategy? {
        let fields = UpdateStrategyFields(
            node, &context, of: [.onDelete, .rollingUpdate], fields: ["maxSurge", "maxUnavailable"]
        ) { .notSupported("", $0, supported: ["RollingUpdate", "OnDelete"]) }
        guard let fields else { return nil }
        if fields.type == .onDelete { return .onDelete }
        return .rollingUpdate(maxSurge: fields.maxSurge ?? .int(0), maxUnavailable: fields.maxUnavailable ?? .int(1))
    }
}

extension DaemonSetStatus: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "currentNumberScheduled": context.read(value, into: &currentNumberScheduled)
        case "numberMisscheduled": context.read(value, into: &numberMisscheduled)
        case "desiredNumberScheduled": context.read(value, into: &desiredNumberScheduled)
        case "numberReady": context.read(value, into: &numberReady)
        case "observedGeneration": context.read(value, into: &observedGeneration)
        case "updatedNumberScheduled": context.read(value, into: &updatedNumberScheduled)
        case "numberAvailable": context.read(value, into: &numberAvailable)
        case "numberUnavailable": context.read(value, into: &numberUnavailable)
        case "collisionCount": context.read(value, into: &collisionCount)
        case "conditions": context.read(value, into: &conditions)
        default: return false
        }
        return true
    }
}

extension ControllerRevision: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ControllerRevision? {
        var metadata = ObjectMeta()
        var result = ControllerRevision(metadata: metadata, revision: 0, template: nil)
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "revision": context.read(value, into: &result.revision)
            case "data": result.template = ControllerRevision.template(in: value, of: node, &context)
            default: return false
            }
            return true
        }
        result.metadata = metadata
        return isMapping ? result : nil
    }

    /// `data` is a patch of its workload: `{"spec": {"template": {…, "$patch": "replace"}}}`. Of other shapes nothing is known.
    private static func template(in data: YAMLNode, of node: YAMLNode, _ context: inout DecodingContext) -> PodTemplate? {
        guard data.kind == .mapping, let spec = data["spec"], spec.kind == .mapping, let template = spec["template"] else { return nil }
        // It was checked when it was a workload's.
        let validates = context.objects.validates
        context.objects.validates = false
        defer { context.objects.validates = validates }
        return context.podTemplate(template, at: "data.spec.template", in: node, ignoring: "$patch")
    }
}
