// The C library's logarithm, exponential function and power for layers that import nothing but our own.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The natural logarithm.
package func naturalLogarithm(_ value: Double) -> Double { log(value) }

/// e to the power of a number.
package func exponentialFunction(_ exponent: Double) -> Double { exp(exponent) }

/// A number to the power of another.
package func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
