// Which start of a CronJob is due now, and when to look again.
// <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#starting-deadline>

import DiscreteEvents

/// How many starts passed since the last one, the due one not counted when it is the only one.
package enum MissedSchedules: String, Hashable, Sendable {
    case none
    case few
    /// More than 100: the controller warns (event TooManyMissedTimes), because a clock may be wrong.
    case many
}

/// A schedule that fires again at once or never again, though its last time has passed: nothing can be counted with it.
package struct ScheduleIntervalError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String { "time difference between two schedules is less than 1 second" }
}

/// A CronJob as far as its clock is concerned.
package struct CronJobClock: Sendable {
    private let schedule: CronSchedule
    /// From where starts count: the last start, or the creation.
    private let base: WallTime
    private let startingDeadline: SimulatedDuration?

    /// How long after a scheduled time the controller wakes, to be surely past it.
    private static let wakeDelay = SimulatedDuration.milliseconds(100)
    /// So many missed starts are not yet worth a warning.
    private static let toleratedMisses: Int64 = 100

    /// - Parameters:
    ///   - created: `metadata.creationTimestamp`.
    ///   - lastSchedule: `status.lastScheduleTime`.
    ///   - startingDeadline: `spec.startingDeadlineSeconds`: starts that are later than this are not made.
    package init(schedule: CronSchedule, created: WallTime, lastSchedule: WallTime?, startingDeadline: SimulatedDuration?) {
        self.schedule = schedule
        base = lastSchedule ?? created
        self.startingDeadline = startingDeadline
    }

    /// A start that should have been made and was not, at most one: earlier ones are given up.
    package struct DueStart: Hashable, Sendable {
        package let scheduledTime: WallTime?
        package let missed: MissedSchedules
    }

    /// The most recent start that is due within the starting deadline.
    package func dueStart(at now: WallTime) throws(ScheduleIntervalError) -> DueStart {
        var earliest = base
        if let startingDeadline { earliest = max(earliest, now + -startingDeadline) }
        return try mostRecentStart(since: earliest, at: now)
    }

    /// How long to wait before looking again: until shortly after the next scheduled time. Nil if there is none.
    ///
    /// The next time counts from the most recent start, due or made, so that `@every` keeps its beat.
    package func nextWake(at now: WallTime) -> SimulatedDuration? {
        var from = now
        if let recent = try? mostRecentStart(since: base, at: now) {
            if let scheduled = recent.scheduledTime {
                from = scheduled
            } else if recent.missed == .none {
                from = base
            }
        }
        return schedule.next(after: from).map { $0 + Self.wakeDelay - now }
    }

    /// The name of the Job for a scheduled time: the same however often it is tried.
    package static func jobName(cronJob: String, scheduledTime: WallTime) -> String {
        "\(cronJob)-\(scheduledTime.unixSeconds / 60)"
    }

    private func mostRecentStart(since earliest: WallTime, at now: WallTime) throws(ScheduleIntervalError) -> DueStart {
        // A schedule without a next time is an error only to be found here: there is no time it could be measured by.
        guard let first = schedule.next(after: earliest) else { throw ScheduleIntervalError() }
        if now < first { return DueStart(scheduledTime: nil, missed: .none) }
        guard let second = schedule.next(after: first) else { throw ScheduleIntervalError() }
        if now < second { return DueStart(scheduledTime: first, missed: .none) }

        // Roughly how many there were, as if the first interval repeated: all of them are never listed.
        let interval = (second - first).nanoseconds / 1_000_000_000
        if interval < 1 { throw ScheduleIntervalError() }
        let count = (now - first).nanoseconds / 1_000_000_000 / interval + 1
        // From two intervals before the last guessed one, so that irregular schedules find their most recent time and regular ones
        // that count from their base (`@every`) stay on their grid.
        var recent: WallTime?
        var candidate = schedule.next(after: first + .seconds(Int((count - 2) * interval)))
        while let time = candidate, time <= now {
            recent = time
            candidate = schedule.next(after: time)
        }
        return DueStart(scheduledTime: recent, missed: count > Self.toleratedMisses ? .many : .few)
    }
}
