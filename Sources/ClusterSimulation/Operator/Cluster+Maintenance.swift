// Carrying out maintenance: drains, reboots, and the wait for nodes to be Ready again.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension Cluster {
    mutating func maintain(_ plan: MaintenancePlan) {
        let nodes = selected(plan.nodes).map { nodeAgent.name(of: $0) }
        let operation = recorder.operated("maintenance of \(nodes.count == 1 ? nodes[0] : "\(nodes.count) nodes")", at: now)
        maintenances.append(Maintenance(plan, nodes: nodes, operation: operation))
        goOn(maintenance: maintenances.count - 1)
    }

    private mutating func goOn(maintenance index: Int) {
        for node in maintenances[index].takeNodes() {
            // A node without pods is drained at once.
            drainsOfMaintenance[drains.count] = (index, node)
            drain([node], maintenances[index].plan.drain)
        }
        guard maintenances[index].isOver else { return }
        let failures = maintenances[index].failures
        recorder.ended(maintenances[index].operation, error: failures.isEmpty ? nil : failures.joined(separator: "; "), at: now)
    }

    /// A drain has ended; perhaps it was one of a maintenance.
    mutating func drainEnded(_ drain: Int, error: String?) {
        guard let (index, node) = drainsOfMaintenance.removeValue(forKey: drain) else { return }
        guard maintenances[index].drained(node, error: error), let number = nodeAgent.number(of: node) else {
            if error != nil { uncordon(node) }
            goOn(maintenance: index)
            return
        }
        // What drains leave, the pods of DaemonSets, has the time that graceful node shutdown gives it.
        nodeAgent.shutDown(number, at: now, effects: &kubeletEffects)
        reboot(number, maintenance: index)
    }

    /// The machine goes down as soon as its kubelet lets it.
    mutating func reboot(_ number: Int, maintenance index: Int) {
        guard nodeAgent.letsMachineGo(number, at: now) else {
            queue.schedule(.rebootWaits(node: Int32(number), maintenance: Int32(index)), at: now + Cluster.shutdownPoll)
            return
        }
        strike(number, .crash)
        queue.schedule(.nodeRebooted(node: Int32(number), maintenance: Int32(index)), at: now + maintenances[index].plan.reboot)
    }

    /// How often a machine that shuts down is looked after.
    private static let shutdownPoll = SimulatedDuration.seconds(1)

    mutating func nodeRebooted(_ number: Int, maintenance index: Int) {
        relieve(number, .crash)
        maintenances[index].rebooted(nodeAgent.name(of: number))
        awaitReady(nodeAgent.name(of: number))
    }

    /// A node changed or is heard of again: whoever waits for it to be Ready makes it schedulable and goes on to the next.
    ///
    /// That it is called Ready may be older than its reboot, so its kubelet has to have renewed its lease since: an operator looks at the
    /// heartbeat, or at the boot's number (`nodeInfo.bootID`).
    mutating func awaitReady(_ name: String) {
        guard let number = nodeAgent.number(of: name), faults[node: number].isHeard,
            let node = api.objects.get(Node.self, NamespacedName(namespace: "", name: name))?.value, node.isReady
        else { return }
        for index in maintenances.indices where maintenances[index].awaits(name) {
            maintenances[index].isReady(name)
            uncordon(name)
            goOn(maintenance: index)
        }
    }

    private mutating func uncordon(_ node: String) {
        let operation = recorder.operated("uncordon \(node)", at: now)
        uncordons[operation] = node
        uncordon(operation: operation)
    }

    mutating func uncordon(operation: Int) {
        guard let node = uncordons[operation] else { return }
        send(APICall(.clusterOperator, .patchNode(node, .unschedulable(false)), token: UInt64(operation)))
    }

    /// An answer to the operator; false if it is not one to the end of a node's maintenance. The script that goes from node to node leaves
    /// none behind: it tries again until the API server does as it is asked, or the node is gone.
    mutating func answerMaintenance(_ token: UInt64, _ result: APIResult) -> Bool {
        let operation = Int(token)
        guard let node = uncordons[operation] else { return false }
        if case .failure(let error) = result, !error.isNotFound {
            let delay = Drain.retryDelay
            recorder.printed("error: unable to uncordon node \"\(node)\": \(error) (will retry after \(delay))", operation, at: now)
            queue.schedule(.maintenanceUncordons(operation: Int32(operation)), at: now + delay)
            return true
        }
        uncordons[operation] = nil
        if case .failure(let error) = result { recorder.refused(operation, error) }
        return true
    }
}
