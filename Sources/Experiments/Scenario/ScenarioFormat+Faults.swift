// The part of the scenario format that says what breaks.

extension ScenarioFormat {
    /// What a fault is about: nodes, the API server, or whatever a file says.
    private static let faultSubjects =
        selectionFields + [
            ScenarioField("apiServer", .object("APIServerFault"), "The API server: an outage or a brown-out."),
            ScenarioField("registry", .boolean, "true: the image registry answers nobody; pulls fail."),
            ScenarioField(
                "file", .path,
                "Failures of nodes as they happened: a CSV file with the columns node, down-at and up-at, in seconds or as durations (1h30m); an empty up-at means for good."
            ),
        ]

    static let fault = ScenarioType(
        name: "Fault",
        description:
            "Something that breaks: once, at a time (`at`), or each node for itself again and again (`mtbf`, `mttr`). What overlaps "
            + "adds up: a node is back when the last cause is over.",
        fields: [
            ScenarioField("at", .duration, "When, all together."),
            ScenarioField("down", .duration, "How long; default: for good."),
            ScenarioField(
                "mtbf", .distribution, "Time to failure of each node (or group of nodes), from start or repair; on average 1s or more."),
            ScenarioField("mttr", .distribution, "Time to repair of each node (or group of nodes); on average 1s or more."),
            ScenarioField("until", .duration, "With `mtbf`: no failure begins after this time; default: the end."),
            ScenarioField(
                "effect", .constant(["crash", "kubelet", "partition", "reclaim", "load"]),
                "crash (default): the machine stops. kubelet: only the kubelet stops, containers run on. partition: nodes and control plane cannot "
                    + "reach each other, all else runs on, the kube-proxies by the rules they have. reclaim: the provider takes the machine back for good, after a notice. load: something outside of pods takes of the nodes what "
                    + "`load` says - with a full disk comes disk pressure."),
            ScenarioField(
                "cutsPods", .boolean,
                "With `effect: partition`: whether the pods of these nodes (hit at one time) and those of all others cannot reach each other either: "
                    + "packets between them are lost. Clients outside reach both. Default false."),
            ScenarioField("load", .object("OutsideLoad"), "With `effect: load`: what is taken."),
            ScenarioField(
                "group", .string,
                "With `mtbf`: a label whose values divide the nodes into groups, such as racks, that fail and are repaired together."),
            ScenarioField("probability", .number(0...1), "With which probability a failure of several nodes hits each of them; default 1."),
            ScenarioField("notice", .duration, "With `effect: reclaim`: from the notice to the end of the machine; default 2m."),
            ScenarioField(
                "drains", .boolean,
                "With `effect: reclaim`: whether a termination handler cordons and drains the node at the notice; default true."),
            ScenarioField(
                "replacement", .distribution,
                "With `effect: reclaim`: from the end of the machine to the start of a new one like it; default: none comes."),
        ] + faultSubjects, exactlyOne: faultSubjects.map(\.name))

    static let outsideLoad = ScenarioType(
        name: "OutsideLoad", description: "What something outside of pods takes of each node.", fields: outsideLoadFields)

    static let apiServerFault = ScenarioType(
        name: "APIServerFault",
        description:
            "How the API server fails. After an outage nothing is lost: watches are begun anew, controllers and kubelets catch up. In a brown-out "
            + "in which every request fails, or takes ten seconds more, no kubelet can renew its lease: all of them are cut off.",
        fields: [
            ScenarioField("outage", .boolean, "true: nothing is answered, watches end."),
            ScenarioField("latency", .number(1...1000), "How many times as long requests take; default 1."),
            ScenarioField("delay", .duration, "What each request takes more; default 0s."),
            ScenarioField(
                "errors", .number(0...1),
                "The share of the requests that fail: refused as too many (clients come again after 1s), refused with an internal error, or timed out "
                    + "after 10s, carried out or not. Default 0."),
        ])

    static let maintain = ScenarioType(
        name: "Maintain",
        description:
            "Node after node is cordoned, drained, rebooted and made schedulable again when its kubelet has been heard of since and it is Ready; "
            + "one that cannot be drained is left as it was. Before it goes down, what pods are left (those of DaemonSets) have the time of "
            + "graceful node shutdown, if `controlPlane.kubelet` has a `shutdownGracePeriod`.",
        fields: selectionFields + [
            ScenarioField("maxUnavailable", .integer(1...maximumNodes), "How many nodes at a time; default 1."),
            ScenarioField("reboot", .duration, "How long the machine is down; default 3m."),
        ] + drainOptions, exactlyOne: selectionFields.map(\.name))
}
