// What comes from outside the control plane: faults, the operator, the trace.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension Cluster {
    // MARK: Faults

    /// Schedules the next failure of a node under a recurring fault, if the fault is about this node.
    mutating func scheduleFailure(of number: Int, fault: Int) {
        let name = nodeAgent.name(of: number)
        guard let node = api.objects.get(Node.self, NamespacedName(namespace: "", name: name)),
            faults[fault].nodes.contains(node.value), let wait = faults.timeToFailure(fault: fault, node: name)
        else { return }
        queue.schedule(.nodeFails(node: Int32(number), fault: Int32(fault)), at: now + wait)
    }

    /// A fault with a time of its own hits all nodes it selects.
    mutating func strike(fault index: Int) {
        guard case .once(_, let down) = faults[index].schedule else { return }
        let numbers = selected(faults[index].nodes)
        let row = fail(numbers, subject: faults[index].nodes.subject, effect: faults[index].effect)
        guard let down else { return }
        for number in numbers {
            queue.schedule(
                .nodeReturns(node: Int32(number), failure: Int32(row), fault: Int32(index)), at: now + down)
        }
    }

    /// A recurring fault hits one node.
    mutating func strike(fault index: Int, node number: Int) {
        let name = nodeAgent.name(of: number)
        let row = fail([number], subject: "node/" + name, effect: faults[index].effect)
        let repair = faults.timeToRepair(fault: index, node: name)
        queue.schedule(.nodeReturns(node: Int32(number), failure: Int32(row), fault: Int32(index)), at: now + repair)
    }

    /// Nodes stop together. Returns the row of `recoveries`.
    mutating func fail(_ numbers: [Int], subject: String, effect: Fault.Effect) -> Int {
        var pods: [Shared<Pod>] = []
        var names: [String] = []
        for number in numbers where faults.strike(number) {
            let last = nodeAgent.fail(number, kubeletOnly: effect == .kubeletStop, at: now, effects: &kubeletEffects)
            let name = nodeAgent.name(of: number)
            names.append(name)
            pods += boundPods(of: name)
            controllerManager.heartbeatsStopped(node: name, lastRenewal: last, at: now, effects: &controllerEffects)
        }
        let row = recorder.failed(subject: subject, effect: effect, nodes: names, pods: pods, at: now)
        faults.began(row: row, nodes: numbers.count)
        return row
    }

    mutating func comeBack(node number: Int, failure row: Int, fault: Int) {
        comeBack(node: number, failure: row)
        if case .random = faults[fault].schedule { scheduleFailure(of: number, fault: fault) }
    }

    /// One cause of a node's failure is over.
    mutating func comeBack(node number: Int, failure row: Int) {
        let over = faults.ended(row: row)
        let name = nodeAgent.name(of: number)
        if faults.relieve(number) {
            let pods = boundPods(of: name)
            let isRegistered = api.objects[ObjectKey(.node, name)] != nil
            nodeAgent.comeBack(number, pods: pods, isRegistered: isRegistered, at: now, effects: &kubeletEffects)
            controllerManager.heartbeatsResumed(node: name, at: now, effects: &controllerEffects)
            recorder.returned(name, pods: pods, failureOver: over ? row : nil, at: now)
        } else if over {
            recorder.returned("", pods: [], failureOver: row, at: now)
        }
    }

    /// The pods bound to a node, as the API server holds them.
    func boundPods(of node: String) -> [Shared<Pod>] {
        guard let number = recorder.load.number(of: node) else { return [] }
        return recorder.load.entries[number].pods.compactMap { api.objects.get(Pod.self, $0) }
            .filter { $0.value.nodeName == node }
    }

    private func selected(_ selection: NodeSelection) -> [Int] {
        (0..<nodeAgent.count).filter { number in
            let key = NamespacedName(namespace: "", name: nodeAgent.name(of: number))
            return api.objects.get(Node.self, key).map { selection.contains($0.value) } ?? false
        }
    }

    // MARK: Operator

    /// Does what the operator does. `reported`: as something that happened; otherwise only its refusal is worth telling.
    mutating func operate(_ action: OperatorAction, reported: Bool = true) {
        func call(_ request: APIRequest, _ description: @autoclosure () -> String, _ cluster: inout Cluster) {
            let operation = cluster.recorder.operated(description(), at: cluster.now, isRoutine: !reported)
            cluster.send(APICall(.clusterOperator, request, token: UInt64(operation)))
        }
        switch action {
        case .apply(let objects):
            for object in objects {
                call(.operate(object.key, .apply(object)), "apply \(object.kindName) \(object.metadata.key)", &self)
            }
        case .delete(let key): call(.delete(key, DeleteOptions(propagation: .background)), "delete \(key)", &self)
        case .scale(let key, let replicas):
            call(.operate(key, .scale(replicas)), "scale \(key) --replicas=\(replicas)", &self)
        case .setImage(let key, let container, let image):
            call(.operate(key, .setImage(container: container, image: image)), "set image \(key) \(container)=\(image)", &self)
        case .rolloutUndo(let key, let revision):
            call(.operate(key, .rollBack(toRevision: revision)), "rollout undo \(key)", &self)
        case .rolloutRestart(let key): call(.operate(key, .restart), "rollout restart \(key)", &self)
        case .rolloutPause(let name, let paused):
            call(
                .operate(ObjectKey(.deployment, name), .pause(paused)),
                "rollout \(paused ? "pause" : "resume") Deployment \(name)", &self)
        case .cordon(let selection):
            for number in selected(selection) {
                let name = nodeAgent.name(of: number)
                call(.patchNode(name, .unschedulable(true)), "cordon \(name)", &self)
            }
        case .uncordon(let selection):
            for number in selected(selection) {
                let name = nodeAgent.name(of: number)
                call(.patchNode(name, .unschedulable(false)), "uncordon \(name)", &self)
            }
        case .drain(let selection, let options):
            drain(selected(selection).map { nodeAgent.name(of: $0) }, options)
        case .setLoad(let change):
            nodeAgent.set(change, pods: api.objects.all(Pod.self), at: now, effects: &kubeletEffects)
            _ = recorder.operated(change.description, at: now, isRoutine: !reported)
        case .setNodeLoad(let selection, let load):
            for number in selected(selection) {
                nodeAgent.setOutsideLoad(load, on: number, at: now, effects: &kubeletEffects)
                _ = recorder.operated("outside of pods, \(nodeAgent.name(of: number)) bears \(load)", at: now, isRoutine: !reported)
            }
        case .taint(let selection, let taints):
            for number in selected(selection) {
                let name = nodeAgent.name(of: number)
                call(.patchNode(name, .taints(add: taints, remove: [])), "taint \(name) \(taints.list)", &self)
            }
        case .untaint(let selection, let taints):
            for number in selected(selection) {
                let name = nodeAgent.name(of: number)
                call(.patchNode(name, .taints(add: [], remove: taints)), "untaint \(name) \(taints.list)", &self)
            }
        case .addNodes(let nodes):
            for node in nodes { add(node) }
        }
    }

    /// A machine joins. One of that name that ran here before is started again if its node object was deleted since; a name that
    /// is taken is refused, as the real API server refuses the second kubelet.
    mutating func add(_ node: Node) {
        let name = node.metadata.name
        let operation = recorder.operated("add node \(name)", at: now)
        guard let number = nodeAgent.number(of: name) else {
            _ = nodeAgent.register(node, at: now, effects: &kubeletEffects)
            return
        }
        let key = ObjectKey(.node, name)
        if api.objects[key] != nil {
            recorder.refused(operation, .alreadyExists(key))
        } else if nodeAgent.isRunning(number) {
            nodeAgent.comeBack(number, pods: boundPods(of: name), isRegistered: false, at: now, effects: &kubeletEffects)
        }
    }

    // MARK: Trace

    mutating func arrive(trace index: Int) {
        let trace = configuration.value.trace
        let entry = trace[index]
        send(APICall(.clusterOperator, .create(entry.object)))
        if let deleteAt = entry.deleteAt {
            queue.schedule(.traceDeparture(Int32(index)), at: max(deleteAt, entry.createAt))
        }
        if index + 1 < trace.count { queue.schedule(.traceArrival(Int32(index + 1)), at: max(now, trace[index + 1].createAt)) }
    }
}

extension [Taint] {
    /// As `kubectl taint` takes them.
    fileprivate var list: String { map { "\($0.key)=\($0.value):\($0.effect.rawValue)" }.joined(separator: " ") }
}

extension NodeSelection {
    /// How `recoveries.csv` names what failed.
    var subject: String {
        switch self {
        case .all: "nodes/all"
        case .node(let name): "node/" + name
        case .zone(let zone): "zone/" + zone
        case .labels(let selector): "nodes/" + ((try? selector.selector())?.description ?? "")
        }
    }
}
