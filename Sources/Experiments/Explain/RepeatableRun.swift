// A run that is done again to look closer: what was recorded of it is little, but the same scenario and seed give the same run.

import DiscreteEvents
import KubernetesAPI

/// A scenario with the seed, the policy and the duration of a run.
public struct RepeatableRun: Sendable {
    /// How the user named it: a folder of results, or a scenario file.
    public let name: String
    public let scenario: Scenario

    /// Whether a path is the folder of a run that is finished.
    public static func isFinished(_ path: String) -> Bool { InputFiles.exists(PathText.join(path, "run.json")) }

    /// Finds the scenario of a run.
    ///
    /// - Parameters:
    ///   - path: a folder with a `run.json`, or a scenario file.
    ///   - overrides: seed, duration and policy; for a folder of results they are its own, and must not be given.
    ///   - scenarioFile: where the scenario of a folder of results is now; nil: where it was, seen from the working folder or from one above
    ///     the results. Of several files there it is the first that is what it was.
    /// - Throws: `ScenarioError` if there is no such run, or its files have changed since, so that it would be another run.
    public init(
        _ path: String, overrides: ScenarioOverrides = ScenarioOverrides(), scenarioFile: String? = nil
    ) throws(ScenarioError) {
        name = path
        let manifest = PathText.join(path, "run.json")
        if InputFiles.exists(manifest) {
            if overrides != ScenarioOverrides() {
                throw ScenarioError(["\(path) is a finished run: its seed, duration and scheduler are those it was made with"])
            }
            scenario = try RepeatableRun.scenario(of: manifest, in: path, scenarioFile)
        } else if Folders.exists(path) {
            throw ScenarioError(["\(path): no run.json in this folder: expected the folder of one run's results, or a scenario file"])
        } else {
            if let scenarioFile {
                throw ScenarioError(["--scenario \(scenarioFile): \(path) is no finished run but a scenario file itself"])
            }
            scenario = try ScenarioFile.load(path, overrides: overrides)
        }
    }

    /// The scenario that a `run.json` tells of.
    private static func scenario(of manifest: String, in folder: String, _ elsewhere: String?) throws(ScenarioError) -> Scenario {
        let documents: [YAMLNode]
        do {
            // JSON is YAML.
            documents = try YAMLFile.parse(InputFiles.read(manifest), name: manifest).documents
        } catch {
            throw ScenarioError(["\(error)"])
        }
        guard let document = documents.first else { throw ScenarioError(["\(manifest): is empty"]) }
        guard let recorded = document["scenario"]?["file"]?.scalarText, document["scenario"]?["file"]?.isNull == false else {
            throw ScenarioError(["\(manifest): does not say which scenario file was run"])
        }
        guard let seed = document["seed"]?.scalarText.flatMap({ SeedText.seed(of: $0) ?? UInt64($0) }),
            let duration = document["duration_s"]?.scalarText
        else {
            throw ScenarioError(["\(manifest): has no seed or duration: it is not complete"])
        }
        let overrides = ScenarioOverrides(seed: seed, duration: duration + "s")
        let places = Places(results: folder, scenario: elsewhere)
        let files = elsewhere.map { [$0] } ?? places.all(recorded)
        if files.isEmpty {
            throw ScenarioError([
                "\(manifest): the scenario was read from \(recorded), which is not there, and not below a folder above the results either: say "
                    + "where it is with --scenario FILE, or call this from the folder in which the run was made"
            ])
        }
        let (found, file) = try load(files, overrides, document, places, manifest)
        var scenario = found
        if let node = document["branch"], !node.isNull {
            scenario.branch = try branch(node, scenario, file: file, places, manifest)
            scenario.policy = scenario.branch?.name ?? scenario.policy
        }
        return scenario
    }

    /// Reads the first of some scenario files that is, with the first of the policies, what was run.
    ///
    /// - Throws: what is wrong with the first one, if none is.
    private static func load(
        _ files: [String], _ overrides: ScenarioOverrides, _ document: YAMLNode, _ places: Places, _ manifest: String
    ) throws(ScenarioError) -> (scenario: Scenario, file: String) {
        var policies: [String?] = [nil]
        if let node = document["scenario"]?["scheduler"], !node.isNull, let path = node.scalarText { policies = places.policies(path) }
        var mismatch = ScenarioError([])
        for file in files {
            for policy in policies {
                var overrides = overrides
                overrides.scheduler = policy
                do throws(ScenarioError) {
                    let scenario = try ScenarioFile.load(file, overrides: overrides)
                    try check(scenario, against: document, manifest)
                    return (scenario, file)
                } catch {
                    if mismatch.messages.isEmpty { mismatch = error }
                }
            }
        }
        throw mismatch
    }

    /// Where files may be that a run was made of: paths are as they were typed, in a working folder that nobody wrote down.
    private struct Places {
        /// To look from, in this order; the first is the working folder.
        private var folders = [""]

        /// - Parameters:
        ///   - results: the folder of the run.
        ///   - scenario: where the user says that the scenario file is.
        init(results: String, scenario: String?) {
            for path in [results] + (scenario.map { [$0] } ?? []) {
                var folder = PathText.standardised(path)
                while folder != "/" {
                    folder = PathText.split(folder).folder
                    folders.append(folder)
                }
            }
        }

        /// The files that are there, each once.
        func all(_ path: String) -> [String] {
            if path.hasPrefix("/") { return InputFiles.exists(path) ? [path] : [] }
            var known: Set<String> = []
            return folders.map { $0.isEmpty ? path : PathText.join($0, path) }
                .filter { InputFiles.exists($0) && known.insert(PathText.standardised($0)).inserted }
        }

        /// Configurations of a scheduler, at least one; one that is not found is for whoever reads it to complain of.
        func policies(_ path: String) -> [String] {
            let found = path == ScenarioFile.defaultPolicy ? [] : all(path)
            return found.isEmpty ? [path] : found
        }
    }

    private static func branch(
        _ node: YAMLNode, _ scenario: Scenario, file: String, _ places: Places, _ manifest: String
    ) throws(ScenarioError) -> Branch {
        let at: SimulatedTime
        do {
            at = .zero + (try SimulatedDuration(text: (node["at_s"]?.scalarText ?? "") + "s"))
        } catch {
            throw ScenarioError(["\(manifest): branch.at_s: \(error)"])
        }
        var branch = Branch(at: at)
        if let path = node["scheduler"], !path.isNull, let text = path.scalarText {
            branch.takeover = try Branch.Takeover(places.policies(text)[0], for: file)
        }
        if let fault = node["fault"], !fault.isNull, let text = fault.scalarText {
            branch.fault = try Branch.AddedFault(text, at: at, in: scenario)
        }
        return branch
    }

    /// - Throws: if the scenario or a file it names is another than that of the run.
    private static func check(_ scenario: Scenario, against document: YAMLNode, _ manifest: String) throws(ScenarioError) {
        if document["scenario"]?["fingerprint"]?.scalarText != scenario.fingerprint.description {
            var known: [(path: String, fingerprint: String)] = []
            if let inputs = document["scenario"]?["inputs"] {
                for input in inputs.elements {
                    known.append((input["path"]?.scalarText ?? "", input["fingerprint"]?.scalarText ?? ""))
                }
            }
            let changed = scenario.inputs.filter { input in
                !known.contains { $0.path == input.path && $0.fingerprint == input.fingerprint.description }
            }
            let names = changed.isEmpty ? "the files of the scenario" : changed.map(\.path).joined(separator: ", ")
            throw ScenarioError([
                "\(manifest): \(names) changed since this run was made: make it again first, or say with --scenario FILE where the scenario is as it was"
            ])
        }
        let version = document["seatrial"]?.scalarText ?? "?"
        if version != SeatrialVersion.current {
            throw ScenarioError([
                "\(manifest): was made by seatrial \(version), which may have decided otherwise than this \(SeatrialVersion.current): make it again first"
            ])
        }
    }
}
