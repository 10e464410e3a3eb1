// What a person wants to know after a run: the cluster, what happened in order, who still waits and why, what held.

import APIServer
import ClusterSimulation
import DiscreteEvents
import KubernetesAPI

/// The summary printed after a run.
public struct RunReport: CustomStringConvertible {
    private let outcome: RunOutcome
    private var record: RunRecord { outcome.record }

    /// Lines of what happened; more are only counted.
    private static let maximumHappenings = 40
    /// With more failures than this, only operator actions are told one by one, and the slowest recoveries listed.
    private static let maximumFailures = 8
    private static let slowestShown = 5
    private static let maximumReasons = 5

    public init(_ outcome: RunOutcome) { self.outcome = outcome }

    public var description: String {
        [header, happenings, recoveries, requests, pods, waiting, problems, expectations].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    // MARK: Sections

    private var requests: String { record.traffic.map { TrafficReport(traffic: $0).description } ?? "" }

    private var header: String {
        let scenario = outcome.scenario
        var text =
            "\(scenario.name) · policy \(scenario.policy) · seed \(SeedText.text(scenario.configuration.seed)) · \(scenario.duration.text) of cluster time\n"
        if !scenario.summary.isEmpty { text += scenario.summary + "\n" }
        text += "\n" + cluster
        return text
    }

    private var cluster: String {
        var zones: [String] = []
        for node in record.nodes where !node.zone.isEmpty && !zones.contains(node.zone) { zones.append(node.zone) }
        var text = "Cluster    " + Presentation.count(record.nodes.count, "node")
        if !zones.isEmpty {
            text +=
                " in " + Presentation.count(zones.count, "zone") + " (" + zones.sorted().prefix(8).joined(separator: ", ")
                + (zones.count > 8 ? ", ..." : "") + ")"
        }
        if let last = record.samples.last {
            for resource in last.resources.prefix(2) {
                text +=
                    ", \(resource.name) \(Presentation.percent(resource.allocatable > 0 ? resource.requested / resource.allocatable : 0)) requested"
            }
            text += " in the end"
        }
        return text + "\n" + demand
    }

    /// Says of which points of demand there is no figure, for want of demand.
    private var demand: String {
        record.allocations.map { curve in
            let missing = curve.measure.points.filter { curve.allocated(atPercent: $0) == nil }
            if missing.isEmpty { return "" }
            let points = missing.map { String($0) }.joined(separator: ", ")
            return "Demand     \(curve.measure.resource) asked for came to \(Presentation.number(curve.reached)) % of what there is: "
                + "no arrival brought it to \(points) %, where the allocation was to be measured\n"
        }.joined()
    }

    private struct Happening {
        var time: SimulatedTime
        var text: String
    }

    /// Faults, operator actions, recoveries and turning points, in order of time.
    private var happenings: String {
        var list: [Happening] = []
        for operation in record.operations where !operation.isRoutine || operation.refusal != nil {
            let refusal = operation.refusal.map { ": REFUSED, " + $0 } ?? ""
            list.append(Happening(time: operation.time, text: operation.description + (operation.ended == nil ? refusal : "")))
            if let ended = operation.ended {
                list.append(Happening(time: ended, text: operation.description + (refusal.isEmpty ? ": done" : refusal)))
            }
        }
        if record.recoveries.count <= RunReport.maximumFailures {
            for failure in record.recoveries { list += failure.story.map { Happening(time: $0.time, text: $0.text) } }
        }
        list += turningPoints
        if list.isEmpty { return "" }
        // Stable: what happens at one time stays in the order of the phases.
        let order = list.indices.sorted { (list[$0].time, $0) < (list[$1].time, $1) }
        var text = "What happened\n"
        for index in order.prefix(RunReport.maximumHappenings) { text += "  \(list[index].time.clock)  \(list[index].text)\n" }
        if list.count > RunReport.maximumHappenings {
            text += "  ... and \(list.count - RunReport.maximumHappenings) more: see recoveries.csv and events.csv\n"
        }
        return text
    }

    /// Where workloads took a turn that nobody told them to: rollouts given up, jobs failed, autoscalers' steps.
    private var turningPoints: [Happening] {
        let stalled = record.conditions.filter { $0.condition.type == .progressing && $0.condition.status == .false }.map {
            Happening(time: $0.time, text: "\($0.object): Progressing is False, \($0.condition.reason)")
        }
        let failed = record.conditions.filter { $0.condition.type == .failed && $0.condition.status == .true }.map {
            Happening(time: $0.time, text: "\($0.object): Failed, \($0.condition.reason)")
        }
        let rescaled = record.events.filter { $0.event.value.reason == "SuccessfulRescale" }.map {
            Happening(time: $0.time, text: "\($0.event.value.involvedKind) \($0.event.value.involved): \($0.event.value.messageAlone)")
        }
        return stalled + failed + rescaled
    }

    /// How long each phase of each failure took.
    private var recoveries: String {
        if record.recoveries.isEmpty { return "" }
        func after(_ time: SimulatedTime?, _ failure: RecoveryRecord) -> String { time.map { "+" + ($0 - failure.failed).text } ?? "-" }
        func took(_ failure: RecoveryRecord) -> Double { failure.recovered.map { ($0 - failure.failed).seconds } ?? .infinity }
        var shown = Array(record.recoveries.indices)
        var text = ""
        if shown.count > RunReport.maximumFailures {
            text = spread + "The slowest:\n"
            shown.sort { (-took(record.recoveries[$0]), $0) < (-took(record.recoveries[$1]), $1) }
            shown = Array(shown.prefix(RunReport.slowestShown))
        }
        var rows = [["Recovery from", "failed", "detected", "evicted", "replaced", "recovered", "pods"]]
        for failure in shown.map({ record.recoveries[$0] }) {
            rows.append([
                "  " + failure.subject, failure.failed.sinceStart.text, failure.detectionText, after(failure.evicted, failure),
                after(failure.replaced, failure), after(failure.recovered, failure), "\(failure.evictedPods)/\(failure.affectedPods)",
            ])
        }
        return text + Presentation.table(rows)
    }

    /// Many failures in two lines.
    private var spread: String {
        let failures = record.recoveries
        func figures(_ moment: KeyPath<RecoveryRecord, SimulatedTime?>) -> String {
            let times = failures.compactMap { failure in failure[keyPath: moment].map { ($0 - failure.failed).seconds } }
            guard let half = RunSummary.statistic(.p50, of: times), let longest = times.max() else { return "never" }
            return "half within \(SimulatedDuration(seconds: half).text), longest \(SimulatedDuration(seconds: longest).text)"
        }
        let lost = failures.count { $0.recovered == nil }
        return "\(Presentation.count(failures.count, "failure")): detected " + figures(\.detected) + "; recovered " + figures(\.recovered)
            + (lost > 0 ? "; \(lost) not recovered by the end" : "") + ". All are in recoveries.csv. "
    }

    private var pods: String {
        let summary = outcome.summary
        func figure(_ name: String, _ text: (Double) -> String) -> String { summary[name].map(text) ?? "-" }
        func time(_ name: String) -> String { figure(name) { SimulatedDuration(seconds: $0).text } }
        func number(_ name: String) -> String { figure(name) { Presentation.number($0) } }
        let restored = Int(summary["pods_from_snapshot"] ?? 0)
        // What a controller has replaced is no damage.
        let replaced = record.pods.count { $0.phase == .failed && !$0.owner.isEmpty && $0.deletionRequested != nil }
        let start =
            summary["pod_start_p50"] == nil
            ? "no pod became ready"
            : "created to ready: half within \(time("pod_start_p50")), 99 % within \(time("pod_start_p99")), longest \(time("pod_start_maximum"))"
        var rows = [
            [
                "Pods",
                (restored > 0 ? "\(restored) from the snapshot, " : "")
                    + "\(number("pods_created")) created, \(number("pods_scheduled")) scheduled, \(number("pods_succeeded")) succeeded, "
                    + "\(number("pods_failed")) failed"
                    + (replaced > 0 ? " (\(replaced) of them deleted or evicted, for their controllers to replace)" : "")
                    + (summary["pods_preempted"].map { $0 > 0 } == true ? ", \(number("pods_preempted")) preempted" : "")
                    + ", \(Presentation.count(Int(summary["restarts"] ?? 0), "restart"))",
            ],
            ["Start", start],
        ]
        var shares: [String] = []
        for metric in summary.metrics where metric.name.hasPrefix("utilisation_") {
            guard let share = metric.value else { continue }
            let resource = metric.name.dropFirst("utilisation_".count).dropLast("_mean".count)
            let imbalance = summary["imbalance_\(resource)_mean"].map { ", imbalance " + Presentation.number($0) } ?? ""
            shares.append("\(resource) \(Presentation.percent(share))\(imbalance)")
        }
        if !shares.isEmpty { rows.append(["Use", shares.prefix(4).joined(separator: "; ")]) }
        return rows.map { $0[0].padding(toLength: 11, withPad: " ", startingAt: 0) + $0[1] }.joined(separator: "\n") + "\n"
    }

    /// Pods pending in the end, by reason.
    private var waiting: String {
        var reasons: [(text: String, count: Int)] = []
        var places: [String: Int] = [:]
        var total = 0
        for pod in record.pods where pod.phase == .pending && pod.deleted == nil {
            total += 1
            let reason = pod.reason.isEmpty ? (pod.node == nil ? "not tried yet" : "starting") : pod.reason
            if let place = places[reason] {
                reasons[place].count += 1
            } else {
                places[reason] = reasons.count
                reasons.append((reason, 1))
            }
        }
        if total == 0 { return "Pending    none in the end\n" }
        var text = "Pending    \(Presentation.count(total, "pod")) in the end\n"
        let order = reasons.indices.sorted { (-reasons[$0].count, $0) < (-reasons[$1].count, $1) }
        for index in order.prefix(RunReport.maximumReasons) { text += "  \(reasons[index].count) x \(reasons[index].text)\n" }
        if reasons.count > RunReport.maximumReasons {
            text += "  ... and \(reasons.count - RunReport.maximumReasons) other reasons: see pods.csv\n"
        }
        return text
    }

    /// What Kubernetes warned of, by reason; nodes that are not ready are told of above.
    private var problems: String {
        var reasons: [(text: String, count: Int, example: String)] = []
        var places: [String: Int] = [:]
        for (_, shared) in record.events where shared.value.severity == .warning && shared.value.reason != "NodeNotReady" {
            let event = shared.value
            if let place = places[event.reason] {
                reasons[place].count += 1
            } else {
                places[event.reason] = reasons.count
                reasons.append((event.reason, 1, "\(event.involvedKind) \(event.involved): \(event.message)"))
            }
        }
        if reasons.isEmpty { return "" }
        var text = "Problems\n"
        let order = reasons.indices.sorted { (-reasons[$0].count, $0) < (-reasons[$1].count, $1) }
        for index in order.prefix(RunReport.maximumReasons) {
            text += "  \(reasons[index].count) x \(reasons[index].text), for example \(reasons[index].example)\n"
        }
        if reasons.count > RunReport.maximumReasons {
            text += "  ... and \(reasons.count - RunReport.maximumReasons) other reasons: see events.csv\n"
        }
        return text
    }

    private var expectations: String {
        if outcome.expectations.isEmpty { return "" }
        var text = "Expectations\n"
        for result in outcome.expectations {
            text += "  \(result.holds ? "✓" : "✗") \(result.expectation): \(result.holds ? "" : "observed ")\(result.observed)\n"
        }
        return text
    }

    /// The expectations that failed, expected beside observed, for those who only see errors.
    public var failures: [String] {
        outcome.expectations.filter { !$0.holds }.map { result in
            let place = result.expectation.position.isEmpty ? "" : result.expectation.position + ": "
            return "\(place)expected \(result.expectation), observed \(result.observed)"
        }
    }
}

extension KubernetesEvent {
    /// The message without the note that similar events were merged into this one.
    fileprivate var messageAlone: Substring {
        let note = EventCorrelator.mergedPrefix
        return message.hasPrefix(note) ? message.dropFirst(note.count) : message[...]
    }
}
