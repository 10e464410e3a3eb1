// Which texts are names of images.

import KubernetesAPI
import Testing

@testable import NodeAgent

@Suite("Names of images")
struct ImageNameTests {
    private static let sum = String(repeating: "0123456789abcdef", count: 4)

    @Test(arguments: [
        "app", "shop/app:1", "a/b.c-d__e---f/g_h", "localhost/app", "localhost:5000/app", "[::1]:5000/app:v1", "registry.k8s.io/pause:3.10",
        "Host/app", "ghcr.io/org/app:Tag_1.2-3", "app@sha256:\(sum)", "quay.io/a/b:1@sha256:\(sum)",
        "app:\(String(repeating: "a", count: 128))",
    ])
    func `these are names`(_ name: String) { #expect(ImageReference.problem(of: name) == nil) }

    @Test(arguments: [
        ("shop/App", "repository name (shop/App) must be lowercase"),
        ("docker.io/App", "repository name (library/App) must be lowercase"),
        ("quay.io/App:1", "repository name (App) must be lowercase"), (":1", ""), ("app:", ""), ("app:1:2", ""), ("a//b", ""), ("a/", ""),
        ("/a", ""), ("a..b", ""), ("a___b", ""), ("a._b", ""), ("-a", ""), ("a-", ""), ("https://quay.io/app", ""), ("a b", ""),
        ("host.:80x/a", ""), ("-host.io/a", ""), ("app:\(String(repeating: "a", count: 129))", ""), ("app@sha256:12", ""),
        ("app@\(sum)", ""),
    ])
    func `these are not, for want of form`(_ name: String, _ reason: String) {
        #expect(ImageReference.problem(of: name) == "invalid reference format" + (reason.isEmpty ? "" : ": " + reason))
    }

    @Test func `sums, lengths and bare digests are checked`() {
        let sum = ImageNameTests.sum
        #expect(ImageReference.problem(of: sum) == "invalid repository name (\(sum)), cannot specify 64-byte hexadecimal strings")
        #expect(ImageReference.problem(of: "app@md5:" + sum) == "unsupported digest algorithm")
        #expect(ImageReference.problem(of: "app@sha256:" + sum.dropLast()) == "invalid checksum digest length")
        #expect(ImageReference.problem(of: "app@sha256:" + sum.uppercased()) == "invalid checksum digest format")
        #expect(ImageReference.problem(of: String(repeating: "a", count: 256)) == "repository name must not be more than 255 characters")
        #expect(ImageReference.problem(of: String(repeating: "a", count: 255)) == nil)
    }
}
