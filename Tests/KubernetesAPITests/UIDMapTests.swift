// The map from UIDs against a dictionary.

import DiscreteEvents
import KubernetesAPI
import Testing

@Suite("A map from UIDs")
struct UIDMapTests {
    @Test("holds what a dictionary holds, whoever gave the UIDs")
    func agreesWithADictionary() {
        var stream = RandomStream(seed: 3, purpose: RandomPurpose("uid map"), owner: "")
        var map = UIDMap<Int>()
        var dictionary: [UID: Int] = [:]
        let far = (0..<20).map { UID(serial: 1 << 40 + UInt64($0)) }
        // Some of these lie ahead of the array at first and within its reach later.
        let ahead = (0..<20).map { UID(serial: 1_500_000 + UInt64($0)) } + [UID(serial: 700_000)]
        let foreign = (0..<20).map { UID("pod-\($0)") } + [UID("9f3c1a52-0d5e-4b7a-8c1d-2e3f4a5b6c7d")]
        let near = (1..<60).map { UID(serial: UInt64($0)) }
        let all = near + far + ahead + foreign
        for step in 0..<5000 {
            let uid = all[stream.uniform(below: all.count)]
            let value = stream.uniform(below: 3) == 0 ? nil : step
            map[uid] = value
            dictionary[uid] = value
            let other = all[stream.uniform(below: all.count)]
            #expect(map[other] == dictionary[other])
        }
        for uid in all { #expect(map[uid] == dictionary[uid]) }
    }
}
