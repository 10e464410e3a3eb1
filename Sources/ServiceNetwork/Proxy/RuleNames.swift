// Names of the chains and sets in a node's packet filter: fixed-length digests of what they stand for.

import KubernetesAPI

enum RuleNames {
    /// The first characters of the base-32 text (RFC 4648) of a text's SHA-256 digest.
    static func digest(_ text: String, length: Int) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in Digest.sha256(text) where result.count < length {
            bits = (bits << 8 | UInt32(byte)) & 0xFFFF
            count += 8
            while count >= 5, result.count < length {
                count -= 5
                result.append(alphabet[Int(bits >> UInt32(count)) & 31])
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
