// The part of the scenario format that says who sends requests, what Services do with them, and what the network adds.

import DiscreteEvents

extension ScenarioFormat {
    static let trafficTypes = [
        traffic, proxy, network, trafficService, trafficCall, trafficSource, arrivalRate, burstState, rateCurve, ratePoint, users,
        recordedArrivals, recordedWork, recordedShare, retries,
    ]

    /// Requests a second, over all that a source may ask for.
    private static let rate = FieldType.number(0...10_000_000)

    private static let target = [
        ScenarioField("service", .objectName, required: true, "A Service with a cluster IP."),
        ScenarioField("port", .string, "Its port, by name; default: its first."),
    ]
    private static let patience = [
        ScenarioField("timeout", .duration, "After which an attempt is given up; default: what the kernel takes, about two minutes."),
        ScenarioField("retries", .object("Retries"), "Further attempts after a failed one; default: none."),
        ScenarioField("hedge", .duration, "After which a request without an answer is sent once more; the first answer counts."),
    ]

    static let traffic = ScenarioType(
        name: "Traffic", description: "Requests through the cluster's Services.",
        fields: [
            ScenarioField("sources", .list(.object("TrafficSource")), required: true, "Who sends requests."),
            ScenarioField(
                "services", .list(.object("TrafficService")), "What the pods behind Services do with them; default: answer at once."),
            ScenarioField("proxy", .object("Proxy"), "kube-proxy, the same on all nodes."),
            ScenarioField("network", .object("Network"), "The time that packets take, one way."),
        ])

    static let proxy = ScenarioType(
        name: "Proxy", description: "How kube-proxies choose among endpoints, and how late they hear of changes.",
        fields: [
            ScenarioField("mode", .constant(["iptables", "nftables", "ipvs"]), "--proxy-mode; default iptables."),
            ScenarioField(
                "scheduler", .constant(["rr", "wrr", "lc", "wlc", "sh", "dh", "sed", "nq"]), "With ipvs: --ipvs-scheduler; default rr."),
            ScenarioField("minSyncPeriod", .duration, "Rules are written at most so often; default 1s."),
            ScenarioField("syncDuration", .duration, "How long writing them takes; default 0s."),
            ScenarioField(
                "propagation", .distribution, "From a change in the API server to the node's kube-proxy, drawn for each; default 5ms."),
        ])

    static let network = ScenarioType(
        name: "Network", description: "Latencies between pods, one way.",
        fields: [
            ScenarioField("sameNode", .duration, "On one node; default 50us."),
            ScenarioField("sameZone", .duration, "Between nodes of a zone; default 250us."),
            ScenarioField("crossZone", .duration, "Between zones; default 750us."),
            ScenarioField("overlay", .duration, "What an overlay adds between nodes; default 0s."),
            ScenarioField("fromOutside", .duration, "From a client outside to the node where it comes in; default 10ms."),
        ])

    static let trafficService = ScenarioType(
        name: "TrafficService", description: "What the pods behind a Service do with a request.",
        fields: target + [
            ScenarioField("serviceTime", .distribution, required: true, "How long a worker takes for a request, calls not included."),
            ScenarioField(
                "cpu", .quantity,
                "Cores that a worker uses for that time, 1 if it computes all the time; default 0. Autoscalers see it; beyond the container's limit, or its share of "
                    + "a full node, requests take longer."),
            ScenarioField("concurrency", .integer(1...1_000_000), "Requests that a pod serves at the same time; default 1."),
            ScenarioField(
                "queue", .integer(0...1_000_000), "Requests that wait for a worker; one more is turned away. Default: any number."),
            ScenarioField(
                "onTermination", .constant(["finish", "ignore"]),
                "From SIGTERM on. finish (default): new connections are refused, what is under way is finished. ignore: it goes on until it is gone."
            ),
            ScenarioField(
                "calls", .list(.list(.object("TrafficCall"))),
                "Calls to other Services for each request: the groups one after the other, the calls of a group side by side."),
        ])

    static let trafficCall = ScenarioType(
        name: "TrafficCall", description: "A call to another Service; if it fails, so does the request.", fields: target + patience)

    private static let arrivals = [
        ScenarioField("poisson", .object("ArrivalRate"), "Independent of each other."),
        ScenarioField("constant", .object("ArrivalRate"), "Evenly spaced."),
        ScenarioField(
            "bursts", .list(.object("BurstState")), "Poisson with a rate that jumps from state to state, round and round (MMPP)."),
        ScenarioField("curve", .object("RateCurve"), "Poisson with a rate that follows a curve: a day's traffic."),
        ScenarioField("users", .object("Users"), "Users who wait for an answer and think before the next request (a closed loop)."),
        ScenarioField("recorded", .object("RecordedArrivals"), "At the times of a file."),
    ]

    static let trafficSource = ScenarioType(
        name: "TrafficSource", description: "Somebody who sends requests.",
        fields: [
            ScenarioField("name", .string, required: true, "What result files call it, and what its random numbers are drawn by.")
        ] + target + [
            ScenarioField(
                "from", .either(.constant(["outside"]), .object("NodeSelection")),
                "Clients on these nodes, as long as the machines run; or `outside`: through the node port or load balancer of the Service, at any node whose "
                    + "machine runs. Default: all nodes."),
            ScenarioField("start", .duration, "When the first request may come; default 0s."),
            ScenarioField("keepAlive", .duration, "Connections are kept so long for later requests; default: a connection for each."),
        ] + patience + arrivals, exactlyOne: arrivals.map(\.name))

    static let arrivalRate = ScenarioType(
        name: "ArrivalRate", description: "A rate.", fields: [ScenarioField("rate", rate, required: true, "Requests a second.")])

    static let burstState = ScenarioType(
        name: "BurstState", description: "A state of a source of bursts.",
        fields: [
            ScenarioField("rate", rate, required: true, "Requests a second while it lasts."),
            ScenarioField("stay", .duration, required: true, "How long it lasts on average; exponential."),
        ])

    static let rateCurve = ScenarioType(
        name: "RateCurve", description: "Straight lines between points, again and again.",
        fields: [
            ScenarioField("period", .duration, required: true, "After which it begins anew: 1d."),
            ScenarioField("points", .list(.object("RatePoint")), required: true, "In order of time."),
        ])

    static let ratePoint = ScenarioType(
        name: "RatePoint", description: "A rate at a time of the period.",
        fields: [
            ScenarioField("at", .duration, required: true, "When, from the start of the period."),
            ScenarioField("rate", rate, required: true, "Requests a second."),
        ])

    static let users = ScenarioType(
        name: "Users", description: "A closed loop.",
        fields: [
            ScenarioField("count", .integer(1...10_000_000), required: true, "How many."),
            ScenarioField("think", .distribution, required: true, "From an answer to the next request."),
        ])

    static let recordedArrivals = ScenarioType(
        name: "RecordedArrivals", description: "Times from a CSV file.",
        fields: [
            ScenarioField("file", .path, required: true, "With a header row; rows in order of time."),
            ScenarioField(
                "column", .string, required: true,
                "The column with the times: seconds, or dates (2023-11-16 18:15:46.68), counted from the first row."),
            ScenarioField("speed", .number(0.000_001...1_000_000), "How many times as fast as recorded; default 1."),
            ScenarioField(
                "serviceTime", .object("RecordedWork"),
                "What each request takes, by other columns of its row; default: what the Service's `serviceTime` says."),
        ])

    static let recordedWork = ScenarioType(
        name: "RecordedWork", description: "A service time that follows from what a request asks for: tokens, bytes, rows.",
        fields: [
            ScenarioField("base", .duration, "What every request takes; default 0s."),
            ScenarioField("columns", .list(.object("RecordedShare")), required: true, "What is added to it."),
        ])

    static let recordedShare = ScenarioType(
        name: "RecordedShare", description: "So much for each unit of a column.",
        fields: [
            ScenarioField("column", .string, required: true, "A column of numbers, none negative."),
            ScenarioField("each", .duration, required: true, "What one unit takes."),
        ])

    static let retries = ScenarioType(
        name: "Retries", description: "Further attempts.",
        fields: [
            ScenarioField("attempts", .integer(2...16), required: true, "Attempts in all, the first and hedges included."),
            ScenarioField("backoff", .duration, "Before the first retry, at most: the wait is random up to it, and doubles; default 0s."),
            ScenarioField(
                "budget", .number(0...100), "Retries per request that are allowed in the long run, as 0.2 for a fifth; default: no limit."),
        ])
}
