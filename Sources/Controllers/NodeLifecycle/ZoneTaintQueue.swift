// The nodes of a zone that wait for their NoExecute taint, and the limiter that lets them pass one by one.

import APIServer
import DequeModule
import DiscreteEvents

/// A queue of nodes behind a token bucket of burst 1 (Kubernetes' `RateLimitedTimedQueue`).
///
/// A node is queued once, unless the monitor looks at it again while it waits without its taint: then its old place stays and it
/// gets a second one, for the real queue forgets the node in its set but not in its heap. Such copies cost tokens: nodes
/// noticed in a later pass are tainted later than one every ten seconds.
struct ZoneTaintQueue: Sendable {
    private var nodes: Deque<String> = []
    /// Nodes queued now or earlier and not yet seen healthy: they are not queued again.
    private var known: Set<String> = []
    /// nil: nobody may pass.
    private var limiter: TokenBucket?

    init(rate: Double, at now: SimulatedTime) { limiter = ZoneTaintQueue.limiter(rate, at: now) }

    var isEmpty: Bool { nodes.isEmpty }
    /// Whether waiting for a token makes sense at all.
    var canPass: Bool { limiter != nil }

    private static func limiter(_ rate: Double, at now: SimulatedTime) -> TokenBucket? {
        rate > 0 ? TokenBucket(ClientLimit(queriesPerSecond: rate, burst: 1), at: now) : nil
    }

    mutating func add(_ node: String) {
        if known.insert(node).inserted { nodes.append(node) }
    }

    /// Lets a node be queued again although it may still wait: what the real monitor does with every node that lacks its taint.
    mutating func allowAgain(_ node: String) { known.remove(node) }

    /// Drops a node that is healthy again.
    mutating func remove(_ node: String) {
        if known.remove(node) != nil { nodes.removeAll { $0 == node } }
    }

    /// Another rate from now on. A new bucket is full, but if the old one was empty, so that somebody was being kept waiting,
    /// its first token is taken away.
    mutating func setRate(_ rate: Double, at now: SimulatedTime) {
        let wasExhausted = !tryAccept(at: now)
        limiter = ZoneTaintQueue.limiter(rate, at: now)
        if wasExhausted { _ = tryAccept(at: now) }
    }

    /// The nodes that may be tainted now: as many as there are tokens.
    mutating func take(at now: SimulatedTime) -> [String] {
        var taken: [String] = []
        while !nodes.isEmpty, tryAccept(at: now), let node = nodes.popFirst() { taken.append(node) }
        return taken
    }

    /// From when on the first node may pass; nil if nobody waits or nobody may.
    func nextPass(at now: SimulatedTime) -> SimulatedTime? {
        guard !nodes.isEmpty, var trial = limiter else { return nil }
        return trial.reserve(at: now)
    }

    private mutating func tryAccept(at now: SimulatedTime) -> Bool {
        guard var trial = limiter, trial.reserve(at: now) == now else { return false }
        limiter = trial
        return true
    }
}
