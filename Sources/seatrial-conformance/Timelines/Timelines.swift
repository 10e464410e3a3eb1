// The subcommand `timelines`: recorded timelines of a real control plane, replayed.

import ArgumentParser
import Foundation
import KubernetesAPI

struct TimelineOptions: ParsableArguments {
    @Argument(help: "Recorded timelines (.jsonl, with the manifests or the snapshot beside them), or folders of them.")
    var paths: [String]
    @Option(help: "Replay only the timeline of this name, and print what differs, recorded beside simulated.")
    var show: String?
    @Flag(help: "With --show: print the simulated timeline instead, in the form of the recordings.")
    var simulated = false
}

/// Replays the timelines found at `paths`.
/// - Parameter show: the name of one timeline; only that one is replayed then.
func runTimelines(_ paths: [String], show: String? = nil) throws -> [TimelineResult] {
    var results: [TimelineResult] = []
    for file in try recordings(at: paths) {
        guard FileManager.default.fileExists(atPath: file) else { throw RecordingError.unreadable(file, "no such file or folder") }
        let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
        if let show, show != name { continue }
        results.append(try replay(file))
    }
    return results
}

private func replay(_ file: String) throws -> TimelineResult {
    let recording: TimelineRecording
    do {
        recording = try TimelineRecording(file: file)
    } catch let error as TimelineError {
        // One that is not understood says nothing of the others.
        var result = TimelineResult(name: URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent)
        result.differences.append(.init(time: nil, subject: "recording", recorded: "a timeline", simulated: error.description))
        return result
    }
    var recorded = TimelineView()
    for change in recording.changes { recorded.observe(change) }
    do {
        var best: TimelineResult?
        for draw in 0..<Relaxations.draws {
            var replay = try TimelineReplay(recording, recorded, draw: draw)
            try replay.run()
            var inputs = replay.inputs
            if draw > 0 { inputs.append((Relaxations.equals, 1)) }
            let result = TimelineComparison(
                recording, recorded: recorded, simulated: replay.simulated, actions: replay.actions, inputs: inputs
            ).result
            if best.map({ result.differences.count < $0.differences.count }) ?? true { best = result }
            if result.differences.isEmpty || !replay.hadChoice { break }
        }
        return best ?? TimelineResult(name: recording.name)
    } catch {
        // The recording is sound, the simulator cannot follow it.
        var result = TimelineResult(name: recording.name)
        result.differences.append(.init(time: nil, subject: "replay", recorded: "a cluster that runs", simulated: "\(error)"))
        return result
    }
}

extension TimelineOptions {
    /// A line each; exit code 1 if anything differs, 2 if there is nothing to compare with.
    func report() throws {
        if simulated, let show { return try printSimulated(show) }
        let results: [TimelineResult]
        do {
            results = try runTimelines(paths, show: show)
        } catch {
            FileHandle.standardError.write(Data("seatrial-conformance: \(error)\n".utf8))
            throw ExitCode(2)
        }
        if let show, results.isEmpty { throw ValidationError("there is no timeline named \(show)") }
        for result in results {
            print(result.line)
            if show != nil { for difference in result.differences { print(difference.text) } }
        }
        if results.contains(where: { !$0.differences.isEmpty }) { throw ExitCode(1) }
    }
}

extension TimelineOptions {
    private func printSimulated(_ name: String) throws {
        for file in try recordings(at: paths) where URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent == name {
            let recording = try TimelineRecording(file: file)
            var recorded = TimelineView()
            for change in recording.changes { recorded.observe(change) }
            var replay = try TimelineReplay(recording, recorded)
            try replay.run()
            for change in replay.changes { print(change.line) }
            return
        }
        throw ValidationError("there is no timeline named \(name)")
    }
}

extension ObservedChange {
    /// The line of a recording.
    fileprivate var line: String {
        JSONTree.map([
            .init(key: "t", value: .number(String(Int(time.rounded())))), .init(key: "ev", value: .text(change.rawValue)),
            .init(key: "kind", value: .text(kind)), .init(key: "name", value: .text(name)), .init(key: "set", value: .map(fields)),
        ]).json
    }
}
