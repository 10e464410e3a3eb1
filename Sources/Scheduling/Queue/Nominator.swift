// Which pending pods have room reserved on which node: the pods preemption made room for, until they are placed.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#user-exposed-information>

import KubernetesAPI

/// What a failed attempt means for the node a pod is nominated to.
package enum NominationChange: Hashable, Sendable {
    case unchanged
    case cleared
    case node(String)
}

/// The nominations the scheduler knows of, in memory: ahead of the `status.nominatedNodeName` it has asked the API server to write.
///
/// Pods of equal or lower priority are filtered beside them (``FilterSession``). One pod is nominated to one node at most; the pods of
/// a node stand in the order in which they were nominated.
package struct Nominator: Sendable {
    /// The pods nominated to one node.
    package struct Node: Sendable {
        package let name: String
        package fileprivate(set) var pods: [PodInfo] = []
    }
    /// In the order of first nomination; nodes without pods leave.
    package private(set) var nodes: [Node] = []
    private var indexOfName: [String: Int] = [:]
    /// The node of each pod with an entry. Empty: the nomination was cleared in memory, and the status may not say so yet.
    private var nodeOfPod: [UID: String] = [:]

    package init() {}

    package var isEmpty: Bool { nodes.isEmpty }

    /// The pods nominated to a node, in the order of their nomination.
    package func pods(on node: String) -> [PodInfo] { indexOfName[node].map { nodes[$0].pods } ?? [] }

    /// The node a pod is nominated to; nil if it is not.
    package func node(of pod: UID) -> String? { nodeOfPod[pod].flatMap { $0.isEmpty ? nil : $0 } }

    /// Registers a pod under the node its status names, if any.
    package mutating func add(_ pod: PodInfo) {
        delete(pod.pod.value.metadata.uid)
        guard let node = pod.pod.value.status.nominatedNodeName, !node.isEmpty else { return }
        insert(pod, on: node)
    }

    /// Registers a pod under a node whatever its status says; nil notes that its nomination was cleared.
    package mutating func nominate(_ pod: PodInfo, to node: String?) {
        delete(pod.pod.value.metadata.uid)
        insert(pod, on: node ?? "")
    }

    /// A pod changed. The status decides if it names a node now or did before; else a nomination in memory, of which the API server
    /// has not heard yet, stands.
    package mutating func update(_ pod: PodInfo, from old: Pod) {
        let inMemory = nodeOfPod[old.metadata.uid]
        let isSilent = (old.status.nominatedNodeName ?? "").isEmpty && (pod.pod.value.status.nominatedNodeName ?? "").isEmpty
        delete(old.metadata.uid)
        if isSilent, let inMemory {
            nominate(pod, to: inMemory)
        } else {
            add(pod)
        }
    }

    /// The pod is gone, or placed.
    package mutating func delete(_ pod: UID) {
        guard !nodeOfPod.isEmpty, let name = nodeOfPod.removeValue(forKey: pod), let index = indexOfName[name] else { return }
        nodes[index].pods.removeAll { $0.pod.value.metadata.uid == pod }
        guard nodes[index].pods.isEmpty else { return }
        nodes.remove(at: index)
        indexOfName[name] = nil
        for later in index..<nodes.count { indexOfName[nodes[later].name] = later }
    }

    private mutating func insert(_ pod: PodInfo, on node: String) {
        nodeOfPod[pod.pod.value.metadata.uid] = node
        guard !node.isEmpty else { return }
        let index: Int
        if let known = indexOfName[node] {
            index = known
        } else {
            index = nodes.count
            nodes.append(Node(name: node))
            indexOfName[node] = index
        }
        nodes[index].pods.append(pod)
    }
}
