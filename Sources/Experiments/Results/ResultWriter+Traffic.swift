// Writes what became of requests.

import ClusterSimulation
import DiscreteEvents
import ServiceNetwork

extension ResultTables {
    public static let services = ResultTable(
        file: "services.csv", row: "the requests of one source that ended in one interval (`measure.interval`); only with `traffic`",
        columns: [
            ResultColumn("time_s", .time, "The end of the interval."),
            ResultColumn("interval_s", .number, "Its length."),
            ResultColumn("namespace", .text, "The Service's namespace."),
            ResultColumn("service", .text, "The Service."),
            ResultColumn("port", .text, optional: true, "Its port, if the scenario names it."),
            ResultColumn("source", .text, "The source; for calls `CALLER -> CALLED`."),
            ResultColumn("rate_per_s", .number, "Requests sent, a second; retries and hedges not counted."),
            ResultColumn("requests", .integer, "Requests that ended."),
            ResultColumn("succeeded", .integer, "With a good answer."),
            ResultColumn("refused", .integer, "No endpoint, or nobody listened there."),
            ResultColumn("overloaded", .integer, "The pod's queue was full."),
            ResultColumn("timed_out", .integer, "No answer in time."),
            ResultColumn("reset", .integer, "The pod died while it had the request."),
            ResultColumn("failed", .integer, "A call that the pod made for it failed."),
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
        file: "endpoints.csv", row: "a pod that was an endpoint of a Service with traffic, in the order in which they became it",
        columns: [
            ResultColumn("namespace", .text, "The pod's namespace."),
            ResultColumn("pod", .text, "The pod."),
            ResultColumn("received", .integer, "Attempts that reached it while it took requests."),
            ResultColumn("share", .number, "Of all that reached any."),
            ResultColumn("cpu_s", .number, "Cpu time that requests used there, over all processors."),
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
            csv.field(source.target.port ?? "")
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
        let all = traffic.pods.reduce(0.0) { $0 + Double($1.received) }
        for pod in traffic.pods {
            csv.field(pod.pod.namespace)
            csv.field(pod.pod.name)
            csv.field(Int(pod.received))
            csv.field(all > 0 ? Double(pod.received) / all : 0)
            csv.field(pod.cpuSeconds)
            csv.endRow()
        }
        return try csv.finish()
    }
}
