// The recorded answers of the real components' functions, table by table, through the same runner as `seatrial-conformance tables`.

import Foundation
import Testing

@testable import seatrial_conformance

@Suite("Recorded tables")
struct TableRecordingTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Recordings/tables").path

    @Test(
        "every case of a table is answered as recorded",
        arguments: [
            "quantity_parse", "quantity_math", "selector_string", "selector_object", "name_validation", "int_or_percent", "pod_qos",
            "pod_requests", "safe_encode", "deployment_step", "rs_delete_rank", "node_zone_state", "noexecute_toleration",
            "crashloop_backoff", "hpa_defaults", "hpa_single", "hpa_sequence", "quota_pod_usage", "limitrange_apply", "cron_next",
            "cron_dst", "cron_missed", "job_indexes", "daemonset_node", "endpointslice_pack", "api_errors",
            "iptables_probability", "proxy_endpoints", "kubeproxy_iptables", "kubeproxy_nftables",
        ])
    func table(name: String) throws {
        let result = try #require(try runTables([Self.folder + "/" + name + ".jsonl"]).first)
        #expect(result.total > 0)
        for failure in result.failures.prefix(3) {
            Issue.record("\(failure.name)\nexpected: \(failure.expected)\ngot: \(failure.got)")
        }
        #expect(result.passed == result.total)
    }

    @Test("of the API server's answers 140 are compared, 4 left to the API over HTTP")
    func leftOut() throws {
        let result = try #require(try runTables([Self.folder + "/api_errors.jsonl"]).first)
        #expect(result.total == 140)
        #expect(result.passed == 140)
        #expect(result.note == "4 left to the API over HTTP")
    }

    @Test("a table whose functions are not built counts as failed in every case")
    func notBuilt() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("unheard_of_\(UUID().uuidString).jsonl")
        try Data(#"{"id": "a", "in": {"x": 1}, "want": {"y": 2}}"#.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let result = try #require(try runTables([file.path]).first)
        #expect(result.passed == 0)
        #expect(result.total == 1)
    }
}
