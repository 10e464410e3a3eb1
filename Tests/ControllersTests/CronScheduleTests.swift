// Cron schedules and time zones: properties that recordings of single answers do not show.

import DiscreteEvents
import KubernetesAPI
import Testing

@testable import Controllers

@Suite("Cron schedules")
struct CronScheduleTests {
    private static func time(_ text: String) throws -> WallTime { WallTime(nanoseconds: try #require(RFC3339.nanoseconds(text))) }

    /// New York's rule of today from a footer alone.
    private static func newYork() throws -> TimeZoneDatabase {
        let rule = try #require(TimeZoneFooter(text: "EST5EDT,M3.2.0,M11.1.0"))
        var database = TimeZoneDatabase()
        let transitions = (2024...2030).flatMap { rule.transitions(in: $0) }
        database.add(TimeZoneRules(firstOffset: rule.standardOffset, transitions: transitions), named: "America/New_York")
        return database
    }

    @Test("a footer's rule gives the days on which clocks change")
    func footer() throws {
        let rule = try #require(TimeZoneFooter(text: "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"))
        #expect(rule.standardOffset == 37_800)
        let transitions = rule.transitions(in: 2026)
        #expect(transitions.map(\.offset) == [37_800, 39_600])
        #expect(
            transitions.map { WallTime(unixSeconds: $0.start) }
                == [try Self.time("2026-04-04T15:00:00Z"), try Self.time("2026-10-03T15:30:00Z")])
    }

    @Test(
        "what is no rule is refused", arguments: ["", "E5", "EST", "EST5EDT,M3.2.0", "EST5EDT,M13.1.0,M1.1.0", "EST5EDT,M3.2.0,M11.1.0x"])
    func badFooter(text: String) { #expect(TimeZoneFooter(text: text) == nil) }

    @Test("a time that clocks skip does not fire that day, one they show twice fires twice")
    func clockChanges() throws {
        let zones = try Self.newYork()
        let skipped = try CronSchedule(schedule: "30 2 * * *", timeZone: "America/New_York", zones: zones)
        let dayAfter = try Self.time("2026-03-09T06:30:00Z")
        #expect(skipped.next(after: try Self.time("2026-03-08T05:00:00Z")) == dayAfter)
        let repeated = try CronSchedule(schedule: "30 1 * * *", timeZone: "America/New_York", zones: zones)
        let first = try Self.time("2026-11-01T05:30:00Z")
        #expect(repeated.next(after: try Self.time("2026-11-01T04:00:00Z")) == first)
        #expect(repeated.next(after: first) == first + .hours(1))
    }

    @Test(
        "the next time is the first minute that matches, when no clock changes",
        arguments: [
            "*/7 1-3 * * *", "0 0 13 * 5", "0 0 */2 * 1", "5,59 23 31 * *", "30 6-16/4 * * 1-5", "15 3 29 2 *", "@weekly", "@monthly",
        ])
    func againstTryingEveryMinute(text: String) throws {
        let schedule = try CronSchedule(text: text, zones: TimeZoneDatabase())
        guard case .calendar(let calendar) = schedule.timing else {
            Issue.record("not a calendar schedule")
            return
        }
        let start = try Self.time("2027-11-20T10:17:31Z").unixSeconds
        let end = start + 500 * 86_400
        var expected: [Int64] = []
        for minute in stride(from: start - start % 60 + 60, through: end, by: 60) {
            let now = CivilTime(secondsSince1970: minute)
            guard calendar.fields.minutes.contains(now.minute), calendar.fields.hours.contains(now.hour),
                calendar.fields.months.contains(now.month)
            else {
                continue
            }
            let month = calendar.fields.daysOfMonth.contains(now.day)
            let week = calendar.fields.daysOfWeek.contains(now.weekday)
            let either = !calendar.fields.daysOfMonth.isStar && !calendar.fields.daysOfWeek.isStar
            if either ? month || week : month && week { expected.append(minute) }
        }
        var found: [Int64] = []
        var time = WallTime(unixSeconds: start)
        while let next = schedule.next(after: time), next.unixSeconds <= end {
            found.append(next.unixSeconds)
            time = next
        }
        #expect(found == expected)
        #expect(!found.isEmpty)
    }

    @Test("dates and seconds since 1970 are inverse", arguments: [-2_000_000_001, -1, 0, 951_782_399, 951_782_400, 4_107_542_399])
    func civilTime(seconds: Int64) {
        let time = CivilTime(secondsSince1970: seconds)
        #expect(
            CivilTime.secondsSince1970(
                year: time.year, month: time.month, day: time.day, hour: time.hour, minute: time.minute, second: time.second) == seconds)
    }

    @Test("damaged time zone files are refused, whatever their length")
    func damagedFiles() {
        let header = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15)
        let counts: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 4]
        let negative = [UInt8](repeating: 0xFF, count: 24)
        for bytes in [[], Array("TZ".utf8), header, header + counts, header + negative, header + counts + counts] {
            for length in 0...bytes.count {
                #expect(throws: TimeZoneFileError.self) { _ = try TimeZoneRules(timeZoneFile: Array(bytes.prefix(length))) }
            }
        }
    }

    @Test("a wake-up comes after now and shortly after a scheduled time")
    func wakes() throws {
        let schedule = try CronSchedule(text: "*/5 * * * *", zones: TimeZoneDatabase())
        let created = try Self.time("2026-06-17T10:01:00Z")
        let clock = CronJobClock(schedule: schedule, created: created, lastSchedule: nil, startingDeadline: .seconds(60))
        #expect(clock.nextWake(at: created) == .seconds(240) + .milliseconds(100))
        // Two minutes late is too late; the next one is awaited.
        let late = created + .minutes(6)
        #expect(try clock.dueStart(at: late).scheduledTime == nil)
        #expect(clock.nextWake(at: late) == .seconds(180) + .milliseconds(100))
        #expect(try clock.dueStart(at: created + .seconds(270)).scheduledTime == created + .seconds(240))
    }
}
