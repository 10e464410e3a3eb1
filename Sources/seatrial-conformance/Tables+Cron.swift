// Tables of the CronJob controller: schedules and missed starts.

import Controllers
import DiscreteEvents
import Experiments
import KubernetesAPI

enum CronTables {
    /// cron_next asks for six times, cron_dst for eight.
    static func next(_ input: YAMLNode) throws -> Answer { try next(input, count: 6) }
    static func nextAcrossClockChange(_ input: YAMLNode) throws -> Answer { try next(input, count: 8) }

    private static func next(_ input: YAMLNode, count: Int) throws -> Answer {
        let timeZone = try input.text("timeZone")
        let schedule: CronSchedule
        do {
            schedule = try CronSchedule(
                schedule: try input.text("schedule"), timeZone: timeZone.isEmpty ? nil : timeZone, zones: zones(of: input))
        } catch let error as CronScheduleError {
            return [("valid", "false"), ("error", error.description)]
        }
        var times: [String] = []
        var time = try instant(input, "from")
        while times.count < count, let next = schedule.next(after: time) {
            times.append(RFC3339.text(next.nanoseconds))
            time = next
        }
        return [("valid", "true")] + (times.isEmpty ? [] : [("next", listText(times))])
    }

    static func missed(_ input: YAMLNode) throws -> Answer {
        let schedule = try CronSchedule(schedule: try input.text("schedule"), timeZone: nil, zones: zones(of: input))
        let clock = CronJobClock(
            schedule: schedule, created: try instant(input, "created"),
            lastSchedule: input["lastScheduleTime"] == nil ? nil : try instant(input, "lastScheduleTime"),
            startingDeadline: input["startingDeadlineSeconds"] == nil ? nil : .seconds(try input.number("startingDeadlineSeconds")))
        let now = try instant(input, "now")
        // "Never" was recorded as the difference to Go's zero time, which saturates.
        let wake = clock.nextWake(at: now) ?? SimulatedDuration(nanoseconds: .min)
        var answer: Answer = [("requeueAfterSeconds", number(wake.seconds))]
        do {
            let due = try clock.dueStart(at: now)
            answer.append(("missed", due.missed.rawValue))
            if let time = due.scheduledTime {
                answer.append(("scheduledTime", RFC3339.text(time.nanoseconds)))
                answer.append(("jobName", CronJobClock.jobName(cronJob: "hello", scheduledTime: time)))
            }
        } catch {
            answer += [("missed", MissedSchedules.none.rawValue), ("error", error.description)]
        }
        return answer
    }

    /// As JSON numbers are written: no fraction where there is none.
    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }

    private static func instant(_ input: YAMLNode, _ key: String) throws -> WallTime {
        guard let nanoseconds = RFC3339.nanoseconds(try input.text(key)) else { throw MalformedCase("\(key) is no time") }
        return WallTime(nanoseconds: nanoseconds)
    }

    /// The zones a case names, in its field or in front of its schedule.
    private static func zones(of input: YAMLNode) throws -> TimeZoneDatabase {
        let names = ZoneInfoFolder.names(schedule: try input.text("schedule"), timeZone: input["timeZone"]?.scalarText)
        return try ZoneInfoFolder.zones(named: names)
    }
}
