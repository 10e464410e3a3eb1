// What a cron schedule says, as Kubernetes reads it; when it fires is worked out elsewhere.
// <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax>

import DiscreteEvents

/// What a schedule says: five fields, or an interval.
package struct CronExpression: Hashable, Sendable {
    /// The values each of the five fields admits.
    package struct Fields: Hashable, Sendable {
        package var minutes: CronField
        package var hours: CronField
        package var daysOfMonth: CronField
        package var months: CronField
        package var daysOfWeek: CronField
    }

    package enum Timing: Hashable, Sendable {
        /// `@every 90m`: so much after the last time, whatever the clock shows.
        case every(SimulatedDuration)
        case calendar(Fields)
    }

    package let timing: Timing

    /// The name after `TZ=` in front of a schedule, which Kubernetes tolerates in old objects.
    package static func zoneName(in text: String) -> String? {
        guard text.hasPrefix("TZ=") || text.hasPrefix("CRON_TZ="), let equals = text.firstIndex(of: "=") else { return nil }
        return String(text[text.index(after: equals)..<(text.firstIndex(of: " ") ?? text.endIndex)])
    }

    /// Reads five fields, or `@hourly` and its like, or `@every 90m`.
    package init(_ text: String) throws(CronScheduleError) {
        if text.isEmpty { throw .empty }
        var rest = text[...]
        if Self.zoneName(in: text) != nil {
            rest = text[(text.firstIndex(of: " ") ?? text.endIndex)...].drop { $0.isWhitespace }
            while rest.last?.isWhitespace ?? false { rest.removeLast() }
        }
        if rest.hasPrefix("@") {
            timing = try Self.timing(descriptor: String(rest))
            return
        }
        let fields = rest.split { $0.isWhitespace }.map(String.init)
        guard fields.count == 5 else { throw .fieldCount(fields) }
        timing = .calendar(
            Fields(
                minutes: try CronField(fields[0], .minutes), hours: try CronField(fields[1], .hours),
                daysOfMonth: try CronField(fields[2], .daysOfMonth), months: try CronField(fields[3], .months),
                daysOfWeek: try CronField(fields[4], .daysOfWeek)))
    }

    private static func timing(descriptor: String) throws(CronScheduleError) -> Timing {
        var fields = Fields(
            minutes: .only(0), hours: .only(0), daysOfMonth: .any(.daysOfMonth), months: .any(.months), daysOfWeek: .any(.daysOfWeek))
        switch descriptor {
        case "@yearly", "@annually":
            fields.daysOfMonth = .only(1)
            fields.months = .only(1)
        case "@monthly": fields.daysOfMonth = .only(1)
        case "@weekly": fields.daysOfWeek = .only(0)
        case "@daily", "@midnight": break
        case "@hourly": fields.hours = .any(.hours)
        default:
            guard descriptor.hasPrefix("@every ") else { throw .unknownDescriptor(descriptor) }
            return .every(try interval(descriptor))
        }
        return .calendar(fields)
    }

    /// The interval of `@every`: whole seconds, at least one.
    private static func interval(_ descriptor: String) throws(CronScheduleError) -> SimulatedDuration {
        let text = String(descriptor.dropFirst("@every ".count))
        let duration: SimulatedDuration
        do {
            duration = try SimulatedDuration(text: text)
        } catch {
            throw .badDuration(descriptor: descriptor, problem: goText(of: error))
        }
        // Days are ours, not Go's.
        if text.contains("d") {
            throw .badDuration(descriptor: descriptor, problem: goText(of: .unknownUnit(text: text, unit: "d")))
        }
        return .seconds(max(1, Int(duration.nanoseconds / 1_000_000_000)))
    }

    private static func goText(of error: DurationTextError) -> String {
        switch error {
        case .malformed(let text), .tooLong(let text): "time: invalid duration \"\(text)\""
        case .missingUnit(let text): "time: missing unit in duration \"\(text)\""
        case .unknownUnit(let text, let unit): "time: unknown unit \"\(unit)\" in duration \"\(text)\""
        }
    }
}
