// A range of IPv4 addresses as Kubernetes writes it: 10.244.0.0/16.

/// An IPv4 block in CIDR notation (RFC 4632): a first address, and how many leading bits all addresses share.
public struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    /// The first address as a number.
    public let first: UInt32
    /// The number of leading bits, 0 to 32.
    public let prefix: Int

    /// The block that holds `address`; the bits after the prefix are dropped.
    public init(_ address: UInt32, prefix: Int) {
        precondition((0...32).contains(prefix), "an IPv4 prefix has 0 to 32 bits")
        self.prefix = prefix
        first = address & AddressRange.mask(prefix)
    }

    /// Reads `10.244.0.0/16`; nil for anything else, IPv6 included.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = AddressRange.address(String(parts[0])), let prefix = AddressRange.number(parts[1], atMost: 32)
        else { return nil }
        self.init(address, prefix: prefix)
    }

    /// How many addresses there are.
    public var count: Int { 1 << (32 - prefix) }

    public func contains(_ address: UInt32) -> Bool { address & AddressRange.mask(prefix) == first }

    /// The `number`th of the blocks of `prefix` bits that the range consists of.
    public func block(_ number: Int, prefix: Int) -> AddressRange {
        AddressRange(first + UInt32(number) << UInt32(32 - prefix), prefix: prefix)
    }

    /// Which of the blocks of `prefix` bits `other` lies in; nil if it lies elsewhere.
    public func block(holding other: AddressRange, prefix: Int) -> Int? {
        contains(other.first) ? Int((other.first - first) >> UInt32(32 - prefix)) : nil
    }

    public var description: String { AddressRange.text(first) + "/\(prefix)" }

    /// An address as text, `10.244.0.1`.
    public static func text(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    }

    /// An address from its text; nil if it is none.
    public static func address(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let byte = number(part, atMost: 255) else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }

    private static func mask(_ prefix: Int) -> UInt32 { prefix == 0 ? 0 : ~UInt32(0) << UInt32(32 - prefix) }

    private static func number(_ text: Substring, atMost limit: Int) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }), let value = Int(text), value <= limit
        else { return nil }
        return value
    }
}
