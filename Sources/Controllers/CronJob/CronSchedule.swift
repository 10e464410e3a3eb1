// When a CronJob fires: its schedule, read as Kubernetes reads it.
// <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax>

import DiscreteEvents
import KubernetesAPI

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
        let zone = try Self.zone(of: text, zones)
        switch try CronExpression(text).timing {
        case .every(let interval): timing = .every(interval)
        case .calendar(let fields): timing = .calendar(CronCalendar(fields, zone: zone))
        }
    }

    /// The zone a schedule names; one that is not known is complained of before anything else.
    private static func zone(of text: String, _ zones: TimeZoneDatabase) throws(CronScheduleError) -> TimeZoneRules {
        guard let name = CronExpression.zoneName(in: text) else { return .utc }
        guard let rules = zones.rules(named: name) else { throw .unknownZone(name) }
        return rules
    }

    /// The first time after `time` at which the schedule fires: a whole second. Nil if there is none within five years.
    package func next(after time: WallTime) -> WallTime? {
        switch timing {
        case .every(let interval): WallTime(unixSeconds: time.unixSeconds) + interval
        case .calendar(let calendar): calendar.next(after: time.unixSeconds).map { WallTime(unixSeconds: $0) }
        }
    }
}
