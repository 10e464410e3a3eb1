// The one place that knows how the GNU Scientific Library wants to be treated.
import CGSL

/// What must be set up before GSL is called, and its root finder as a Swift function.
enum GSL {
    /// GSL ends the process on any domain error unless told not to. Initialising this constant tells it, once, however many threads
    /// ask (a `static let` is initialised exactly once). From then on functions return NaN or an error code, which callers check.
    private static let errorHandlerIsOff: Void = {
        _ = gsl_set_error_handler_off()
    }()

    /// To be called before any function of GSL that can fail.
    @inline(__always)
    static func prepare() {
        errorHandlerIsOff
    }

    /// Where a continuous function is zero, by Brent's method (`gsl_root_fsolver_brent`), to the last few bits.
    /// - Parameters:
    ///   - range: its ends must have values of opposite sign (or zero).
    ///   - function: finite over the range.
    /// - Returns: `nil` if the ends do not enclose a sign change, or the function is not finite somewhere.
    static func root(in range: ClosedRange<Double>, of function: (Double) -> Double) -> Double? {
        prepare()
        guard let solver = gsl_root_fsolver_alloc(cgsl_root_fsolver_brent()) else { return nil }
        defer { gsl_root_fsolver_free(solver) }
        return withoutActuallyEscaping(function) { function in
            withUnsafePointer(to: Callback(function: function)) { callback in
                var problem = gsl_function(
                    function: { argument, context in
                        guard let context else { return .nan }
                        return context.assumingMemoryBound(to: Callback.self).pointee.function(argument)
                    },
                    params: UnsafeMutableRawPointer(mutating: callback))
                guard gsl_root_fsolver_set(solver, &problem, range.lowerBound, range.upperBound) == success else { return nil }
                for _ in 0..<200 {
                    guard gsl_root_fsolver_iterate(solver) == success else { return nil }
                    let (low, high) = (gsl_root_fsolver_x_lower(solver), gsl_root_fsolver_x_upper(solver))
                    if gsl_root_test_interval(low, high, 0, 4 * Double.ulpOfOne) == success { break }
                }
                return gsl_root_fsolver_root(solver)
            }
        }
    }

    /// `GSL_SUCCESS` in the type its functions return.
    private static let success = CInt(GSL_SUCCESS)

    /// What crosses the C function pointer's untyped context.
    private struct Callback {
        let function: (Double) -> Double
    }
}
