// Reading pod templates, ReplicaSets and Deployments, with the defaults of apps/v1.

import DiscreteEvents

extension DecodingContext {
    /// Reads a pod template. `workload` is the object it belongs to, `path` the template's path in it.
    mutating func podTemplate(_ node: YAMLNode, at path: String, in workload: YAMLNode) -> PodTemplate? {
        var metadata = ObjectMeta()
        var spec: Shared<PodSpec>?
        let errorsBefore = errorCount
        let isMapping = fields(node) { field, value, context in
            switch field {
            case "metadata": context.read(value, into: &metadata)
            case "spec":
                let read = context.podSpec(value, at: path + ".spec", in: workload)
                spec = read?.spec
                if read?.nodeName != nil, let name = value["nodeName"] {
                    context.warning(name, "has no effect in a template here: its pods are scheduled")
                }
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        if spec == nil, objects.validates, errorCount == errorsBefore { error(missing: "spec.containers", in: node) }
        return PodTemplate(
            labels: metadata.labels, annotations: metadata.annotations, finalizers: metadata.finalizers,
            spec: spec ?? Shared(PodSpec()))
    }

    /// Reports what a workload must have and does not.
    mutating func require(selector: LabelSelector?, template: PodTemplate?, in node: YAMLNode) {
        guard objects.validates else { return }
        if selector == nil {
            error(missing: "spec.selector", in: node)
            if let template { report(template.unselected(at: "spec.template"), in: node) }
        }
        if template == nil { error(missing: "spec.template.spec.containers", in: node) }
    }
}

extension ReplicaSet: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ReplicaSet? {
        var result = ReplicaSet(
            metadata: ObjectMeta(), spec: ReplicaSetSpec(selector: LabelSelector(), template: PodTemplate(spec: Shared(PodSpec()))))
        let errorsBefore = context.errorCount
        var selector: LabelSelector?
        var template: PodTemplate?
        if !context.objects.appliesDefaults { result.spec.replicas = 0 }
        var metadata = ObjectMeta()
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec":
                context.fields(value) { field, value, context in
                    switch field {
                    case "replicas": context.read(value, into: &result.spec.replicas)
                    case "minReadySeconds": context.read(value, into: &result.spec.minReadySeconds)
                    case "selector": context.read(value, into: &selector)
                    case "template": template = context.podTemplate(value, at: "spec.template", in: node)
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
        if context.errorCount == errorsBefore { context.require(selector: selector, template: template, in: node) }
        result.spec.selector = selector ?? LabelSelector()
        result.spec.template = template ?? result.spec.template
        return result
    }
}

extension ReplicaSetStatus: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "replicas": context.read(value, into: &replicas)
        case "fullyLabeledReplicas": context.read(value, into: &fullyLabeledReplicas)
        case "readyReplicas": context.read(value, into: &readyReplicas)
        case "availableReplicas": context.read(value, into: &availableReplicas)
        case "terminatingReplicas": context.read(value, into: &terminatingReplicas)
        case "observedGeneration": context.read(value, into: &observedGeneration)
        case "conditions": context.read(value, into: &conditions)
        default: return false
        }
        return true
    }
}

extension Deployment: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Deployment? {
        var metadata = ObjectMeta()
        var status = DeploymentStatus()
        var spec = DeploymentSpec(selector: LabelSelector(), template: PodTemplate(spec: Shared(PodSpec())))
        let errorsBefore = context.errorCount
        var selector: LabelSelector?
        var template: PodTemplate?
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec":
                context.fields(value) { field, value, context in
                    switch field {
                    case "replicas": context.read(value, into: &spec.replicas)
                    case "selector": context.read(value, into: &selector)
                    case "template": template = context.podTemplate(value, at: "spec.template", in: node)
                    case "strategy": context.read(value, into: &spec.strategy)
                    case "minReadySeconds": context.read(value, into: &spec.minReadySeconds)
                    case "revisionHistoryLimit": context.read(value, into: &spec.revisionHistoryLimit)
                    case "progressDeadlineSeconds": context.read(value, into: &spec.progressDeadlineSeconds)
                    case "paused": context.read(value, into: &spec.paused)
                    default: return false
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
        return Deployment(metadata: metadata, spec: spec, status: status)
    }
}

extension DeploymentStrategy: YAMLDecodable {
    private enum Name: String {
        case recreate = "Recreate"
        case rollingUpdate = "RollingUpdate"
    }

    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> DeploymentStrategy? {
        var type = Name.rollingUpdate
        var rolling: YAMLNode?
        var maxSurge = IntOrPercent.percent(25)
        var maxUnavailable = IntOrPercent.percent(25)
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "type":
                if value.scalarText != "" { context.choose(value, into: &type, of: ["Recreate", "RollingUpdate"]) }
            case "rollingUpdate":
                if value.isNull { return true }
                rolling = value
                context.fields(value) { field, value, context in
                    switch field {
                    case "maxSurge": context.read(value, into: &maxSurge)
                    case "maxUnavailable": context.read(value, into: &maxUnavailable)
                    default: return false
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        if type == .rollingUpdate { return .rollingUpdate(maxSurge: maxSurge, maxUnavailable: maxUnavailable) }
        if let rolling { context.error(rolling, "Forbidden: may not be specified when strategy `type` is 'Recreate'") }
        return .recreate
    }
}

extension DeploymentStatus: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "observedGeneration": context.read(value, into: &observedGeneration)
        case "replicas": context.read(value, into: &replicas)
        case "updatedReplicas": context.read(value, into: &updatedReplicas)
        case "readyReplicas": context.read(value, into: &readyReplicas)
        case "availableReplicas": context.read(value, into: &availableReplicas)
        case "unavailableReplicas": context.read(value, into: &unavailableReplicas)
        case "terminatingReplicas": context.read(value, into: &terminatingReplicas)
        case "collisionCount": context.read(value, into: &collisionCount)
        case "conditions": context.read(value, into: &conditions)
        default: return false
        }
        return true
    }
}
