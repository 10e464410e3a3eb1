// Wall time and peak memory of this process.

import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs a block and returns its wall time in seconds.
func wallTime(_ block: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let span = try clock.measure(block)
    return Double(span.components.seconds) + Double(span.components.attoseconds) * 1e-18
}

/// The most memory the process has held so far, in MiB.
func peakMemoryMiB() -> Double {
    var usage = rusage()
    #if canImport(Glibc)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_maxrss) / 1024
    #else
        getrusage(RUSAGE_SELF, &usage)
        return Double(usage.ru_maxrss) / 1_048_576
    #endif
}

/// The memory the process holds now, in bytes; 0 where the system does not tell.
func residentBytes() -> Double {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = Double(fields[1]) else { return 0 }
    return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
}

/// A number with thousands separators and a fixed number of decimals.
func text(_ value: Double, decimals: Int = 0) -> String {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = Int64((value * scale).rounded())
    let whole = String(scaled / Int64(scale))
    var grouped = ""
    for (index, digit) in whole.reversed().enumerated() {
        if index > 0, index % 3 == 0, digit != "-" { grouped.append(",") }
        grouped.append(digit)
    }
    var result = String(grouped.reversed())
    if decimals > 0 {
        let fraction = String(abs(scaled) % Int64(scale))
        result += "." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
    return result
}

func line(_ name: String, _ figures: String) {
    print(name + String(repeating: " ", count: max(1, 44 - name.count)) + figures)
}
