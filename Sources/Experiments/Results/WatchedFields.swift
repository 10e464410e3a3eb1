// The fields of objects that timelines show, in the form of the recordings of a real control plane.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// The fields of an object that timelines show, and how they are written.
package enum WatchedFields {
    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: Value

        package init(name: String, value: Value) {
            self.name = name
            self.value = value
        }
    }

    package indirect enum Value: Hashable, Sendable {
        case null
        case text(String)
        case integer(Int64)
        case number(String)
        case boolean(Bool)
        case list([String])
        case values([Value])
        case map([Field])
    }

    /// What changed: new and different fields, null for those that are gone. Of the conditions only those that changed are shown.
    package static func difference(from old: [Field], to new: [Field]) -> [Field] {
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

    package static func of(_ object: APIObject) -> [Field] {
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
        case .statefulSet(let set): fields.statefulSet(set.value)
        case .daemonSet(let set): fields.daemonSet(set.value)
        case .job(let job): fields.job(job.value)
        case .cronJob(let job): fields.cronJob(job.value)
        case .controllerRevision(let revision): fields.integer("revision", revision.value.revision)
        case .horizontalPodAutoscaler(let autoscaler): fields.autoscaler(autoscaler.value)
        case .resourceQuota(let quota): fields.quota(quota.value)
        case .endpointSlice(let slice): fields.endpointSlice(slice.value)
        case .service(let service): fields.service(service.value)
        case .replicationController(let controller): fields.replicationController(controller.value)
        case .volumeAttachment(let attachment):
            fields.set("attached", .boolean(attachment.value.isAttached))
            fields.text("attachError", attachment.value.attachError)
        case .storageClass, .csiNode, .csiDriver, .csiStorageCapacity, .limitRange, .serviceAccount, .configMap, .secret, .ingress,
            .networkPolicy, .endpoints, .unstructured:
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

        mutating func conditions(_ conditions: [Condition], withMessages: Bool = false) {
            if conditions.isEmpty { return }
            let entries = conditions.map { condition in
                var reason = condition.reason.isEmpty ? "" : "/" + condition.reason
                if withMessages, !condition.message.isEmpty { reason += "|" + condition.message }
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
            for label in Builder.shownLabels {
                let name = label.hasPrefix("batch.kubernetes.io/") ? String(label.dropFirst("batch.kubernetes.io/".count)) : label
                text(name, pod.metadata.labels[label] ?? pod.metadata.annotations[label] ?? "")
            }
        }

        /// What controllers mark their pods with: labels, and one annotation of Jobs.
        private static let shownLabels = [
            "pod-template-hash", "controller-revision-hash", "batch.kubernetes.io/job-completion-index",
            "batch.kubernetes.io/job-index-failure-count", "apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name",
        ]

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
            conditions(namespace.conditions)
        }

        mutating func replicationController(_ controller: ReplicationController) {
            integer("gen", controller.metadata.generation)
            integer("spec_replicas", Int64(controller.replicas))
            replicaStatus(controller.status)
        }

        private mutating func replicaStatus(_ status: ReplicaSetStatus) {
            integer("replicas", Int64(status.replicas))
            counter("fullyLabeled", status.fullyLabeledReplicas)
            counter("ready", status.readyReplicas)
            counter("available", status.availableReplicas)
            if let count = status.terminatingReplicas { integer("terminating", Int64(count)) }
            if status.observedGeneration != 0 { integer("observedGen", status.observedGeneration) }
            conditions(status.conditions)
        }

        mutating func replicaSet(_ set: ReplicaSet) {
            integer("gen", set.metadata.generation)
            integer("spec_replicas", Int64(set.spec.replicas))
            replicaStatus(set.status)
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
            if !budget.status.disruptedPods.isEmpty { set("disrupted", .list(budget.status.disruptedPods.map(\.name).sorted())) }
            if budget.status.observedGeneration != 0 { integer("observedGen", budget.status.observedGeneration) }
            conditions(budget.status.conditions)
        }

        mutating func statefulSet(_ set: StatefulSet) {
            integer("gen", set.metadata.generation)
            integer("spec_replicas", Int64(set.spec.replicas))
            if case .rollingUpdate(let partition) = set.spec.updateStrategy { integer("partition", Int64(partition)) }
            integer("replicas", Int64(set.status.replicas))
            integer("availableReplicas", Int64(set.status.availableReplicas))
            counter("readyReplicas", set.status.readyReplicas)
            counter("currentReplicas", set.status.currentReplicas)
            counter("updatedReplicas", set.status.updatedReplicas)
            text("currentRevision", set.status.currentRevision)
            text("updateRevision", set.status.updateRevision)
            if set.status.observedGeneration != 0 { integer("observedGen", set.status.observedGeneration) }
            conditions(set.status.conditions)
        }

        mutating func daemonSet(_ set: DaemonSet) {
            integer("gen", set.metadata.generation)
            integer("desiredNumberScheduled", Int64(set.status.desiredNumberScheduled))
            integer("currentNumberScheduled", Int64(set.status.currentNumberScheduled))
            integer("numberMisscheduled", Int64(set.status.numberMisscheduled))
            integer("numberReady", Int64(set.status.numberReady))
            counter("updatedNumberScheduled", set.status.updatedNumberScheduled)
            counter("numberAvailable", set.status.numberAvailable)
            counter("numberUnavailable", set.status.numberUnavailable)
            if set.status.observedGeneration != 0 { integer("observedGen", set.status.observedGeneration) }
            conditions(set.status.conditions)
        }

        mutating func job(_ job: Job) {
            integer("gen", job.metadata.generation)
            set("suspend", .boolean(job.spec.suspend))
            if let count = job.spec.parallelism { integer("parallelism", Int64(count)) }
            if let count = job.spec.completions { integer("completions", Int64(count)) }
            let status = job.status
            counter("active", status.active)
            if let count = status.ready { integer("ready", Int64(count)) }
            if let count = status.terminating { integer("terminating", Int64(count)) }
            counter("succeeded", status.succeeded)
            counter("failed", status.failed)
            text("completedIndexes", status.completedIndexes)
            if let indexes = status.failedIndexes { set("failedIndexes", .text(indexes)) }
            seconds("startTime", status.startTime)
            seconds("completionTime", status.completionTime)
            conditions(status.conditions, withMessages: true)
            if let pods = status.uncounted, !pods.succeeded.isEmpty || !pods.failed.isEmpty {
                set("uncounted", .values([.integer(Int64(pods.succeeded.count)), .integer(Int64(pods.failed.count))]))
            }
        }

        mutating func cronJob(_ job: CronJob) {
            integer("gen", job.metadata.generation)
            set("suspend", .boolean(job.spec.suspend))
            if !job.status.active.isEmpty { set("active", .list(job.status.active.map(\.name))) }
            seconds("lastScheduleTime", job.status.lastScheduleTime)
            seconds("lastSuccessfulTime", job.status.lastSuccessfulTime)
        }

        mutating func autoscaler(_ autoscaler: HorizontalPodAutoscaler) {
            let status = autoscaler.status
            integer("desired", Int64(status.desiredReplicas))
            counter("current", status.currentReplicas)
            conditions(status.conditions)
            seconds("lastScaleTime", status.lastScaleTime)
            if status.currentMetrics.isEmpty { return }
            let metrics = status.currentMetrics.map { metric -> Value in
                var shown: [Field] = []
                if let share = metric?.averageUtilization { shown.append(Field(name: "averageUtilization", value: .integer(Int64(share)))) }
                if let value = metric?.averageValue { shown.append(Field(name: "averageValue", value: .text(value.description))) }
                if let value = metric?.value { shown.append(Field(name: "value", value: .text(value.description))) }
                return .map(shown)
            }
            set("metrics", .values(metrics))
        }

        mutating func quota(_ quota: ResourceQuota) {
            list("hard", quota.status.hard)
            list("used", quota.status.used)
        }

        private mutating func list(_ name: String, _ resources: ResourceList) {
            let entries = resources.map { Field(name: "\($0.name)", value: .text($0.quantity.description)) }
            if !entries.isEmpty { set(name, .map(entries.sorted { $0.name < $1.name })) }
        }

        mutating func endpointSlice(_ slice: EndpointSlice) {
            text("service", slice.service?.name ?? "")
            let endpoints = slice.endpoints.map { endpoint in
                (endpoint.pod?.key.name ?? endpoint.addresses.first ?? "") + " ready=\(Builder.word(endpoint.ready))"
                    + " serving=\(Builder.word(endpoint.serving)) terminating=\(Builder.word(endpoint.terminating))"
                    + (endpoint.hostname.map { " hostname=" + $0 } ?? "")
            }
            if !endpoints.isEmpty { set("endpoints", .list(endpoints.sorted())) }
            let ports = slice.ports.map { "\($0.name):\($0.port.map { String($0) } ?? "")/\($0.transport.rawValue)" }
            if !ports.isEmpty { set("ports", .list(ports)) }
        }

        private static func word(_ flag: Bool?) -> String { flag.map { $0 ? "True" : "False" } ?? "None" }

        mutating func service(_ service: Service) {
            text("type", service.type.rawValue)
            text("clusterIP", service.clusterIP)
            if service.ports.isEmpty { return }
            let ports = service.ports.map { port -> Value in
                var target = Value.integer(Int64(port.port))
                switch port.targetPort {
                case .int(let number): target = .integer(Int64(number))
                case .string(let name): target = .text(name)
                case nil: break
                }
                return .values([.integer(Int64(port.port)), target, port.nodePort == 0 ? .null : .integer(Int64(port.nodePort))])
            }
            set("ports", .values(ports))
        }

        mutating func event(_ event: KubernetesEvent) {
            text("about", event.involvedKind + "/" + event.involved.name)
            text("reason", event.reason)
            text("type", event.severity.rawValue)
            text("message", event.message)
            // The scheduler reports through the newer Events API, which has no count but a series.
            if event.source == "default-scheduler", event.count == 1 { set("count", .null) } else { integer("count", Int64(event.count)) }
            text("from", event.source)
        }
    }
}
