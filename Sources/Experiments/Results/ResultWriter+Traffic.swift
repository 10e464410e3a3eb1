// Writes what became of requests.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

extension ResultTables {
    public static let services = ResultTable(
        file: "services.csv", row: "the requests of one source that ended in one interval (`measure.interval`); only with `traffic`",
        columns: [
            ResultColumn("time_s", .time, "The end of the interval."),
            ResultColumn("interval_s", .number, "Its length."),
            ResultColumn(
                "namespace", .text, optional: true,
                "The Service's namespace; of requests through an Ingress that of its controller's Service."),
            ResultColumn("service", .text, optional: true, "The Service; none of an Ingress whose controller is not named."),
            ResultColumn("port", .text, optional: true, "Its port, if the scenario names it."),
            ResultColumn("source", .text, "The source; for calls `CALLER -> CALLED`."),
            ResultColumn("rate_per_s", .number, "Requests sent, a second; retries and hedges not counted."),
            ResultColumn("requests", .integer, "Requests that ended."),
            ResultColumn("succeeded", .integer, "With a good answer."),
            ResultColumn("refused", .integer, "No endpoint, or nobody listened there."),
            ResultColumn("overloaded", .integer, "The pod's queue was full."),
            ResultColumn("timed_out", .integer, "No answer in time."),
            ResultColumn("reset", .integer, "The pod died while it had the request."),
            ResultColumn("failed", .integer, "A call that the pod made for it failed, or an Ingress has no rule for it."),
            ResultColumn("retries", .integer, "Further attempts after failed ones."),
            ResultColumn("hedges", .integer, "Further attempts after slow ones."),
            ResultColumn("latency_p50_s", .number, optional: true, "Half of the good answers took no longer."),
            ResultColumn("latency_p90_s", .number, optional: true, "90 % took no longer."),
            ResultColumn("latency_p99_s", .number, optional: true, "99 % took no longer."),
            ResultColumn("latency_p999_s", .number, optional: true, "99.9 % took no longer."),
            ResultColumn("latency_maximum_s", .number, optional: true, "The longest."),
            ResultColumn("in_flight", .integer, "Requests under way at the end of the interval."),
            ResultColumn("endpoints_ready", .integer, "Ready endpoints in the EndpointSlices then."),
            ResultColumn("endpoints_terminating", .integer, "Terminating ones."),
        ])

    public static let endpoints = ResultTable(
        file: "endpoints.csv",
        row:
            "a pod that was an endpoint of a Service with traffic, or a host outside of the cluster, once for each of its Services, in the order in which they became it",
        columns: [
            ResultColumn("namespace", .text, optional: true, "The pod's namespace; none for a host."),
            ResultColumn("pod", .text, "The pod."),
            ResultColumn("service_namespace", .text, "The Service's namespace."),
            ResultColumn("service", .text, "The Service."),
            ResultColumn("received", .integer, "Attempts that reached it through that Service while it took requests."),
            ResultColumn("share", .number, "Of all that reached pods of that Service."),
            ResultColumn("even_share", .number, "The same if at each moment those endpoints that were ready had got equally many."),
            ResultColumn(
                "imbalance", .number, optional: true, "`share` / `even_share`: above 1 it got more than its part. None if that was nothing."
            ),
            ResultColumn(
                "cpu_s", .number, "Cpu time that requests used there, over all processors and Services: the same in all rows of a pod."),
        ])

    public static let requests = ResultTable(
        file: "requests.csv",
        row: "every n-th request of each source, in the order in which they ended; only with `traffic` and `measure.requests`",
        columns: [
            ResultColumn("time_s", .time, "When it ended."),
            ResultColumn("start_s", .time, "When it began."),
            ResultColumn("source", .text, "The source; for calls `CALLER -> CALLED`."),
            ResultColumn("number", .integer, "Which of the source's requests, from 0."),
            ResultColumn(
                "namespace", .text, optional: true,
                "The Service's namespace; of requests through an Ingress that of its controller's Service."),
            ResultColumn("service", .text, optional: true, "The Service; none of an Ingress whose controller is not named."),
            ResultColumn("port", .text, optional: true, "Its port, if the scenario names it."),
            ResultColumn("client_node", .text, optional: true, "The node it was sent from, or where the attempt came in that ended it."),
            ResultColumn("pod_namespace", .text, optional: true, "The namespace of the pod that answered it well."),
            ResultColumn("pod", .text, optional: true, "That pod, or host outside of the cluster."),
            ResultColumn("pod_node", .text, optional: true, "The pod's node."),
            ResultColumn("attempts", .integer, "Attempts made, retries and hedges included."),
            ResultColumn("result", .text, "`succeeded`, `refused`, `overloaded`, `timed_out`, `reset` or `failed`, as in services.csv."),
            ResultColumn("latency_s", .number, "From its start to its end."),
        ])
}

extension ResultWriter {
    func writeServices(_ traffic: TrafficRecord) throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "services.csv", in: folder, header: ResultWriter.header(ResultTables.services))
        for interval in traffic.intervals {
            let source = traffic.sources[interval.source]
            let length = (interval.end - interval.begin).seconds
            csv.field(interval.end)
            csv.field(length)
            csv.field(source.target.service.namespace)
            csv.field(source.target.service.name)
            csv.field(source.target.portText ?? "")
            csv.field(source.name)
            csv.field(Double(interval.sent) / length)
            csv.field(Int(interval.ended.reduce(0, +)))
            for result in [RequestResult.succeeded, .refused, .overloaded, .timedOut, .reset, .failed] {
                csv.field(Int(interval.count(result)))
            }
            csv.field(Int(interval.retries))
            csv.field(Int(interval.hedges))
            for quantile in interval.quantiles { csv.field(quantile.isNaN ? nil : quantile) }
            csv.field(interval.underWay)
            csv.field(interval.readyEndpoints)
            csv.field(interval.terminatingEndpoints)
            csv.endRow()
        }
        return try csv.finish()
    }

    func writeEndpoints(_ traffic: TrafficRecord) throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "endpoints.csv", in: folder, header: ResultWriter.header(ResultTables.endpoints))
        var totals: [NamespacedName: (received: Double, even: Double)] = [:]
        for pod in traffic.pods {
            totals[pod.service, default: (0, 0)].received += Double(pod.received)
            totals[pod.service, default: (0, 0)].even += pod.evenShare
        }
        for pod in traffic.pods {
            let total = totals[pod.service] ?? (0, 0)
            let share = total.received > 0 ? Double(pod.received) / total.received : 0
            let even = total.even > 0 ? pod.evenShare / total.even : 0
            csv.field(pod.pod.namespace)
            csv.field(pod.pod.name)
            csv.field(pod.service.namespace)
            csv.field(pod.service.name)
            csv.field(Int(pod.received))
            csv.field(share)
            csv.field(even)
            csv.field(even > 0 ? share / even : nil)
            csv.field(pod.cpuSeconds)
            csv.endRow()
        }
        return try csv.finish()
    }

    func writeRequests(_ traffic: TrafficRecord) throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "requests.csv", in: folder, header: ResultWriter.header(ResultTables.requests))
        for request in traffic.requests {
            let source = traffic.sources[request.source]
            csv.field(request.ended)
            csv.field(request.started)
            csv.field(source.name)
            csv.field(Int(request.number))
            csv.field(source.target.service.namespace)
            csv.field(source.target.service.name)
            csv.field(source.target.portText ?? "")
            csv.field(request.client ?? "")
            csv.field(request.pod?.namespace ?? "")
            csv.field(request.pod?.name ?? "")
            csv.field(request.node ?? "")
            csv.field(request.attempts)
            csv.field(ResultWriter.name(of: request.result))
            csv.field((request.ended - request.started).seconds)
            csv.endRow()
        }
        return try csv.finish()
    }

    static func name(of result: RequestResult) -> String {
        switch result {
        case .succeeded: "succeeded"
        case .refused: "refused"
        case .overloaded: "overloaded"
        case .timedOut: "timed_out"
        case .reset: "reset"
        case .failed: "failed"
        }
    }
}
