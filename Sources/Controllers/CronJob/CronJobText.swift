// Times as a CronJob's annotations and Events write them.

/// Texts of instants.
enum CronJobText {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// In UTC, as mail has it (RFC 1123): `Thu, 01 Jan 2026 00:00:00 +0000`.
    static func mail(_ time: WallTime) -> String {
        let civil = CivilTime(secondsSince1970: time.unixSeconds)
        return "\(weekdays[civil.weekday]), \(pad(civil.day)) \(months[civil.month - 1]) \(pad(civil.year, 4)) \(clock(civil)) +0000"
    }

    /// As clocks of a zone show it (RFC 3339): `2026-01-01T01:00:00+01:00`.
    static func timestamp(_ time: WallTime, in zone: TimeZoneRules) -> String {
        let offset = Int(zone.period(at: time.unixSeconds).offset)
        let civil = CivilTime(secondsSince1970: time.unixSeconds + Int64(offset))
        let text = "\(pad(civil.year, 4))-\(pad(civil.month))-\(pad(civil.day))T\(clock(civil))"
        if offset == 0 { return text + "Z" }
        let minutes = abs(offset) / 60
        return text + (offset < 0 ? "-" : "+") + pad(minutes / 60) + ":" + pad(minutes % 60)
    }

    private static func clock(_ time: CivilTime) -> String { "\(pad(time.hour)):\(pad(time.minute)):\(pad(time.second))" }

    private static func pad(_ number: Int, _ width: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
