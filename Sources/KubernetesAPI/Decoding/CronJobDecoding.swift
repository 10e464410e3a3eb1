// Reading CronJobs. Their jobs are completed when they are created, not before.

import DiscreteEvents

extension CronJob: YAMLDecodable {
    package static func decode(_ node: YAMLNode, _ context: inout DecodingContext) -> CronJob? {
        var metadata = ObjectMeta()
        var status = CronJobStatus()
        var spec = CronJobSpec(schedule: "", jobTemplate: JobTemplate(spec: JobSpec(template: .empty)))
        let errorsBefore = context.errorCount
        var hasTemplate = false
        let isMapping = context.objectFields(node, &metadata) { field, value, context in
            switch field {
            case "spec":
                context.fields(value) { field, value, context in
                    guard field == "jobTemplate" else { return spec.decode(field, value, &context) }
                    context.readJobTemplate(value, into: &spec.jobTemplate, found: &hasTemplate, in: node)
                    return true
                }
            case "status": context.read(value, into: &status)
            default: return false
            }
            return true
        }
        guard isMapping else { return nil }
        if !hasTemplate, context.objects.validates, context.errorCount == errorsBefore {
            context.error(missing: "spec.jobTemplate.spec.template.spec.containers", in: node)
        }
        return CronJob(metadata: metadata, spec: spec, status: status)
    }
}

extension DecodingContext {
    fileprivate mutating func readJobTemplate(
        _ value: YAMLNode, into template: inout JobTemplate, found: inout Bool, in node: YAMLNode
    ) {
        var metadata = ObjectMeta()
        var spec: JobSpec?
        fields(value) { field, value, context in
            switch field {
            case "metadata": context.read(value, into: &metadata)
            case "spec": spec = context.jobSpec(value, at: "spec.jobTemplate.spec", in: node)
            default: return false
            }
            return true
        }
        template.labels = metadata.labels
        template.annotations = metadata.annotations
        guard let spec else { return }
        template.spec = spec
        found = true
    }
}

extension CronJobSpec {
    fileprivate mutating func decode(_ field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "schedule": context.read(value, into: &schedule)
        case "timeZone": context.read(value, into: &timeZone)
        case "startingDeadlineSeconds": context.read(value, into: &startingDeadlineSeconds)
        case "concurrencyPolicy":
            if value.scalarText != "" { context.choose(value, into: &concurrencyPolicy, of: ["Allow", "Forbid", "Replace"]) }
        case "suspend": context.read(value, into: &suspend)
        case "successfulJobsHistoryLimit": context.read(value, into: &successfulJobsHistoryLimit)
        case "failedJobsHistoryLimit": context.read(value, into: &failedJobsHistoryLimit)
        default: return false
        }
        return true
    }
}

extension CronJobStatus: YAMLFields {
    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "active": if !value.isNull { context.read(value, into: &active) }
        case "lastScheduleTime": context.readInstant(value, into: &lastScheduleTime)
        case "lastSuccessfulTime": context.readInstant(value, into: &lastSuccessfulTime)
        default: return false
        }
        return true
    }
}

extension CronJobStatus.ActiveJob: YAMLFields {
    package init() { self.init(name: "", uid: UID("")) }

    package mutating func decode(field: String, _ value: YAMLNode, _ context: inout DecodingContext) -> Bool {
        switch field {
        case "name": context.read(value, into: &name)
        case "uid": if let text = String.decode(value, &context) { uid = UID(text) }
        case "kind", "namespace": break
        default: return context.ignored(field, value, of: "ObjectReference")
        }
        return true
    }
}
