// The part of the scenario format that says who sends requests, what Services do with them, and what the network adds.

import DiscreteEvents

extension ScenarioFormat {
    static let trafficTypes = [
        traffic, proxy, dns, loadBalancer, ingressController, ingressRequest, clientPods, network, trafficService, trafficCall,
        trafficSource, arrivalRate, burstState, rateCurve, ratePoint, users, recordedArrivals, recordedWork, recordedShare, retries,
    ]

    /// Requests a second, over all that a source may ask for.
    private static let rate = FieldType.number(0...10_000_000)

    private static let port = FieldType.either(.string, .integer(1...65535))

    private static func target(required: Bool = true) -> [ScenarioField] {
        [
            ScenarioField(
                "service", .objectName, required: required,
                "A Service. One with a cluster IP is reached through the node's kube-proxy. A headless one's pods are found through the DNS and talked "
                    + "to directly, at the port that they listen on. An ExternalName is followed to the Service it names, or to a host outside of the "
                    + "cluster that serves as `services` says and never fails."),
            ScenarioField("port", port, "Its port, by name or number; default: its first."),
        ]
    }
    private static let podName = ScenarioField(
        "pod", .string, "One pod behind a headless Service, by its hostname: a StatefulSet's `db-0`; default: all of them.")
    private static let keepAlive = ScenarioField(
        "keepAlive", .duration, "Connections are kept so long for later requests; default: a connection for each.")
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
                "services", .list(.object("TrafficService")),
                "What the pods behind Services do with them; of others: answer at once, any number at a time."),
            ScenarioField("proxy", .object("Proxy"), "kube-proxy, the same on all nodes."),
            ScenarioField("dns", .object("DNS"), "The cluster's DNS, by which pods of headless Services are found."),
            ScenarioField("loadBalancer", .object("LoadBalancer"), "How clients outside are led to nodes."),
            ScenarioField("ingress", .object("IngressController"), "The controller of the cluster's Ingresses."),
            ScenarioField("network", .object("Network"), "The time that packets take, one way."),
        ])

    static let dns = ScenarioType(
        name: "DNS",
        description:
            "The cluster's DNS. It hears of changes as kube-proxies do (`propagation`), and answers by them.",
        fields: [
            ScenarioField(
                "ttl", .duration,
                "How long clients keep an answer: until then they do not know what changed. Default 30s, as kubeadm sets for CoreDNS (whose own "
                    + "default is 5s); 0s for clients that ask before every connection."),
            ScenarioField(
                "lookup", .distribution,
                "How long clients in the cluster wait for an answer, whatever kind of Service they ask for, when they have none that they still keep; default 0s."
            ),
        ])

    static let proxy = ScenarioType(
        name: "Proxy", description: "How kube-proxies choose among endpoints, and how late they hear of changes.",
        fields: [
            ScenarioField("mode", .constant(["iptables", "nftables", "ipvs"]), "--proxy-mode; default iptables."),
            ScenarioField(
                "scheduler", .constant(["rr", "wrr", "lc", "wlc", "sh", "dh", "sed", "nq"]), "With ipvs: --ipvs-scheduler; default rr."),
            ScenarioField("minSyncPeriod", .duration, "So long after rules were written they are not written again; default 1s."),
            ScenarioField(
                "syncDuration", .duration, "How long writing them takes; what is heard meanwhile is written next time. Default 0s."),
            ScenarioField(
                "propagation", .distribution, "From a change in the API server to the node's kube-proxy, drawn for each; default 5ms."),
        ])

    static let loadBalancer = ScenarioType(
        name: "LoadBalancer",
        description:
            "Every Service has one for its clients outside, which checks each node and sends a connection to any that passes. A node passes while its "
            + "machine runs and, under externalTrafficPolicy: Local, has a ready endpoint; if no node passes, all are sent to. The defaults "
            + "are those of Kubernetes' Google cloud provider.",
        fields: [
            ScenarioField("interval", .duration, "From check to check of a node; default 8s."),
            ScenarioField("timeout", .duration, "After which a check has failed; default 1s."),
            ScenarioField("unhealthyThreshold", .integer(1...1000), "Checks that fail in a row before a node gets no more; default 3."),
            ScenarioField("healthyThreshold", .integer(1...1000), "Checks that succeed in a row before it gets some again; default 1."),
        ])

    static let ingressController = ScenarioType(
        name: "IngressController",
        description:
            "What serves the Ingresses among the objects. Each of its pods takes a request (as `services` says of its Service), calls a pod of the "
            + "Service that host and path lead to, past kube-proxy, and passes the answer on. A request without a rule, or whose calls all "
            + "fail, fails. Paths of type ImplementationSpecific count as Prefix.",
        fields: [
            ScenarioField(
                "controller", .objectName,
                "The Service through which its pods are reached; default: it is somewhere in the cluster, takes no time and never fails."),
            ScenarioField("port", port, "That Service's port, by name or number; default: its first."),
            ScenarioField(
                "class", .string,
                "Which Ingresses it serves, by ingressClassName or the older annotation kubernetes.io/ingress.class; default: all."),
            ScenarioField(
                "balancing", .constant(["roundRobin", "leastConnections", "ewma", "powerOfTwoChoices"]),
                "How each of its pods chooses among the endpoints that are ready: in turn (default), the one with the fewest requests of its own under "
                    + "way, the faster of two at random by a moving average of response times, or the less busy of two at random."),
            ScenarioField(
                "connectTimeout", .duration, "After which a connection to a pod is given up; default 5s, as Ingress-NGINX has it."),
            ScenarioField("timeout", .duration, "After which an answer is not waited for any longer; default 60s."),
            ScenarioField(
                "attempts", .integer(1...16),
                "Attempts in all; default 3. Connections that cannot be made or break and late answers are tried again, bad answers are not."
            ),
        ])

    static let ingressRequest = ScenarioType(
        name: "IngressRequest", description: "What a request asks for.",
        fields: [
            ScenarioField("host", .string, required: true, "The host: shop.example.com."),
            ScenarioField("path", .string, "The path; default /."),
        ])

    static let clientPods = ScenarioType(
        name: "ClientPods",
        description: "Pods that send requests while they are ready and their machine runs: what NetworkPolicies know clients by.",
        fields: [
            ScenarioField("namespace", .string, "Their namespace; default: `default`."),
            ScenarioField("selector", .labelSelector, required: true, "Their labels."),
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
        fields: target() + [
            ScenarioField("serviceTime", .distribution, required: true, "How long a worker takes for a request, calls not included."),
            ScenarioField(
                "cpu", .quantity,
                "Cores that a worker uses for that time, 1 if it computes all the time; default 0. Autoscalers see it; beyond the container's limit, or its share of "
                    + "a full node, requests take longer."),
            ScenarioField(
                "concurrency", .integer(1...1_000_000),
                "Requests that a pod serves at the same time, over all Services with an entry that lead to this port of it; default 1."),
            ScenarioField(
                "queue", .integer(0...1_000_000), "Requests that wait for a worker; one more is turned away. Default: any number."),
            ScenarioField(
                "listensAfter", .duration,
                "From the moment in which a pod would answer a probe (`ready` of `workloads`) until it takes requests; default 0s. For servers that nobody asks: without a "
                    + "readiness probe a pod is ready before it listens, and connections are refused meanwhile."),
            ScenarioField(
                "onTermination", .constant(["finish", "ignore"]),
                "From SIGTERM on. finish (default): new connections are refused, what is under way is finished. ignore: it goes on until it is gone."
            ),
            ScenarioField(
                "calls", .list(.list(.object("TrafficCall"))),
                "Calls to other Services for each request: the groups one after the other, the calls of a group side by side."),
        ])

    static let trafficCall = ScenarioType(
        name: "TrafficCall", description: "A call to another Service; if it fails, so does the request.",
        fields: target() + [podName, keepAlive] + patience)

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
        ] + target(required: false) + [
            podName,
            ScenarioField(
                "ingress", .object("IngressRequest"), "Instead of `service`: what is asked for, through the cluster's Ingresses."),
            ScenarioField("fromPods", .object("ClientPods"), "Instead of `from`: pods send, each as often as the others."),
            ScenarioField(
                "from", .either(.constant(["outside"]), .object("NodeSelection")),
                "Clients on these nodes, as long as the machines run; or `outside`: through the node port or load balancer of the Service, or that of the "
                    + "Ingress' controller. Default: all nodes."),
            ScenarioField(
                "clients", .integer(1...1_000_000),
                "With `from: outside`, but for users: how many clients there are, each with an address and connections of its own, of whom any may send the next "
                    + "request; default 1000. Session affinity and IPVS' sh go by addresses."),
            ScenarioField(
                "addresses", .string,
                "With `from: outside`: the range in which these clients, or users, have their IPv4 addresses, one after the other from its first on: 198.51.100.0/24. A load balancer's "
                    + "loadBalancerSourceRanges go by them, too, and NetworkPolicies under externalTrafficPolicy: Local. Default: from 203.0.113.1 on."
            ),
            ScenarioField(
                "start", .duration, "When the first request may come, and from when on the times of a recording count; default 0s."),
            keepAlive,
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
            ScenarioField("maxBackoff", .duration, "What that doubles up to; default 10s, or `backoff` where it is longer."),
            ScenarioField(
                "budget", .number(0...100), "Retries per request that are allowed in the long run, as 0.2 for a fifth; default: no limit."),
        ])
}
