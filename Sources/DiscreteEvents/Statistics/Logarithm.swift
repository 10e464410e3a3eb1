// The C library's logarithm and exponential function for layers that import nothing but our own.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The natural logarithm.
package func naturalLogarithm(_ value: Double) -> Double { log(value) }

/// e to the power of a number.
package func exponentialFunction(_ exponent: Double) -> Double { exp(exponent) }
