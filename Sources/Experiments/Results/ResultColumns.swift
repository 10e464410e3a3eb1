// Every result file and every column, described once: headers are written from this table, `docs/results.md` is printed from
// it, and a test reads the files of a run back against it.

/// What the values of a column are.
public enum ColumnType: String, Hashable, Sendable {
    /// Seconds since the start of the run; the start of a snapshot's objects may lie before it.
    case time = "time"
    case integer = "integer"
    case number = "number"
    case boolean = "true or false"
    case text = "text"
}

public struct ResultColumn: Hashable, Sendable {
    /// As in the header; `{resource}` stands for one column per resource.
    public var name: String
    public var type: ColumnType
    /// Whether the field may be empty: it did not happen, or does not apply.
    public var optional: Bool
    public var description: String

    init(_ name: String, _ type: ColumnType, optional: Bool = false, _ description: String) {
        self.name = name
        self.type = type
        self.optional = optional
        self.description = description
    }
}

public struct ResultTable: Hashable, Sendable {
    public var file: String
    /// What a row is.
    public var row: String
    public var columns: [ResultColumn]
}

public enum ResultTables {
    public static let all = [
        cluster, nodes, nodeUsage, pods, scheduling, events, recoveries, availability, conditions, jobs, services, endpoints, requests,
        summary,
    ]

    public static let cluster = ResultTable(
        file: "cluster.csv", row: "the cluster at one moment, every `measure.interval`",
        columns: [
            ResultColumn("time_s", .time, "When."),
            ResultColumn("nodes", .integer, "Node objects."),
            ResultColumn("nodes_ready", .integer, "Nodes whose Ready condition is True."),
            ResultColumn("nodes_used", .integer, "Nodes with a pod that holds resources: one that was bound and is not over."),
            ResultColumn("pods_pending", .integer, "Pods in phase Pending: unscheduled and starting ones."),
            ResultColumn("pods_unscheduled", .integer, "Pods that wait for a node."),
            ResultColumn("pods_starting", .integer, "Pods that have a node and are not Running yet."),
            ResultColumn("pods_running", .integer, "Pods in phase Running."),
            ResultColumn("pods_ready", .integer, "Pods whose Ready condition is True."),
            ResultColumn("pods_succeeded", .integer, "Pods in phase Succeeded."),
            ResultColumn("pods_failed", .integer, "Pods in phase Failed."),
            ResultColumn("pods_terminating", .integer, "Pods whose deletion was requested and that still exist."),
            ResultColumn("requested_{resource}", .number, optional: true, "Sum of the requests of pods with a node, in base units."),
            ResultColumn("allocatable_{resource}", .number, optional: true, "Sum over nodes, in base units; empty before any node has it."),
            ResultColumn("utilisation_{resource}", .number, optional: true, "Mean over nodes of requested / allocatable."),
            ResultColumn(
                "imbalance_{resource}", .number, optional: true,
                "Coefficient of variation over nodes of requested / allocatable: 0 is perfectly even."),
            ResultColumn(
                "used_nodes_utilisation_{resource}", .number, optional: true,
                "Mean of requested / allocatable over the nodes in use (`nodes_used`); empty if there is none."),
        ])

    public static let nodes = ResultTable(
        file: "nodes.csv", row: "a node over the whole run",
        columns: [
            ResultColumn("name", .text, "The node."),
            ResultColumn("zone", .text, optional: true, "Its label topology.kubernetes.io/zone."),
            ResultColumn("joined_s", .time, "When it was registered."),
            ResultColumn("left_s", .time, optional: true, "When its object was deleted."),
            ResultColumn("failures", .integer, "How often its machine or kubelet failed."),
            ResultColumn("down_s", .number, "How long the machine or kubelet was down, in all."),
            ResultColumn("not_ready_s", .number, "How long Ready was not True while the node existed, in all."),
            ResultColumn("pods_bound", .integer, "Pods that were bound to it."),
            ResultColumn("pods_peak", .integer, "The most pods it had at a time."),
            ResultColumn("mean_utilisation_{resource}", .number, optional: true, "Time average of requested / allocatable."),
            ResultColumn("allocatable_{resource}", .number, optional: true, "Allocatable in the end, in base units."),
        ])

    public static let nodeUsage = ResultTable(
        file: "node-usage.csv",
        row: "what a node whose machine runs really uses at one moment, every `measure.interval`; only with `measure.nodeUsage`",
        columns: [
            ResultColumn("time_s", .time, "When."),
            ResultColumn("node", .text, "The node."),
            ResultColumn(
                "used_cpu_cores", .number,
                "By its pods, their requests and what is outside of pods: the mean over the last 30 s, or over the interval if that is shorter."
            ),
            ResultColumn("used_memory_bytes", .number, "At that moment."),
        ])

    public static let pods = ResultTable(
        file: "pods.csv", row: "a pod, in order of creation",
        columns: [
            ResultColumn("namespace", .text, "Its namespace."),
            ResultColumn("name", .text, "Its name."),
            ResultColumn("owner", .text, optional: true, "Kind/name of its workload: the Deployment, or else the controller that made it."),
            ResultColumn("created_s", .time, "When it was created. A snapshot's pods have times before 0, where their status told them."),
            ResultColumn("scheduled_s", .time, optional: true, "When it was bound to a node."),
            ResultColumn("started_s", .time, optional: true, "When it reached phase Running."),
            ResultColumn("ready_s", .time, optional: true, "When it first was ready."),
            ResultColumn("finished_s", .time, optional: true, "When it reached phase Succeeded or Failed."),
            ResultColumn("deletion_requested_s", .time, optional: true, "When its deletion was requested."),
            ResultColumn("deleted_s", .time, optional: true, "When it was gone from the API."),
            ResultColumn("node", .text, optional: true, "The node it was bound to."),
            ResultColumn("requested_cpu_cores", .number, "What it asks its node for."),
            ResultColumn("requested_memory_bytes", .number, "The same of memory."),
            ResultColumn(
                "requested_{resource}", .integer, "The same of every other resource that a pod of the run asks for, in base units."),
            ResultColumn("attempts", .integer, "Attempts to schedule it."),
            ResultColumn("restarts", .integer, "Restarts of its containers."),
            ResultColumn("phase", .text, "Its phase in the end, or when it was deleted."),
            ResultColumn(
                "reason", .text, optional: true,
                "Why: the reason of the pod's status (Evicted, Terminated, ...), who drove it off, the last scheduling failure, an exit reason."
            ),
        ])

    public static let scheduling = ResultTable(
        file: "scheduling.csv", row: "an attempt to schedule a pod",
        columns: [
            ResultColumn("start_s", .time, "When the attempt began."),
            ResultColumn("end_s", .time, "When its outcome stood."),
            ResultColumn("namespace", .text, "The pod's namespace."),
            ResultColumn("pod", .text, "The pod."),
            ResultColumn("attempt", .integer, "1 for the pod's first."),
            ResultColumn("result", .text, "`scheduled`, `unschedulable` or `error`."),
            ResultColumn(
                "node", .text, optional: true,
                "The node chosen; of an attempt that failed, too, if the pod lost it again before it was bound (in Reserve, Permit, PreBind or Bind)."
            ),
            ResultColumn("nodes_evaluated", .integer, "Nodes that were filtered in this cycle."),
            ResultColumn("nodes_feasible", .integer, "Nodes among them that passed every filter."),
            ResultColumn("score", .integer, "The weighted sum of the chosen node's scores; 0 where it was the only feasible one."),
            ResultColumn(
                "nominated_node", .text, optional: true,
                "Where this attempt began to make room by preemption; the pod itself is placed by a later attempt, there or elsewhere."),
            ResultColumn(
                "victims", .integer,
                "Pods that have to go for that, those included that go already for another pod; events.csv names them (reason Preempted)."),
            ResultColumn(
                "message", .text, optional: true,
                "Why no node would do, or the one chosen was lost again, as the Event says it: the filters' reasons with their numbers of nodes, then what preemption found."
            ),
        ])

    public static let events = ResultTable(
        file: "events.csv", row: "a report of a Kubernetes Event",
        columns: [
            ResultColumn("time_s", .time, "When it was stored."),
            ResultColumn("type", .text, "`Normal` or `Warning`."),
            ResultColumn("reason", .text, "The reason, one word."),
            ResultColumn("kind", .text, "The kind of the object it is about."),
            ResultColumn("namespace", .text, optional: true, "Its namespace."),
            ResultColumn("name", .text, "Its name."),
            ResultColumn("source", .text, "The component that reports."),
            ResultColumn("count", .integer, "How many times by now."),
            ResultColumn("message", .text, optional: true, "For people to read."),
        ])

    public static let recoveries = ResultTable(
        file: "recoveries.csv", row: "a failure of one or more nodes and what became of it",
        columns: [
            ResultColumn("subject", .text, "`node/NAME`, `zone/NAME`, `nodes/all`, or `nodes/` and a label selector."),
            ResultColumn("effect", .text, "`crash`, `kubelet`, `partition` or `reclaim`."),
            ResultColumn("nodes", .integer, "How many nodes it took down; those down already are not counted."),
            ResultColumn("failed_s", .time, "When; of a machine that is taken back, when its notice was given."),
            ResultColumn(
                "first_detected_s", .time, optional: true,
                "The first of these nodes turned Ready=Unknown; it counts at once if it was not Ready when it failed."),
            ResultColumn(
                "detected_s", .time, optional: true, "The last of them did; empty if one was back before anybody had noticed."),
            ResultColumn(
                "affected_pods", .integer,
                "Pods on the nodes that are replaced elsewhere: those of Deployments, ReplicaSets, StatefulSets and ReplicationControllers. Each is one "
                    + "failure's: the one that took it down."
            ),
            ResultColumn(
                "other_pods", .integer, "Other pods there: bare ones, those of DaemonSets and Jobs. Nothing below waits for them."),
            ResultColumn(
                "first_evicted_s", .time, optional: true,
                "The first affected pod was evicted because of this failure, or drained after the notice."),
            ResultColumn("evicted_s", .time, optional: true, "The last one was."),
            ResultColumn("evicted_pods", .integer, "How many were."),
            ResultColumn("replaced_s", .time, optional: true, "As many pods had been created in their place."),
            ResultColumn(
                "recovered_s", .time, optional: true,
                "Every workload had as many ready pods as before, or as it wants by now, not counting what other failures took. Ready: on nodes that are up "
                    + "and in reach, with containers that run, whatever the API server says. After a notice, when all pods had left the node, too."
            ),
            ResultColumn(
                "returned_s", .time, optional: true,
                "All nodes that it hit were up and in reach again: no other failure kept one of them down, either. Machines taken back for good meanwhile "
                    + "are not waited for."),
            ResultColumn("detection_s", .number, optional: true, "detected_s - failed_s; of a machine that is taken back, from its end."),
            ResultColumn("recovery_s", .number, optional: true, "recovered_s - failed_s."),
            ResultColumn(
                "duplicates", .integer,
                "Pods that had been evicted and still ran when the nodes could be reached again, beside their replacements."),
            ResultColumn(
                "requests_lost", .integer, optional: true,
                "With `traffic`: requests that failed because of it. Where a machine is to blame (a pod that did not answer, refused or broke the connection; a node where "
                    + "the request came in, or that it could not get away from; of a call that failed, the same): those whose machine was hit, and that were under way between "
                    + "failed_s and the later of recovered_s and returned_s. Where none is (no endpoint, a full line, a late answer): those sent between failed_s and recovered_s by sources "
                    + "that need the failed nodes, for endpoints of their Services or of those called, to come in from outside, or, in a partition, because "
                    + "their clients are there. A request may be lost to several failures."
            ),
            ResultColumn(
                "error_seconds", .integer, optional: true,
                "Seconds in which any of these was sent."),
        ])

    public static let availability = ResultTable(
        file: "availability.csv", row: "a change of a workload's wanted or available replicas",
        columns: [
            ResultColumn("time_s", .time, "When."),
            ResultColumn(
                "kind", .text,
                "`Deployment`, `StatefulSet`, `DaemonSet`, `ReplicationController`, or `ReplicaSet` if it is no Deployment's."),
            ResultColumn("namespace", .text, "The workload's namespace."),
            ResultColumn("name", .text, "The workload."),
            ResultColumn("desired", .integer, "The replicas it wants from here on: spec.replicas, or the nodes a DaemonSet should be on."),
            ResultColumn("available", .integer, "Available replicas from here on."),
        ])

    public static let conditions = ResultTable(
        file: "conditions.csv", row: "a change of a condition of a node, a workload or an autoscaler",
        columns: [
            ResultColumn("time_s", .time, "When."),
            ResultColumn("kind", .text, "The kind of the object."),
            ResultColumn("namespace", .text, optional: true, "Its namespace."),
            ResultColumn("name", .text, "Its name."),
            ResultColumn("type", .text, "The condition: `Ready`, `Progressing`, `Complete`, ..."),
            ResultColumn("status", .text, "`True`, `False` or `Unknown`."),
            ResultColumn("reason", .text, optional: true, "The reason, one word."),
            ResultColumn("message", .text, optional: true, "For people to read."),
        ])

    public static let jobs = ResultTable(
        file: "jobs.csv", row: "a Job",
        columns: [
            ResultColumn("namespace", .text, "Its namespace."),
            ResultColumn("name", .text, "Its name."),
            ResultColumn("owner", .text, optional: true, "`CronJob/NAME`, if one made it."),
            ResultColumn("created_s", .time, "When it was created."),
            ResultColumn("started_s", .time, optional: true, "When it got its start time; a suspended Job has none."),
            ResultColumn("finished_s", .time, optional: true, "When it was Complete or Failed."),
            ResultColumn("outcome", .text, optional: true, "`Complete` or `Failed`; empty: not finished."),
            ResultColumn(
                "reason", .text, optional: true, "Of the condition it ended with: `CompletionsReached`, `BackoffLimitExceeded`, ..."),
            ResultColumn("succeeded_pods", .integer, "Pods that succeeded and were counted."),
            ResultColumn("failed_pods", .integer, "Pods that failed and were counted."),
            ResultColumn("deleted_s", .time, optional: true, "When it was gone."),
        ])

    public static let summary = ResultTable(
        file: "summary.csv",
        row:
            "a figure about the whole run, or, where `measure.warmUp` of the scenario says so, about what came after the warm-up; of the requests of each source NAME there are `requests_NAME` (those that ended), and the same with "
            + "`_failed`, `_availability`, `_error_seconds` (in which a request was sent that failed, then or later) and, of good answers, `_latency_mean`, `_latency_p50`, `_latency_p90`, `_latency_p99`, `_latency_p999` and `_latency_maximum`",
        columns: [
            ResultColumn("metric", .text, "What was measured."),
            ResultColumn("value", .number, optional: true, "The figure; empty where there was nothing to measure."),
            ResultColumn("unit", .text, "Its unit: `s`, `1` (a share or a count), `pods`, `nodes`, ..."),
        ])

    /// The page `docs/results.md`.
    public static var documentation: String {
        var page = """
            # Result files

            One run writes one folder, `results/<scenario>/<policy>/seed-<n>/`; a comparison adds `comparison.csv` to the scenario's. All tables are CSV as RFC 4180 has it: one header
            row, a comma between fields, quotes where a field needs them. Times are seconds of simulated time since the start of
            the run, written exactly; other quantities are in the unit the column's name ends with. An empty field means that it did not
            happen or does not apply. Nothing in these files depends on the machine or on the hour, so equal runs are equal byte for byte.

            `{resource}` stands for one column per resource: `cpu_cores`, `memory_bytes`, then the nodes' other resources by name.
            Shares such as utilisation have no unit and name the resource only (`utilisation_cpu`).

            Written by `seatrial docs results` from the table the files themselves are written from.

            """
        for table in all + [Comparison.columns, Comparison.runColumns, ExperimentTables.cases] {
            page += "\n## \(table.file)\nA row is \(table.row).\n\n| column | type | meaning |\n| --- | --- | --- |\n"
            for column in table.columns {
                let type = column.type.rawValue + (column.optional ? ", may be empty" : "")
                page += "| `\(column.name)` | \(type) | \(column.description) |\n"
            }
        }
        page += """

            ## run.json
            What made the results: the version of Seatrial, the scenario's file and scheduler configuration as they were typed (`explain` and
            `diff` run it again from there) with a fingerprint of every file it was read from, the policy, the seed, the simulated duration, the whole configuration of the control plane, and for every file of the folder its number
            of rows, its size in bytes and its fingerprint (`\(Fingerprint.algorithm)`: enough to notice any accidental difference, no protection
            against intent).

            `seatrial branch` writes branch-comparison.csv and branch-runs.csv, with the columns of comparison.csv and runs.csv and branches in the place of
            policies; `seatrial report` writes report.html.

            ## watch.jsonl
            With `--watch-log`: every event of the API's watch, a JSON object a line. `t` is milliseconds since the start, `ev` is ADDED,
            MODIFIED or DELETED, then `kind`, `name`, `ns`; `set` holds all fields at ADDED and only the changed ones at MODIFIED
            (null: removed), `final` the last state of a deleted pod.

            ## trace.json
            With `--trace`: a timeline in the trace-event format, which Perfetto (<https://ui.perfetto.dev>) and chrome://tracing open. Each node is a
            process: its failures and the times it was not Ready on the first tracks (failures that overlap have tracks of their own, after the pods), its pods
            on as many more as it takes, each with the time until it was ready inside of it. Arrows lead from a failure to the pods that were made for those
            it took.

            """
        return page
    }
}
