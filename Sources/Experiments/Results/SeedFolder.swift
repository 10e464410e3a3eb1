// How seeds are written: those of mirror images, which count on from 2^63, as the seed they mirror with a mark.

import DiscreteEvents
import Foundation

/// `7`, and `7-mirrored` for its mirror image (``Replicates/antithetic``): in reports, tables, folders and on the command line.
public enum SeedText {
    private static let mirrored = "-mirrored"

    static func text(_ seed: UInt64) -> String {
        String(seed & ~RandomStream.mirror) + (seed & RandomStream.mirror != 0 ? mirrored : "")
    }

    /// The seed that is written so; nil: none is.
    public static func seed(of text: String) -> UInt64? {
        guard text.hasSuffix(mirrored) else { return UInt64(text).flatMap { $0 < RandomStream.mirror ? $0 : nil } }
        return UInt64(text.dropLast(mirrored.count)).flatMap { $0 < RandomStream.mirror ? $0 | RandomStream.mirror : nil }
    }
}

/// What the folder of a run is called: `seed-7`, and `seed-7-mirrored`.
enum SeedFolder {
    private static let prefix = "seed-"

    static func name(_ seed: UInt64) -> String { prefix + SeedText.text(seed) }

    /// The seed that a folder is called after; nil: it is none of a run.
    static func seed(of name: String) -> UInt64? {
        name.hasPrefix(prefix) ? SeedText.seed(of: String(name.dropFirst(prefix.count))) : nil
    }

    /// The seeds that have a folder below that of a policy, ascending.
    static func seeds(in folder: String) -> [UInt64] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap(seed).sorted()
    }
}
