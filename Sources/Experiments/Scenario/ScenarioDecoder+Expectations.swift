// Reads the part of a scenario that says what must hold.

import DiscreteEvents
import KubernetesAPI

extension ScenarioDecoder {
    /// What an entry expects of a run under a policy: nothing if it is about another one.
    mutating func expectations(_ node: YAMLNode, under policy: String) -> [Expectation] {
        guard let fields = open(node, ScenarioFormat.expectation) else { return [] }
        let position = "\(node.file.name):\(node.line)"
        let onlyUnder = string(fields, "policy")
        if let onlyUnder, let place = fields["policy"], onlyUnder != policy, onlyUnder != ScenarioFile.defaultPolicy,
            !["yaml", "yml", "json"].contains(where: { InputFiles.exists(location(of: "\(onlyUnder).\($0)")) })
        {
            // A misspelt policy would make this hold for ever.
            context.warning(
                place, "there is no policy \(onlyUnder) beside the scenario: this is expected of runs with a file of that name only")
        }
        let object = expectedObject(node, fields)
        var from = time(fields, "from")
        var until = time(fields, "until")
        let at = time(fields, "at")
        if let at {
            if from != nil || until != nil { context.error(node, "\"at\" goes without \"from\" and \"until\"") }
            (from, until) = (at, at)
        }
        if let from, let until, from > until { context.error(node, "\"from\" is later than \"until\"") }
        var result: [Expectation] = []
        func add(_ subject: Expectation.Subject, _ bound: Expectation.Bound) {
            result.append(Expectation(subject, bound, from: from, until: until, position: position))
        }
        if let bound = bound(fields, "available", isTime: false), let object { add(.available(object), bound) }
        if let bound = bound(fields, "replicas", isTime: false), let object { add(.replicas(object), bound) }
        if let condition = field(fields, "condition"), let object, let subject = expectedCondition(condition, of: object) {
            add(subject, Expectation.Bound())
        }
        if let section = section(fields, "jobs", ScenarioFormat.jobs) {
            for state in Expectation.JobState.allCases {
                if let bound = bound(section, state.rawValue, isTime: false) { add(.jobs(state, of: object?.name), bound) }
            }
        }
        if let bound = bound(fields, "recovery", isTime: true) { add(.recovery, bound) }
        if let bound = bound(fields, "detection", isTime: true) { add(.detection, bound) }
        if let bound = bound(fields, "unschedulable", isTime: false) { add(.unschedulable, bound) }
        if let bound = bound(fields, "preempted", isTime: false) { add(.preempted, bound) }
        if let bound = bound(fields, "restarts", isTime: false) { add(.restarts, bound) }
        if let section = section(fields, "pods", ScenarioFormat.pods) {
            for state in Expectation.PodState.allCases {
                if let bound = bound(section, state.rawValue, isTime: false) { add(.pods(state), bound) }
            }
        }
        if let section = section(fields, "nodes", ScenarioFormat.nodes) {
            for state in Expectation.NodeState.allCases {
                if let bound = bound(section, state.rawValue, isTime: false) { add(.nodes(state), bound) }
            }
        }
        if let section = section(fields, "utilisation", ScenarioFormat.utilisation) {
            for resource in [ResourceName.cpu, .memory] {
                if let bound = bound(section, resource.rawValue, isTime: false) { add(.utilisation(resource), bound) }
            }
        }
        if let section = section(fields, "podStart", ScenarioFormat.podStart) {
            for statistic in Expectation.Statistic.allCases {
                if let bound = bound(section, statistic.rawValue, isTime: true) { add(.podStart(statistic), bound) }
            }
        }
        let source = string(fields, "source")
        if let section = section(fields, "requests", ScenarioFormat.serviceBounds) {
            for figure in Expectation.RequestFigure.allCases {
                if let bound = bound(section, figure.rawValue, isTime: figure.isTime) { add(.requests(figure, of: source), bound) }
            }
        } else if source != nil, let place = fields["source"] {
            context.error(place, "goes with requests")
        }
        if let mode = string(fields, "invariants") { add(.invariants(converge: mode == "converge"), Expectation.Bound()) }
        return onlyUnder ?? policy == policy ? result : []
    }

    private static let workloadFields: [(field: String, kind: Kind)] = [
        ("deployment", .deployment), ("statefulSet", .statefulSet), ("daemonSet", .daemonSet), ("replicaSet", .replicaSet),
        ("replicationController", .replicationController),
    ]
    private static let objectFields =
        workloadFields + [("job", .job), ("cronJob", .cronJob), ("horizontalPodAutoscaler", .horizontalPodAutoscaler)]

    /// The object an expectation is about, which must be of a kind that has what is expected.
    private mutating func expectedObject(_ node: YAMLNode, _ fields: Fields) -> ObjectKey? {
        let named = ScenarioDecoder.objectFields.compactMap { entry in
            objectName(fields, entry.field).map { (field: entry.field, key: ObjectKey(entry.kind, $0)) }
        }
        if named.count > 1, let second = fields[named[1].field] { context.error(second, "there is a \(named[0].field) already") }
        let possible: [(field: String, kind: Kind)]
        let subject: String
        if fields["available"] != nil || fields["replicas"] != nil {
            (possible, subject) = (ScenarioDecoder.workloadFields, fields["available"] != nil ? "available" : "replicas")
        } else if fields["condition"] != nil {
            (possible, subject) = (ScenarioDecoder.objectFields.filter { $0.kind != .cronJob }, "condition")
        } else if fields["jobs"] != nil {
            (possible, subject) = ([("cronJob", .cronJob)], "jobs")
        } else {
            (possible, subject) = ([], "")
        }
        guard let first = named.first, let place = fields[first.field] else {
            if subject != "", subject != "jobs" {
                context.error(node, "\"\(subject)\" needs one of " + possible.map(\.field).joined(separator: ", "))
            }
            return nil
        }
        if possible.contains(where: { $0.kind == first.key.kind }) { return first.key }
        let subjects =
            switch first.key.kind {
            case .cronJob: "jobs"
            case .job, .horizontalPodAutoscaler: "condition"
            default: "available, replicas or condition"
            }
        context.error(place, "goes with \(subjects)")
        return nil
    }

    private mutating func expectedCondition(_ node: YAMLNode, of object: ObjectKey) -> Expectation.Subject? {
        guard let fields = open(node, ScenarioFormat.conditionStatus), let type = string(fields, "type"),
            let status = string(fields, "status").flatMap({ ConditionStatus(rawValue: $0) })
        else { return nil }
        return .condition(object, ConditionType(rawValue: type), status, reason: string(fields, "reason"))
    }

    private mutating func section(_ fields: Fields, _ name: String, _ type: ScenarioType) -> Fields? {
        guard let node = field(fields, name), let section = open(node, type) else { return nil }
        if node.count == 0 { context.error(node, "needs one of " + type.fields.map(\.name).joined(separator: ", ")) }
        return section
    }

    private mutating func bound(_ fields: Fields, _ name: String, isTime: Bool) -> Expectation.Bound? {
        guard let node = field(fields, name), let limits = open(node, ScenarioFormat.bound) else { return nil }
        if node.count == 0 {
            context.error(node, "needs atLeast, atMost or equals")
            return nil
        }
        let bound = Expectation.Bound(
            atLeast: limit(limits, "atLeast", isTime), atMost: limit(limits, "atMost", isTime), equals: limit(limits, "equals", isTime))
        if let least = bound.atLeast, let most = bound.atMost, least > most {
            context.error(node, "atLeast is above atMost: nothing can hold")
        }
        return bound
    }

    private mutating func limit(_ fields: Fields, _ name: String, _ isTime: Bool) -> Double? {
        guard let node = field(fields, name) else { return nil }
        return isTime ? duration(node)?.seconds : number(node, in: 0...Double.greatestFiniteMagnitude)
    }
}
