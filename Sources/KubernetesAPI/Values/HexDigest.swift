// SHA-256 as text: Kubernetes makes names of it (those of VolumeAttachments, for one), and recordings give long lists by it.

import Crypto

package enum HexDigest {
    /// The SHA-256 digest of a text's UTF-8, as 64 hexadecimal digits.
    package static func sha256(_ text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
