// What a scenario file may say: every type and field, once. The decoder asks this table which fields exist and which are
// needed, and the JSON Schema for editors is printed from it, so the two cannot differ.

import KubernetesAPI

/// How the value of a field is written.
indirect enum FieldType: Sendable {
    case string
    case boolean
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    /// `30s`, `1h15m`, `2d`; not negative.
    case duration
    /// RFC 3339.
    case timestamp
    /// `512Mi`
    case quantity
    /// A file, relative to the scenario file.
    case path
    case constant([String])
    /// `namespace/name`, or a name in namespace `default`.
    case objectName
    case labels
    case resources
    case labelSelector
    /// A constant time, or one of the distributions.
    case distribution
    /// An inline Kubernetes object of the kind named.
    case kubernetes(String)
    case object(String)
    case anything
    case list(FieldType)
    case either(FieldType, FieldType)
}

struct ScenarioField: Sendable {
    var name: String
    var type: FieldType
    var required: Bool
    var description: String

    init(_ name: String, _ type: FieldType, required: Bool = false, _ description: String) {
        self.name = name
        self.type = type
        self.required = required
        self.description = description
    }
}

struct ScenarioType: Sendable {
    var name: String
    var description: String
    var fields: [ScenarioField]
    /// Exactly one of these fields must be there.
    var exactlyOne: [String] = []

    func field(_ name: String) -> ScenarioField? { fields.first { $0.name == name } }
}

enum ScenarioFormat {
    static let apiVersion = "seatrial.dev/v1alpha1"
    static let kind = "Scenario"

    /// What a file may ask for at most: well above the 5,000 nodes and 150,000 pods Kubernetes is made for, and what a machine's
    /// memory still holds.
    static let maximumNodes = 100_000
    static let maximumPods = 1_000_000
    static let maximumSamples = 10_000_000
    /// Runs of containers that end by themselves last so long on average, in seconds, or a run of the simulator would not get anywhere.
    static let minimumRunSeconds = 0.01
    /// Failures and repairs of nodes take so long on average, in seconds.
    static let minimumFaultSeconds = 1.0
    static let maximumDurationSeconds = 20 * 365 * 86_400

    static let types: [ScenarioType] =
        [
            scenario, metadata, spec, cluster, traceArrivals, clones, nodePool, taint, workload, controlPlane, controllerManager, scheduler,
            kubelet, metricsServer, waitsFor, registry, image, storage, driverTrouble, usage, emptyDirUsage, load, loadPoint, growth,
            nodeLoad,
            evictionAmounts, evictionGracePeriods,
            poolKubelet, metric,
            fault, outsideLoad, apiServerFault, timelineEntry, delete, scale, setImage, rolloutUndo, rolloutRestart, nodeSelection,
            nodeTaints,
            drain, maintain,
            setLoad, measure, allocation, expectation, bound, conditionStatus, pods, nodes, jobs, utilisation, podStart, serviceBounds,
        ] + trafficTypes

    static func type(_ name: String) -> ScenarioType {
        guard let type = types.first(where: { $0.name == name }) else { preconditionFailure("no type \(name) in the scenario format") }
        return type
    }

    // MARK: The document

    static let scenario = ScenarioType(
        name: "Scenario", description: "A cluster, what happens to it, and what is expected of it.",
        fields: [
            ScenarioField("apiVersion", .constant([apiVersion]), required: true, "The version of this format."),
            ScenarioField("kind", .constant([kind]), required: true, "Always Scenario."),
            ScenarioField("metadata", .object("Metadata"), required: true, "The scenario's name."),
            ScenarioField("spec", .object("Spec"), required: true, "What it is about."),
        ])

    static let metadata = ScenarioType(
        name: "Metadata", description: "What names a scenario.",
        fields: [
            ScenarioField("name", .string, required: true, "The name of the folder of results: lower-case letters, digits and dashes."),
            ScenarioField("description", .string, "What the scenario is for, in words."),
        ])

    static let spec = ScenarioType(
        name: "Spec", description: "Everything a run depends on.",
        fields: [
            ScenarioField("duration", .duration, required: true, "How much simulated time to run."),
            ScenarioField(
                "seed", .integer(0...Int.max),
                "What all randomness is drawn from; default 1. Equal seeds give equal results, byte for byte."),
            ScenarioField(
                "start", .timestamp, "The hour on the wall at time 0; default 2026-01-01T00:00:00Z, with a snapshot its newest time."),
            ScenarioField("cluster", .object("Cluster"), required: true, "Nodes and objects at the start."),
            ScenarioField(
                "scheduler", .either(.path, .kubernetes("KubeSchedulerConfiguration")),
                "A KubeSchedulerConfiguration, as a file or inline; default: the default scheduler's."),
            ScenarioField("workloads", .list(.object("Workload")), "How containers behave, by label; the first that matches a pod counts."),
            ScenarioField("registry", .object("Registry"), "What images are pulled from."),
            ScenarioField("storage", .object("Storage"), "Trouble with volumes."),
            ScenarioField("metrics", .list(.object("Metric")), "Metrics for autoscalers that do not come from the kubelets."),
            ScenarioField("traffic", .object("Traffic"), "Requests through Services."),
            ScenarioField("controlPlane", .object("ControlPlane"), "The model of time: latencies, limits and periods."),
            ScenarioField("faults", .list(.object("Fault")), "What breaks."),
            ScenarioField("timeline", .list(.object("TimelineEntry")), "What the operator does, and when."),
            ScenarioField("measure", .object("Measure"), "What to record."),
            ScenarioField("expect", .list(.object("Expectation")), "What must hold; if it does not, the exit code is 1."),
        ])

    static let cluster = ScenarioType(
        name: "Cluster", description: "Nodes and objects at the start.",
        fields: [
            ScenarioField("nodePools", .list(.object("NodePool")), "Groups of equal nodes."),
            ScenarioField(
                "objects", .list(.path), "Manifests to apply at the start, in this order. Nodes among them are machines that exist already."
            ),
            ScenarioField(
                "snapshot", .path,
                "What `kubectl get nodes,namespaces,deployments,... -A -o yaml` printed of a running cluster; the README lists the kinds."),
            ScenarioField(
                "trace", .path, "Pods that come and go at the times of their annotations seatrial.dev/create-at and delete-at (seconds)."),
            ScenarioField(
                "arrivals", .object("TraceArrivals"),
                "Another life for the pods of the trace: they come one after the other, at no recorded times, and stay."),
        ])

    static let traceArrivals = ScenarioType(
        name: "TraceArrivals",
        description: "When the pods of a trace come, if not at the recorded times: to see how much a cluster can hold under a policy.",
        fields: [
            ScenarioField("interval", .duration, required: true, "Between two arrivals; the first comes after one interval."),
            ScenarioField(
                "order", .constant(["recorded", "random"]),
                "recorded (default): by the trace's times. random: drawn from the seed, the same under every policy."),
            ScenarioField("clones", .object("Clones"), "More arrivals after the last one of the trace."),
            ScenarioField(
                "patience", .duration, "A pod that has no node so long after it came is deleted, and not tried again; default: it waits."),
        ])

    static let clones = ScenarioType(
        name: "Clones", description: "Copies of pods of the trace, drawn with replacement, until demand exceeds what the nodes offer.",
        fields: [
            ScenarioField("resource", .string, required: true, "The resource whose demand counts, as alibabacloud.com/gpu-milli."),
            ScenarioField(
                "upTo", .number(0...1000), required: true,
                "Until all pods that came asked for more than so many times what all nodes offer at the start: 1.3 for 130 %."),
        ])

    static let nodePool = ScenarioType(
        name: "NodePool", description: "A group of equal nodes, named after the pool: NAME-0, NAME-1, ...",
        fields: [
            ScenarioField("name", .string, required: true, "The prefix of the nodes' names."),
            ScenarioField("count", .integer(0...maximumNodes), required: true, "How many nodes."),
            ScenarioField("zones", .list(.string), "Zones, given to the nodes in turn."),
            ScenarioField("template", .either(.path, .kubernetes("Node")), "A Node as kubectl prints it, as a file or inline."),
            ScenarioField(
                "resources", .resources,
                "Instead of a template: what pods may use of a node, as {cpu: 8, memory: 32Gi, pods: 110}. Only a node with "
                    + "ephemeral-storage has a disk that can run full."),
            ScenarioField("labels", .labels, "Labels beside those of the template."),
            ScenarioField("taints", .list(.object("Taint")), "Taints beside those of the template."),
            ScenarioField("kubelet", .object("PoolKubelet"), "How the kubelets of the pool evict, if not as all others."),
        ])

    static let taint = ScenarioType(
        name: "Taint", description: "Repels pods that do not tolerate it.",
        fields: [
            ScenarioField("key", .string, required: true, "The taint's key."),
            ScenarioField("value", .string, "The taint's value."),
            ScenarioField("effect", .constant(["NoSchedule", "PreferNoSchedule", "NoExecute"]), required: true, "What it does to pods."),
        ])

    static let workload = ScenarioType(
        name: "Workload",
        description: "How the containers of some pods behave: what no manifest says. Pods may say it themselves, in annotations that go "
            + "before what stands here: seatrial.dev/start-delay-ms, ready-delay-ms, never-start, exit-after-ms, exit-code, "
            + "exit-code-index-N (of Indexed Jobs), term-ms, term-exit-code.",
        fields: [
            ScenarioField("selector", .labelSelector, required: true, "Which pods; an empty selector means all."),
            ScenarioField("namespace", .string, "Only pods of this namespace."),
            ScenarioField("image", .string, "Only pods with a container of this image: tells the versions of a workload apart."),
            ScenarioField("start", .distribution, "From starting a container to Running; default 1s."),
            ScenarioField(
                "ready", .distribution,
                "From Running until it would answer a probe; default 0s. Without a readiness probe in its manifest it is ready then."),
            ScenarioField("readyAfterRestart", .distribution, "The same for a container that was restarted; default: no different."),
            ScenarioField(
                "waitsFor", .object("WaitsFor"), "What must be ready before the container is: it says that it is not until then."),
            ScenarioField(
                "hang", .distribution,
                "Time from Running until it hangs, on average 10ms or more: it does not exit, answers no probe and ignores SIGTERM; default: never."
            ),
            ScenarioField(
                "postStart", .distribution, "What a post-start hook takes that is a command or a request; default 0s."),
            ScenarioField("preStop", .distribution, "The same of a pre-stop hook. Hooks that sleep take what they say."),
            ScenarioField("failingHooks", .list(.constant(["postStart", "preStop"])), "Which of these hooks fail."),
            ScenarioField("init", .distribution, "What each init container takes; default 1s."),
            ScenarioField(
                "run", .distribution,
                "How long a run lasts that ends by itself, on average 10ms or more; default: it runs until it is stopped."),
            ScenarioField("exitCode", .integer(0...255), "The exit code of such a run; default 0."),
            ScenarioField(
                "crash", .distribution, "Time from Running to a crash with exit code 1, on average 10ms or more; default: it never crashes."
            ),
            ScenarioField("stop", .distribution, "From SIGTERM to the end; the grace period cuts it. Default 200ms."),
            ScenarioField(
                "usage", .either(.object("Usage"), .list(.object("Usage"))),
                "What each pod uses of its node; a list where several containers do."),
            ScenarioField("emptyDirs", .list(.object("EmptyDirUsage")), "What each pod's emptyDir volumes hold; default: nothing."),
            ScenarioField(
                "imageSize", .quantity,
                "Bytes to pull for each image the node does not have; what the registry says of an image goes before."),
            ScenarioField(
                "layerSize", .quantity, "Bytes each container writes into its own layer in a run; the last dead one keeps them. Default 0."),
        ])

    // MARK: What happens

    static let nodeSelection = ScenarioType(
        name: "NodeSelection", description: "Which nodes.", fields: selectionFields, exactlyOne: selectionFields.map(\.name))

    static let drain = ScenarioType(
        name: "Drain", description: "Nodes to empty, and the options of `kubectl drain`.",
        fields: selectionFields + drainOptions, exactlyOne: selectionFields.map(\.name))

    static let drainOptions = [
        ScenarioField("disableEviction", .boolean, "Deletes pods instead of evicting them: no PodDisruptionBudget is asked."),
        ScenarioField("force", .boolean, "Also takes pods that no controller will replace; without it they stop the drain."),
        ScenarioField("gracePeriod", .duration, "What each pod gets to stop, in whole seconds; default: what its spec says."),
        ScenarioField("timeout", .duration, "How long to try; default: for ever."),
    ]

    static let selectionFields = [
        ScenarioField("node", .string, "One node, by name."),
        ScenarioField("zone", .string, "All nodes of a zone."),
        ScenarioField("nodes", .constant(["all"]), "All nodes."),
        ScenarioField("selector", .labelSelector, "Nodes by label."),
    ]

    private static let actions = [
        ScenarioField("apply", .either(.path, .list(.path)), "`kubectl apply` of a manifest."),
        ScenarioField(
            "delete", .either(.string, .object("Delete")),
            "`kubectl delete`: kind/namespace/name, or kind/name without namespace; with options, an object."),
        ScenarioField("scale", .object("Scale"), "`kubectl scale`."),
        ScenarioField("setImage", .object("SetImage"), "`kubectl set image`."),
        ScenarioField("rolloutUndo", .object("RolloutUndo"), "`kubectl rollout undo`."),
        ScenarioField("rolloutRestart", .object("RolloutRestart"), "`kubectl rollout restart`."),
        ScenarioField("rolloutPause", .objectName, "`kubectl rollout pause` of a Deployment."),
        ScenarioField("rolloutResume", .objectName, "`kubectl rollout resume` of a Deployment."),
        ScenarioField("cordon", .object("NodeSelection"), "`kubectl cordon`."),
        ScenarioField("uncordon", .object("NodeSelection"), "`kubectl uncordon`."),
        ScenarioField("drain", .object("Drain"), "`kubectl drain --ignore-daemonsets --delete-emptydir-data`."),
        ScenarioField("setLoad", .object("SetLoad"), "The pods have more or less to do from now on."),
        ScenarioField(
            "setNodeLoad", .object("NodeLoad"),
            "Something outside of pods takes so much of these nodes from now on: a full disk, a runaway daemon."),
        ScenarioField("taint", .object("NodeTaints"), "`kubectl taint nodes`."),
        ScenarioField("untaint", .object("NodeTaints"), "`kubectl taint nodes` with a dash after the effect: the taints go."),
        ScenarioField("addNodes", .object("NodePool"), "New machines that register themselves."),
        ScenarioField("maintain", .object("Maintain"), "Node after node is drained and rebooted."),
    ]

    static let timelineEntry = ScenarioType(
        name: "TimelineEntry", description: "One action of the operator.",
        fields: [ScenarioField("at", .duration, required: true, "When.")] + actions, exactlyOne: actions.map(\.name))

    static let delete = ScenarioType(
        name: "Delete", description: "An object to delete, and the options of `kubectl delete`.",
        fields: [
            ScenarioField("object", .string, required: true, "kind/namespace/name, or kind/name without namespace."),
            ScenarioField(
                "cascade", .constant(["background", "foreground", "orphan"]),
                "What becomes of the objects it owns: deleted after it (the default), deleted before it, or left without an owner."),
            ScenarioField(
                "gracePeriod", .duration, "What a pod gets to stop, in whole seconds, at least one; default: what its spec says."),
            ScenarioField(
                "force", .boolean, "The object goes at once, whether its pod has stopped or not: as after `--grace-period=0 --force`."),
        ])

    static let nodeTaints = ScenarioType(
        name: "NodeTaints", description: "Taints of some nodes.",
        fields: [
            ScenarioField("taints", .list(.object("Taint")), required: true, "Which taints; a taint is known by its key and effect.")
        ] + selectionFields, exactlyOne: selectionFields.map(\.name))

    static let scale = ScenarioType(
        name: "Scale", description: "A new number of replicas.",
        fields: [
            ScenarioField("replicas", .integer(0...maximumPods), required: true, "The replicas it should have.")
        ] + workloads(scalable), exactlyOne: scalable.map(fieldName))

    static let setImage = ScenarioType(
        name: "SetImage", description: "A new image for a container: rolls out.",
        fields: [
            ScenarioField("container", .string, required: true, "The container of its template."),
            ScenarioField("image", .string, required: true, "The new image."),
        ] + workloads(templated), exactlyOne: templated.map(fieldName))

    static let rolloutUndo = ScenarioType(
        name: "RolloutUndo", description: "Back to an earlier revision.",
        fields: [
            ScenarioField("toRevision", .integer(1...Int.max), "The revision; default: the previous one.")
        ] + workloads(revised), exactlyOne: revised.map(fieldName))

    static let rolloutRestart = ScenarioType(
        name: "RolloutRestart", description: "New pods of the same template, rolled out.", fields: workloads(revised),
        exactlyOne: revised.map(fieldName))

    // MARK: Workloads an action may be about

    /// What `kubectl scale` takes.
    static let scalable: [Kind] = [.deployment, .statefulSet, .replicaSet, .replicationController]
    /// What `kubectl set image` takes.
    static let templated: [Kind] = [.deployment, .statefulSet, .daemonSet, .replicaSet, .replicationController]
    /// What keeps its revisions: `kubectl rollout undo` and `restart`.
    static let revised: [Kind] = [.deployment, .statefulSet, .daemonSet]

    /// The field that names a workload of a kind: `statefulSet`.
    static func fieldName(of kind: Kind) -> String { kind.description.prefix(1).lowercased() + kind.description.dropFirst() }

    private static func workloads(_ kinds: [Kind]) -> [ScenarioField] {
        kinds.map { ScenarioField(fieldName(of: $0), .objectName, "A \($0), by name.") }
    }

    static let measure = ScenarioType(
        name: "Measure", description: "What to record.",
        fields: [
            ScenarioField("interval", .duration, "Between rows of cluster.csv; default 10s, 0 for none but the first and the last."),
            ScenarioField("events", .boolean, "Whether to write events.csv; default true."),
            ScenarioField("scheduling", .boolean, "Whether to write scheduling.csv; default true."),
            ScenarioField(
                "nodeUsage", .boolean, "Whether to write node-usage.csv, what each node really uses at each interval; default false."),
            ScenarioField(
                "requests", .integer(1...Int.max),
                "Every how many-th request of each source of traffic is a row of requests.csv; default: none."),
            ScenarioField(
                "warmUp", warmUp,
                "What the figures of the steady state in summary.csv leave out at the beginning; default: nothing. A time goes for means over time "
                    + "(utilisation, imbalance, nodes used), for the most nodes in use (`nodes_used_peak`), for waits and starts of pods created before "
                    + "it, for replicas missing and for requests; what is measured in intervals (`interval`) begins with the first one that opens when it is "
                    + "over, and there must be one. With `mser5` the means over time and `nodes_used_peak` begin where MSER-5 says, and are empty if they "
                    + "never settled. Counts are of the whole run."
            ),
            ScenarioField(
                "allocation", .list(.object("Allocation")), "Resources whose allocation is held against demand, in summary.csv."),
        ])

    static let mser5 = "mser5"
    static let warmUp = FieldType.either(.duration, .constant([mser5]))

    static let allocation = ScenarioType(
        name: "Allocation", description: "How much of a resource is allocated once pods asked for so much of it.",
        fields: [
            ScenarioField("resource", .string, required: true, "The resource, as alibabacloud.com/gpu-milli."),
            ScenarioField(
                "at", .list(.integer(1...100_000)), required: true,
                """
                At which demands, in per cent of what the nodes offer. The figure allocated_RESOURCE_at_N of summary.csv is the mean \
                allocation in per cent (each rounded to two digits) over the arrivals of pods at which demand so far rounds to N per cent.
                """),
        ])
}
