// Names, percentages, hashes, label maps, resource lists and times.

import Testing

@testable import KubernetesAPI

@Suite struct ValueTests {
    @Test func survivesAbsurdPercentages() throws {
        #expect(try IntOrString.percent(.max).scaled(total: .max, roundUp: true) == .min)
        let error = #expect(throws: IntOrStringError.self) {
            try IntOrString.string("99999999999999999999%").scaled(total: 1, roundUp: true)
        }
        #expect(error?.description.hasSuffix("value out of range") == true)
    }

    @Test(arguments: [("0%", 0), ("7%", 1), ("25%", 3), ("100%", 10), ("0250%", 25), ("1000%", 100), ("-10%", -1), ("+10%", 1)])
    func takesPercentagesOfAnyLength(_ text: String, _ expected: Int) throws {
        #expect(try IntOrString.string(text).scaled(total: 10, roundUp: true) == expected)
    }

    @Test(arguments: ["%", "x%", "2x%", "2 5%", "25"])
    func refusesWhatIsNoPercentage(_ text: String) {
        #expect(throws: IntOrStringError.self) { try IntOrString.string(text).scaled(total: 10, roundUp: true) }
    }

    @Test func labelsAreComparedWithoutAKeyAsIfItWereRemoved() {
        let some: [Labels] = [
            [:], ["hash": "1"], ["hash": "2"], ["a": "1"], ["a": "1", "hash": "1"], ["a": "2", "hash": "1"],
            ["a": "1", "hash": "3", "z": "1"], ["a": "1", "z": "1"], ["z": "1"],
        ]
        for left in some {
            for right in some {
                #expect(left.equals(right, ignoring: "hash") == (left.removing("hash") == right.removing("hash")))
            }
        }
    }

    @Test func hashesKnownTexts() {
        #expect(FNV.hash32a("foobar".utf8) == 0xBF9C_F968)
    }

    @Test func labelsStayInOrderAndCopyOnWrite() {
        var labels: Labels = ["b": "2", "a": "1", "c": "3", "a": "0"]
        let copy = labels
        labels["b"] = nil
        labels["aa"] = "x"
        labels.merge(["c": "4", "0": "z"])
        #expect(labels.description == "0=z,a=0,aa=x,c=4")
        #expect(copy.description == "a=0,b=2,c=3")
        #expect(copy.has("b") && !labels.has("b"))
    }

    @Test func resourceListsAddAndTakeMaxima() {
        let a: ResourceList = [.cpu: Quantity(milli: 500), .memory: Quantity(bytes: 1 << 30)]
        let b: ResourceList = [.cpu: Quantity(1), "nvidia.com/gpu": Quantity(2)]
        #expect((a + b).description == "cpu=1500m,memory=1Gi,nvidia.com/gpu=2")
        #expect(a.maximum(b).description == "cpu=1,memory=1Gi,nvidia.com/gpu=2")
        #expect(a + b == b + a)
    }

    @Test func resourceNamesKnowTheirKind() {
        #expect(ResourceName("nvidia.com/gpu").isExtended)
        #expect(!ResourceName.cpu.isExtended)
        #expect(!ResourceName("kubernetes.io/batch").isExtended)
        #expect(!ResourceName("requests.example.com/x").isExtended)
        #expect(ResourceName("hugepages-2Mi").isHugePages)
    }

    @Test func readsAndWritesTimes() {
        #expect(RFC3339.nanoseconds("1970-01-01T00:00:00Z") == 0)
        #expect(RFC3339.nanoseconds("2024-02-29T12:34:56.789+02:00") == 1_709_202_896_789_000_000)
        #expect(RFC3339.nanoseconds("2023-02-29T12:34:56Z") == nil)
        #expect(RFC3339.nanoseconds("2024-01-01 00:00:00Z") == nil)
        var random = TestGenerator(state: 3)
        for _ in 0..<1000 {
            let time = Int64.random(in: -9_000_000_000...9_000_000_000, using: &random) * 1_000_000_000 + 123_456_000
            #expect(RFC3339.nanoseconds(RFC3339.text(time, fractionDigits: 6)) == time)
        }
    }
}
