// Why a schedule is invalid, in the words of the library Kubernetes reads schedules with: users meet them in events and API errors.

/// A schedule that cannot be read.
package enum CronScheduleError: Error, Hashable, Sendable, CustomStringConvertible {
    case empty
    case fieldCount([String])
    /// Neither a number nor a known name.
    case notANumber(String)
    case numberTooLarge(String)
    case negative(Int, String)
    case tooManyHyphens(String)
    case tooManySlashes(String)
    case belowMinimum(start: Int, minimum: Int, String)
    case aboveMaximum(end: Int, maximum: Int, String)
    case reversed(start: Int, end: Int, String)
    case zeroStep(String)
    case unknownDescriptor(String)
    case badDuration(descriptor: String, problem: String)
    case unknownZone(String)

    package var description: String {
        switch self {
        case .empty: "empty spec string"
        case .fieldCount(let fields): "expected exactly 5 fields, found \(fields.count): [\(fields.joined(separator: " "))]"
        case .notANumber(let text):
            "failed to parse int from \(text): strconv.Atoi: parsing \(GoText.quoted(text)): invalid syntax"
        case .numberTooLarge(let text):
            "failed to parse int from \(text): strconv.Atoi: parsing \(GoText.quoted(text)): value out of range"
        case .negative(let number, let text): "negative number (\(number)) not allowed: \(text)"
        case .tooManyHyphens(let range): "too many hyphens: \(range)"
        case .tooManySlashes(let range): "too many slashes: \(range)"
        case .belowMinimum(let start, let minimum, let range): "beginning of range (\(start)) below minimum (\(minimum)): \(range)"
        case .aboveMaximum(let end, let maximum, let range): "end of range (\(end)) above maximum (\(maximum)): \(range)"
        case .reversed(let start, let end, let range): "beginning of range (\(start)) beyond end of range (\(end)): \(range)"
        case .zeroStep(let range): "step of range should be a positive number: \(range)"
        case .unknownDescriptor(let text): "unrecognized descriptor: \(text)"
        case .badDuration(let descriptor, let problem): "failed to parse duration \(descriptor): \(problem)"
        case .unknownZone(let name): "provided bad location \(name): unknown time zone \(name)"
        }
    }
}
