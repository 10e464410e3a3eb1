// Who sends requests: where they are, and what network policies see in them.

/// One of the clients of a source.
public struct RequestClient: Hashable, Sendable {
    /// The node it is on, or where it comes in.
    public var node: NodeNumber
    /// Which of the source's clients it is: connections and DNS answers are its own. Never another's later.
    public var number: Int32
    /// Its IPv4 address, which session affinity and hashing go by.
    public var address: UInt32
    /// As which end of connections network policies know it; several clients may be one. nil: as the node that it sends from, or from outside either as itself or as
    /// the node where it comes in (``RequestEngine/setPolicyEnds(ofNodes:ofPopulations:)``).
    public var policyEnd: Int32?
    /// Whether the node is down: what comes in there is lost.
    public var isDead: Bool
    /// Of a user, the number of the client that sends for them; else its own.
    let sender: Int32

    /// - Parameter address: nil: the number stands for it.
    public init(node: NodeNumber, number: Int32, address: UInt32? = nil, policyEnd: Int32? = 0, isDead: Bool = false) {
        self.node = node
        self.number = number
        self.address = address ?? UInt32(truncatingIfNeeded: number)
        self.policyEnd = policyEnd
        self.isDead = isDead
        sender = number
    }
}

/// Connections that network policies keep from being made: from clients of a class to pods of a class (``RequestEngine/deny(_:classes:)``).
public struct DeniedFlow: Hashable, Sendable {
    public var from: Int32
    public var to: Int32

    public init(from: Int32, to: Int32) {
        self.from = from
        self.to = to
    }
}
