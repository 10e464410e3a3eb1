// Which texts are names of images: the grammar of the library that the kubelet and container runtimes read them with.
// <https://pkg.go.dev/github.com/distribution/reference>

import KubernetesAPI

extension ImageReference {
    private typealias Text = Substring.UTF8View

    /// Why a text is no name of an image, in the library's words; nil if it is one. Asked for at every start of a container: it looks
    /// at bytes, and makes no text where nothing is wrong.
    package static func problem(of image: String) -> String? {
        if isPlain(image) { return nil }
        let text = image[...].utf8
        if text.count == 64, text.allSatisfy(isHexDigit) {
            return "invalid repository name (\(image)), cannot specify 64-byte hexadecimal strings"
        }
        let (host, rest) = split(text)
        // Up to the first colon, whatever follows: the digest of a name without a tag is looked at as well.
        let repository = rest[..<(rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex)]
        if repository.contains(where: { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) {
            let isHub = host.map { $0.elementsEqual("docker.io".utf8) || $0.elementsEqual("index.docker.io".utf8) } ?? true
            let isBare = isHub && !repository.contains(UInt8(ascii: "/"))
            return "invalid reference format: repository name (\(isBare ? "library/" : "")\(Substring(repository))) must be lowercase"
        }
        let digest = rest.firstIndex(of: UInt8(ascii: "@")).map { rest[rest.index(after: $0)...] }
        let named = rest[..<(digest.map { rest.index(before: $0.startIndex) } ?? rest.endIndex)]
        let colon = named.firstIndex(of: UInt8(ascii: ":"))
        let tag = colon.map { named[named.index(after: $0)...] }
        let path = named[..<(colon ?? named.endIndex)]
        guard host.map(isHost) ?? true, isPath(path), tag.map(isTag) ?? true, digest.map(isDigest) ?? true else {
            return "invalid reference format"
        }
        if path.count > 255 { return "repository name must not be more than 255 characters" }
        return digest.flatMap(problem(ofDigest:))
    }

    /// Whether a name is of the simplest form, which nearly all are and which is right whatever its parts mean: small letters and digits
    /// with single separators between them, a colon only before the tag, shorter than a digest.
    private static func isPlain(_ image: String) -> Bool {
        guard image.utf8.count < 64 else { return false }
        var followsSeparator = true
        var hasTag = false
        for byte in image.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                followsSeparator = false
                continue
            case UInt8(ascii: "."), UInt8(ascii: "-"): break
            case UInt8(ascii: "/"): if hasTag { return false }
            case UInt8(ascii: ":"):
                if hasTag { return false }
                hasTag = true
            default: return false
            }
            if followsSeparator { return false }
            followsSeparator = true
        }
        return !followsSeparator
    }

    /// The registry's host, if one is named, and the rest. The first part is a host if it looks like none of Docker Hub's repositories.
    private static func split(_ text: Text) -> (host: Text?, rest: Text) {
        guard let slash = text.firstIndex(of: UInt8(ascii: "/")) else { return (nil, text) }
        let first = text[..<slash]
        let isHost =
            first.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
            || first.elementsEqual("localhost".utf8)
        return isHost ? (first, text[text.index(after: slash)...]) : (nil, text)
    }

    // MARK: Parts

    /// Names joined by dots, or an IPv6 address in brackets; a port may follow.
    private static func isHost(_ host: Text) -> Bool {
        var name = host
        if let colon = host.lastIndex(of: UInt8(ascii: ":")), host.last != UInt8(ascii: "]") {
            let port = host[host.index(after: colon)...]
            guard !port.isEmpty, port.allSatisfy(isDigit) else { return false }
            name = host[..<colon]
        }
        if name.first == UInt8(ascii: "["), name.last == UInt8(ascii: "]") {
            let address = name.dropFirst().dropLast()
            return !address.isEmpty && address.allSatisfy { isHexDigit($0 | 0x20) || $0 == UInt8(ascii: ":") }
        }
        return name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first, let last = part.last, isLetter(first) || isDigit(first), isLetter(last) || isDigit(last) else {
                return false
            }
            return part.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// Parts of small letters and digits between slashes, with a dot, one or two underscores or any number of dashes inside.
    private static func isPath(_ path: Text) -> Bool {
        var separators = 0
        var previous = UInt8(ascii: "/")
        for byte in path {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): separators = 0
            case UInt8(ascii: "/"):
                if separators > 0 || previous == byte { return false }
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                separators += 1
                let most = byte == UInt8(ascii: "-") ? Int.max : byte == UInt8(ascii: "_") ? 2 : 1
                if previous == UInt8(ascii: "/") || separators > most || separators > 1 && previous != byte { return false }
            default: return false
            }
            previous = byte
        }
        return separators == 0 && previous != UInt8(ascii: "/")
    }

    private static func isTag(_ tag: Text) -> Bool {
        guard let first = tag.first, tag.count <= 128 else { return false }
        let isWord = { (byte: UInt8) in isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") }
        return isWord(first) && tag.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    /// An algorithm's name and at least 32 hexadecimal digits.
    private static func isDigest(_ digest: Text) -> Bool {
        guard let colon = digest.firstIndex(of: UInt8(ascii: ":")), let first = digest.first, isLetter(first) else { return false }
        let isNamed = digest[..<colon].allSatisfy { isLetter($0) || isDigit($0) || "-_+.".utf8.contains($0) }
        let sum = digest[digest.index(after: colon)...]
        return isNamed && sum.count >= 32 && sum.allSatisfy { isHexDigit($0 | 0x20) }
    }

    private static func problem(ofDigest digest: Text) -> String? {
        guard let colon = digest.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let sum = digest[digest.index(after: colon)...]
        let length: Int
        switch String(Substring(digest[..<colon])) {
        case "sha256": length = 64
        case "sha384": length = 96
        case "sha512": length = 128
        default: return "unsupported digest algorithm"
        }
        if sum.count != length { return "invalid checksum digest length" }
        return sum.allSatisfy(isHexDigit) ? nil : "invalid checksum digest format"
    }

    // MARK: Bytes

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
    /// Of small hexadecimal digits.
    private static func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte) }
}
