// Simulated time: arithmetic that saturates, grids, and text that says exactly what the number is.
import DiscreteEvents
import Testing

@Suite("Simulated time")
struct TimeTests {
    @Test("arithmetic saturates instead of trapping")
    func saturation() {
        #expect(SimulatedTime.distantFuture + .seconds(1) == .distantFuture)
        #expect(SimulatedTime.distantFuture - SimulatedTime(nanoseconds: -5) == .distant)
        #expect(SimulatedTime.distantPast - .seconds(1) == .distantPast)
        #expect(SimulatedDuration.days(200_000) == .distant)
        #expect(SimulatedDuration.days(-200_000) == SimulatedDuration(nanoseconds: .min))
        #expect(-SimulatedDuration(nanoseconds: .min) == .distant)
        #expect(SimulatedDuration(nanoseconds: .min) / -1 == .distant)
        #expect(SimulatedDuration(seconds: .infinity) == .distant)
        #expect(SimulatedDuration.seconds(1) * -1e30 == SimulatedDuration(nanoseconds: .min))
    }

    @Test("real factors round half away from zero, whole divisors truncate")
    func rounding() {
        #expect(SimulatedDuration.nanoseconds(5) * 0.5 == .nanoseconds(3))
        #expect(SimulatedDuration.nanoseconds(-5) * 0.5 == .nanoseconds(-3))
        #expect(SimulatedDuration.nanoseconds(-5) / 2 == .nanoseconds(-2))
        #expect(SimulatedDuration(seconds: 54.1) == .milliseconds(54100))
        #expect(SimulatedDuration.minutes(1) / SimulatedDuration.seconds(40) == 1.5)
    }

    @Test(
        "a grid's ticks are found on both sides of the start, whatever the phase",
        arguments: [-25, -20, -11, -10, -9, -1, 0, 1, 3, 9, 10, 13, 20, 21], [-23, -10, -3, 0, 3, 10, 27])
    func grids(nanoseconds: Int64, phase: Int64) {
        let time = SimulatedTime(nanoseconds: nanoseconds)
        let (period, shift) = (SimulatedDuration.nanoseconds(10), SimulatedDuration.nanoseconds(phase))
        let ticks = (-10...10).map { SimulatedTime(nanoseconds: phase + 10 * $0) }
        #expect(time.nextMultiple(of: period, phase: shift) == ticks.first { $0 > time })
        #expect(time.roundedUp(toMultipleOf: period, phase: shift) == ticks.first { $0 >= time })
        #expect(time.roundedDown(toMultipleOf: period, phase: shift) == ticks.last { $0 <= time })
    }

    @Test("never is on every grid, and timestamps of API objects are whole seconds, rounded into the past")
    func specialInstants() {
        #expect(SimulatedTime.distantFuture.nextMultiple(of: .seconds(10)) == .distantFuture)
        #expect(SimulatedTime.distantFuture.truncatedToSeconds == .distantFuture)
        #expect(SimulatedTime(nanoseconds: 1_999_999_999).truncatedToSeconds == .start + .seconds(1))
        #expect(SimulatedTime(nanoseconds: -1).truncatedToSeconds == .start - .seconds(1))
    }

    @Test(
        "seconds are printed as exact decimals",
        arguments: [
            (0, "0"), (54_100_000_000, "54.1"), (1000, "0.000001"), (1, "0.000000001"), (-500_000_000, "-0.5"), (300_000_000_000, "300"),
            (123_456_789_012_345_678, "123456789.012345678"), (Int64.max, "9223372036.854775807"), (Int64.min, "-9223372036.854775808"),
        ] as [(Int64, String)])
    func secondsText(nanoseconds: Int64, text: String) {
        #expect(SimulatedTime(nanoseconds: nanoseconds).secondsText == text)
        var row = Array("t=".utf8)
        SimulatedDuration(nanoseconds: nanoseconds).appendSecondsText(to: &row)
        #expect(row == Array("t=\(text)".utf8))
    }
}

@Suite("Durations as text")
struct DurationTextTests {
    @Test(
        "Go's notation is read, and printed as Go prints it",
        arguments: [
            ("0", 0, "0s"), ("0s", 0, "0s"), ("5s", 5_000_000_000, "5s"), ("1h30m", 5_400_000_000_000, "1h30m0s"),
            ("10m", 600_000_000_000, "10m0s"), ("2.5s", 2_500_000_000, "2.5s"), ("300ms", 300_000_000, "300ms"),
            ("90s", 90_000_000_000, "1m30s"), ("1.5us", 1500, "1.5µs"), ("12µs", 12000, "12µs"), ("12μs", 12000, "12µs"),
            ("-1.5h", -5_400_000_000_000, "-1h30m0s"), ("+5ns", 5, "5ns"), (".5s", 500_000_000, "500ms"), ("5.s", 5_000_000_000, "5s"),
            ("30d", 2_592_000_000_000_000, "720h0m0s"), ("1d12h", 129_600_000_000_000, "36h0m0s"), ("0.0000000019s", 1, "1ns"),
            ("3h2m1.001002003s", 10_921_001_002_003, "3h2m1.001002003s"),
            ("0.33333333333333333333h", 1_199_999_999_999, "19m59.999999999s"),
            ("9223372036854775807ns", .max, "2562047h47m16.854775807s"), ("-9223372036854775808ns", .min, "-2562047h47m16.854775808s"),
        ] as [(String, Int64, String)])
    func valid(text: String, nanoseconds: Int64, printed: String) throws {
        let duration = try SimulatedDuration(text: text)
        #expect(duration.nanoseconds == nanoseconds)
        #expect(duration.description == printed)
        #expect(try SimulatedDuration(text: printed) == duration)
    }

    @Test(
        "what is no duration is refused with the reason",
        arguments: [
            ("", .malformed(text: "")), ("-", .malformed(text: "-")), ("s", .malformed(text: "s")), (".s", .malformed(text: ".s")),
            ("3", .missingUnit(text: "3")), ("1h3", .missingUnit(text: "1h3")), ("5 s", .unknownUnit(text: "5 s", unit: " s")),
            ("5y", .unknownUnit(text: "5y", unit: "y")), ("-+5s", .malformed(text: "-+5s")),
            ("200000d", .tooLong(text: "200000d")), ("99999999999999999999s", .tooLong(text: "99999999999999999999s")),
            ("9223372036854775808ns", .tooLong(text: "9223372036854775808ns")),
        ] as [(String, DurationTextError)])
    func invalid(text: String, error: DurationTextError) {
        #expect(throws: error) { try SimulatedDuration(text: text) }
    }
}
