// The part of the scenario format that says what must hold.

extension ScenarioFormat {
    private static let subjects = [
        ScenarioField("available", .object("Bound"), "Available replicas of the workload named, at every moment."),
        ScenarioField("replicas", .object("Bound"), "The replicas that the workload named wants, at every moment."),
        ScenarioField("condition", .object("ConditionStatus"), "A condition of the object named, at every moment."),
        ScenarioField("jobs", .object("JobCounts"), "Jobs by state, those of `cronJob` if one is named."),
        ScenarioField("recovery", .object("Bound"), "From each failure to the full recovery of every workload it hit: a duration."),
        ScenarioField("detection", .object("Bound"), "From each failure to the last of its nodes turning NotReady: a duration."),
        ScenarioField("pods", .object("PodCounts"), "Pods by state."),
        ScenarioField("nodes", .object("NodeCounts"), "Nodes by state."),
        ScenarioField("unschedulable", .object("Bound"), "Pods that never got a node, at the end of the run."),
        ScenarioField("preempted", .object("Bound"), "Pods the scheduler removed to make room for others, over the run."),
        ScenarioField("restarts", .object("Bound"), "Restarts of containers, over all pods."),
        ScenarioField("utilisation", .object("Utilisation"), "Mean over nodes of requested / allocatable, at every measurement."),
        ScenarioField("podStart", .object("PodStart"), "From a pod's creation to its readiness, over all pods that became ready."),
        ScenarioField("requests", .object("RequestBounds"), "The requests of the source named, or of all."),
        ScenarioField(
            "invariants", .constant(["hold", "converge"]),
            "hold: at no moment is an invariant of the cluster broken (docs/storms.md). converge: and when the run ends, all workloads are whole "
                + "as far as there is room, and everything is at rest; the faults and actions must have been over for twenty minutes (a warning says "
                + "if not)."),
    ]

    static let expectation = ScenarioType(
        name: "Expectation", description: "One thing that must hold.",
        fields: [
            ScenarioField("deployment", .objectName, "A Deployment that is meant."),
            ScenarioField("statefulSet", .objectName, "A StatefulSet that is meant."),
            ScenarioField("daemonSet", .objectName, "A DaemonSet that is meant."),
            ScenarioField("replicaSet", .objectName, "A ReplicaSet of its own that is meant."),
            ScenarioField("replicationController", .objectName, "A ReplicationController that is meant."),
            ScenarioField("job", .objectName, "A Job whose `condition` is meant."),
            ScenarioField("cronJob", .objectName, "A CronJob whose `jobs` are meant."),
            ScenarioField("horizontalPodAutoscaler", .objectName, "An autoscaler whose `condition` is meant."),
            ScenarioField("source", .string, "A source of traffic whose `requests` are meant."),
            ScenarioField("from", .duration, "Not before this time; default: the start."),
            ScenarioField("until", .duration, "Not after this time; default: the end."),
            ScenarioField("at", .duration, "At this time only."),
            ScenarioField(
                "policy", .string,
                "Expected under this scheduler policy only, named after its file; default: under every policy it is run or compared with."),
        ] + subjects, exactlyOne: subjects.map(\.name))

    static let bound = ScenarioType(
        name: "Bound", description: "Limits of a value: at least one of them.",
        fields: [
            ScenarioField("atLeast", boundary, "Not less than this."),
            ScenarioField("atMost", boundary, "Not more than this."),
            ScenarioField("equals", boundary, "Exactly this."),
        ])

    private static let boundary = FieldType.either(.duration, .number(0...Double.greatestFiniteMagnitude))

    static let pods = ScenarioType(
        name: "PodCounts", description: "How many pods are in a state.",
        fields: [
            ScenarioField("pending", .object("Bound"), "Phase Pending, at every moment."),
            ScenarioField("unscheduled", .object("Bound"), "Waiting for a node, at every moment."),
            ScenarioField("running", .object("Bound"), "Phase Running, at every measurement."),
            ScenarioField("ready", .object("Bound"), "Ready, at every measurement."),
            ScenarioField("failed", .object("Bound"), "Phase Failed, at every measurement."),
        ])

    static let nodes = ScenarioType(
        name: "NodeCounts", description: "How many nodes are in a state.",
        fields: [
            ScenarioField("ready", .object("Bound"), "Ready, at every measurement."),
            ScenarioField("used", .object("Bound"), "With a pod that holds resources, at every measurement."),
            ScenarioField("total", .object("Bound"), "Node objects, at every measurement."),
        ])

    static let conditionStatus = ScenarioType(
        name: "ConditionStatus", description: "A condition as it should be.",
        fields: [
            ScenarioField("type", .string, required: true, "`Progressing`, `Available`, `Complete`, ..."),
            ScenarioField(
                "status", .constant(["True", "False", "Unknown"]), required: true, "Its status, in quotes: YAML reads True otherwise."),
            ScenarioField("reason", .string, "Its reason; default: any."),
        ])

    static let jobs = ScenarioType(
        name: "JobCounts", description: "How many Jobs are in a state.",
        fields: [
            ScenarioField("active", .object("Bound"), "Created and not finished, at every moment."),
            ScenarioField("complete", .object("Bound"), "Completed by then."),
            ScenarioField("failed", .object("Bound"), "Failed by then."),
        ])

    static let utilisation = ScenarioType(
        name: "Utilisation", description: "A share of what the nodes offer, from 0 to 1.",
        fields: [
            ScenarioField("cpu", .object("Bound"), "Of cpu."),
            ScenarioField("memory", .object("Bound"), "Of memory."),
        ])

    static let serviceBounds = ScenarioType(
        name: "RequestBounds", description: "Figures of requests.",
        fields: [
            ScenarioField("availability", .object("Bound"), "The share that succeeded, from 0 to 1, over the whole time."),
            ScenarioField("failed", .object("Bound"), "How many failed, over the whole time."),
            ScenarioField(
                "errorSeconds", .object("Bound"),
                "The seconds in which any was sent that failed, then or later, together, as a duration: 90s."),
            ScenarioField("p50", .object("Bound"), "Half of the good answers took no longer, in every interval of measurement."),
            ScenarioField("p90", .object("Bound"), "90 % took no longer, in every interval."),
            ScenarioField("p99", .object("Bound"), "99 % took no longer, in every interval."),
            ScenarioField("p999", .object("Bound"), "99.9 % took no longer, in every interval."),
            ScenarioField("maximum", .object("Bound"), "The longest, in every interval."),
        ])

    static let podStart = ScenarioType(
        name: "PodStart", description: "A figure of the times from creation to readiness.",
        fields: [
            ScenarioField("mean", .object("Bound"), "Their mean."),
            ScenarioField("p50", .object("Bound"), "Half are not longer."),
            ScenarioField("p90", .object("Bound"), "90 % are not longer."),
            ScenarioField("p99", .object("Bound"), "99 % are not longer."),
            ScenarioField("maximum", .object("Bound"), "The longest."),
        ])
}
