// The C library's logarithm for layers that import nothing but our own.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The natural logarithm.
package func naturalLogarithm(_ value: Double) -> Double { log(value) }
