// Writes the result files of one run.

import ClusterSimulation
import DiscreteEvents
import KubernetesAPI
import Scheduling

/// What is written, and where.
struct ResultWriter {
    let folder: String
    let record: RunRecord
    let end: SimulatedTime

    /// Writes every table and the watch log (if it was recorded).
    func writeAll(_ summary: RunSummary, options: RecordingOptions) throws(ResultError) -> [WrittenFile] {
        var files: [WrittenFile] = []
        files.append(try writeCluster())
        files.append(try writeNodes())
        if options.nodeUsage { files.append(try writeNodeUsage()) }
        files.append(try writePods())
        if options.schedulingAttempts { files.append(try writeScheduling()) }
        if options.events { files.append(try writeEvents()) }
        files.append(try writeRecoveries())
        files.append(try writeAvailability())
        files.append(try writeConditions())
        files.append(try writeJobs())
        if let traffic = record.traffic {
            files.append(try writeServices(traffic))
            files.append(try writeEndpoints(traffic))
            if options.requestSampling != nil { files.append(try writeRequests(traffic)) }
        }
        files.append(try writeSummary(summary))
        if options.watchLog { files.append(try WatchLogWriter.write(record.watchLog, in: folder)) }
        if options.trace { files.append(try TraceWriter.write(record, end: end, in: folder)) }
        return files
    }

    // MARK: Headers

    /// The header of a table: its columns in order, `{resource}` columns once per resource.
    static func header(_ table: ResultTable, resources: [ResourceName] = []) -> [String] {
        var header: [String] = []
        var pending: [String] = []
        func flush() {
            for resource in resources {
                for pattern in pending {
                    let isAmount = pattern.hasPrefix("requested_") || pattern.hasPrefix("allocatable_")
                    header.append(pattern.replacing("{resource}", with: isAmount ? resource.columnWithUnit : resource.rawValue))
                }
            }
            pending.removeAll()
        }
        for column in table.columns {
            if column.name.contains("{resource}") {
                pending.append(column.name)
            } else {
                flush()
                header.append(column.name)
            }
        }
        flush()
        return header
    }

    /// cpu and memory, then all other resources of the samples by name.
    static func resources(of samples: [ClusterSample]) -> [ResourceName] {
        var names: [ResourceName] = []
        var previous: [ResourceName] = []
        for sample in samples {
            let here = sample.resources.map(\.name)
            if here == previous { continue }
            previous = here
            for name in here where !names.contains(name) { names.append(name) }
        }
        return ordered(names)
    }

    private static func ordered(_ names: [ResourceName]) -> [ResourceName] {
        func rank(_ name: ResourceName) -> Int { name == .cpu ? 0 : name == .memory ? 1 : 2 }
        return names.sorted { (rank($0), $0.rawValue) < (rank($1), $1.rawValue) }
    }

    // MARK: Tables

    private func writeCluster() throws(ResultError) -> WrittenFile {
        let resources = ResultWriter.resources(of: record.samples)
        var csv = try CSVWriter(name: "cluster.csv", in: folder, header: ResultWriter.header(ResultTables.cluster, resources: resources))
        for sample in record.samples {
            csv.field(sample.time)
            csv.field(sample.nodes)
            csv.field(sample.readyNodes)
            csv.field(sample.usedNodes)
            csv.field(sample.unscheduled + sample.starting)
            csv.field(sample.unscheduled)
            csv.field(sample.starting)
            csv.field(sample.running)
            csv.field(sample.ready)
            csv.field(sample.succeeded)
            csv.field(sample.failed)
            csv.field(sample.terminating)
            for name in resources {
                let resource = sample.resources.first { $0.name == name }
                csv.field(resource?.requested)
                csv.field(resource?.allocatable)
                csv.field(resource?.utilisation)
                csv.field(resource?.imbalance)
                csv.field(resource?.usedUtilisation)
            }
            csv.endRow()
        }
        return try csv.finish()
    }

    private func writeNodes() throws(ResultError) -> WrittenFile {
        var names: [ResourceName] = []
        for node in record.nodes { for entry in node.meanUtilisation where !names.contains(entry.name) { names.append(entry.name) } }
        let resources = ResultWriter.ordered(names)
        var csv = try CSVWriter(name: "nodes.csv", in: folder, header: ResultWriter.header(ResultTables.nodes, resources: resources))
        for node in record.nodes {
            csv.field(node.name)
            csv.field(node.zone)
            csv.field(node.joined)
            csv.field(node.left)
            csv.field(node.failures)
            csv.field(node.downTime)
            csv.field(node.notReadyTime)
            csv.field(node.podsStarted)
            csv.field(node.peakPods)
            for name in resources {
                csv.field(node.meanUtilisation.first { $0.name == name }?.share)
                csv.field(node.allocatable.first { $0.name == name }?.amount)
            }
            csv.endRow()
        }
        return try csv.finish()
    }

    private func writeNodeUsage() throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "node-usage.csv", in: folder, header: ResultWriter.header(ResultTables.nodeUsage))
        for sample in record.nodeUsage {
            csv.field(sample.time)
            csv.field(sample.node)
            csv.field(sample.cpu)
            csv.field(sample.memory)
            csv.endRow()
        }
        return try csv.finish()
    }

    private func writePods() throws(ResultError) -> WrittenFile {
        // cpu and memory have columns of their own.
        let asked = record.resources.indices.dropFirst(2).filter { index in
            record.pods.contains { index < $0.requests.count && $0.requests[index] != 0 }
        }
        let others = asked.sorted { record.resources[$0].rawValue < record.resources[$1].rawValue }
        var csv = try CSVWriter(
            name: "pods.csv", in: folder, header: ResultWriter.header(ResultTables.pods, resources: others.map { record.resources[$0] }))
        for pod in record.pods {
            csv.field(pod.name.namespace)
            csv.field(pod.name.name)
            csv.field(pod.owner)
            csv.field(pod.created)
            csv.field(pod.scheduled)
            csv.field(pod.started)
            csv.field(pod.ready)
            csv.field(pod.finished)
            csv.field(pod.deletionRequested)
            csv.field(pod.deleted)
            csv.field(pod.node ?? "")
            csv.field(pod.requestedCPU)
            csv.field(pod.requestedMemory)
            for index in others { csv.field(index < pod.requests.count ? Int(pod.requests[index]) : 0) }
            csv.field(pod.attempts)
            csv.field(pod.restarts)
            csv.field(pod.phase.rawValue)
            csv.field(pod.reason)
            csv.endRow()
        }
        return try csv.finish()
    }

    private func writeScheduling() throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "scheduling.csv", in: folder, header: ResultWriter.header(ResultTables.scheduling))
        for attempt in record.attempts {
            csv.field(attempt.start)
            csv.field(attempt.end)
            csv.field(attempt.pod.namespace)
            csv.field(attempt.pod.name)
            csv.field(attempt.number)
            csv.field(attempt.result.rawValue)
            csv.field(attempt.node)
            csv.field(attempt.nodesEvaluated)
            csv.field(attempt.nodesFeasible)
            csv.field(Int(attempt.score))
            csv.field(attempt.nominatedNode)
            csv.field(attempt.victims)
            csv.field(attempt.message)
            csv.endRow()
        }
        return try csv.finish()
    }

    private func writeEvents() throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "events.csv", in: folder, header: ResultWriter.header(ResultTables.events))
        for (time, shared) in record.events {
            let event = shared.value
            csv.field(time)
            csv.field(event.severity.rawValue)
            csv.field(event.reason)
            csv.field(event.involvedKind)
            csv.field(event.involved.namespace)
            csv.field(event.involved.name)
            csv.field(event.source)
            csv.field(Int(event.count))
            csv.field(event.message)
            csv.endRow()
        }
        return try csv.finish()
    }

    private func writeRecoveries() throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "recoveries.csv", in: folder, header: ResultWriter.header(ResultTables.recoveries))
        for failure in record.recoveries {
            csv.field(failure.subject)
            csv.field(failure.effect.name)
            csv.field(failure.nodes)
            csv.field(failure.failed)
            csv.field(failure.firstDetected)
            csv.field(failure.detected)
            csv.field(failure.affectedPods)
            csv.field(failure.otherPods)
            csv.field(failure.firstEvicted)
            csv.field(failure.evicted)
            csv.field(failure.evictedPods)
            csv.field(failure.replaced)
            csv.field(failure.recovered)
            csv.field(failure.returned)
            csv.field(failure.timeToDetection)
            csv.field(failure.recovered.map { $0 - failure.failed })
            csv.field(failure.duplicates)
            let lost = record.requestsLost(in: failure)
            csv.field(lost.map { Double($0.requests) })
            csv.field(lost.map { Double($0.errorSeconds) })
            csv.endRow()
        }
        return try csv.finish()
    }

    private func writeAvailability() throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "availability.csv", in: folder, header: ResultWriter.header(ResultTables.availability))
        for change in record.availability {
            csv.field(change.time)
            csv.field(change.workload)
            csv.field(change.desired)
            csv.field(change.available)
            csv.endRow()
        }
        return try csv.finish()
    }

    private func writeConditions() throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "conditions.csv", in: folder, header: ResultWriter.header(ResultTables.conditions))
        for change in record.conditions {
            csv.field(change.time)
            csv.field(change.object)
            csv.field(change.condition.type.rawValue)
            csv.field(change.condition.status.rawValue)
            csv.field(change.condition.reason)
            csv.field(change.condition.message)
            csv.endRow()
        }
        return try csv.finish()
    }

    private func writeJobs() throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "jobs.csv", in: folder, header: ResultWriter.header(ResultTables.jobs))
        for job in record.jobs {
            csv.field(job.name.namespace)
            csv.field(job.name.name)
            csv.field(job.owner)
            csv.field(job.created)
            csv.field(job.started)
            csv.field(job.finished)
            csv.field(job.outcome?.rawValue ?? "")
            csv.field(job.reason)
            csv.field(job.succeededPods)
            csv.field(job.failedPods)
            csv.field(job.deleted)
            csv.endRow()
        }
        return try csv.finish()
    }

    private func writeSummary(_ summary: RunSummary) throws(ResultError) -> WrittenFile {
        var csv = try CSVWriter(name: "summary.csv", in: folder, header: ResultWriter.header(ResultTables.summary))
        for metric in summary.metrics {
            csv.field(metric.name)
            csv.field(metric.value)
            csv.field(metric.unit)
            csv.endRow()
        }
        return try csv.finish()
    }
}

extension CSVWriter {
    /// The address of an object: kind, namespace, name.
    fileprivate mutating func field(_ key: ObjectKey) {
        field(key.kind.description)
        field(key.name.namespace)
        field(key.name.name)
    }
}

extension ResourceName {
    /// The resource with its unit, as columns name amounts of it.
    fileprivate var columnWithUnit: String {
        if self == .cpu { return "cpu_cores" }
        if self == .memory || self == .storage || isHugePages { return rawValue + "_bytes" }
        return self == .ephemeralStorage ? "ephemeral-storage_bytes" : rawValue
    }
}

extension Fault.Effect {
    /// As scenario files name it.
    var name: String {
        switch self {
        case .crash: "crash"
        case .kubeletStop: "kubelet"
        case .partition: "partition"
        case .reclamation: "reclaim"
        case .load: "load"
        }
    }
}
