// The attachable volumes that the pods of one node have, and what the node's status says of them.
// <https://kubernetes.io/docs/reference/node/node-status/>

import DiscreteEvents

/// A kubelet's view of the volumes that are, or should be, attached to its machine.
struct NodeVolumes: Sendable {
    private struct Entry: Sendable {
        let name: String
        /// Pods that have it.
        var users = 0
        /// The node's status says that it is in use: only then may it be mounted.
        var isReported = false
        /// The kubelet has seen that it is attached.
        var isAttached = false
    }

    private var entries: [Entry] = []
    /// What the node's status says is in use.
    var reported: [String] = []
    /// When the node's status is due that says otherwise.
    var reportsAt: SimulatedTime?

    var isEmpty: Bool { entries.isEmpty && reported.isEmpty }

    /// Everything in use, sorted.
    var inUse: [String] { entries.map(\.name).sorted() }

    mutating func take(_ name: String) {
        if let index = entries.firstIndex(where: { $0.name == name }) {
            entries[index].users += 1
        } else {
            entries.append(Entry(name: name, users: 1))
        }
    }

    mutating func release(_ name: String) {
        guard let index = entries.firstIndex(where: { $0.name == name }) else { return }
        entries[index].users -= 1
        if entries[index].users == 0 { entries.remove(at: index) }
    }

    func isReported(_ name: String) -> Bool { entries.contains { $0.name == name && $0.isReported } }
    func isAttached(_ name: String) -> Bool { entries.contains { $0.name == name && $0.isAttached } }

    /// Whether the node's status should be written, or read again by the kubelet.
    var needsReport: Bool { entries.contains { !$0.isReported } || inUse != reported }

    mutating func sawAttached(_ name: String) {
        if let index = entries.firstIndex(where: { $0.name == name }) { entries[index].isAttached = true }
    }

    /// The node's status says what is in use.
    mutating func markReported() {
        for index in entries.indices { entries[index].isReported = true }
        reported = inUse
    }

    /// It does not say so after all, or nobody knows.
    mutating func markUnreported() {
        for index in entries.indices where !entries[index].isAttached { entries[index].isReported = false }
    }

    /// Runs already with what it has: a pod of a dump.
    mutating func adopt(_ name: String) {
        guard let index = entries.firstIndex(where: { $0.name == name }) else { return }
        entries[index].isReported = reported.contains(name)
        entries[index].isAttached = true
    }

    /// The kubelet started: after a crash of the machine nothing is mounted.
    mutating func restart(afterCrash crashed: Bool) {
        reportsAt = nil
        for index in entries.indices {
            entries[index].isReported = false
            if crashed { entries[index].isAttached = false }
        }
    }
}
