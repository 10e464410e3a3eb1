// Names the API server makes from metadata.generateName.

import DiscreteEvents

/// Prefix plus five characters, as Kubernetes draws them: no vowels, no look-alikes.
///
/// The n-th name of a prefix is the same in every run of a seed, whatever else happens: a pod's name names its random
/// numbers (design: randomness belongs to things), so its life is the same draw under every policy.
struct GeneratedNames: Sendable {
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
    private static let maximumPrefix = 58

    private let seed: UInt64
    private var drawn: [String: UInt64] = [:]

    init(seed: UInt64) { self.seed = seed }

    mutating func next(prefix: String, namespace: String) -> String {
        let base = String(prefix.prefix(GeneratedNames.maximumPrefix))
        let owner = namespace + "/" + base
        let number = drawn[owner, default: 0]
        drawn[owner] = number + 1
        // Eight numbers are set aside for each name, of which five are used.
        var stream = RandomStream(seed: seed, purpose: .objectNames, owner: owner)
        stream.index = number &* 8
        var name = Array(base.utf8)
        for _ in 0..<5 {
            name.append(GeneratedNames.alphabet[stream.uniform(below: GeneratedNames.alphabet.count)])
        }
        return String(decoding: name, as: UTF8.self)
    }
}

extension RandomPurpose {
    static let objectNames = RandomPurpose("object names")
}
