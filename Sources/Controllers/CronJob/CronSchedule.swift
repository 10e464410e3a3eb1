// When a CronJob fires: its schedule, read as Kubernetes reads it.
// <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax>

import DiscreteEvents

/// A cron schedule with its time zone.
///
/// ```swift
/// let schedule = try CronSchedule(schedule: "*/5 8-18 * * MON-FRI", timeZone: "Europe/Amsterdam", zones: zones)
/// let next = schedule.next(after: now)
/// ```
package struct CronSchedule: Hashable, Sendable {
    enum Timing: Hashable, Sendable {
        /// So much after the last time, whatever the clock shows.
        case every(SimulatedDuration)
        case calendar(CronCalendar)
    }

    let timing: Timing

    /// Reads the schedule of a CronJob.
    ///
    /// - Parameters:
    ///   - schedule: five fields, or `@hourly` and its like, or `@every 90m`; a zone may stand in front (`TZ=Asia/Tokyo 0 5 * * *`),
    ///     which Kubernetes tolerates in old objects.
    ///   - timeZone: `spec.timeZone`. A schedule that names a zone itself wins; an unknown zone is ignored here (the controller checks it
    ///     first), as is nil, for UTC, the controller manager's own.
    package init(schedule: String, timeZone: String?, zones: TimeZoneDatabase) throws(CronScheduleError) {
        var text = schedule
        if let timeZone, !schedule.contains("TZ"), zones.rules(named: timeZone) != nil { text = "TZ=\(timeZone) \(schedule)" }
        try self.init(text: text, zones: zones)
    }

    /// Reads a schedule by itself.
    package init(text: String, zones: TimeZoneDatabase) throws(CronScheduleError) {
        if text.isEmpty { throw .empty }
        var zone = TimeZoneRules.utc
        var rest = text[...]
        if text.hasPrefix("TZ=") || text.hasPrefix("CRON_TZ="), let equals = text.firstIndex(of: "=") {
            let end = text.firstIndex(of: " ") ?? text.endIndex
            let name = String(text[text.index(after: equals)..<end])
            guard let rules = zones.rules(named: name) else { throw .unknownZone(name) }
            zone = rules
            rest = text[end...].drop { $0.isWhitespace }
            while rest.last?.isWhitespace ?? false { rest.removeLast() }
        }
        if rest.hasPrefix("@") {
            timing = try Self.timing(descriptor: String(rest), zone)
            return
        }
        let fields = rest.split { $0.isWhitespace }.map(String.init)
        guard fields.count == 5 else { throw .fieldCount(fields) }
        timing = .calendar(
            CronCalendar(
                minutes: try CronField(fields[0], .minutes), hours: try CronField(fields[1], .hours),
                daysOfMonth: try CronField(fields[2], .daysOfMonth), months: try CronField(fields[3], .months),
                daysOfWeek: try CronField(fields[4], .daysOfWeek), zone: zone))
    }

    private static func timing(descriptor: String, _ zone: TimeZoneRules) throws(CronScheduleError) -> Timing {
        var calendar = CronCalendar(
            minutes: .only(0), hours: .only(0), daysOfMonth: .any(.daysOfMonth), months: .any(.months), daysOfWeek: .any(.daysOfWeek),
            zone: zone)
        switch descriptor {
        case "@yearly", "@annually":
            calendar.daysOfMonth = .only(1)
            calendar.months = .only(1)
        case "@monthly": calendar.daysOfMonth = .only(1)
        case "@weekly": calendar.daysOfWeek = .only(0)
        case "@daily", "@midnight": break
        case "@hourly": calendar.hours = .any(.hours)
        default:
            guard descriptor.hasPrefix("@every ") else { throw .unknownDescriptor(descriptor) }
            return .every(try interval(descriptor))
        }
        return .calendar(calendar)
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

    /// The first time after `time` at which the schedule fires: a whole second. Nil if there is none within five years.
    package func next(after time: WallTime) -> WallTime? {
        switch timing {
        case .every(let interval): WallTime(unixSeconds: time.unixSeconds) + interval
        case .calendar(let calendar): calendar.next(after: time.unixSeconds).map { WallTime(unixSeconds: $0) }
        }
    }
}
