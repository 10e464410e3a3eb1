// watch.jsonl: every event of the API's watch as a JSON object a line, so that a run can be laid beside a recording of a
// real control plane.

import APIServer
import DiscreteEvents
import KubernetesAPI

enum WatchLogWriter {
    static func write(_ events: [WatchEvent], in folder: String) throws(ResultError) -> WrittenFile {
        var file = try BufferedFile(name: "watch.jsonl", in: folder)
        var rows = 0
        for event in events {
            let fields = WatchedFields.of(event.object)
            var changed: [WatchedFields.Field]
            switch event.change {
            case .added: changed = fields
            case .modified: changed = WatchedFields.difference(from: event.previous.map { WatchedFields.of($0) } ?? [], to: fields)
            case .deleted: changed = []
            }
            // A write that touched nothing shown here is no line, as in the recordings.
            if event.change == .modified, changed.isEmpty { continue }
            file.append("{\"t\":")
            file.withBuffer { Decimal10.append(event.time.nanoseconds / 1_000_000, to: &$0) }
            file.append(",\"ev\":\"")
            file.append(event.change.rawValue)
            file.append("\",\"kind\":")
            file.append(JSONText.quoted(event.object.kindName))
            let metadata = event.object.metadata
            file.append(",\"name\":")
            file.append(event.object.kind == .event ? "\"-\"" : JSONText.quoted(metadata.name))
            if !metadata.namespace.isEmpty {
                file.append(",\"ns\":")
                file.append(JSONText.quoted(metadata.namespace))
            }
            file.append(",\"set\":")
            append(changed, to: &file)
            if event.change == .deleted, case .pod = event.object {
                file.append(",\"final\":")
                changed = fields.filter { ["phase", "node", "containers"].contains($0.name) }
                append(changed, to: &file)
            }
            file.append("}\n")
            rows += 1
            file.endOfLine()
        }
        return try file.finish(rows: rows)
    }

    private static func append(_ fields: [WatchedFields.Field], to file: inout BufferedFile) {
        file.append("{")
        for (index, field) in fields.enumerated() {
            if index > 0 { file.append(",") }
            file.append(JSONText.quoted(field.name))
            file.append(":")
            append(field.value, to: &file)
        }
        file.append("}")
    }

    private static func append(_ value: WatchedFields.Value, to file: inout BufferedFile) {
        switch value {
        case .null: file.append("null")
        case .text(let text): file.append(JSONText.quoted(text))
        case .integer(let number): file.append(String(number))
        case .number(let text): file.append(text)
        case .boolean(let flag): file.append(flag ? "true" : "false")
        case .list(let texts): file.append("[" + texts.map(JSONText.quoted).joined(separator: ",") + "]")
        case .map(let fields): append(fields, to: &file)
        }
    }
}

/// The fields of an object that timelines show, and how they are written.
enum WatchedFields {
    struct Field: Hashable {
        var name: String
        var value: Value
    }

    indirect enum Value: Hashable {
        case null
        case text(String)
        case integer(Int64)
        case number(String)
        case boolean(Bool)
        case list([String])
        case map([Field])
    }

    /// What changed: new and different fields, null for those that are gone. Of the conditions only those that changed are shown.
    static func difference(from old: [Field], to new: [Field]) -> [Field] {
        var changes: [Field] = []
        for field in new {
            guard let before = old.first(where: { $0.name == field.name }) else {
                changes.append(field)
                continue
            }
            if before.value == field.value { continue }
            if field.name == "conds", case .map(let oldEntries) = before.value, case .map(let newEntries) = field.value {
                let changed = difference(from: oldEntries, to: newEntries)
                if !changed.isEmpty { changes.append(Field(name: field.name, value: .map(changed))) }
            } else {
                changes.append(field)
            }
        }
        for field in old where !new.contains(where: { $0.name == field.name }) { changes.append(Field(name: field.name, value: .null)) }
        return changes
    }

    static func of(_ object: APIObject) -> [Field] {
        var fields = Builder()
        if object.kind != .event { fields.metadata(object.metadata) }
        switch object {
        case .pod(let pod): fields.pod(pod.value)
        case .node(let node): fields.node(node.value)
        case .namespace(let namespace): fields.namespace(namespace.value)
        case .replicaSet(let set): fields.replicaSet(set.value)
        case .deployment(let deployment): fields.deployment(deployment.value)
        case .event(let event): fields.event(event.value)
        case .priorityClass(let priority): fields.integer("value", Int64(priority.value.value))
        case .persistentVolume(let volume): fields.volume(volume.value)
        case .persistentVolumeClaim(let claim): fields.claim(claim.value)
        case .podDisruptionBudget(let budget): fields.budget(budget.value)
        case .statefulSet(let set):
            fields.integer("gen", set.value.metadata.generation)
            fields.integer("spec_replicas", Int64(set.value.spec.replicas))
        case .replicationController(let controller):
            fields.integer("gen", controller.value.metadata.generation)
            fields.integer("spec_replicas", Int64(controller.value.replicas))
        case .volumeAttachment(let attachment): fields.set("attached", .boolean(attachment.value.isAttached))
        case .service, .storageClass, .csiNode, .csiDriver, .csiStorageCapacity, .job, .cronJob, .daemonSet, .controllerRevision,
            .endpointSlice, .horizontalPodAutoscaler, .resourceQuota, .limitRange, .serviceAccount, .unstructured:
            break
        }
        return fields.fields
    }

    private struct Builder {
        var fields: [Field] = []

        mutating func set(_ name: String, _ value: Value) { fields.append(Field(name: name, value: value)) }
        mutating func text(_ name: String, _ text: String) { if !text.isEmpty { set(name, .text(text)) } }
        mutating func integer(_ name: String, _ number: Int64) { set(name, .integer(number)) }
        mutating func counter(_ name: String, _ number: Int32) { if number != 0 { set(name, .integer(Int64(number))) } }

        /// Seconds with a tenth, as recordings have times of the API.
        mutating func seconds(_ name: String, _ time: SimulatedTime?) {
            guard let time else { return }
            set(name, .number(Builder.tenths(time)))
        }

        static func tenths(_ time: SimulatedTime) -> String {
            let tenths = time.nanoseconds / 100_000_000
            return SimulatedTime(nanoseconds: tenths * 100_000_000).secondsText
        }

        mutating func metadata(_ metadata: ObjectMeta) {
            if !metadata.ownerReferences.isEmpty {
                set("owner", .list(metadata.ownerReferences.map { "\($0.kind)/\($0.name)" + ($0.controller ? "*" : "") }))
            }
            if !metadata.finalizers.isEmpty { set("finalizers", .list(metadata.finalizers)) }
            seconds("deletionTimestamp", metadata.deletionTimestamp)
            if let grace = metadata.deletionGracePeriodSeconds { integer("grace", grace) }
        }

        mutating func conditions(_ conditions: [Condition]) {
            if conditions.isEmpty { return }
            let entries = conditions.map { condition in
                let reason = condition.reason.isEmpty ? "" : "/" + condition.reason
                return Field(name: condition.type.rawValue, value: .text(condition.status.rawValue + reason))
            }
            set("conds", .map(entries))
        }

        mutating func pod(_ pod: Pod) {
            text("phase", pod.status.phase.rawValue)
            text("reason", pod.status.reason)
            text("node", pod.nodeName ?? "")
            conditions(pod.status.conditions)
            if let quality = pod.status.qosClass { text("qos", quality.rawValue) }
            if let priority = pod.spec.value.priority { integer("priority", Int64(priority)) }
            if !pod.status.containerStatuses.isEmpty {
                integer("restarts", Int64(pod.status.restarts))
                set("containers", .list(pod.status.containerStatuses.map { Builder.state($0.state) }))
            }
            text("pod-template-hash", pod.metadata.labels["pod-template-hash"] ?? "")
        }

        private static func state(_ state: ContainerState) -> String {
            switch state {
            case .waiting(let reason): "waiting:" + reason
            case .running: "running"
            case .terminated(let end): "terminated:\(end.exitCode)"
            }
        }

        mutating func node(_ node: Node) {
            if node.spec.unschedulable { set("unschedulable", .boolean(true)) }
            conditions(node.status.conditions)
            if node.spec.taints.isEmpty { return }
            let taints = node.spec.taints.map { "\($0.key)\($0.value.isEmpty ? "" : "=" + $0.value):\($0.effect.rawValue)" }
            set("taints", .list(taints.sorted()))
            let times = node.spec.taints.compactMap { taint in
                taint.timeAdded.map { Field(name: "\(taint.key):\(taint.effect.rawValue)", value: .number(Builder.tenths($0))) }
            }
            if !times.isEmpty { set("taintTimes", .map(times)) }
        }

        mutating func namespace(_ namespace: Namespace) {
            text("phase", namespace.isTerminating ? "Terminating" : "Active")
            if !namespace.finalizers.isEmpty { set("finalizers", .list(namespace.finalizers)) }
        }

        mutating func replicaSet(_ set: ReplicaSet) {
            integer("gen", set.metadata.generation)
            integer("spec_replicas", Int64(set.spec.replicas))
            integer("replicas", Int64(set.status.replicas))
            counter("fullyLabeled", set.status.fullyLabeledReplicas)
            counter("ready", set.status.readyReplicas)
            counter("available", set.status.availableReplicas)
            if let count = set.status.terminatingReplicas { integer("terminating", Int64(count)) }
            if set.status.observedGeneration != 0 { integer("observedGen", set.status.observedGeneration) }
            conditions(set.status.conditions)
            let annotations = set.metadata.annotations
            text("revision", annotations["deployment.kubernetes.io/revision"] ?? "")
            text("desired", annotations["deployment.kubernetes.io/desired-replicas"] ?? "")
            text("max", annotations["deployment.kubernetes.io/max-replicas"] ?? "")
            text("revisionHistory", annotations["deployment.kubernetes.io/revision-history"] ?? "")
        }

        mutating func deployment(_ deployment: Deployment) {
            integer("gen", deployment.metadata.generation)
            integer("spec_replicas", Int64(deployment.spec.replicas))
            if deployment.spec.paused { set("paused", .boolean(true)) }
            counter("replicas", deployment.status.replicas)
            counter("updated", deployment.status.updatedReplicas)
            counter("ready", deployment.status.readyReplicas)
            counter("available", deployment.status.availableReplicas)
            counter("unavailable", deployment.status.unavailableReplicas)
            if let count = deployment.status.terminatingReplicas { integer("terminating", Int64(count)) }
            if deployment.status.observedGeneration != 0 { integer("observedGen", deployment.status.observedGeneration) }
            conditions(deployment.status.conditions)
            text("revision", deployment.metadata.annotations["deployment.kubernetes.io/revision"] ?? "")
        }

        mutating func volume(_ volume: PersistentVolume) {
            text("phase", volume.phase.rawValue)
            text("claim", volume.spec.claimRef?.name.description ?? "")
        }

        mutating func claim(_ claim: PersistentVolumeClaim) {
            text("phase", claim.phase.rawValue)
            text("volume", claim.spec.volumeName)
            text("selectedNode", claim.metadata.annotations[VolumeAnnotation.selectedNode] ?? "")
        }

        mutating func budget(_ budget: PodDisruptionBudget) {
            integer("gen", budget.metadata.generation)
            integer("disruptionsAllowed", Int64(budget.status.disruptionsAllowed))
            integer("currentHealthy", Int64(budget.status.currentHealthy))
            integer("desiredHealthy", Int64(budget.status.desiredHealthy))
            integer("expectedPods", Int64(budget.status.expectedPods))
        }

        mutating func event(_ event: KubernetesEvent) {
            text("about", event.involvedKind + "/" + event.involved.name)
            text("reason", event.reason)
            text("type", event.severity.rawValue)
            text("message", event.message)
            // The scheduler reports through the newer Events API, which has no count but a series.
            if event.source == "default-scheduler" { set("count", .null) } else { integer("count", Int64(event.count)) }
            text("from", event.source)
        }
    }
}
