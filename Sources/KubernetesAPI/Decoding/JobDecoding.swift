// Reading Jobs, with the defaults of batch/v1.

import DiscreteEvents

extension Job: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> Job? {
        var metadata = ObjectMeta()
        var status = JobStatus()
        var spec: JobSpec?
        let errorsBefore = context.errorCount
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec": spec = context.jobSpec(value, at: "spec", in: node)
            case "status": context.read(value, into: &status)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        if spec == nil, context.objects.validates, context.errorCount == errorsBefore {
            context.error(missing: "spec.template.spec.containers", in: node)
        }
        var job = Job(metadata: metadata, spec: spec ?? JobSpec(template: .empty), status: status)
        if context.objects.appliesDefaults { job.applyDefaults() }
        return job
    }
}

extension Job {
    /// Completes a job as the API server does: one pod unless numbers say otherwise, six failures.
    package mutating func applyDefaults() {
        if spec.completions == nil, spec.parallelism == nil { spec.completions = 1 }
        spec.parallelism = spec.parallelism ?? 1
        spec.backoffLimit = spec.backoffLimit ?? (spec.backoffLimitPerIndex == nil ? 6 : .max)
        spec.podReplacementPolicy =
            spec.podReplacementPolicy ?? (spec.podFailurePolicy == nil ? .terminatingOrFailed : .failed)
        if metadata.labels.isEmpty { metadata.labels = spec.template.labels }
    }
}

extension DecodingContext {
    /// Reads the spec of a job, or of the jobs of a CronJob. `path` is where it stands in the object `node`.
    mutating func jobSpec(_ value: YAMLNode, at path: String, in node: YAMLNode) -> JobSpec? {
        let errorsBefore = errorCount
        var spec = JobSpec(template: .empty)
        var template: PodTemplate?
        let isMapping = fields(value) { field, value, context in
            guard field == "template" else { return spec.decode(field, value, &context) }
            template = context.podTemplate(value, at: path + ".template", in: node)
            return true
        }
        guard isMapping else { return nil }
        if let template {
            spec.template = template
        } else if objects.validates, errorCount == errorsBefore {
            error(missing: "template.spec.containers", in: value)
        }
        return spec
    }
}

extension JobSpec {
    fileprivate mutating func decode(_ field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "parallelism": context.read(value, into: &parallelism)
        case "completions": context.read(value, into: &completions)
        case "completionMode": context.choose(value, into: &completionMode, of: ["NonIndexed", "Indexed"])
        case "backoffLimit": context.read(value, into: &backoffLimit)
        case "backoffLimitPerIndex": context.read(value, into: &backoffLimitPerIndex)
        case "maxFailedIndexes": context.read(value, into: &maxFailedIndexes)
        case "activeDeadlineSeconds": context.read(value, into: &activeDeadlineSeconds)
        case "ttlSecondsAfterFinished": context.read(value, into: &ttlSecondsAfterFinished)
        case "suspend": context.read(value, into: &suspend)
        case "selector": context.read(value, into: &selector)
        case "manualSelector": context.read(value, into: &manualSelector)
        case "podFailurePolicy": context.read(value, into: &podFailurePolicy)
        case "successPolicy":
            guard !value.isNull else { break }
            successPolicy = []
            context.fields(value) { field, value, context in
                guard field == "rules" else { return false }
                context.read(value, into: &successPolicy)
                return true
            }
        case "podReplacementPolicy": context.choose(value, into: &podReplacementPolicy, of: ["Failed", "TerminatingOrFailed"])
        case "managedBy": context.read(value, into: &managedBy)
        default: return false
        }
        return true
    }
}

extension PodFailurePolicy: YAMLFields {
    package init() { self.init(rules: []) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        guard field == "rules" else { return false }
        context.read(value, into: &rules)
        return true
    }
}

extension PodFailurePolicy.Rule: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> PodFailurePolicy.Rule? {
        var rule = PodFailurePolicy.Rule(.count)
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "action": context.choose(value, into: &rule.action, of: actions)
            case "onExitCodes": context.read(value, into: &rule.onExitCodes)
            case "onPodConditions": if !value.isNull { context.read(value, into: &rule.onPodConditions) }
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        context.requireChoice("action", of: actions, in: node)
        return rule
    }

    private static let actions = ["Count", "FailIndex", "FailJob", "Ignore"]
}

extension PodFailurePolicy.ExitCodes: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> PodFailurePolicy.ExitCodes? {
        var codes = PodFailurePolicy.ExitCodes(.isIn, [])
        let isMapping = context.fields(node) { field, value, context in
            switch field {
            case "containerName": context.read(value, into: &codes.containerName)
            case "operator": context.choose(value, into: &codes.operator, of: operators)
            case "values": if !value.isNull { context.read(value, into: &codes.values) }
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        context.requireChoice("operator", of: operators, in: node)
        return codes
    }

    private static let operators = ["In", "NotIn"]
}

extension PodFailurePolicy.ConditionPattern: YAMLFields {
    package init() { self.init(type: ConditionType(rawValue: "")) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "type": if let text = String.decode(value, &context) { type = ConditionType(rawValue: text) }
        case "status": if value.scalarText != "" { context.choose(value, into: &status, of: ["False", "True", "Unknown"]) }
        default: return false
        }
        return true
    }
}

extension SuccessPolicyRule: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "succeededIndexes": context.read(value, into: &succeededIndexes)
        case "succeededCount": context.read(value, into: &succeededCount)
        default: return false
        }
        return true
    }

    package init() { self.init(succeededIndexes: nil, succeededCount: nil) }
}

extension JobStatus: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "conditions": context.read(value, into: &conditions)
        case "startTime": context.readInstant(value, into: &startTime)
        case "completionTime": context.readInstant(value, into: &completionTime)
        case "active": context.read(value, into: &active)
        case "ready": context.read(value, into: &ready)
        case "terminating": context.read(value, into: &terminating)
        case "succeeded": context.read(value, into: &succeeded)
        case "failed": context.read(value, into: &failed)
        case "completedIndexes": context.read(value, into: &completedIndexes)
        case "failedIndexes": context.read(value, into: &failedIndexes)
        case "uncountedTerminatedPods": context.read(value, into: &uncounted)
        default: return false
        }
        return true
    }
}

extension UncountedPods: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        var uids: [String] = []
        switch field {
        case "succeeded":
            context.read(value, into: &uids)
            succeeded = uids.map { UID($0) }
        case "failed":
            context.read(value, into: &uids)
            failed = uids.map { UID($0) }
        default: return false
        }
        return true
    }
}
