// SHA-256: Kubernetes makes names of it (of VolumeAttachments and of kube-proxy's chains), and recordings give long lists by it.

import CCrypto

package enum Digest {
    /// The SHA-256 digest of a text's UTF-8: 32 bytes.
    package static func sha256(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        return [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { buffer, count in
            _ = SHA256(bytes, bytes.count, buffer.baseAddress)
            count = Int(SHA256_DIGEST_LENGTH)
        }
    }

    /// The same as 64 hexadecimal digits.
    package static func hexSHA256(_ text: String) -> String {
        sha256(text).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
