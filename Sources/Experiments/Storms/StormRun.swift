// One storm, run and judged.

import ClusterSimulation
import DiscreteEvents

/// What became of a storm.
public struct StormOutcome: Sendable {
    public var seed: UInt64
    /// The storm in its pieces, if it was made of such.
    public var storm: StormScenario?
    /// The first invariant that did not hold; nil: all of them did.
    public var violation: InvariantViolation?
    public var handledEvents: Int

    /// The smallest storm that breaks the same invariant; itself if it breaks none.
    public func shrunk() -> StormOutcome {
        var shrinking = StormShrinking(self)
        return shrinking?.shrink() ?? self
    }
}

extension StormScenario {
    /// The storm of a seed.
    /// - Parameter size: nil: the seed decides.
    public static func make(seed: UInt64, size: StormSize? = nil) -> StormScenario {
        var generator = StormGenerator(seed: seed, size: size)
        return generator.make()
    }

    /// Writes the scenario file and its manifests into a folder.
    ///
    /// - Throws: `ResultError` if a file cannot be written.
    public func write(to folder: String) throws(ResultError) {
        try Folders.make(folder)
        for (name, text) in files {
            var file = try BufferedFile(name: name, in: folder)
            file.append(text)
            _ = try file.finish(rows: 0)
        }
    }

    /// What a person types to run the storm that was written into a folder.
    public static func command(in folder: String) -> String {
        let path = PathText.join(folder, StormScenario.fileName)
        let isPlain = path.allSatisfy { ($0.isASCII && ($0.isLetter || $0.isNumber)) || "/._-".contains($0) }
        let quoted = path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        return "seatrial run " + (isPlain ? path : "'\(quoted)'")
    }

    /// The scenario its text says.
    ///
    /// - Throws: `ScenarioError` if the text means nothing.
    public func scenario() throws(ScenarioError) -> Scenario {
        try ScenarioFile.load(StormScenario.fileName, files: files)
    }

    /// Runs the storm to its end, or to the first broken invariant.
    ///
    /// - Throws: `ScenarioError` if the text means nothing.
    public func run() throws(ScenarioError) -> StormOutcome { try run { _ in } }

    /// The same with a cluster that is changed before it starts: tests plant bugs that way.
    package func run(_ plant: (inout ClusterConfiguration) -> Void) throws(ScenarioError) -> StormOutcome {
        var scenario = try scenario()
        plant(&scenario.configuration)
        let record = try scenario.run().record
        return StormOutcome(seed: seed, storm: self, violation: record.violation, handledEvents: record.handledEvents)
    }
}
