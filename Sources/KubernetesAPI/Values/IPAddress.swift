// The form of IP addresses in objects (RFC 4291, RFC 4632).

/// The form of addresses of either family.
package enum IPAddressText {
    /// What the API server says about another text.
    static let form = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"

    static let rangeForm = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"

    /// An address and how many leading bits count.
    static func isRange(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ $0 &- 0x30 < 10 }),
            let bits = Int(parts[1])
        else { return false }
        return isIPv4(parts[0]) ? bits <= 32 : isIPv6(parts[0]) && bits <= 128
    }

    package static func isValid(_ text: String) -> Bool { isIPv4(text) || isIPv6(text) }

    package static func isIPv4(_ text: String) -> Bool { AddressRange.address(text) != nil }

    /// Eight groups of up to four hexadecimal digits, of which one run of zeros may be left out; the last two may be an IPv4 address.
    package static func isIPv6(_ text: String) -> Bool {
        let halves = text.components(around: "::")
        guard halves.count <= 2 else { return false }
        var groups = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (position, part) in parts.enumerated() {
                let isLast = index == halves.count - 1 && position == parts.count - 1
                if isLast, part.contains(".") {
                    guard isIPv4(String(part)) else { return false }
                    groups += 2
                } else {
                    guard (1...4).contains(part.utf8.count), part.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return false }
                    groups += 1
                }
            }
        }
        return halves.count == 2 ? groups < 8 : groups == 8
    }
}

extension String {
    /// The pieces between occurrences of a separator.
    fileprivate func components(around separator: String) -> [Substring] {
        var pieces: [Substring] = []
        var start = startIndex
        var position = startIndex
        while position < endIndex {
            if self[position...].hasPrefix(separator) {
                pieces.append(self[start..<position])
                position = index(position, offsetBy: separator.count)
                start = position
            } else {
                position = index(after: position)
            }
        }
        pieces.append(self[start...])
        return pieces
    }
}
