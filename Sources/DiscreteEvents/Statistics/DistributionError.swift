// Why a distribution was refused, in words for the person who wrote its parameters.

/// A distribution that does not exist, or data that are none. Each message names the parameter, its value and what is allowed.
public enum DistributionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A parameter outside its range.
    case parameter(distribution: String, name: String, value: Double, allowed: String)
    /// No member of the family has this mean together with this quantile.
    case unattainable(distribution: String, mean: Double, level: Double, quantile: Double, reason: String)
    /// A line of a file that is not a number the distribution can use.
    case unreadable(file: String, line: Int, text: String, reason: String)
    /// A file without data, or without the column asked for.
    case noData(file: String, reason: String)

    public var description: String {
        switch self {
        case .parameter(let distribution, let name, let value, let allowed):
            "\(distribution) distribution: \(name) is \(value), but must be \(allowed)"
        case .unattainable(let distribution, let mean, let level, let quantile, let reason):
            "\(distribution) distribution: mean \(mean) and \(percentileName(level)) \(quantile) do not go together: \(reason)"
        case .unreadable(let file, let line, let text, let reason):
            "\(file):\(line): \"\(text)\": \(reason)"
        case .noData(let file, let reason):
            "\(file): \(reason)"
        }
    }
}

/// A quantile's name among operators: `p99`, `p99.9`.
func percentileName(_ level: Double) -> String {
    // Rounded, as 0.999 * 100 is 99.9 only nearly.
    let percent = (level * 1e8).rounded() / 1e6
    return percent == percent.rounded() && abs(percent) <= 100 ? "p\(Int(percent))" : "p\(percent)"
}
