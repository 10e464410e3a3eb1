// Equal pod specs of a load are one value: ten thousand pods of one template hold one spec.

/// The pod specs of a load. Looked up, never iterated.
struct PodSpecPool: Sendable {
    /// Specs without findings by their text: what was read before need not be read again.
    private var byText: [Text: Shared<PodSpec>] = [:]
    /// Specs by value: the same spec may be written in several ways, and in several files.
    private var byValue: Set<Shared<PodSpec>> = []
    private var files = 0
    private var currentFile: YAMLFile?

    /// Everything a spec's text says, and a digest of it.
    struct Text: Hashable, Sendable {
        fileprivate var bytes: [UInt8] = []
        fileprivate var digest: UInt64 = 0

        func hash(into hasher: inout Hasher) { hasher.combine(digest) }
    }

    /// The number of distinct specs.
    var count: Int { byValue.count }

    /// Lets go of the file read last.
    mutating func forgetFile() { currentFile = nil }

    func spec(text: Text) -> Shared<PodSpec>? { byText[text] }

    mutating func remember(_ spec: Shared<PodSpec>, text: Text) { byText[text] = spec }

    mutating func intern(_ spec: PodSpec) -> Shared<PodSpec> { byValue.insert(Shared(spec)).memberAfterInsert }

    /// The contents of a pod spec without layout, comments, `nodeName` and the random part of generated volume names.
    mutating func text(of node: YAMLNode) -> Text {
        if currentFile !== node.file {
            currentFile = node.file
            files += 1
        }
        var text: [UInt8] = []
        text.reserveCapacity(512)
        PodSpecPool.append(UInt32(truncatingIfNeeded: files), to: &text)
        let file = node.file
        for (key, value) in node.entries where key != "nodeName" {
            PodSpecPool.append(file.nodes[Int(value.index) - 1].first, to: &text)
            for index in Int(value.index)..<Int(value.index) + value.tape.extent {
                let place = file.nodes[index]
                text.append(place.kind.rawValue)
                switch place.kind {
                // Keys are numbered within their file.
                case .key, .mergeKey, .mapping, .sequence: PodSpecPool.append(place.first, to: &text)
                case .plain, .quoted:
                    file.withBytes(of: index) { bytes in
                        let kept = GeneratedVolume.isName(bytes) ? GeneratedVolume.prefix.count : bytes.count
                        PodSpecPool.append(UInt32(truncatingIfNeeded: kept), to: &text)
                        text.append(contentsOf: bytes.prefix(kept))
                    }
                }
            }
        }
        return Text(bytes: text, digest: PodSpecPool.digest(text))
    }

    /// Eight bytes at a time; equality is what decides.
    private static func digest(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { raw in
            var digest = UInt64(raw.count)
            var position = 0
            while position + 8 <= raw.count {
                let product = (digest ^ raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                    .multipliedFullWidth(by: 0x9FB2_1C65_1E98_DF25)
                digest = product.high ^ product.low
                position += 8
            }
            while position < raw.count {
                digest = (digest ^ UInt64(raw[position])) &* 0x0000_0100_0000_01B3
                position += 1
            }
            return digest
        }
    }

    private static func append(_ number: UInt32, to text: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { text.append(contentsOf: $0) }
    }
}

/// The volume with a service account's token that admission adds to every pod, under a random name. It has no effect here and
/// would make every pod's spec another.
enum GeneratedVolume {
    static let prefix = Array("kube-api-access-".utf8)
    private static let randomLength = 5

    static func isName(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.count == prefix.count + randomLength && bytes.starts(with: prefix)
    }

    static func isName(_ text: String) -> Bool {
        var copy = text
        return copy.withUTF8 { isName($0) }
    }
}
