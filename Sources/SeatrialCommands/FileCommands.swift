// seatrial validate, schema, import, docs: commands about files, without running anything.

import ArgumentParser
import Experiments
import Foundation

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check scenario and experiment files and everything they name, without running them.")

    @Argument(help: "Scenario and experiment files.", completion: .file(extensions: ["yaml", "yml", "json"]))
    var files: [String]

    func run() throws {
        var messages: [String] = []
        for path in files {
            let (contents, warnings): (String, [String])
            do throws(ScenarioError) {
                (contents, warnings) = ExperimentFile.isExperiment(path) ? try experiment(path) : try scenario(path)
            } catch {
                messages += error.messages
                continue
            }
            Terminal.warn(warnings)
            try Terminal.say("\(path): \(contents)")
        }
        if !messages.isEmpty { throw ScenarioError(messages) }
    }

    private func scenario(_ path: String) throws(ScenarioError) -> (String, [String]) {
        let scenario = try ScenarioFile.load(path)
        _ = try scenario.makeCluster()
        return (scenario.contents, scenario.warnings)
    }

    private func experiment(_ path: String) throws(ScenarioError) -> (String, [String]) {
        let experiment = try ExperimentFile.load(path)
        return (experiment.contents, experiment.warnings)
    }
}

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of scenario or experiment files, for editors to complete and check them with.")

    enum Format: String, ExpressibleByArgument, CaseIterable { case scenario, experiment }

    @Argument(help: "scenario or experiment.")
    var format = Format.scenario

    func run() throws {
        switch format {
        case .scenario: try Terminal.say(ScenarioSchema.text, terminator: "")
        case .experiment: try Terminal.say(ScenarioSchema.experimentText, terminator: "")
        }
    }
}

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a scenario of a published trace.", subcommands: [OpenbCommand.self])

    struct OpenbCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "openb", abstract: "The openb trace (Alibaba cluster-trace-gpu-v2023): nodes and pods with GPU demand, as CSV.",
            discussion: """
                Pods come and go at their recorded times. With --order and --ranks they arrive in the order that an experiment with the published \
                GPU simulator recorded, stay, and ties between nodes are decided as it did: a run under fgd.yaml or best-fit.yaml of the folder \
                then puts every pod where it was put there.
                """)

        @Option(help: "openb_node_list_*.csv", completion: .file(extensions: ["csv"]))
        var nodes: String

        @Option(help: "openb_pod_list_*.csv", completion: .file(extensions: ["csv"]))
        var pods: String

        @Option(
            help: "A recorded order of arrival, as CSV: arrival_index, name, base_pod. Goes with --ranks.",
            completion: .file(extensions: ["csv"]))
        var order: String?

        @Option(help: "The recorded ranks of nodes, as CSV: tiebreak_rank, node.", completion: .file(extensions: ["csv"]))
        var ranks: String?

        @Option(
            help: ArgumentHelp(
                "The folder for scenario.yaml, nodes.yaml, pods.yaml and fgd.yaml, with --order best-fit.yaml too.", valueName: "dir"),
            completion: .directory)
        var output = "openb"

        func validate() throws {
            try Terminal.checkOutput(output)
            if (order == nil) != (ranks == nil) { throw ValidationError("--order and --ranks go together: both or neither.") }
        }

        func run() throws {
            var recording: OpenbRecording?
            if let order, let ranks { recording = try OpenbRecording(orderFile: order, rankFile: ranks) }
            let imported = try OpenbImport(nodeFile: nodes, podFile: pods, recording: recording)
            try imported.write(to: output)
            try Terminal.say("\(output)/scenario.yaml: \(imported.nodes) nodes, \(imported.pods) pods over \(imported.span) s")
            let none = imported.podsWithoutLifetime
            if none > 0 {
                try Terminal.say(
                    none == 1
                        ? "1 pod has a lifetime of 0 s: it is deleted as soon as it is created"
                        : "\(none) pods have a lifetime of 0 s: they are deleted as soon as they are created")
            }
        }
    }
}

struct DocsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "docs", abstract: "Print a page of the documentation that is made from tables in the program.", shouldDisplay: false)

    enum Page: String, ExpressibleByArgument, CaseIterable { case results, scenario }

    @Argument(help: "results or scenario.")
    var page: Page

    func run() throws {
        switch page {
        case .results: try Terminal.say(ResultTables.documentation, terminator: "")
        case .scenario: try Terminal.say(ScenarioDocumentation.text, terminator: "")
        }
    }
}
