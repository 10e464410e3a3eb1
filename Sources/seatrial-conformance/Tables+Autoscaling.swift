// Tables of the horizontal pod autoscaler: defaulting, and reconciles step by step with the state carried on.

import Controllers
import DiscreteEvents
import KubernetesAPI

enum AutoscalingTables {
    // MARK: hpa_defaults

    static func defaults(_ input: YAMLNode) throws -> Answer {
        let spec = try spec(input)
        var answer: Answer = [
            ("scaleTargetRef", text(spec.scaleTargetRef)), ("maxReplicas", String(spec.maxReplicas)),
            ("metrics", listText(spec.metrics.map(text))),
        ]
        if let minimum = spec.minReplicas { answer.append(("minReplicas", String(minimum))) }
        if let behavior = spec.behavior {
            let rules = [("scaleUp", behavior.scaleUp), ("scaleDown", behavior.scaleDown)]
            answer.append(("behavior", mapText(rules.compactMap { name, rules in rules.map { (name, text($0)) } })))
        }
        return answer
    }

    private static func spec(_ input: YAMLNode) throws -> HorizontalPodAutoscalerSpec {
        guard let node = input["spec"] else { throw MalformedCase("no spec") }
        var spec = try node.decoded(HorizontalPodAutoscalerSpec.self)
        spec.applyDefaults()
        return spec
    }

    private static func text(_ object: CrossVersionObjectReference) -> String {
        let version = object.apiVersion.isEmpty ? [] : [("apiVersion", object.apiVersion)]
        return mapText([("kind", object.kind), ("name", object.name)] + version)
    }

    private static func text(_ metric: MetricSpec) -> String {
        var target: [(String, String)] = []
        if let type = metric.target.type { target.append(("type", type.rawValue)) }
        if let value = metric.target.value { target.append(("value", value.description)) }
        if let average = metric.target.averageValue { target.append(("averageValue", average.description)) }
        if let utilization = metric.target.averageUtilization { target.append(("averageUtilization", String(utilization))) }
        var fields = [("target", mapText(target))]
        switch metric.source {
        case .resource(let name): fields.append(("name", name.rawValue))
        case .containerResource(let name, let container): fields += [("name", name.rawValue), ("container", container)]
        case .pods(let metric), .external(let metric): fields.append(("metric", mapText([("name", metric.name)])))
        case .object(let metric, let object):
            fields += [("metric", mapText([("name", metric.name)])), ("describedObject", text(object))]
        }
        let type = metric.source.type
        return mapText([("type", type), (type.prefix(1).lowercased() + type.dropFirst(), mapText(fields))])
    }

    private static func text(_ rules: ScalingRules) -> String {
        var fields: [(String, String)] = []
        if let window = rules.stabilizationWindowSeconds { fields.append(("stabilizationWindowSeconds", String(window))) }
        if let select = rules.selectPolicy { fields.append(("selectPolicy", select.rawValue)) }
        if let tolerance = rules.tolerance { fields.append(("tolerance", tolerance.description)) }
        if let policies = rules.policies {
            let texts = policies.map {
                mapText([("type", $0.type.rawValue), ("value", String($0.value)), ("periodSeconds", String($0.periodSeconds))])
            }
            fields.append(("policies", listText(texts)))
        }
        return mapText(fields)
    }

    // MARK: hpa_single, hpa_sequence

    static func steps(_ input: YAMLNode) throws -> Answer {
        var autoscaler = HorizontalPodAutoscaler(metadata: ObjectMeta(name: "hpa", namespace: "ns"), spec: try spec(input))
        var memory = ScalingMemory()
        var replicas = Int32(try input.number("initialSpecReplicas"))
        var answer: Answer = []
        for (index, step) in (input["steps"].map { Array($0.elements) } ?? []).enumerated() {
            let now = SimulatedTime(seconds: 1_000_000_000) + .seconds(try step.number("t"))
            let scale = ScaleTarget(
                specReplicas: replicas, statusReplicas: Int32(try step.number("statusReplicas")),
                pods: try step["pods"]?.elements.map { try pod($0, at: now) } ?? [])
            let looking = HorizontalAutoscaling(metrics: RecordedMetrics(step: step, now: now), now: now)
            var decision = looking.decide(autoscaler, scale, memory: memory)
            decision.rescaled(at: now)
            if let rescale = decision.rescale { replicas = rescale.to }
            autoscaler.status = decision.status
            memory = decision.memory
            answer.append((field: "step \(index)", text: text(decision, replicas: replicas)))
        }
        return answer
    }

    private static func text(_ decision: AutoscalingDecision, replicas: Int32) -> String {
        let status = decision.status
        var fields: [(String, String)] = [
            ("currentReplicas", String(status.currentReplicas)), ("desiredReplicas", String(status.desiredReplicas)),
            ("specReplicasAfter", String(replicas)), ("rescaled", String(decision.rescale != nil)),
            ("conditions", listText(status.conditions.map { "\($0.type)=\($0.status.rawValue)/\($0.reason)" })),
            ("currentMetrics", listText(status.currentMetrics.map(json))),
            ("events", listText(decision.events.map { "\($0.severity.rawValue) \($0.reason) \($0.message)" })),
        ]
        if let error = decision.error { fields.append(("error", error)) }
        return mapText(fields)
    }

    /// One pod with one container, `c`; what a step leaves out is a pod that has been ready for an hour.
    private static func pod(_ node: YAMLNode, at now: SimulatedTime) throws -> Shared<Pod> {
        func number(_ key: String, _ fallback: Int) throws -> Int { node[key] == nil ? fallback : try node.number(key) }
        var container = Container(name: "c")
        let cpu = try number("cpuRequestMilli", -1)
        let memory = try number("memRequestBytes", 268_435_456)
        if cpu >= 0 { container.resources.requests[.cpu] = Quantity(milli: Int64(cpu)) }
        if memory >= 0 { container.resources.requests[.memory] = Quantity(bytes: Int64(memory)) }
        var pod = Pod(
            metadata: ObjectMeta(name: try node.text("name"), namespace: "ns"), spec: Shared(PodSpec(containers: [container])))
        pod.status.phase = PodPhase(rawValue: node["phase"]?.scalarText ?? "Running") ?? .unknown
        if let status = ConditionStatus(rawValue: node["ready"]?.scalarText ?? "True") {
            let age = try number("readyTransitionAgoSeconds", 3590)
            pod.status.conditions = [Condition(.ready, status, lastTransitionTime: now - .seconds(age))]
        }
        let start = try number("startAgoSeconds", 3600)
        if start >= 0 { pod.status.startTime = now - .seconds(start) }
        if node["deleting"]?.scalarText == "true" { pod.metadata.deletionTimestamp = now }
        return Shared(pod)
    }

    // MARK: Status as JSON

    /// An entry of `status.currentMetrics` as Go writes it.
    private static func json(_ metric: MetricStatus?) -> String {
        guard let metric else { return #"{"type":""}"# }
        var values: [String] = []
        if let value = metric.value { values.append(#""value":"\#(value)""#) }
        if let average = metric.averageValue { values.append(#""averageValue":"\#(average)""#) }
        if let utilization = metric.averageUtilization { values.append(#""averageUtilization":\#(utilization)"#) }
        let current = #""current":{"# + values.joined(separator: ",") + "}"
        let type = metric.source.type
        let body: String
        switch metric.source {
        case .resource(let name): body = #""name":"\#(name)",\#(current)"#
        case .containerResource(let name, let container): body = #""name":"\#(name)",\#(current),"container":"\#(container)""#
        case .pods(let metric), .external(let metric): body = #""metric":{"name":"\#(metric.name)"},\#(current)"#
        case .object(let metric, let object):
            let version = object.apiVersion.isEmpty ? "" : #","apiVersion":"\#(object.apiVersion)""#
            body =
                #""metric":{"name":"\#(metric.name)"},\#(current),"#
                + #""describedObject":{"kind":"\#(object.kind)","name":"\#(object.name)"\#(version)}"#
        }
        return #"{"type":"\#(type)",""# + type.prefix(1).lowercased() + type.dropFirst() + #"":{\#(body)}}"#
    }
}

/// The metrics of one recorded step. What it does not have is refused as the recorded metrics API refused it.
private struct RecordedMetrics: MetricsSource {
    let step: YAMLNode
    let now: SimulatedTime

    func resourceMetric(_ resource: ResourceName, container: String?) throws(ReplicaCalculationError) -> PodMetrics {
        try samples(
            step["resource"]?[resource.rawValue], age: 10, window: 30, refusal: "no metrics returned from resource metrics API")
    }

    func podsMetric(_ metric: MetricIdentifier) throws(ReplicaCalculationError) -> PodMetrics {
        try samples(step["podsMetric"]?[metric.name], age: 0, window: 60, refusal: "no metrics returned from custom metrics API")
    }

    func objectMetric(_ metric: MetricIdentifier, of object: CrossVersionObjectReference) throws(ReplicaCalculationError) -> Int64 {
        guard let value = step["objectMetric"]?[metric.name]?.scalarText.flatMap({ Int64($0) }) else {
            throw ReplicaCalculationError("no object metric")
        }
        return value
    }

    func externalMetric(_ metric: MetricIdentifier) throws(ReplicaCalculationError) -> [Int64] {
        let series = step["externalMetric"]?[metric.name]?.elements.compactMap { $0.scalarText.flatMap { Int64($0) } } ?? []
        if series.isEmpty { throw ReplicaCalculationError("no metrics returned from external metrics API") }
        return series
    }

    private func samples(
        _ node: YAMLNode?, age: Int, window: Int, refusal: String
    ) throws(ReplicaCalculationError) -> PodMetrics {
        guard let node, node.count > 0 else { throw ReplicaCalculationError(refusal) }
        var metrics = PodMetrics()
        for (pod, value) in node.entries {
            func field(_ key: String) -> Int? { value[key]?.scalarText.flatMap { Int($0) } }
            guard let milli = value.scalarText.flatMap({ Int($0) }) ?? field("milli") else { continue }
            metrics[pod] = PodMetricSample(
                milliValue: Int64(milli), timestamp: now - .seconds(field("agoSeconds") ?? age),
                window: .seconds(field("windowSeconds") ?? window))
        }
        return metrics
    }
}
