// Label selectors; the recorded answers of Kubernetes are held by ConformanceTests.

import Testing

@testable import KubernetesAPI

@Suite struct SelectorTests {
    @Test("A canonical text reads back as itself", arguments: ["", "a", "!a", "a=b", "a!=b", "a in (b,c)", "a notin (b,c),d=e", "x<3,y>5"])
    func canonicalTextIsStable(_ canonical: String) throws {
        #expect(try Selector(text: canonical).description == canonical)
    }

    @Test func nothingMatchesNothing() {
        #expect(!Selector.nothing.matches([:]))
        #expect(Selector.everything.matches(["a": "b"]))
        #expect(Selector(matching: ["b": "2", "a": "1"]).description == "a=1,b=2")
    }
}
