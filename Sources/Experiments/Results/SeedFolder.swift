// What the folder of a run is called after its seed.

import DiscreteEvents
import Foundation

/// `seed-7`, and `seed-7-mirrored` for its mirror image (``Replicates/antithetic``).
enum SeedFolder {
    private static let prefix = "seed-"
    private static let mirrored = "-mirrored"

    static func name(_ seed: UInt64) -> String {
        let isMirrored = seed & RandomStream.mirror != 0
        return prefix + String(seed & ~RandomStream.mirror) + (isMirrored ? mirrored : "")
    }

    /// The seed that a folder is called after; nil: it is none of a run.
    static func seed(of name: String) -> UInt64? {
        guard name.hasPrefix(prefix) else { return nil }
        let isMirrored = name.hasSuffix(mirrored)
        guard let seed = UInt64(name.dropFirst(prefix.count).dropLast(isMirrored ? mirrored.count : 0)), seed < RandomStream.mirror else {
            return nil
        }
        return seed | (isMirrored ? RandomStream.mirror : 0)
    }

    /// The seeds that have a folder below that of a policy, ascending.
    static func seeds(in folder: String) -> [UInt64] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap(seed).sorted()
    }
}
