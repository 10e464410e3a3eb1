// What a plugin keeps count of on each node, brought up to date as pods come and go.

import KubernetesAPI

/// Something that follows from the pods on each node and is too dear to be worked out at every question: which GPUs are in use, say.
///
/// A plugin's factory has it kept (``NodeTable/keep(_:)``); the plugin reads it (``NodeTable/ledger(_:)``). It is part of the
/// snapshot: what-if trials change it, forks copy it. It may go by a pod's annotations: another version of a pod is counted anew
/// when they differ.
public protocol NodeLedger: Sendable {
    /// There is one more slot, without a node.
    mutating func appendNode()
    /// The node of a slot, or another version of it; nil: it is gone, though pods may still be counted there.
    mutating func setNode(_ node: Node?, at slot: NodeSlot)
    /// A pod counts on the node from now on (`sign` 1), or no longer (-1).
    mutating func count(_ pod: PodInfo, on slot: NodeSlot, sign: Int)
    /// An object of any kind was seen, pods that wait for a node among them. `isGone`: it was deleted, or is a pod that ended.
    mutating func observe(_ object: APIObject, isGone: Bool)
    /// A note that a plugin left (``WaitingPodEffects/note``) stands from now on, or no longer.
    mutating func setNote(_ text: String, _ stands: Bool)
}

extension NodeLedger {
    public mutating func observe(_ object: APIObject, isGone: Bool) {}
    public mutating func setNote(_ text: String, _ stands: Bool) {}
}
