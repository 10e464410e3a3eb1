// The memoised path against the plain one: the same decisions over thousands of random steps, the random choices included.

import Testing

@Suite("Memoised path")
struct MemoisedPathTests {
    @Test("decides as the plain path, step by step", arguments: 0..<48 as Range<UInt64>)
    func agreesWithPlain(seed: UInt64) throws {
        // Small clusters are searched whole, one by one; large ones by sample (adaptive) or by index (all nodes).
        let nodes = [5, 60, 320, 400][Int(seed % 4)]
        var pair = try PathPair(
            seed: seed, nodes: nodes, percentage: seed % 8 < 4 ? 0 : 100, hasTopology: seed % 3 != 0, forgets: seed % 5 == 0)
        for _ in 0..<150 { pair.step() }
        // Two futures of one past, each with a memory of its own.
        var fork = pair
        for _ in 0..<25 { fork.step() }
        for _ in 0..<50 { pair.step() }
    }

    @Test("decides as the plain path in thousands of small clusters", arguments: 0..<20 as Range<UInt64>)
    func agreesInSmallClusters(part: UInt64) throws {
        for seed in (100 * part)..<(100 * part + 100) {
            var pair = try PathPair(
                seed: 1000 + seed, nodes: 2 + Int(seed % 9), percentage: 0, hasTopology: seed % 4 != 0, forgets: seed % 5 == 0)
            for _ in 0..<20 { pair.step() }
        }
    }

    @Test("pods that find a full cluster displace the same pods, whether dry runs are remembered or not")
    func preempts() throws {
        var preemptions = 0
        for seed in 0..<8 as Range<UInt64> {
            var pair = try PathPair(seed: seed, nodes: 12, percentage: 0, hasTopology: seed % 2 == 0)
            for _ in 0..<300 { pair.step() }
            preemptions += pair.preemptions
        }
        #expect(preemptions > 0)
    }
}
