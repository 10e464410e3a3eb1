// The tables: one case a line, {"id", "in", "want"}; which function answers which table.

import Foundation
import KubernetesAPI

/// Our answer to one case: fields in the names of the recording, each as its text. Fields that are absent are left out.
typealias Answer = [(field: String, text: String)]

/// The table's functions by name. A table without one is counted as failed.
enum TableFunctions {
    static func function(_ table: String) -> ((YAMLNode) throws -> Answer)? {
        switch table {
        case "quantity_parse": ValueTables.quantityParse
        case "quantity_math": ValueTables.quantityMath
        case "selector_string": ValueTables.selectorString
        case "selector_object": ValueTables.selectorObject
        case "name_validation": ValueTables.nameValidation
        case "int_or_percent": ValueTables.intOrPercent
        case "safe_encode": ValueTables.safeEncode
        case "pod_qos": PodTables.qualityOfService
        case "pod_requests": PodTables.requests
        case "deployment_step": ControllerTables.deploymentStep
        case "rs_delete_rank": ControllerTables.deletionRank
        case "node_zone_state": ControllerTables.zoneState
        case "crashloop_backoff": ControllerTables.crashBackoff
        case "noexecute_toleration": ControllerTables.toleration
        case "hpa_defaults": AutoscalingTables.defaults
        case "hpa_single", "hpa_sequence": AutoscalingTables.steps
        case "quota_pod_usage": AdmissionTables.quotaUsage
        case "limitrange_apply": AdmissionTables.limitRange
        case "cron_next": CronTables.next
        case "cron_dst": CronTables.nextAcrossClockChange
        case "cron_missed": CronTables.missed
        case "job_indexes": WorkloadTables.jobIndexes
        case "daemonset_node": WorkloadTables.daemonSetNode
        case "endpointslice_pack": WorkloadTables.packSlices
        case "kubelet_eviction_rank": NodeTables.evictionRank
        case "api_errors": APITables.answer
        case "iptables_probability": ProxyTables.probabilities
        case "proxy_endpoints": ProxyTables.endpoints
        case "kubeproxy_iptables": ProxyTables.iptables
        case "kubeproxy_nftables": ProxyTables.nftables
        default: nil
        }
    }

    /// The fields of a table that are compared; nil: all.
    static func comparedFields(_ table: String) -> [String]? {
        // What is stored after a success is the affair of other tables.
        table == "api_errors" ? ["code", "reason", "message", "causes"] : nil
    }

    /// A recorded value in the form in which our answers are given.
    static func recordedText(_ value: YAMLNode, _ table: String) -> String {
        switch table {
        case "api_errors": APITables.normalised(value.comparisonText)
        case "kubeproxy_iptables": ProxyTables.canonicalIptables(value.elements.compactMap(\.scalarText))
        case "kubeproxy_nftables": ProxyTables.canonicalNftables(value.elements.compactMap(\.scalarText))
        default: value.comparisonText
        }
    }
}

/// A case that is not in the format of its table.
struct MalformedCase: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = "malformed case: " + description }
}

/// Runs the tables found at `paths` (files, or folders of `.jsonl` files).
/// - Parameter show: the id of one case; only that one is run then.
func runTables(_ paths: [String], show: String? = nil) throws -> [FamilyResult] {
    var results: [FamilyResult] = []
    for file in try recordings(at: paths) {
        let url = URL(fileURLWithPath: file)
        let table = url.deletingPathExtension().lastPathComponent
        let function = TableFunctions.function(table)
        var result = FamilyResult(family: table, note: function == nil ? "not built" : "")
        var leftOut: [String: Int] = [:]
        let bytes = try recordedBytes(file)
        for document in try YAMLFile.parse(bytes, name: file).documents {
            let id = document["id"]?.scalarText ?? "line \(document.line)"
            if let show, show != id { continue }
            switch outcome(of: id, document, function, of: table) {
            case .agreed: result.count(nil)
            case .differs(let failure): result.count(failure)
            case .leftOut(let what): leftOut[what, default: 0] += 1
            }
        }
        for (what, count) in leftOut.sorted(by: { $0.key < $1.key }) {
            result.note += (result.note.isEmpty ? "" : "; ") + "\(count) \(what)"
        }
        if show == nil, result.total == 0, leftOut.isEmpty { throw RecordingError.empty(file) }
        if result.total > 0 || !leftOut.isEmpty { results.append(result) }
    }
    return results
}

private enum Outcome {
    case agreed
    case differs(FamilyResult.Failure)
    /// What the case is about that is not built.
    case leftOut(String)
}

/// Compares field by field.
private func outcome(
    of id: String, _ document: YAMLNode, _ function: ((YAMLNode) throws -> Answer)?, of table: String
) -> Outcome {
    guard let input = document["in"], let want = document["want"] else {
        return .differs(FamilyResult.Failure(name: id, expected: "in and want", got: "a line without them"))
    }
    var expected: [String] = []
    let compared = TableFunctions.comparedFields(table)
    for (key, value) in want.entries where !value.isNull && compared?.contains(key) ?? true {
        expected.append(key + "=" + TableFunctions.recordedText(value, table))
    }
    // A recording of steps is a list; its fields are the steps.
    for (index, step) in want.elements.enumerated() { expected.append("step \(index)=" + step.comparisonText) }
    expected.sort()
    var got: [String]
    do {
        got = try function?(input).map { $0.field + "=" + $0.text } ?? ["(not built)"]
        // Left out of the recording where it was too large.
        if want["milliValue"] == nil { got.removeAll { $0.hasPrefix("milliValue=") } }
        got.sort()
    } catch let error as CaseLeftOut {
        return .leftOut(error.what)
    } catch let error as MalformedCase {
        got = [error.description]
    } catch {
        got = ["error=\(error)"]
    }
    if expected == got { return .agreed }
    return .differs(FamilyResult.Failure(name: id, expected: expected.joined(separator: " "), got: got.joined(separator: " ")))
}

extension YAMLNode {
    /// The node as a text that does not depend on the order of keys.
    var comparisonText: String {
        switch kind {
        case .scalar: return scalarText ?? ""
        case .sequence: return "[" + elements.map(\.comparisonText).joined(separator: ",") + "]"
        case .mapping:
            return "{" + entries.map { $0.key + ":" + $0.value.comparisonText }.sorted().joined(separator: ",") + "}"
        }
    }

    func text(_ key: String) throws -> String {
        guard let text = self[key]?.scalarText else { throw MalformedCase("no \(key)") }
        return text
    }

    func number(_ key: String) throws -> Int {
        guard let number = Int(try text(key)) else { throw MalformedCase("\(key) is no number") }
        return number
    }

    /// The decoded value of an entry; an absent one is nil.
    func decoded<Value: YAMLDecodable>(_ key: String, _ type: Value.Type = Value.self) throws -> Value? {
        guard let node = self[key], !node.isNull else { return nil }
        return try node.decoded(type)
    }

    func decoded<Value: YAMLDecodable>(_ type: Value.Type = Value.self) throws -> Value {
        var context = DecodingContext()
        let value = context.object(self, as: type)
        if let problem = context.diagnostics.first(where: { $0.severity == .error }) { throw MalformedCase(problem.description) }
        guard let value else { throw MalformedCase("nothing at line \(line)") }
        return value
    }
}

/// A list in the form of `comparisonText`.
func listText(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

/// A map in the form of `comparisonText`.
func mapText(_ items: [(String, String)]) -> String { "{" + items.map { $0.0 + ":" + $0.1 }.sorted().joined(separator: ",") + "}" }
