// The count of a budget's pods over random changes, against a count from scratch.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite("What a budget counts of its pods")
struct BudgetTallyTests {
    private static func pod(_ index: Int, _ stream: inout RandomStream) -> Shared<Pod> {
        let owner = Int(stream.next() % 4)
        let owners =
            owner == 0
            ? []
            : [
                OwnerReference(
                    apiVersion: "apps/v1", kind: "ReplicaSet", name: "rs\(owner)", uid: UID(serial: UInt64(owner)), controller: true)
            ]
        var pod = Make.pod("p\(index)", owners: owners)
        if stream.next() % 2 == 0 { pod.status.conditions.set(Condition(.ready, .true)) }
        if stream.next() % 4 == 0 { pod.metadata.deletionTimestamp = SimulatedTime.zero }
        return Shared(pod)
    }

    private static func shares(_ tally: BudgetTally) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: tally.shares.map { ($0.owner.name, $0.count) })
    }

    @Test("pods that come, change and go leave the count that counting them all gives")
    func incremental() {
        var stream = RandomStream(seed: 3, purpose: RandomPurpose("tally"), owner: UInt64(0))
        var pods: [Shared<Pod>?] = Array(repeating: nil, count: 40)
        var tally = BudgetTally()
        var healthyAtMost = 0
        for _ in 0..<2_000 {
            let index = Int(stream.next() % 40)
            if let old = pods[index] { tally.count(old, by: -1) }
            pods[index] = stream.next() % 4 == 0 ? nil : Self.pod(index, &stream)
            if let new = pods[index] { tally.count(new, by: 1) }
            let plain = BudgetTally(pods.compactMap { $0 })
            #expect(tally.total == plain.total && tally.healthy == plain.healthy && tally.unmanaged == plain.unmanaged)
            #expect(Self.shares(tally) == Self.shares(plain))
            healthyAtMost = max(healthyAtMost, tally.healthy)
        }
        #expect(healthyAtMost > 3)
    }
}
