// SHA-256, in which recordings give long lists of names.

import Crypto

extension SHA256 {
    /// The digest of a text's UTF-8, as 64 hexadecimal digits.
    static func hex(_ text: String) -> String {
        hash(data: Array(text.utf8)).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
