// One field of a cron schedule: the minutes, hours, days, months or weekdays on which it fires.
// <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax>

/// The values a field may take, and their names.
package struct CronFieldBounds: Sendable {
    let minimum: Int
    let maximum: Int
    /// Names of the values from `minimum` on, in lower case.
    var names: [String] = []

    package static let minutes = CronFieldBounds(minimum: 0, maximum: 59)
    package static let hours = CronFieldBounds(minimum: 0, maximum: 23)
    package static let daysOfMonth = CronFieldBounds(minimum: 1, maximum: 31)
    package static let months = CronFieldBounds(
        minimum: 1, maximum: 12, names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
    /// 0 is Sunday; 7 is not accepted.
    package static let daysOfWeek = CronFieldBounds(minimum: 0, maximum: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"])
}

/// The values on which a schedule fires.
package struct CronField: Hashable, Sendable {
    /// Bit n: the value n is in.
    package private(set) var bits: UInt64 = 0
    /// Whether the field says "any", so that it places no condition of its own when days of month and of week are combined.
    package private(set) var isStar = false

    package func contains(_ value: Int) -> Bool { bits & (1 << UInt64(value)) != 0 }

    package static func any(_ bounds: CronFieldBounds) -> CronField {
        var field = CronField()
        field.insert(from: bounds.minimum, through: bounds.maximum, by: 1)
        field.isStar = true
        return field
    }

    package static func only(_ value: Int) -> CronField {
        var field = CronField()
        field.insert(from: value, through: value, by: 1)
        return field
    }

    private init() {}

    /// Reads a list of values, ranges and steps: `*/15`, `1,5-7`, `MON-FRI`, `10/20`.
    package init(_ text: String, _ bounds: CronFieldBounds) throws(CronScheduleError) {
        for range in text.split(separator: ",") { try insert(range: String(range), bounds) }
    }

    private mutating func insert(range: String, _ bounds: CronFieldBounds) throws(CronScheduleError) {
        let parts = range.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let limits = parts[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        let isAny = limits[0] == "*" || limits[0] == "?"
        var start = bounds.minimum
        var end = bounds.maximum
        if !isAny {
            start = try Self.value(limits[0], bounds)
            end = start
            if limits.count == 2 { end = try Self.value(limits[1], bounds) }
            if limits.count > 2 { throw .tooManyHyphens(range) }
        }
        var step = 1
        if parts.count > 1 {
            if parts.count > 2 { throw .tooManySlashes(range) }
            step = try Self.number(parts[1])
            // `N/step` means from N to the end.
            if limits.count == 1 { end = bounds.maximum }
        }
        if start < bounds.minimum { throw .belowMinimum(start: start, minimum: bounds.minimum, range) }
        if end > bounds.maximum { throw .aboveMaximum(end: end, maximum: bounds.maximum, range) }
        if start > end { throw .reversed(start: start, end: end, range) }
        if step == 0 { throw .zeroStep(range) }
        insert(from: start, through: end, by: step)
        // With a step the star is a condition like any other.
        if isAny, step == 1 { isStar = true }
    }

    private mutating func insert(from start: Int, through end: Int, by step: Int) {
        for value in stride(from: start, through: end, by: min(step, 64)) { bits |= 1 << UInt64(value) }
    }

    /// A name or a number.
    private static func value(_ text: String, _ bounds: CronFieldBounds) throws(CronScheduleError) -> Int {
        if let index = bounds.names.firstIndex(of: text.lowercased()) { return bounds.minimum + index }
        return try number(text)
    }

    private static func number(_ text: String) throws(CronScheduleError) -> Int {
        guard let number = Int(text) else {
            let digits =
                text.utf8.first.map { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") } ?? false ? text.utf8.dropFirst() : text.utf8[...]
            let isNumber = !digits.isEmpty && digits.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            throw isNumber ? .numberTooLarge(text) : .notANumber(text)
        }
        if number < 0 { throw .negative(number, text) }
        return number
    }
}
