// Manifests that a real API server took: nothing in them may be refused.

import Foundation
import Testing

@testable import KubernetesAPI

@Suite("Manifests that a real API server took")
struct RecordedManifestTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Recordings/timelines")
    /// Of the others some objects were refused on purpose.
    private static let kinds = ["cron-", "deploy-", "ds-", "hpa-", "job-", "node-", "pdb-", "rolling-", "sts-", "zone-"]

    private static let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { name in name.hasSuffix(".yaml") && kinds.contains { name.hasPrefix($0) } }.sorted()

    @Test("every object is read without an error", arguments: files)
    func isTaken(file: String) throws {
        var loader = ManifestLoader()
        let result = loader.load(Array(try Data(contentsOf: Self.folder.appendingPathComponent(file))), file: file)
        #expect(!result.objects.isEmpty)
        #expect(result.diagnostics.filter { $0.severity == .error }.map(\.description) == [])
    }

    @Test("there are StatefulSets among them whose pods mount their claims")
    func claimsAreMounted() throws {
        let text = try String(contentsOf: Self.folder.appendingPathComponent("sts-pvc-retain.yaml"), encoding: .utf8)
        #expect(text.contains("volumeMounts") && text.contains("volumeClaimTemplates"))
    }
}
