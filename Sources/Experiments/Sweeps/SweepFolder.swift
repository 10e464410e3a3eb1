// The folder of a sweep: one file for each case that is done, and one that says of what.

import Foundation
import KubernetesAPI

/// Cases of one experiment on disk. Any number of processes, on any number of machines that see the folder, may add to it at a time: a case
/// is there as a whole or not at all, and whoever makes it makes the same bytes.
struct SweepFolder: Sendable {
    let path: String
    private let fingerprint: String

    static let manifestName = "sweep.json"

    static func isBegun(_ path: String) -> Bool { InputFiles.exists(PathText.join(path, manifestName)) }

    private var manifestPath: String { PathText.join(path, SweepFolder.manifestName) }
    private var casesPath: String { PathText.join(path, "cases") }

    /// Opens the folder of an experiment, or makes it.
    ///
    /// - Parameter combination: only this form of the scenario is to be run, from 0; nil: all. What is to be run must be the same as when the folder
    ///   was made.
    /// - Throws: `ResultError` if the folder is another experiment's, or another version's; `ScenarioError` for a scenario that cannot be read.
    init(_ path: String, of experiment: Experiment, combination: Int? = nil) throws {
        self.path = path
        fingerprint = experiment.fingerprint.description
        guard SweepFolder.isBegun(path) else {
            try checkIsFree()
            try Folders.make(casesPath)
            try WholeFile.write(manifest(of: experiment).text, to: manifestPath)
            return
        }
        let known = try check(experiment)
        for index in combination.map({ $0..<($0 + 1) }) ?? experiment.combinations.indices {
            guard try experiment.scenarioFingerprint(index).description != known[index] else { continue }
            throw ResultError(
                "\(path): the files of the scenario changed since this sweep was begun (in \"\(experiment.combinations[index].label)\"): "
                    + "choose another --output, or remove the folder")
        }
        try Folders.make(casesPath)
    }

    /// Opens the folder of an experiment whose cases are done.
    ///
    /// - Throws: `ResultError` if there is none, or it is another experiment's.
    init(existing path: String, of experiment: Experiment) throws {
        self.path = path
        fingerprint = experiment.fingerprint.description
        guard SweepFolder.isBegun(path) else {
            throw ResultError("\(path): there is no sweep in this folder (no \(SweepFolder.manifestName))")
        }
        _ = try check(experiment)
    }

    /// - Returns: the fingerprints of the scenario's forms.
    private func check(_ experiment: Experiment) throws -> [String] {
        let manifest = try document(manifestPath)
        let version = manifest["seatrial"]?.scalarText ?? "?"
        if version != SeatrialVersion.current {
            throw ResultError(
                "\(path): this sweep was begun by seatrial \(version), and this is \(SeatrialVersion.current): cases of two versions are not "
                    + "mixed; choose another --output")
        }
        let combinations = manifest["combinations"]?.elements.map { $0["fingerprint"]?.scalarText ?? "" } ?? []
        guard manifest["fingerprint"]?.scalarText == fingerprint, combinations.count == experiment.combinations.count else {
            let name = manifest["experiment"]?.scalarText ?? "?"
            let whose =
                name == experiment.name
                ? "the experiment changed since this sweep was begun" : "this is a sweep of the experiment \"\(name)\""
            throw ResultError("\(path): \(whose): choose another --output, or remove the folder")
        }
        return combinations
    }

    private func checkIsFree() throws(ResultError) {
        guard InputFiles.exists(path) else { return }
        guard Folders.exists(path) else { throw ResultError("cannot write results to \(path): there is a file of that name") }
        let contents = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        // Scripts may have been written before the first case.
        guard contents.allSatisfy({ $0 == "cases" || $0 == "slurm" || $0 == "kubernetes" || $0.hasPrefix(".\(SweepFolder.manifestName)") })
        else {
            throw ResultError(
                "cannot write results to \(path): the folder that is there holds no sweep (it has no \(SweepFolder.manifestName)); move it away "
                    + "or choose another --output")
        }
    }

    private func manifest(of experiment: Experiment) throws -> JSONValue {
        let combinations = try experiment.combinations.indices.map { index in
            JSONValue.members([
                ("label", .string(experiment.combinations[index].label)),
                ("fingerprint", .string(try experiment.scenarioFingerprint(index).description)),
            ])
        }
        return .members([
            ("seatrial", .string(SeatrialVersion.current)), ("experiment", .string(experiment.name)), ("fingerprint", .string(fingerprint)),
            ("cases", .integer(experiment.caseCount)), ("combinations", .array(combinations)),
        ])
    }

    // MARK: Cases

    private func casePath(_ number: Int) -> String {
        let digits = String(number)
        return PathText.join(casesPath, String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".json")
    }

    /// Whether there is a file of a case, be it damaged.
    func has(_ number: Int) -> Bool { InputFiles.exists(casePath(number)) }

    /// Keeps a case.
    func write(_ run: ComparedRun, as one: Experiment.Case) throws(ResultError) {
        let metrics = run.summary.metrics.map { metric in
            JSONValue.members([
                ("name", .string(metric.name)), ("value", metric.value.map { JSONValue.number($0) } ?? .null),
                ("unit", .string(metric.unit)),
            ])
        }
        let failed = run.failed.map { failed in
            JSONValue.members([("expectation", .string(failed.expectation)), ("observed", .string(failed.observed))])
        }
        let document = JSONValue.members([
            ("fingerprint", .string(fingerprint)), ("case", .integer(one.number)), ("seed", .number(String(one.seed))),
            ("metrics", .array(metrics)), ("failed", .array(failed)), ("checksum", .string(checksum(run, as: one))),
        ])
        try WholeFile.write(document.text, to: casePath(one.number))
    }

    /// Of all that a case's file says: a value that was changed by accident is no result.
    private func checksum(_ run: ComparedRun, as one: Experiment.Case) -> String {
        var result = Fingerprint()
        func add(_ text: String) {
            result.add(Array(text.utf8))
            result.add([0])
        }
        add(fingerprint)
        add(String(one.number))
        add(String(one.seed))
        for metric in run.summary.metrics {
            add(metric.name)
            add(metric.value.map { JSONValue.number($0).line } ?? "null")
            add(metric.unit)
        }
        for failed in run.failed {
            add(failed.expectation)
            add(failed.observed)
        }
        return result.description
    }

    /// Reads a case back; nil: it is not done. A disk that was full, or a machine that lost its power, may have left half of a file, somebody
    /// that of another experiment, or changed a figure: that is not done either.
    func read(_ one: Experiment.Case) -> ComparedRun? {
        guard has(one.number), let document = try? document(casePath(one.number)),
            document["fingerprint"]?.scalarText == fingerprint, document["case"]?.scalarText == String(one.number),
            document["seed"]?.scalarText == String(one.seed), let metrics = document["metrics"], let failed = document["failed"]
        else { return nil }
        let run = ComparedRun(
            policy: one.combination, seed: one.seed,
            summary: RunSummary(
                metrics.elements.map { metric in
                    let value = metric["value"].flatMap { $0.isNull ? nil : $0.scalarText.flatMap(Double.init) }
                    return Metric(name: metric["name"]?.scalarText ?? "", value: value, unit: metric["unit"]?.scalarText ?? "")
                }),
            failed: failed.elements.map { failed in
                FailedExpectation(expectation: failed["expectation"]?.scalarText ?? "", observed: failed["observed"]?.scalarText ?? "")
            })
        return document["checksum"]?.scalarText == checksum(run, as: one) ? run : nil
    }

    /// Removes what killed processes left.
    ///
    /// - Parameter isComplete: all cases are there, so nobody is at work any more.
    func tidy(isComplete: Bool = false) {
        for folder in [path, casesPath] { WholeFile.removeLeftovers(in: folder, ofOthers: isComplete) }
    }

    private func document(_ path: String) throws(ResultError) -> YAMLNode {
        let bytes = try InputFiles.read(path)
        // JSON is YAML.
        guard let document = try? YAMLFile.parse(bytes, name: path).documents.first else {
            throw ResultError("\(path): cannot be read: remove it, and run it again")
        }
        return document
    }
}
