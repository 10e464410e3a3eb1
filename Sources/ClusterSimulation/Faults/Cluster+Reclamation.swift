// Spot machines that their provider takes back: a notice, the end, the node object's end, and perhaps a new machine.
// <https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/>

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent

extension Cluster {
    /// How often the cloud node lifecycle controller looks whether the machines of nodes that are not ready still exist
    /// (`--node-monitor-period`).
    private static let cloudCheckPeriod = SimulatedDuration.seconds(5)

    /// The provider announces that it takes a machine back.
    mutating func announceReclamation(of number: Int, fault: Int, _ reclamation: Reclamation) {
        let name = nodeAgent.name(of: number)
        guard reclaimed[number] == nil, let node = api.objects.get(Node.self, NamespacedName(namespace: "", name: name)) else { return }
        let row = recorder.noticed(
            name, effect: .reclamation(reclamation), isUp: !isDown(number), pods: boundPods(of: name),
            reach: traffic?.reach(of: [number], cutOff: false) ?? FailureReach(), at: now)
        reclaimed[number] = row
        // A machine that is to come has the labels and the size of the old one.
        templates[number] = node
        queue.schedule(.machineEnds(node: Int32(number), fault: Int32(fault)), at: now + reclamation.notice)
        // The kubelet hears of the end in time for what it calls a graceful shutdown.
        let shutdown = min(nodeAgent.configuration.value.shutdownGracePeriod, reclamation.notice)
        if shutdown > .zero { queue.schedule(.machineShutsDown(Int32(number)), at: now + reclamation.notice - shutdown) }
        guard reclamation.isHandled, nodeAgent.isRunning(number) else { return }
        var options = DrainOptions()
        options.force = true
        options.timeout = reclamation.notice
        drain([name], options)
    }

    /// The machine is gone for good.
    mutating func endMachine(_ number: Int, fault: Int) {
        let name = nodeAgent.name(of: number)
        let effect = faults[fault].effect
        let isUp = !isDown(number)
        strike(number, effect)
        if let row = reclaimed[number] { recorder.wentDown(name, row: row, isUp: isUp, pods: boundPods(of: name), at: now) }
        // A node that nobody hears of already does not turn NotReady any more.
        if let node = api.objects.get(Node.self, NamespacedName(namespace: "", name: name))?.value { noticeMissingMachine(node) }
        guard case .reclamation(let reclamation) = effect, let distribution = reclamation.replacement else { return }
        let delay = faults.timeToReplacement(fault: fault, of: name, distribution)
        queue.schedule(.replacementJoins(Int32(number)), at: now + delay)
    }

    /// A new machine in the place of one that was taken back.
    mutating func joinReplacement(of number: Int) {
        guard let template = templates.removeValue(forKey: number)?.value else { return }
        let name = Reclamation.nextName(after: template.metadata.name)
        var node = Node(metadata: ObjectMeta(name: name, labels: template.metadata.labels))
        node.metadata.labels[Node.hostnameLabel] = name
        node.spec.taints = template.spec.taints.filter { !$0.key.hasPrefix("node.kubernetes.io/") }
        node.status.capacity = template.status.capacity
        node.status.allocatable = template.status.allocatable
        add(node, inPlaceOf: Reclamation.replacedName(name))
    }

    /// A node whose machine was taken back is not ready any more: the cloud controller finds that the machine does not exist.
    mutating func noticeMissingMachine(_ node: Node) {
        guard !node.isReady, let number = nodeAgent.number(of: node.metadata.name), reclaimed[number] != nil,
            !nodeAgent.isRunning(number), orphanedNodes.insert(number).inserted
        else { return }
        queue.schedule(.nodeObjectEnds(Int32(number)), at: now.nextMultiple(of: Cluster.cloudCheckPeriod, phase: .zero))
    }

    mutating func endNodeObject(_ number: Int) {
        send(APICall(.clusterOperator, .delete(ObjectKey(.node, nodeAgent.name(of: number)), DeleteOptions())))
    }
}

extension Reclamation {
    /// The first replacement of spot-3 is spot-3-r1, the next spot-3-r2.
    static func nextName(after name: String) -> String {
        let (first, count) = parts(of: name)
        return first + "-r\(count + 1)"
    }

    /// The machine that a replacement's name goes back to; nil: it is not a replacement's.
    package static func replacedName(_ name: String) -> String? {
        let (first, count) = parts(of: name)
        return count > 0 ? first : nil
    }

    /// The first machine's name, and which of its replacements this is.
    private static func parts(of name: String) -> (first: String, count: Int) {
        guard let dash = name.lastIndex(of: "-") else { return (name, 0) }
        let last = name[name.index(after: dash)...]
        guard last.first == "r", let count = Int(last.dropFirst()), count > 0 else { return (name, 0) }
        return (String(name[..<dash]), count)
    }
}
