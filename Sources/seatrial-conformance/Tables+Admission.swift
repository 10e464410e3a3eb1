// Tables of admission: what pods count for in quotas, and what LimitRanges do to them.

import APIServer
import DiscreteEvents
import KubernetesAPI

enum AdmissionTables {
    // MARK: quota_pod_usage

    static func quotaUsage(_ input: YAMLNode) throws -> Answer {
        guard let node = input["podSpec"] else { throw MalformedCase("no podSpec") }
        let now = SimulatedTime(seconds: 1_000_000_000)
        var pod = Pod(metadata: ObjectMeta(name: "p", namespace: "ns"), spec: Shared(try PodTables.spec(node)))
        pod.status.phase = PodPhase(rawValue: try input.text("phase")) ?? .pending
        if input["deletionTimestampAgoSeconds"] != nil {
            pod.metadata.deletionTimestamp = now - .seconds(try input.number("deletionTimestampAgoSeconds"))
        }
        if input["deletionGracePeriodSeconds"] != nil {
            pod.metadata.deletionGracePeriodSeconds = Int64(try input.number("deletionGracePeriodSeconds"))
        }
        return [("usage", PodTables.text(PodQuota.usage(of: pod, at: now)))]
    }

    // MARK: limitrange_apply

    static func limitRange(_ input: YAMLNode) throws -> Answer {
        let items = try input["limits"]?.elements.map { try $0.decoded(LimitRangeItem.self) } ?? []
        var spec = PodSpec(containers: try PodTables.containers(input["containers"]))
        spec.initContainers = try PodTables.containers(input["initContainers"])
        // The API server's own defaults come before the plugin's.
        spec.applyDefaults()
        let ranger = LimitRanger(items)
        let annotation = ranger.applyDefaults(to: &spec)
        var answer: Answer = [
            ("defaultedLimits", listText(items.map(text))), ("containers", listText(spec.containers.map(text))),
        ]
        if let first = spec.initContainers.first { answer.append(("initContainer", text(first))) }
        if let annotation { answer.append(("annotation", annotation)) }
        if let error = LimitRanger.message(ranger.violations(of: spec)) { answer.append(("error", error)) }
        return answer
    }

    private static func text(_ item: LimitRangeItem) -> String {
        lists(
            [
                ("min", item.min), ("max", item.max), ("default", item.defaultLimit), ("defaultRequest", item.defaultRequest),
                ("maxLimitRequestRatio", item.maxLimitRequestRatio),
            ], and: [("type", item.type.rawValue)])
    }

    private static func text(_ container: Container) -> String {
        lists([("requests", container.resources.requests), ("limits", container.resources.limits)])
    }

    /// Empty lists are left out.
    private static func lists(_ lists: [(String, ResourceList)], and others: [(String, String)] = []) -> String {
        mapText(others + lists.filter { !$0.1.isEmpty }.map { ($0.0, PodTables.text($0.1)) })
    }
}
