// The search for the next time at which clocks show what a schedule asks for.
//
// Kubernetes uses the library robfig/cron; near changes of the clocks its answers follow from how it searches, so the search here takes
// the same steps: month by month, then day by day, then in hours and minutes that really pass. Times that clocks skip do not fire that
// day; times they show twice fire twice; a day that begins at one o'clock may be passed over.

import KubernetesAPI

/// The five fields of a schedule and the zone whose clocks they mean.
struct CronCalendar: Hashable, Sendable {
    private let fields: CronExpression.Fields
    private let zone: TimeZoneRules

    init(_ fields: CronExpression.Fields, zone: TimeZoneRules) {
        self.fields = fields
        self.zone = zone
    }

    /// How far the search goes: to the end of the fifth year after the one it starts in.
    private static let yearsSearched = 5

    /// The first matching second after `start` (both counted from 1970); nil if there is none in the years searched.
    func next(after start: Int64) -> Int64? {
        var search = Search(zone: zone, instant: start + 1)
        let lastYear = search.now.year + CronCalendar.yearsSearched
        // When a field runs over into a larger one, all are looked at again from the largest on.
        while search.now.year <= lastYear {
            let isFound =
                search.reachMonth(fields.months) && search.reachDay(where: isDayMatching) && search.reachHour(fields.hours)
                && search.reachMinute(fields.minutes) && search.reachFullMinute()
            if isFound { return search.instant }
        }
        return nil
    }

    /// Days of month and of week both have to match, but where both are restricted, one of them is enough.
    private func isDayMatching(_ time: CivilTime) -> Bool {
        let month = fields.daysOfMonth.contains(time.day)
        let week = fields.daysOfWeek.contains(time.weekday)
        return fields.daysOfMonth.isStar || fields.daysOfWeek.isStar ? month && week : month || week
    }
}

/// An instant on its way to the next match. The steps return false when they ran over into the next larger unit.
private struct Search {
    private let zone: TimeZoneRules
    private(set) var instant: Int64
    /// What clocks show at `instant`.
    private(set) var now: CivilTime
    /// Whether the smaller units have been set back to their least values, which is done once, before the first step.
    private var isReset = false

    init(zone: TimeZoneRules, instant: Int64) {
        self.zone = zone
        self.instant = instant
        now = zone.civilTime(at: instant)
    }

    mutating func reachMonth(_ months: CronField) -> Bool {
        while !months.contains(now.month) {
            if mustReset() { move(to: zone.instant(ofLocal: CivilTime.secondsSince1970(year: now.year, month: now.month, day: 1))) }
            moveByCalendar(months: 1, days: 0)
            if now.month == 1 { return false }
        }
        return true
    }

    mutating func reachDay(where matches: (CivilTime) -> Bool) -> Bool {
        while !matches(now) {
            if mustReset() {
                move(to: zone.instant(ofLocal: CivilTime.secondsSince1970(year: now.year, month: now.month, day: now.day)))
            }
            moveByCalendar(months: 0, days: 1)
            // Midnight moved or is missing because the clocks change: go to the nearest one by the hours shown.
            if now.hour != 0 { move(by: Int64(now.hour > 12 ? 24 - now.hour : -now.hour) * 3600) }
            if now.day == 1 { return false }
        }
        return true
    }

    mutating func reachHour(_ hours: CronField) -> Bool {
        while !hours.contains(now.hour) {
            if mustReset() {
                move(
                    to: zone.instant(
                        ofLocal: CivilTime.secondsSince1970(year: now.year, month: now.month, day: now.day, hour: now.hour)))
            }
            move(by: 3600)
            if now.hour == 0 { return false }
        }
        return true
    }

    mutating func reachMinute(_ minutes: CronField) -> Bool {
        while !minutes.contains(now.minute) {
            if mustReset() { move(by: -Int64(now.second)) }
            move(by: 60)
            if now.minute == 0 { return false }
        }
        return true
    }

    /// Schedules of five fields fire when the second is 0.
    mutating func reachFullMinute() -> Bool {
        if now.second == 0 { return true }
        _ = mustReset()
        move(by: Int64(60 - now.second))
        return false
    }

    /// True the first time.
    private mutating func mustReset() -> Bool {
        defer { isReset = true }
        return !isReset
    }

    private mutating func move(by seconds: Int64) { move(to: instant + seconds) }

    private mutating func move(to instant: Int64) {
        self.instant = instant
        now = zone.civilTime(at: instant)
    }

    /// The same time of day so many months and days later.
    private mutating func moveByCalendar(months: Int, days: Int) {
        move(
            to: zone.instant(
                ofLocal: CivilTime.secondsSince1970(
                    year: now.year, month: now.month + months, day: now.day + days, hour: now.hour, minute: now.minute, second: now.second))
        )
    }
}
