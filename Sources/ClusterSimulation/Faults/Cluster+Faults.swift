// Faults of nodes: striking, and what is over.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension Cluster {
    // MARK: Schedules

    /// Schedules what a fault does first.
    mutating func schedule(fault: Int) {
        switch faults[fault].schedule {
        case .once(let time, _): queue.schedule(.faultStrikes(Int32(fault)), at: time)
        case .random: for number in 0..<nodeAgent.count { scheduleFailure(of: number, fault: fault) }
        }
    }

    /// Schedules the next failure of a node under a recurring fault, if the fault is about this node; or, the first time, of its group.
    mutating func scheduleFailure(of number: Int, fault: Int) {
        let name = nodeAgent.name(of: number)
        guard let node = api.objects.get(Node.self, NamespacedName(namespace: "", name: name))?.value else { return }
        scheduleFailure(of: number, node, fault: fault)
    }

    /// The same for a machine that is about to join.
    private mutating func scheduleFailure(of number: Int, _ node: Node, fault: Int) {
        guard faults[fault].nodes.contains(node) else { return }
        let name = node.metadata.name
        guard let label = faults[fault].commonTo else {
            if let time = faults.nextFailure(fault: fault, of: name, after: now) {
                queue.schedule(.nodeFails(node: Int32(number), fault: Int32(fault)), at: time)
            }
            return
        }
        guard let value = node.metadata.labels[label] else { return }
        let (group, isNew) = faults.group(value, of: fault)
        if isNew { scheduleShock(of: group, fault: fault, after: now) }
    }

    private mutating func scheduleShock(of group: Int, fault: Int, after time: SimulatedTime) {
        let name = faults.name(ofGroup: group, of: fault)
        guard let next = faults.nextFailure(fault: fault, of: name, after: time) else { return }
        queue.schedule(.shockStrikes(group: Int32(group), fault: Int32(fault)), at: next)
    }

    /// A machine that joins may be one that recurring faults are about.
    mutating func scheduleFailures(of number: Int, _ node: Node) {
        for fault in faults.indices { scheduleFailure(of: number, node, fault: fault) }
    }

    // MARK: Striking

    /// A fault with a time of its own hits all nodes it selects, or some of them.
    mutating func strike(fault index: Int) {
        guard case .once(_, let down) = faults[index].schedule else { return }
        let fault = faults[index]
        let numbers = selected(fault.nodes).filter { faults.hits(nodeAgent.name(of: $0), fault: index, of: "") }
        strike(numbers, fault: index, subject: fault.nodes.subject, down: down)
    }

    /// A recurring fault hits one node.
    mutating func strike(fault index: Int, node number: Int) {
        let name = nodeAgent.name(of: number)
        strike([number], fault: index, subject: "node/" + name, down: faults.timeToRepair(fault: index, of: name))
    }

    /// A common shock hits the nodes of a group, each with its probability. The repair is one for all of them.
    mutating func strike(fault index: Int, group: Int) {
        let fault = faults[index]
        let name = faults.name(ofGroup: group, of: index)
        guard let label = fault.commonTo else { return }
        let down = faults.timeToRepair(fault: index, of: name)
        let numbers = selected(fault.nodes).filter { number in
            let node = nodeAgent.name(of: number)
            let labels = api.objects.get(Node.self, NamespacedName(namespace: "", name: node))?.value.metadata.labels
            return labels?[label] == name && faults.hits(node, fault: index, of: name)
        }
        if !numbers.isEmpty { strike(numbers, fault: index, subject: "\(label)/\(name)", down: down) }
        scheduleShock(of: group, fault: index, after: now + down)
    }

    private mutating func strike(_ numbers: [Int], fault index: Int, subject: String, down: SimulatedDuration?) {
        if case .reclamation(let reclamation) = faults[index].effect {
            for number in numbers { announceReclamation(of: number, fault: index, reclamation) }
            return
        }
        if case .load(let load) = faults[index].effect {
            bear(load, on: numbers, subject: subject, fault: index, down: down)
            return
        }
        let row = fail(numbers, subject: subject, effect: faults[index].effect)
        if faults[index].cutsPods { partition(numbers, by: row) }
        guard let down else { return }
        for number in numbers {
            queue.schedule(.nodeReturns(node: Int32(number), failure: Int32(row), fault: Int32(index)), at: now + down)
        }
    }

    /// Nodes bear a load from outside of pods. They have not failed: what becomes of it is for their kubelets to find out.
    private mutating func bear(_ load: OutsideLoad, on numbers: [Int], subject: String, fault: Int, down: SimulatedDuration?) {
        for number in numbers { nodeAgent.strike(load, on: number, at: now, effects: &kubeletEffects) }
        let nodes = numbers.isEmpty ? "no node bears" : numbers.count == 1 ? "1 node bears" : "\(numbers.count) nodes bear"
        _ = recorder.operated("FAULT \(subject): \(nodes) \(load) from outside of pods", at: now)
        guard let down else { return }
        for number in numbers {
            queue.schedule(.nodeReturns(node: Int32(number), failure: FaultInjector.noRow, fault: Int32(fault)), at: now + down)
        }
    }

    /// Nodes fail together. Returns the row of `recoveries`.
    mutating func fail(_ numbers: [Int], subject: String, effect: Fault.Effect) -> Int {
        let up = numbers.filter { !isDown($0) }.map { nodeAgent.name(of: $0) }
        let pods = up.flatMap { boundPods(of: $0) }
        for number in numbers { strike(number, effect) }
        return recorder.failed(
            subject: subject, effect: effect, hit: numbers.map { nodeAgent.name(of: $0) }, nodes: up, pods: pods,
            reach: traffic?.reach(of: numbers, cutOff: effect == .partition) ?? FailureReach(), at: now)
    }

    /// Whether a node is down already: it does not run, or a failure cuts it off. In an outage of the API server all nodes are up.
    func isDown(_ number: Int) -> Bool { faults[node: number].isStopped || recorder.isDown(nodeAgent.name(of: number)) }

    /// One cause strikes one node.
    mutating func strike(_ number: Int, _ effect: Fault.Effect) {
        defer { if effect == .partition { followProxy(of: number) } }
        let wasHeard = faults[node: number].isHeard
        let last: SimulatedTime
        switch faults[node: number].strike(effect) {
        case .nothing: return
        case .stopMachine: last = nodeAgent.fail(number, kubeletOnly: false, at: now, effects: &kubeletEffects)
        case .stopKubelet: last = nodeAgent.fail(number, kubeletOnly: true, at: now, effects: &kubeletEffects)
        case .cutOff: last = nodeAgent.cutOff(number, at: now)
        }
        // One that was not heard of anyway is silent since then.
        guard wasHeard else { return }
        let name = nodeAgent.name(of: number)
        controllerManager.heartbeatsStopped(node: name, lastRenewal: last, at: now, effects: &controllerEffects)
    }

    // MARK: What is over

    mutating func comeBack(node number: Int, failure row: Int, fault: Int) {
        if case .load(let load) = faults[fault].effect {
            nodeAgent.relieve(load, on: number, at: now, effects: &kubeletEffects)
            _ = recorder.operated("node/\(nodeAgent.name(of: number)): the load from outside of pods is gone", at: now)
        } else {
            relieve(number, faults[fault].effect)
            unite(number, after: row)
        }
        guard case .random = faults[fault].schedule, faults[fault].commonTo == nil else { return }
        // By name: its Node object may have been deleted meanwhile, and comes again when the kubelet registers.
        let name = nodeAgent.name(of: number)
        guard nodeAgent.isMachineUp(number), let time = faults.nextFailure(fault: fault, of: name, after: now) else {
            return scheduleFailure(of: number, fault: fault)
        }
        queue.schedule(.nodeFails(node: Int32(number), fault: Int32(fault)), at: time)
    }

    /// One cause is over for one node.
    mutating func relieve(_ number: Int, _ effect: Fault.Effect) {
        defer { if effect == .partition { followProxy(of: number) } }
        let name = nodeAgent.name(of: number)
        let relief = faults[node: number].relieve(effect)
        if case .nothing = relief { return }
        let duplicates = duplicates(on: name)
        switch relief {
        case .nothing: return
        case .reconnect: reconnect(number)
        case .comeBack:
            let isRegistered = api.objects[ObjectKey(.node, name)] != nil
            nodeAgent.comeBack(number, pods: boundPods(of: name), isRegistered: isRegistered, at: now, effects: &kubeletEffects)
            controllerManager.heartbeatsResumed(node: name, at: now, effects: &controllerEffects)
        }
        let pods = boundPods(of: name)
        let stopped = pods.filter { !nodeAgent.runsAllContainers(of: $0.value.metadata.uid, at: now) }
        recorder.returned(name, pods: pods, stopped: stopped, duplicates: duplicates, at: now)
        if !maintenances.isEmpty { awaitReady(name) }
    }

    /// How many pods that were evicted still run on a node, beside their replacements.
    private func duplicates(on node: String) -> Int {
        boundPods(of: node).count {
            // Pods of a StatefulSet have no replacement before they are gone themselves.
            $0.isTerminating && nodeAgent.nodeRunning($0.value.metadata.uid, at: now) != nil
                && $0.value.metadata.controllerReference?.kind != "StatefulSet"
        }
    }

    // MARK: Look-ups

    /// The pods bound to a node, as the API server holds them.
    func boundPods(of node: String) -> [Shared<Pod>] {
        guard let number = recorder.load.number(of: node) else { return [] }
        return recorder.load.entries[number].pods.compactMap { api.objects.get(Pod.self, $0) }
            .filter { $0.value.nodeName == node }
    }

    func selected(_ selection: NodeSelection) -> [Int] {
        (0..<nodeAgent.count).filter { number in
            let key = NamespacedName(namespace: "", name: nodeAgent.name(of: number))
            return api.objects.get(Node.self, key).map { selection.contains($0.value) } ?? false
        }
    }
}
