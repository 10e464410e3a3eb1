// A sweep as Jobs of Kubernetes: an Indexed Job that runs the cases, and a Job that merges them.
// <https://kubernetes.io/docs/tasks/job/indexed-parallel-processing-static/>

import Foundation
import KubernetesAPI
import NodeAgent

/// Manifests and a container file for a sweep, and a copy of all files it is read from, in one folder.
public struct KubernetesJobs: Sendable {
    /// The folder.
    public let path: String
    /// The image that the manifests name.
    public let image: String

    /// What the API server takes as the parallelism, and as the completions with a back-off limit for each, of an Indexed Job.
    public static let mostTasks = 100_000

    /// Names of pods are made of the experiment's.
    private static let longestName = 40

    /// What else the manifests say.
    public struct Options: Sendable {
        /// Tasks at most; each runs its share of the cases.
        public var tasks: Int
        /// nil: called after the experiment.
        public var image: String?
        /// What a pod requests.
        public var memory: String
        /// The size of the claim for results.
        public var storage: String
        /// nil: the cluster's default. It must be able to be mounted by many nodes at a time.
        public var storageClass: String?

        public init(tasks: Int = 100, image: String? = nil, memory: String = "1Gi", storage: String = "1Gi", storageClass: String? = nil) {
            self.tasks = tasks
            self.image = image
            self.memory = memory
            self.storage = storage
            self.storageClass = storageClass
        }
    }

    /// Writes the folder `kubernetes` below the sweep's.
    ///
    /// - Throws: `ScenarioError` for mistakes in the files, a name that is too long, or one that no image can have; `ResultError` if something cannot be written.
    public init(_ file: String, output: String?, _ options: Options) throws {
        if let image = options.image, let problem = ImageReference.problem(of: image) {
            throw ScenarioError(["--image: \"\(image)\" names no image: \(problem)"])
        }
        let sweep = try Sweep(file, output: output)
        let experiment = sweep.experiment
        guard experiment.name.count <= KubernetesJobs.longestName else {
            throw ScenarioError([
                "\(file): metadata.name: \"\(experiment.name)\" is longer than \(KubernetesJobs.longestName) characters: with what Kubernetes adds "
                    + "to it, the names of pods would be too long"
            ])
        }
        image = options.image ?? "seatrial-\(experiment.name):latest"
        path = PathText.join(sweep.path, "kubernetes")
        let inputs = try SweepInputs(experiment)
        try Folders.make(path)
        try inputs.copy(to: PathText.join(path, "inputs"))
        let manifests = KubernetesManifests(
            name: experiment.name, image: image, experiment: "/inputs/" + inputs.experiment,
            tasks: SweepTasks(cases: experiment.caseCount, most: options.tasks), options: options)
        for (name, text) in manifests.files { try WholeFile.write(text, to: PathText.join(path, name)) }
    }
}

/// The texts.
struct KubernetesManifests: Sendable {
    let name: String
    let image: String
    /// The experiment file's path in the container.
    let experiment: String
    let tasks: SweepTasks
    let options: KubernetesJobs.Options

    var files: [(name: String, text: String)] {
        [("Containerfile", containerfile), ("volume.yaml", volume), ("cases.yaml", cases), ("collect.yaml", collect)]
    }

    private var containerfile: String {
        """
        # The files of a sweep on top of the program. Written by seatrial sweep submit.
        ARG SEATRIAL=seatrial:\(SeatrialVersion.current)
        FROM ${SEATRIAL}
        COPY inputs /inputs

        """
    }

    private var volume: String {
        let storageClass = options.storageClass.map { "\n  storageClassName: \($0)" } ?? ""
        return """
            # Where pods on all nodes keep their cases.
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata:
              name: \(name)-results
              labels: {app.kubernetes.io/name: seatrial, app.kubernetes.io/instance: \(name)}
            spec:
              accessModes: [ReadWriteMany]
              resources: {requests: {storage: \(options.storage)}}\(storageClass)

            """
    }

    private var cases: String {
        let script =
            "first=$((JOB_COMPLETION_INDEX * \(tasks.size) + 1)); "
            + #"exec seatrial sweep run "$1" --output "$2" --case "$first-$((first + \#(tasks.size - 1)))""#
        return job(
            "cases",
            "Each index runs \(Presentation.count(tasks.size, "case")); those that are done are left out, so it may be made again.",
            """
              completionMode: Indexed
              completions: \(tasks.count)
              parallelism: \(tasks.count)
              backoffLimitPerIndex: 3

            """, command: [script])
    }

    private var collect: String {
        job(
            "collect", "Merges the cases, once they are done: kubectl wait --for=condition=Complete job/\(name)-cases",
            "  backoffLimit: 0\n", command: [#"exec seatrial sweep collect "$1" --output "$2""#])
    }

    private func job(_ part: String, _ comment: String, _ spec: String, command: [String]) -> String {
        """
        # \(comment)
        apiVersion: batch/v1
        kind: Job
        metadata:
          name: \(name)-\(part)
          labels: {app.kubernetes.io/name: seatrial, app.kubernetes.io/instance: \(name), app.kubernetes.io/component: \(part)}
        spec:
        \(spec)  template:
            metadata:
              labels: {app.kubernetes.io/name: seatrial, app.kubernetes.io/instance: \(name), app.kubernetes.io/component: \(part)}
            spec:
              restartPolicy: Never
              containers:
                - name: \(part)
                  image: \(JSONText.quoted(image))
                  command: [sh, -c, \(command.map(JSONText.quoted).joined(separator: ", ")), seatrial, \(JSONText.quoted(experiment)), /results/\(name)]
                  resources: {requests: {cpu: 1, memory: \(options.memory)}}
                  volumeMounts: [{name: results, mountPath: /results}]
              volumes:
                - {name: results, persistentVolumeClaim: {claimName: \(name)-results}}

        """
    }
}
