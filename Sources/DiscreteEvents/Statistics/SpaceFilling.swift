// Points spread evenly over a cube: how a design tries many factors at few combinations of their values.
import CGSL

/// Points of the unit cube, each coordinate between 0 and 1, 1 excluded.
public enum SpaceFilling {
    /// Dimensions that GSL's Sobol sequence has.
    public static let sobolDimensions = 40

    /// The first points of the Sobol sequence (`gsl_qrng_sobol`; Antonov and Saleev, 1979): every beginning of it fills the cube evenly, so a
    /// design can be made larger later and keeps the points it has.
    /// - Precondition: 1 to ``sobolDimensions`` dimensions.
    public static func sobol(count: Int, dimensions: Int) -> [[Double]] {
        precondition((1...sobolDimensions).contains(dimensions), "the Sobol sequence has 1 to \(sobolDimensions) dimensions")
        GSL.prepare()
        guard let generator = gsl_qrng_alloc(cgsl_qrng_sobol(), UInt32(dimensions)) else {
            preconditionFailure("no memory for a Sobol sequence")
        }
        defer { gsl_qrng_free(generator) }
        return (0..<count).map { _ in
            [Double](unsafeUninitializedCapacity: dimensions) { buffer, filled in
                gsl_qrng_get(generator, buffer.baseAddress)
                filled = dimensions
            }
        }
    }

    /// A Latin hypercube: of `count` slices of every coordinate each holds one point, at a random place within the slice (McKay, Beckman and
    /// Conover, 1979).
    ///
    /// - Parameters:
    ///   - coordinates: a name for each; its draws are its own, so that another coordinate changes nothing about it.
    ///   - seed: which of all such designs.
    public static func latinHypercube(count: Int, coordinates: [String], seed: UInt64) -> [[Double]] {
        var points = Array(repeating: [Double](), count: count)
        for name in coordinates {
            var stream = RandomStream(seed: seed, purpose: .latinHypercube, owner: name)
            // A fair shuffle (Fisher and Yates).
            var slices = Array(0..<count)
            for index in stride(from: count - 1, to: 0, by: -1) { slices.swapAt(index, stream.uniform(below: index + 1)) }
            for (index, slice) in slices.enumerated() { points[index].append((Double(slice) + stream.uniform()) / Double(count)) }
        }
        return points
    }
}

extension RandomPurpose {
    static let latinHypercube = RandomPurpose("latin hypercube")
}
