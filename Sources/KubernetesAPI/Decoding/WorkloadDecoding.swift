// Reading pod templates, ReplicaSets and Deployments, with the defaults of apps/v1.

import DiscreteEvents

extension DecodingContext {
    /// Reads a pod template. `workload` is the object it belongs to, `path` the template's path in it, `directive` a field that
    /// is none of a template's and is passed over.
    mutating func podTemplate(
        _ node: YAMLNode, at path: String, in workload: YAMLNode, ignoring directive: String? = nil
    ) -> PodTemplate? {
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
            default: return field == directive
            }
            return true
        }
        guard isMapping else { return nil }
        if spec == nil, objects.validates, errorCount == errorsBefore { error(missing: "spec.containers", in: node) }
        return PodTemplate(
            labels: metadata.labels, annotations: metadata.annotations, finalizers: metadata.finalizers,
            spec: spec ?? Shared(PodSpec()))
    }
}

/// What the spec of every workload has: which pods are its own, and what they are made from.
struct PodSource {
    var selector: LabelSelector?
    var template: PodTemplate?

    /// Reads one field of a spec, or returns false if it is neither the selector nor the template.
    mutating func decode(_ field: String, _ value: YAMLNode, in workload: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "selector": context.read(value, into: &selector)
        case "template": template = context.podTemplate(value, at: "spec.template", in: workload)
        default: return false
        }
        return true
    }

    /// Reports what the workload must have and does not. A selector left out selects nothing, whether or not the API server demands
    /// one.
    func require(in node: YAMLNode, demandsSelector: Bool, _ context: inout DecodingContext) {
        guard context.objects.validates else { return }
        if selector == nil, demandsSelector { context.error(missing: "spec.selector", in: node) }
        if selector == nil || (template == nil && selector?.isEmpty == false) {
            context.report((template ?? .empty).unselected(at: "spec.template"), in: node)
        }
        if template == nil { context.error(missing: "spec.template.spec.containers", in: node) }
    }
}

extension PodTemplate {
    /// What stands for a template until one is read.
    static var empty: PodTemplate { PodTemplate(spec: Shared(PodSpec())) }
}

extension DecodingContext {
    /// Reads a workload: its metadata, its status, and of its spec the selector and the template. `field` reads the others.
    ///
    /// Returns nil if the node is no mapping. What is required and missing is reported.
    mutating func workload<Status: YAMLDecodable>(
        _ node: YAMLNode, _ metadata: inout ObjectMeta, _ status: inout Status, demandsSelector: Bool = true,
        spec field: (String, YAMLNode, inout DecodingContext) -> Bool
    ) -> (selector: LabelSelector, template: PodTemplate)? {
        let errorsBefore = errorCount
        var source = PodSource()
        let isMapping = objectFields(node, &metadata) { key, value, context in
            switch key {
            case "spec":
                context.fields(value) { source.decode($0, $1, in: node, &$2) || field($0, $1, &$2) }
            case "status": context.read(value, into: &status)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        if errorCount == errorsBefore { source.require(in: node, demandsSelector: demandsSelector, &self) }
        return (source.selector ?? LabelSelector(), source.template ?? .empty)
    }
}

/// `strategy` and `updateStrategy`: a type, and the numbers of a rolling update.
struct UpdateStrategyFields {
    enum StrategyType: String {
        case recreate = "Recreate"
        case rollingUpdate = "RollingUpdate"
        case onDelete = "OnDelete"
    }
    var type = StrategyType.rollingUpdate
    /// The numbers, if any were given.
    var rolling: YAMLNode?
    var maxSurge: IntOrPercent?
    var maxUnavailable: IntOrPercent?
    var partition: Int32 = 0
    /// A type the kind does not have.
    var unknownType: String?

    /// - Parameters:
    ///   - supported: the types the kind has.
    ///   - fields: the numbers its rolling update has.
    ///   - refusal: what is said about another type; left out, that is up to the caller.
    init?(
        _ node: YAMLNode, _ context: inout DecodingContext, of supported: [StrategyType], fields: [String],
        refusal: ((String) -> FieldError)? = nil
    ) {
        var result = UpdateStrategyFields()
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "type":
                guard let text = String.decode(value, &context), !text.isEmpty else { break }
                if let type = StrategyType(rawValue: text), supported.contains(type) {
                    result.type = type
                } else {
                    result.unknownType = text
                    if let refusal { context.error(value, refusal(text).body) }
                }
            case "rollingUpdate":
                guard !value.isNull else { break }
                result.rolling = value
                context.fields(value) { field, value, context in
                    guard fields.contains(field) else { return false }
                    switch field {
                    case "maxSurge": context.read(value, into: &result.maxSurge)
                    case "maxUnavailable": context.read(value, into: &result.maxUnavailable)
                    default: context.read(value, into: &result.partition)
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        self = result
    }

    private init() {}
}

extension ReplicaSet: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> ReplicaSet? {
        var metadata = ObjectMeta()
        var status = ReplicaSetStatus()
        var spec = ReplicaSetSpec(selector: LabelSelector(), template: .empty)
        if !context.objects.appliesDefaults { spec.replicas = 0 }
        let source = context.workload(node, &metadata, &status) { field, value, context in
            switch field {
            case "replicas": context.read(value, into: &spec.replicas)
            case "minReadySeconds": context.read(value, into: &spec.minReadySeconds)
            default: return false
            }
            return true
        }
        guard let source else { return nil }
        (spec.selector, spec.template) = source
        return ReplicaSet(metadata: metadata, spec: spec, status: status)
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
        var spec = DeploymentSpec(selector: LabelSelector(), template: .empty)
        let source = context.workload(node, &metadata, &status) { field, value, context in
            switch field {
            case "replicas": context.read(value, into: &spec.replicas)
            case "strategy": context.read(value, into: &spec.strategy)
            case "minReadySeconds": context.read(value, into: &spec.minReadySeconds)
            case "revisionHistoryLimit": context.read(value, into: &spec.revisionHistoryLimit)
            case "progressDeadlineSeconds": context.read(value, into: &spec.progressDeadlineSeconds)
            case "paused": context.read(value, into: &spec.paused)
            default: return false
            }
            return true
        }
        guard let source else { return nil }
        (spec.selector, spec.template) = source
        return Deployment(metadata: metadata, spec: spec, status: status)
    }
}

extension DeploymentStrategy: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> DeploymentStrategy? {
        let fields = UpdateStrategyFields(
            node, &context, of: [.recreate, .rollingUpdate], fields: ["maxSurge", "maxUnavailable"]
        ) { .notSupported("", $0, supported: ["Recreate", "RollingUpdate"]) }
        guard let fields else { return nil }
        if fields.type == .rollingUpdate {
            return .rollingUpdate(
                maxSurge: fields.maxSurge ?? .percent(25), maxUnavailable: fields.maxUnavailable ?? .percent(25))
        }
        if let rolling = fields.rolling {
            context.error(rolling, "Forbidden: may not be specified when strategy `type` is 'Recreate'")
        }
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
