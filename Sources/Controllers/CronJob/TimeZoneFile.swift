// Reading compiled time zone files, the format in which every Unix keeps the IANA database (/usr/share/zoneinfo): RFC 9636 (TZif).
// Bytes in, rules out; opening the file is the caller's business.

/// Why a time zone file cannot be used.
package enum TimeZoneFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case notATimeZoneFile
    case truncated
    case badFooter(String)

    package var description: String {
        switch self {
        case .notATimeZoneFile: "not a compiled time zone file: it does not begin with \"TZif\""
        case .truncated: "the time zone file ends too early"
        case .badFooter(let text): "the time zone file ends with a rule that cannot be read: \"\(text)\""
        }
    }
}

extension TimeZoneRules {
    /// Rules are laid out as transitions up to this year, the last that nanoseconds since 1970 reach.
    private static let lastYear = 2262

    /// Reads a compiled time zone file.
    package init(timeZoneFile bytes: [UInt8]) throws(TimeZoneFileError) {
        var reader = TimeZoneReader(bytes: bytes)
        var header = try reader.header()
        var wide = false
        if header.version >= 2 {
            // The first block is for readers of 32-bit times.
            try reader.skip(header.size(wide: false))
            header = try reader.header()
            wide = true
        }
        var transitions = try reader.transitions(header, wide: wide)
        let firstOffset = transitions.firstOffset
        if wide, let footer = try reader.footer() {
            guard let rule = TimeZoneFooter(text: footer) else { throw .badFooter(footer) }
            transitions.list.extend(by: rule, until: TimeZoneRules.lastYear)
        }
        self.init(firstOffset: firstOffset, transitions: transitions.list)
    }
}

extension [TimeZoneRules.Transition] {
    /// Lays out the rule for the time after the last explicit transition.
    fileprivate mutating func extend(by rule: TimeZoneFooter, until lastYear: Int) {
        // No instant of the simulation lies before 1678, and no zone had such a rule then.
        let explicitYear = self.last.map { CivilTime(secondsSince1970: Swift.max($0.start, -10_000_000_000)).year } ?? 1970
        for year in stride(from: explicitYear, through: lastYear, by: 1) {
            for transition in rule.transitions(in: year) where transition.start > self.last?.start ?? .min { append(transition) }
        }
    }
}

/// The counts in front of a block.
private struct TimeZoneHeader {
    var version = 0
    var utcMarks = 0
    var standardMarks = 0
    var leapSeconds = 0
    var times = 0
    var types = 0
    var characters = 0

    func size(wide: Bool) -> Int {
        let time = wide ? 8 : 4
        return times * (time + 1) + types * 6 + characters + leapSeconds * (time + 4) + standardMarks + utcMarks
    }
}

/// Walks over the bytes of a file.
private struct TimeZoneReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func skip(_ count: Int) throws(TimeZoneFileError) {
        guard count >= 0, position + count <= bytes.count else { throw .truncated }
        position += count
    }

    /// A signed big-endian number.
    private mutating func number(_ width: Int) throws(TimeZoneFileError) -> Int64 {
        let start = position
        try skip(width)
        var value = Int64(Int8(bitPattern: bytes[start]))
        for byte in bytes[start + 1..<start + width] { value = value << 8 | Int64(byte) }
        return value
    }

    private mutating func byte() throws(TimeZoneFileError) -> UInt8 {
        try skip(1)
        return bytes[position - 1]
    }

    mutating func header() throws(TimeZoneFileError) -> TimeZoneHeader {
        guard bytes[position...].starts(with: Array("TZif".utf8)) else { throw .notATimeZoneFile }
        try skip(4)
        var header = TimeZoneHeader()
        let version = try byte()
        header.version = version == 0 ? 1 : Int(version) - 0x30
        try skip(15)
        header.utcMarks = Int(try number(4))
        header.standardMarks = Int(try number(4))
        header.leapSeconds = Int(try number(4))
        header.times = Int(try number(4))
        header.types = Int(try number(4))
        header.characters = Int(try number(4))
        let counts = [header.utcMarks, header.standardMarks, header.leapSeconds, header.times, header.types, header.characters]
        guard counts.allSatisfy({ $0 >= 0 }) else { throw .truncated }
        return header
    }

    /// Reads a block.
    mutating func transitions(
        _ header: TimeZoneHeader, wide: Bool
    ) throws(TimeZoneFileError) -> (firstOffset: Int64, list: [TimeZoneRules.Transition]) {
        let end = position + header.size(wide: wide)
        guard header.types > 0, end <= bytes.count else { throw .truncated }
        var times: [Int64] = []
        for _ in 0..<header.times { times.append(try number(wide ? 8 : 4)) }
        var kinds: [Int] = []
        for _ in 0..<header.times { kinds.append(Int(try byte())) }
        var types: [(offset: Int64, isDaylightSaving: Bool)] = []
        for _ in 0..<header.types {
            let offset = try number(4)
            types.append((offset, try byte() != 0))
            try skip(1)
        }
        position = end
        guard kinds.allSatisfy({ $0 < types.count }) else { throw .truncated }
        var list: [TimeZoneRules.Transition] = []
        for (time, kind) in zip(times, kinds) where time > list.last?.start ?? .min {
            list.append(TimeZoneRules.Transition(start: time, offset: types[kind].offset))
        }
        // Before the first transition: the first type, unless the transitions use it as well and there is a better one, standard time.
        let standard = types.first { !$0.isDaylightSaving } ?? types[0]
        return (kinds.contains(0) ? standard.offset : types[0].offset, list)
    }

    /// The text between the last two line feeds; nil if there is none.
    mutating func footer() throws(TimeZoneFileError) -> String? {
        guard position < bytes.count else { return nil }
        guard try byte() == UInt8(ascii: "\n"), let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else { throw .truncated }
        return position == end ? nil : String(decoding: bytes[position..<end], as: UTF8.self)
    }
}
