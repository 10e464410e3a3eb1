// Watches every commit and keeps the record of the run.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Scheduling
import ServiceNetwork

/// Turns commits into rows and counters. It is told of each commit at once, as an observer outside the cluster.
struct Recorder: Sendable {
    private struct TrackedPod: Sendable {
        var row: Int32
        var workload: Int32
        /// The node's number in ``NodeLoad``, -1 before binding.
        var node: Int32 = -1
        var ready = false
        var terminating = false
        var healthy = false
        var holdsResources = false
    }

    private let options: RecordingOptions
    private(set) var record = RunRecord()
    private(set) var load = NodeLoad()
    private var tracked = UIDMap<TrackedPod>()
    private var rowOfName: [NamespacedName: Int32] = [:]
    private var health = WorkloadHealth()
    private var failures = FailureTracker()
    private var trail = WorkloadTrail()
    private var nodeRows: [String: Int] = [:]
    private var downNodes: [String: SimulatedTime] = [:]
    /// What the status of pods said of their containers when their node came back without these: no word of it is true before the kubelet
    /// has said something else.
    private var outdated: [UID: [ContainerStatus]] = [:]
    private var counts = PodCounts()

    init(_ options: RecordingOptions) {
        self.options = options
        record.allocations = options.allocations.map(AllocationCurve.init)
    }

    // MARK: Commits

    mutating func observe(_ event: WatchEvent) {
        if options.watchLog { record.watchLog.append(event) }
        switch event.object {
        case .pod(let pod):
            counts.observe(event)
            observe(pod, event)
        case .node(let node): observe(node.value, event)
        case .replicaSet(let set): observe(set.value, event)
        case .deployment(let deployment):
            observe(wish: deployment.value.spec.replicas, of: deployment.value.metadata, "Deployment", event) {
                if case .deployment(let old) = $0 { old.value.spec.replicas } else { nil }
            }
        case .statefulSet(let set):
            observe(wish: set.value.spec.replicas, of: set.value.metadata, "StatefulSet", event) {
                if case .statefulSet(let old) = $0 { old.value.spec.replicas } else { nil }
            }
        case .replicationController(let controller):
            observe(wish: controller.value.replicas, of: controller.value.metadata, "ReplicationController", event) {
                if case .replicationController(let old) = $0 { old.value.replicas } else { nil }
            }
        case .event(let reported):
            if options.events { record.events.append((event.time, reported)) }
        default: break
        }
        trail.observe(event, into: &record)
    }

    private mutating func observe(_ pod: Shared<Pod>, _ event: WatchEvent) {
        let now = event.time
        let uid = pod.value.metadata.uid
        var state: TrackedPod
        if let known = tracked[uid] {
            state = known
        } else {
            state = TrackedPod(row: Int32(record.pods.count), workload: health.workload(of: pod.value) ?? -1)
            rowOfName[pod.value.metadata.key] = state.row
            let row = newRow(pod.value, workload: state.workload, at: now)
            record.pods.append(row)
            if state.workload >= 0, event.change == .added {
                failures.podCreated(
                    uid, workload: state.workload, identity: pod.value.lastingName, at: now, &record.recoveries)
            }
            for index in record.allocations.indices { record.allocations[index].arrive(pod.value) }
        }
        let row = Int(state.row)
        if state.node < 0, let name = pod.value.nodeName, let number = load.number(of: name) {
            state.node = Int32(number)
            record.pods[row].node = name
            if record.pods[row].scheduled == nil { record.pods[row].scheduled = now }
            load.bind(pod.value, to: number, at: now)
            for index in record.allocations.indices { record.allocations[index].allocate(pod.value, sign: 1) }
            state.holdsResources = true
        }
        record.pods[row].update(pod, at: now)
        state.ready = pod.isReady && !isOutdated(pod)
        if pod.isTerminating, !state.terminating {
            state.terminating = true
            record.pods[row].deletionRequested = now
            failures.podLeaves(
                uid, byFailure: pod.isEvictedWithItsNode, byEviction: pod.isEvictedByRequest, at: now, &record.recoveries)
        }
        let over = pod.isTerminal || event.change == .deleted
        if over || state.terminating { failures.podEnded(uid, identity: pod.value.lastingName) }
        if over, state.holdsResources, state.node >= 0 {
            load.release(pod.value, from: Int(state.node), at: now)
            for index in record.allocations.indices { record.allocations[index].allocate(pod.value, sign: -1) }
            state.holdsResources = false
        }
        setHealth(of: &state, uid, gone: over, at: now)
        if event.change == .deleted {
            record.pods[row].deleted = now
            if record.pods[row].deletionRequested == nil { record.pods[row].deletionRequested = now }
            if state.node >= 0 { load.forget(pod.value, from: Int(state.node)) }
            tracked[uid] = nil
            outdated[uid] = nil
        } else {
            tracked[uid] = state
        }
    }

    private mutating func newRow(_ pod: Pod, workload: Int32, at now: SimulatedTime) -> PodRecord {
        var row = PodRecord(
            name: pod.metadata.key, owner: workload < 0 ? "" : health.workloads[Int(workload)].name,
            created: min(now, pod.metadata.creationTimestamp < .zero ? pod.metadata.creationTimestamp : now), attempts: 0, restarts: 0,
            phase: pod.status.phase, reason: "")
        row.requests = load.demand(of: pod.spec)
        return row
    }

    private mutating func setHealth(of state: inout TrackedPod, _ uid: UID, gone: Bool, at now: SimulatedTime) {
        let alive = state.node >= 0 && downNodes[load.entries[Int(state.node)].name] == nil
        let healthy = state.ready && !state.terminating && !gone && alive
        guard healthy != state.healthy else { return }
        state.healthy = healthy
        guard state.workload >= 0 else { return }
        health.add(healthy ? 1 : -1, to: state.workload)
        failures.workloadChanged(state.workload, healthy: healthy ? uid : nil, health, at: now, &record.recoveries)
    }

    private mutating func observe(_ node: Node, _ event: WatchEvent) {
        let now = event.time
        let name = node.metadata.name
        observeCapacity(node, event)
        if event.change == .deleted {
            if let number = load.number(of: name) { load.remove(number, at: now) }
            if let row = nodeRows[name] { record.nodes[row].left = now }
            return
        }
        if event.change == .added, let row = nodeRows[name] { record.nodes[row].left = nil }
        let wasReady = load.number(of: name).map { load.entries[$0].ready } ?? false
        let number = load.observe(node, at: now)
        if nodeRows[name] == nil {
            nodeRows[name] = record.nodes.count
            record.nodes.append(
                NodeRecord(
                    name: name, zone: node.zone ?? "", joined: now, failures: 0, downTime: .zero, notReadyTime: .zero, podsStarted: 0,
                    meanUtilisation: [], peakPods: 0))
        }
        if wasReady, !node.isReady { failures.nodeDetected(name, at: now, &record.recoveries) }
        load.setReady(node.isReady, number, at: now)
    }

    private mutating func observeCapacity(_ node: Node, _ event: WatchEvent) {
        for index in record.allocations.indices {
            if case .node(let old)? = event.previous { record.allocations[index].setCapacity(old.value, sign: -1) }
            if event.change != .deleted { record.allocations[index].setCapacity(node, sign: 1) }
        }
    }

    private mutating func observe(_ set: ReplicaSet, _ event: WatchEvent) {
        guard let workload = health.observe(set, isDeleted: event.change == .deleted) else { return }
        failures.workloadChanged(workload, health, at: event.time, &record.recoveries)
    }

    /// A workload other than a ReplicaSet was written: how many pods it wants now.
    private mutating func observe(
        wish: Int32, of metadata: ObjectMeta, _ kind: String, _ event: WatchEvent, before: (APIObject) -> Int32?
    ) {
        let isDeleted = event.change == .deleted
        let name = NamespacedName(namespace: metadata.namespace, name: kind + "/" + metadata.name)
        let workload = health.observe(name, desired: isDeleted ? 0 : Int(wish))
        if isDeleted || event.previous.flatMap(before) != wish {
            failures.workloadChanged(workload, health, at: event.time, &record.recoveries)
        }
    }

    /// Pods of a snapshot came into being before the run: their times are what their status says.
    mutating func adoptSnapshot(_ objects: [APIObject]) {
        for object in objects {
            guard case .pod(let pod) = object, let number = rowOfName[pod.value.metadata.key] else { continue }
            let row = Int(number)
            let status = pod.value.status
            record.pods[row].isFromSnapshot = true
            let bound = status.conditions[.podScheduled]
            record.pods[row].scheduled = pod.value.nodeName != nil && bound?.status == .true ? bound?.lastTransitionTime : nil
            record.pods[row].ready = status.readySince
            // A container that was restarted no longer tells when the pod began to run.
            let starts = status.containerStatuses.compactMap { container -> SimulatedTime? in
                if case .running(let time) = container.state, container.restartCount == 0 { time } else { nil }
            }
            record.pods[row].started = status.phase == .running && starts.count == status.containerStatuses.count ? starts.min() : nil
            let ends = status.containerStatuses.compactMap { container -> SimulatedTime? in
                if case .terminated(let end) = container.state { end.finishedAt } else { nil }
            }
            record.pods[row].finished = pod.isTerminal ? ends.max() : nil
        }
    }

    // MARK: Failures

    /// Whether a failure that is told of keeps a node down, or out of reach.
    func isDown(_ node: String) -> Bool { downNodes[node] != nil }

    /// Nodes stopped together. `hit`: all of them; `nodes`: those that were up, with their `pods`. Returns the row of `recoveries`.
    mutating func failed(
        subject: String, effect: Fault.Effect, hit: [String], nodes: [String], pods: [Shared<Pod>], reach: FailureReach,
        at now: SimulatedTime
    ) -> Int {
        let scope = scope(hit, nodes, pods)
        let row = newFailure(subject, effect, scope, reach, down: now, at: now)
        stopped(scope.nodes, pods: pods, at: now)
        failures.begin(row: row, scope, health, at: now, &record.recoveries)
        return row
    }

    /// A machine got its notice: ``wentDown(_:row:isUp:pods:at:)`` follows. Returns the row of `recoveries`.
    mutating func noticed(
        _ node: String, effect: Fault.Effect, isUp: Bool, pods: [Shared<Pod>], reach: FailureReach, at now: SimulatedTime
    ) -> Int {
        let scope = scope([node], isUp ? [node] : [], pods)
        let row = newFailure("node/" + node, effect, scope, reach, down: nil, at: now)
        failures.announce(row: row, scope, health, at: now, &record.recoveries)
        return row
    }

    /// A machine that got its notice is gone for good. `isUp`: nothing else had stopped it.
    mutating func wentDown(_ node: String, row: Int, isUp: Bool, pods: [Shared<Pod>], at now: SimulatedTime) {
        record.recoveries[row].down = now
        let scope = scope([node], isUp ? [node] : [], pods)
        stopped(scope.nodes, pods: pods, at: now)
        failures.struck(row: row, scope, health, at: now, &record.recoveries)
    }

    /// Requests failed: those that a failure of nodes has lost are booked to it.
    mutating func lost(_ requests: [FailedRequest]) { record.recoveries.book(requests) }

    private mutating func newFailure(
        _ subject: String, _ effect: Fault.Effect, _ scope: FailureScope, _ reach: FailureReach, down: SimulatedTime?,
        at now: SimulatedTime
    ) -> Int {
        var failure = RecoveryRecord(
            subject: subject, effect: effect, nodes: scope.nodes.count, failed: now, down: down, affectedPods: 0, otherPods: 0,
            evictedPods: 0)
        failure.nodesHit = scope.hit.count
        failure.nodeNames = scope.nodes
        failure.reach = reach
        record.recoveries.append(failure)
        return record.recoveries.count - 1
    }

    /// What a failure takes: the nodes that are up, and what is on them. What is on others is whatever took those down to tell of.
    private func scope(_ hit: [String], _ nodes: [String], _ pods: [Shared<Pod>]) -> FailureScope {
        var scope = FailureScope(nodes: nodes, hit: hit)
        scope.seen = scope.nodes.filter { name in load.number(of: name).map { !load.entries[$0].ready } ?? false }
        for pod in nodes.isEmpty ? [] : pods {
            let uid = pod.value.metadata.uid
            guard let state = tracked[uid], !state.terminating, !pod.isTerminal else { continue }
            guard state.workload >= 0, health.desired[Int(state.workload)] != nil else {
                scope.otherPods += 1
                continue
            }
            scope.pods.append((uid, state.workload, state.healthy))
            if !scope.workloads.contains(where: { $0.number == state.workload }) {
                scope.workloads.append((state.workload, health.healthy[Int(state.workload)]))
            }
        }
        return scope
    }

    private mutating func stopped(_ nodes: [String], pods: [Shared<Pod>], at now: SimulatedTime) {
        for name in nodes {
            downNodes[name] = now
            if let nodeRow = nodeRows[name] { record.nodes[nodeRow].failures += 1 }
        }
        refreshHealth(of: pods, at: now)
    }

    /// A node is back, and no failure keeps it down any more. `pods`: those bound to it; `stopped`: those of them whose containers do not
    /// run, whatever the API server says; `duplicates`: how many run although they had been evicted.
    mutating func returned(_ node: String, pods: [Shared<Pod>], stopped: [Shared<Pod>], duplicates: Int, at now: SimulatedTime) {
        if let since = downNodes.removeValue(forKey: node), let nodeRow = nodeRows[node] {
            record.nodes[nodeRow].downTime += now - since
        }
        for pod in stopped where pod.isReady {
            let uid = pod.value.metadata.uid
            outdated[uid] = pod.value.status.containerStatuses
            tracked[uid]?.ready = false
        }
        failures.nodeReturned(
            node, pods: pods.map(\.value.metadata.uid), duplicates: duplicates, at: now, &record.recoveries)
        refreshHealth(of: pods, at: now)
    }

    /// Whether a pod's status still says what it did before its containers were lost.
    private mutating func isOutdated(_ pod: Shared<Pod>) -> Bool {
        let uid = pod.value.metadata.uid
        guard !outdated.isEmpty, let told = outdated[uid] else { return false }
        if pod.isReady, pod.value.status.containerStatuses == told { return true }
        outdated[uid] = nil
        return false
    }

    private mutating func refreshHealth(of pods: [Shared<Pod>], at now: SimulatedTime) {
        for pod in pods {
            guard var state = tracked[pod.value.metadata.uid] else { continue }
            setHealth(of: &state, pod.value.metadata.uid, gone: pod.isTerminal, at: now)
            tracked[pod.value.metadata.uid] = state
        }
    }

    // MARK: Scheduling, operations, samples

    mutating func observe(_ attempts: [SchedulingAttempt]) {
        for attempt in attempts {
            if let row = rowOfName[attempt.pod] { record.pods[Int(row)].attempts += 1 }
        }
        if options.schedulingAttempts { record.attempts += attempts }
    }

    mutating func operated(_ description: String, at now: SimulatedTime, isRoutine: Bool = false) -> Int {
        record.operations.append(OperationRecord(time: now, description: description, isRoutine: isRoutine))
        return record.operations.count - 1
    }

    mutating func refused(_ operation: Int, _ error: APIError) {
        record.operations[operation].refusal = error.description
        record.operations[operation].refusalStatus = error.code
    }

    mutating func add(_ usage: NodeUsageSample) { record.nodeUsage.append(usage) }

    /// A command of the operator printed a line.
    mutating func printed(_ line: String, _ operation: Int, at now: SimulatedTime) {
        record.operations[operation].output.append((now, line))
    }

    /// A command that took its time is over.
    mutating func ended(_ operation: Int, error: String?, at now: SimulatedTime) {
        record.operations[operation].ended = now
        record.operations[operation].refusal = error
    }

    mutating func sample(at now: SimulatedTime) {
        if let last = record.samples.last, last.time == now { return }
        let existing = load.entries.reduce(0) { $0 + ($1.exists ? 1 : 0) }
        let ready = load.entries.reduce(0) { $0 + ($1.exists && $1.ready ? 1 : 0) }
        record.samples.append(
            ClusterSample(
                time: now, nodes: existing, readyNodes: ready, usedNodes: load.usedNodes, unscheduled: counts.unscheduled,
                starting: counts.starting,
                running: counts.running, ready: counts.ready, succeeded: counts.succeeded, failed: counts.failed,
                terminating: counts.terminating, resources: load.summary()))
    }

    mutating func finish(at now: SimulatedTime, handledEvents: Int, violation: InvariantViolation?) {
        sample(at: now)
        for index in record.allocations.indices { record.allocations[index].settle() }
        record.violation = violation
        record.resources = load.resources
        record.handledEvents = handledEvents
        for number in load.entries.indices {
            load.settle(number, at: now)
            let entry = load.entries[number]
            guard let row = nodeRows[entry.name] else { continue }
            let span = ((record.nodes[row].left ?? now) - record.nodes[row].joined).seconds
            record.nodes[row].podsStarted = entry.started
            record.nodes[row].peakPods = entry.peak
            record.nodes[row].notReadyTime = entry.notReady + (entry.notReadySince.map { now - $0 } ?? .zero)
            if let since = downNodes[entry.name] { record.nodes[row].downTime += now - since }
            record.nodes[row].meanUtilisation = load.resources.indices.compactMap { index in
                guard index < entry.allocatable.count, entry.allocatable[index] > 0 else { return nil }
                let integral = index < entry.integral.count ? entry.integral[index] : 0
                return (load.resources[index], span > 0 ? integral / span : 0)
            }
            record.nodes[row].allocatable = record.nodes[row].meanUtilisation.map { ($0.name, load.allocatable($0.name, of: number)) }
        }
    }
}
