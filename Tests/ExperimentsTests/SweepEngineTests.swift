// Sweeps for Slurm and Kubernetes: what is written means what it should. Tests/slurm/run.sh runs one on a real Slurm.

import ClusterSimulation
import DiscreteEvents
import Foundation
import KubernetesAPI
import Testing

@testable import Experiments

private let kubectl = ["/usr/bin/kubectl", "/usr/local/bin/kubectl"].first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite("Sweeps on many machines")
struct SweepEngineTests {
    private static let experiment = FactorTests.experiment(
        "  factors: [{name: machines, path: 'cluster.nodePools[general].count', levels: [2, 3, 4, 5, 6]}]\n")

    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder(
            ["deep/scenario.yaml": FactorTests.scenario, "deep/web.yaml": webManifest]
                .merging([
                    "my files/experiment.yaml": SweepEngineTests.experiment.replacingOccurrences(
                        of: "scenario.yaml", with: "../deep/scenario.yaml")
                ]) { $1 })
    }

    @Test(
        "Every case is in one task, and there are no more tasks than allowed",
        arguments: [(10, 1001), (10, 4), (10, 3), (10, 1), (1, 1), (2002, 1001), (2003, 1001)])
    func tasks(cases: Int, most: Int) {
        let tasks = SweepTasks(cases: cases, most: most)
        #expect(tasks.count <= most)
        let dealt = (0..<tasks.count).flatMap { task in (task * tasks.size + 1)...(task * tasks.size + tasks.size) }
        #expect(dealt.filter { $0 <= cases } == Array(1...cases))
        #expect((tasks.count - 1) * tasks.size < cases)
    }

    @Test("Slurm's scripts name everything from the root, with quotes where needed, and pass options on")
    func slurm() throws {
        let jobs = try SlurmJobs(
            folder["my files/experiment.yaml"], output: folder["out"], program: "/opt/sea trial/seatrial", tasks: 4,
            options: ["--partition=long"])
        #expect(jobs.tasks == SweepTasks(cases: 10, most: 4))
        let script = try String(contentsOfFile: jobs.arrayPath, encoding: .utf8)
        #expect(script.hasPrefix("#!/bin/bash\n"))
        #expect(script.contains("\n#SBATCH --array=0-3\n"))
        #expect(script.contains("\n#SBATCH --partition=long\n"))
        #expect(script.contains("first=$((SLURM_ARRAY_TASK_ID * 3 + 1))"))
        let command = "'/opt/sea trial/seatrial' sweep run '\(folder["my files/experiment.yaml"])' --output \(folder["out"])"
        #expect(script.contains("exec \(command) --case \"$first-$((first + 2))\"\n"))
        #expect(try String(contentsOfFile: jobs.collectPath, encoding: .utf8).contains("sweep collect '"))
        // The folder is a sweep's, and may be run here as well.
        #expect(try Sweep.run(folder["my files/experiment.yaml"], cases: 10...10, output: folder["out"]).run == 1)
    }

    private func kubernetes(_ options: KubernetesJobs.Options = .init(tasks: 4)) throws -> String {
        let jobs = try KubernetesJobs(folder["my files/experiment.yaml"], output: folder["out"], options)
        return jobs.path
    }

    @Test("The files for Kubernetes hold a copy of everything the experiment is read from, which is the same experiment")
    func inputs() throws {
        let path = try kubernetes()
        let copied = path + "/inputs/my files/experiment.yaml"
        let (one, other) = try (ExperimentFile.load(folder["my files/experiment.yaml"]), ExperimentFile.load(copied))
        #expect(one.fingerprint == other.fingerprint)
        #expect(try one.scenario(0).fingerprint == other.scenario(0).fingerprint)
        #expect(try String(contentsOfFile: path + "/Containerfile", encoding: .utf8).contains("COPY inputs /inputs\n"))
    }

    @Test("The manifests are such as the API server takes without a warning")
    func manifests() throws {
        let path = try kubernetes(.init(tasks: 4, image: "registry.example/sweep:1", memory: "2Gi", storage: "5Gi", storageClass: "nfs"))
        let names = ["volume.yaml", "cases.yaml", "collect.yaml"]
        let result = ManifestLoader.load(files: try names.map { (name: $0, bytes: try InputFiles.read(path + "/" + $0)) })
        #expect(result.diagnostics.isEmpty, "\(result.diagnostics)")
        let jobs = result.objects.compactMap { loaded in if case .job(let job) = loaded.object { job.value } else { nil } }
        try #require(jobs.count == 2)
        #expect(jobs[0].spec.completionMode == .indexed)
        #expect(jobs[0].spec.completions == 4)
        #expect(jobs[0].spec.backoffLimitPerIndex == 3)
        let container = try #require(jobs[0].spec.template.spec.value.containers.first)
        #expect(container.image == "registry.example/sweep:1")
    }

    @Test(
        "kubectl reads the Jobs as what they are, without a cluster", .enabled(if: kubectl != nil, "no kubectl on this machine"),
        arguments: ["cases", "collect"])
    func kubectlReads(job: String) throws {
        let path = try kubernetes()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(kubectl))
        // Its own types are filled and written out again: what they do not know is lost, what is of another type is refused.
        process.arguments = [
            "set", "image", "--local", "--filename", path + "/\(job).yaml", "--output", "yaml", "\(job)=another:1",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        var loader = ManifestLoader()
        let ours = try String(contentsOfFile: path + "/\(job).yaml", encoding: .utf8)
            .replacingOccurrences(of: "\"seatrial-web:latest\"", with: "another:1")
        let (written, read) = (loader.load(text, file: "kubectl.yaml"), loader.load(ours, file: "\(job).yaml"))
        #expect(written.objects.count == 1)
        #expect(written.objects.map(\.object) == read.objects.map(\.object))
    }

    @Test("A simulated cluster runs the Job to its end")
    func simulated() throws {
        let path = try kubernetes()
        // The claim waits for a volume that many nodes can mount; the simulated cluster has one.
        try folder.write(
            "cluster.yaml",
            """
            apiVersion: seatrial.dev/v1alpha1
            kind: Scenario
            metadata: {name: sweep}
            spec:
              duration: 10m
              cluster:
                nodePools: [{name: node, count: 2, resources: {cpu: 2, memory: 8Gi, pods: 10}}]
                objects: [volume.yaml, "\(path)/volume.yaml", "\(path)/cases.yaml"]
              workloads: [{selector: {matchLabels: {app.kubernetes.io/component: cases}}, run: 30s}]
              expect: [{job: web-cases, condition: {type: Complete, status: "True"}, at: 10m}]

            """)
        try folder.write(
            "volume.yaml",
            """
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: results}
            spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteMany], storageClassName: "", nfs: {server: s, path: /}}

            """)
        let claim = try String(contentsOfFile: path + "/volume.yaml", encoding: .utf8)
        try Data((claim + "  storageClassName: \"\"\n").utf8).write(to: URL(fileURLWithPath: path + "/volume.yaml"))
        let outcome = try ScenarioFile.load(folder["cluster.yaml"]).run()
        #expect(outcome.expectationsHold, "\(outcome.expectations.map(\.observed))")
        #expect(outcome.summary["pods_succeeded"] == 4)
    }

    private static let programFolder = (CommandLine.arguments[0] as NSString).deletingLastPathComponent

    @Test(
        "What the containers are told to run, index by index in any order, runs every case and merges them",
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: SweepEngineTests.programFolder + "/seatrial"),
            "the executable is not beside the tests"))
    func commands() async throws {
        let path = try kubernetes()
        /// Runs the command of a Job's container as the kubelet would, the volume being a folder here.
        func run(_ job: String, index: Int? = nil) throws -> Int32 {
            let document = try YAMLFile.parse(InputFiles.read("\(path)/\(job).yaml"), name: job).documents.first
            let containers = try #require(document?["spec"]?["template"]?["spec"]?["containers"])
            let container = try #require(Array(containers.elements).first)
            let command = try Array(#require(container["command"]).elements).compactMap(\.scalarText)
            try #require(command.first == "sh")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = command.dropFirst().map { argument in
                argument.hasPrefix("/inputs/") ? path + argument : argument.hasPrefix("/results/") ? folder["volume"] + argument : argument
            }
            var environment = ["PATH": SweepEngineTests.programFolder + ":/usr/bin:/bin"]
            if let index { environment["JOB_COMPLETION_INDEX"] = String(index) }
            process.environment = environment
            (process.standardOutput, process.standardError) = (Pipe(), Pipe())
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus
        }
        for index in [2, 0, 3] { #expect(try run("cases", index: index) == 0) }
        // Cases are missing as long as one index has not run.
        #expect(try run("collect") == 3)
        for index in [1, 2] { #expect(try run("cases", index: index) == 0) }
        #expect(try run("collect") == 0)
        let here = try await Sweep(folder["my files/experiment.yaml"], output: folder["here"]).run(jobs: 2)
        #expect(here.comparison.runs.count == 10)
        for file in ["cases.csv", "runs.csv", "comparison.csv"] {
            #expect(try InputFiles.read(folder["volume/results/web/" + file]) == InputFiles.read(folder["here/" + file]))
        }
    }

    @Test("A name that no image can have is refused before anything is written", arguments: ["bad image", "Web", "web:1:2", ""])
    func image(name: String) throws {
        let refused = #expect(throws: ScenarioError.self) { try kubernetes(.init(tasks: 4, image: name)) }
        #expect(refused?.description.hasPrefix("--image: \"\(name)\" names no image: ") == true, "\(String(describing: refused))")
        #expect(!FileManager.default.fileExists(atPath: folder["out"]))
        let path = try kubernetes(.init(tasks: 4, image: "registry.example:5000/team/node-patience:1"))
        #expect(
            try String(contentsOfFile: path + "/cases.yaml", encoding: .utf8).contains("\"registry.example:5000/team/node-patience:1\""))
    }

    @Test("A name that would be too long for pods is refused")
    func longName() throws {
        try folder.write(
            "my files/experiment.yaml",
            SweepEngineTests.experiment.replacingOccurrences(of: "scenario.yaml", with: "../deep/scenario.yaml")
                .replacingOccurrences(of: "name: web", with: "name: \(String(repeating: "x", count: 41))"))
        #expect(throws: ScenarioError.self) { try kubernetes() }
    }
}
