// seatrial sweep submit: hands a sweep to an engine for many machines

import ArgumentParser
import Experiments
import Foundation

struct SweepSubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Have Slurm or Kubernetes run a sweep's cases on many machines.",
        discussion: """
            slurm: writes the scripts of an array job and of a job that merges its cases into the folder's slurm/, and hands them to sbatch. \
            All machines must see the folder, the experiment and this program under the same paths.

            kubernetes: writes the manifests of an Indexed Job and of a Job that merges its cases, a claim for a volume, a Containerfile and \
            the experiment's files into the folder's kubernetes/, and prints what to do with them.
            """)

    enum Engine: String, ExpressibleByArgument, CaseIterable { case slurm, kubernetes }

    @OptionGroup var options: SweepOptions

    @Option(help: "slurm or kubernetes.")
    var engine: Engine

    @Option(help: "Tasks at most, each of which runs its share of the cases; default: Slurm's MaxArraySize, 100 for Kubernetes.")
    var tasks: Int?

    @Option(
        help: ArgumentHelp("slurm: an option for sbatch, for example --sbatch=--partition=long; once for each.", valueName: "option"))
    var sbatch: [String] = []

    @Flag(help: "slurm: write the scripts only.")
    var writeOnly = false

    @Option(help: "kubernetes: the image that is built of the Containerfile; default: seatrial-NAME:latest.")
    var image: String?

    @Option(help: "kubernetes: the memory that a pod requests.")
    var memory = "1Gi"

    @Option(help: "kubernetes: the size of the volume for the results.")
    var storage = "1Gi"

    @Option(help: "kubernetes: the StorageClass of that volume; many nodes must be able to mount it at a time.")
    var storageClass: String?

    func validate() throws {
        if let tasks, !(1...1_000_000).contains(tasks) { throw ValidationError("--tasks must be from 1 to 1000000.") }
        let isSlurm = engine == .slurm
        if !isSlurm, let tasks, tasks > KubernetesJobs.mostTasks {
            throw ValidationError(
                "--tasks must be at most \(KubernetesJobs.mostTasks) for Kubernetes, which lets no more pods of an Indexed Job run at a time."
            )
        }
        if !isSlurm, !sbatch.isEmpty || writeOnly { throw ValidationError("--sbatch and --write-only go with --engine slurm.") }
        if isSlurm, image != nil || storageClass != nil {
            throw ValidationError("--image and --storage-class go with --engine kubernetes.")
        }
    }

    func run() throws {
        switch engine {
        case .slurm: try slurm()
        case .kubernetes: try kubernetes()
        }
    }

    private func slurm() throws {
        // Without a Slurm to ask, as many as it usually allows.
        let tasks = tasks ?? (writeOnly ? SlurmJobs.usualTasks : nil)
        let jobs = try SlurmJobs(
            options.experiment, output: options.output, program: Bundle.main.executablePath ?? CommandLine.arguments[0], tasks: tasks,
            options: sbatch)
        try Terminal.say("Scripts    \(jobs.arrayPath), \(jobs.collectPath)")
        if writeOnly { return }
        let numbers = try jobs.submit()
        try Terminal.say("Submitted  job \(numbers.cases) for the cases, job \(numbers.collect) to merge them after it")
    }

    private func kubernetes() throws {
        var choices = KubernetesJobs.Options(image: image, memory: memory, storage: storage, storageClass: storageClass)
        if let tasks { choices.tasks = tasks }
        let jobs = try KubernetesJobs(options.experiment, output: options.output, choices)
        try Terminal.say("Files      \(jobs.path)")
        try Terminal.say(
            """
            Then       podman build -t \(jobs.image) -f \(jobs.path)/Containerfile \(jobs.path)    (and push it where the cluster finds it)
                       kubectl apply -f \(jobs.path)/volume.yaml -f \(jobs.path)/cases.yaml
                       kubectl apply -f \(jobs.path)/collect.yaml    (when the cases are done)
            """)
    }
}
