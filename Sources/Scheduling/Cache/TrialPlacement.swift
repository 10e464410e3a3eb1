// Changing one node for the sake of a question, and putting it back: what preemption and nominated pods need.
//
// Copying the snapshot for every node asked about would cost far more than the question. So the row itself is changed, the
// plugins are asked, and everything is as before, the row's generation included.

import KubernetesAPI

/// What a trial must put back: the lists of one row whose order pods that come and go would change.
struct RowTrial {
    let node: NodeSlot
    fileprivate let ports: [HostPort]
    fileprivate let pods: [Int32]
    fileprivate let generation: UInt64
    fileprivate let knownPods: Int
    /// Pods of the row taken away for now.
    fileprivate var removed: [Int32] = []
    /// Pods that are not the row's, counted there for now.
    fileprivate var added: [Int32] = []
}

extension ClusterSnapshot {
    /// Begins a trial on a node. Trials may be nested; the inner one ends first.
    func beginTrial(on node: NodeSlot) -> RowTrial {
        RowTrial(
            node: node, ports: nodes.ports[node], pods: nodes.pods[node], generation: nodes.generation[node], knownPods: pods.count)
    }

    /// Counts a pod of the node no longer.
    mutating func remove(_ number: Int32, _ trial: inout RowTrial) {
        guard let pod = pods[Int(number)], let index = nodes.pods[trial.node].firstIndex(of: number) else { return }
        nodes.pods[trial.node].remove(at: index)
        nodes.account(pod.info, on: trial.node, sign: -1)
        trial.removed.append(number)
    }

    /// Counts a removed pod again.
    mutating func putBack(_ number: Int32, _ trial: inout RowTrial) {
        guard let pod = pods[Int(number)], let index = trial.removed.firstIndex(of: number) else { return }
        trial.removed.remove(at: index)
        nodes.pods[trial.node].append(number)
        nodes.account(pod.info, on: trial.node, sign: 1)
    }

    /// Counts a pod on the node that is not there.
    mutating func add(_ info: PodInfo, _ trial: inout RowTrial) {
        let number = Int32(pods.count)
        let podClass = podClasses.number(of: info)
        pods.append(PlacedPod(info: info, node: trial.node, isAssumed: true, podClass: podClass, position: 0))
        nodes.pods[trial.node].append(number)
        nodes.account(info, on: trial.node, sign: 1)
        trial.added.append(number)
    }

    /// Puts everything back.
    mutating func end(_ trial: RowTrial) {
        for number in trial.added {
            if let pod = pods[Int(number)] { nodes.account(pod.info, on: trial.node, sign: -1) }
        }
        for number in trial.removed {
            if let pod = pods[Int(number)] { nodes.account(pod.info, on: trial.node, sign: 1) }
        }
        pods.removeLast(pods.count - trial.knownPods)
        nodes.ports[trial.node] = trial.ports
        nodes.pods[trial.node] = trial.pods
        nodes.generation[trial.node] = trial.generation
    }
}
