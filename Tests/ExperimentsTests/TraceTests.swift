// The timeline that trace viewers open says of pods and nodes what the tables say.

import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import Experiments

@Suite("Timeline for trace viewers")
struct TraceTests {
    private func events(of path: String) throws -> (record: RunRecord, events: [[String: Any]]) {
        var scenario = try ScenarioFile.load(packageRoot + "/scenarios/" + path)
        scenario.configuration.recording.trace = true
        let outcome = try scenario.run()
        let folder = try TemporaryFolder()
        let files = try outcome.write(to: folder["results"])
        #expect(files.contains { $0.name == "trace.json" })
        let document = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder["results/trace.json"])))
        let events = try #require((document as? [String: Any])?["traceEvents"] as? [[String: Any]])
        return (outcome.record, events)
    }

    private func number(_ value: Any?) -> Double { (value as? NSNumber)?.doubleValue ?? .nan }

    /// What viewers ask of a track: a slice begins after the end of the last, or lies within it, to the last bit.
    private func overlaps(_ events: [[String: Any]]) -> [String] {
        var tracks: [String: [(begin: Double, end: Double, name: String)]] = [:]
        for event in events where event["ph"] as? String == "X" {
            let begin = number(event["ts"])
            let slice = (begin, begin + number(event["dur"]), event["name"] as? String ?? "")
            tracks["\(event["pid"] ?? 0)/\(event["tid"] ?? 0)", default: []].append(slice)
        }
        var overlaps: [String] = []
        for (track, slices) in tracks {
            var open: [(begin: Double, end: Double, name: String)] = []
            for slice in slices.sorted(by: { ($0.begin, -$0.end) < ($1.begin, -$1.end) }) {
                while let last = open.last, last.end <= slice.begin { open.removeLast() }
                if let last = open.last, last.end < slice.end { overlaps.append("\(track): \(slice.name) reaches beyond \(last.name)") }
                open.append(slice)
            }
        }
        return overlaps
    }

    /// Arrows that begin where no failure is told of, which viewers would not draw.
    private func strayArrows(_ events: [[String: Any]]) -> [String] {
        let failures = events.filter { $0["cat"] as? String == "failure" }
        return events.filter { $0["ph"] as? String == "s" }.compactMap { arrow in
            let time = number(arrow["ts"])
            let isHeld = failures.contains { slice in
                number(slice["pid"]) == number(arrow["pid"]) && number(slice["tid"]) == number(arrow["tid"]) && number(slice["ts"]) <= time
                    && time <= number(slice["ts"]) + number(slice["dur"])
            }
            return isHeld ? nil : "\(arrow)"
        }
    }

    @Test(
        "Slices of one track nest, those of failures and of conditions too, and arrows begin in failures",
        arguments: ["zone-outage", "tolerations", "node-churn", "zone-partition", "spot-reclamation", "rollout"])
    func nesting(name: String) throws {
        let events = try events(of: name + "/scenario.yaml").events
        #expect(overlaps(events).isEmpty)
        #expect(strayArrows(events).isEmpty)
        #expect(events.contains { $0["cat"] as? String == "failure" } && events.contains { $0["cat"] as? String == "condition" })
    }

    @Test("A failure of a node that is back while the rest of its zone is not is told beside the zone's, with its own arrows")
    func overlappingFailures() throws {
        // Both nodes of the zone are back after a minute, but for node-2, which another failure keeps down.
        let scenario =
            BrokenScenario.base.replacingOccurrences(of: "duration: 10m", with: "duration: 20m")
            + "  faults: [{at: 2m, zone: a, down: 1m}, {at: 2m30s, node: node-2}, {at: 4m, node: node-0}]\n"
        let web = webManifest.replacingOccurrences(of: "replicas: 3", with: "replicas: 8")
        var loaded = try ScenarioFile.load("scenario.yaml", files: [("scenario.yaml", scenario), ("web.yaml", web)])
        loaded.configuration.recording.trace = true
        let folder = try TemporaryFolder()
        try loaded.run().write(to: folder["run"])
        let document = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder["run/trace.json"])))
        let events = try #require((document as? [String: Any])?["traceEvents"] as? [[String: Any]])
        #expect(overlaps(events).isEmpty)
        func track(_ event: [String: Any]) -> [Double] { [number(event["pid"]), number(event["tid"])] }
        let named = events.filter { $0["name"] as? String == "thread_name" }.map(track)
        let moved = events.filter { $0["cat"] as? String == "failure" && number($0["tid"]) > 1 }
        #expect(moved.contains { number($0["ts"]) == 4 * 60e6 })
        #expect(moved.allSatisfy { named.contains(track($0)) })
        // The pods of node-0 are replaced because of its own failure.
        #expect(events.contains { $0["ph"] as? String == "s" && number($0["tid"]) > 1 && number($0["ts"]) == 4 * 60e6 })
        #expect(strayArrows(events).isEmpty)
    }

    @Test(
        "Every pod that had a node is a slice on it, and pods of one track come after each other",
        arguments: ["zone-outage/scenario.yaml", "memory-leak/scenario.yaml"])
    func slices(path: String) throws {
        let (record, events) = try events(of: path)
        let pods = events.filter { $0["cat"] as? String == "pod" }
        #expect(pods.count == record.pods.count { $0.node != nil })
        var nodes: [Int: String] = [:]
        for event in events where event["name"] as? String == "process_name" {
            nodes[Int(number(event["pid"]))] = (event["args"] as? [String: String])?["name"]
        }
        for (pod, event) in zip(record.pods.filter { $0.node != nil }, pods) {
            #expect(event["name"] as? String == pod.name.name)
            #expect(nodes[Int(number(event["pid"]))]?.hasPrefix(pod.node ?? "?") ?? false)
            let scheduled = try #require(pod.scheduled)
            #expect(abs(number(event["ts"]) - max(0, scheduled.sinceStart.seconds) * 1e6) <= 1)
        }
        // On a track a slice begins after the end of the last, or lies within it.
        var tracks: [String: [(begin: Double, end: Double)]] = [:]
        for event in events where event["ph"] as? String == "X" && event["cat"] as? String == "pod" {
            let begin = number(event["ts"])
            tracks["\(event["pid"] ?? 0)/\(event["tid"] ?? 0)", default: []].append((begin, begin + number(event["dur"])))
        }
        for slices in tracks.values {
            let sorted = slices.sorted { $0.begin < $1.begin }
            for (one, next) in zip(sorted, sorted.dropFirst()) { #expect(next.begin >= one.end - 0.01) }
        }
    }

    @Test("Arrows lead from a failure to pods of the same workloads that were made afterwards, each pod once")
    func arrows() throws {
        let (record, events) = try events(of: "zone-outage/scenario.yaml")
        let begins = events.filter { $0["ph"] as? String == "s" }
        let ends = events.filter { $0["ph"] as? String == "f" }
        #expect(begins.count == ends.count && begins.count == record.recoveries.reduce(0) { $0 + $1.evictedPods } && begins.count > 0)
        #expect(Set(ends.map { "\($0["pid"] ?? 0)/\($0["tid"] ?? 0)/\($0["ts"] ?? 0)" }).count == ends.count)
        for (begin, end) in zip(begins, ends) {
            #expect(begin["id"] as? Int == end["id"] as? Int)
            #expect(number(begin["ts"]) < number(end["ts"]))
            #expect(record.recoveries.contains { abs($0.failed.sinceStart.seconds * 1e6 - number(begin["ts"])) <= 1 })
        }
    }
}
