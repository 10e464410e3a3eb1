// The nodes of a zone that wait for their NoExecute taint, and the limiter that lets them pass one by one.

import APIServer
import DequeModule
import DiscreteEvents

/// A queue of nodes behind a token bucket of burst 1 (Kubernetes' `RateLimitedTimedQueue`).
///
/// A node stands in it once, however often the monitor looks at it while it waits. (By the letter of the real queue, whose set
/// forgets such a node while its heap does not, it would get a second place with every pass. Recordings of the real controller show
/// none: of two nodes that fell silent together the second waited through a pass for its taint and was not written to again at the
/// next token, and four that waited through ten passes were tainted at ten-second steps and never again.)
struct ZoneTaintQueue: Sendable {
    private var nodes: Deque<String> = []
    /// Nodes queued now or earlier and not yet seen healthy: they are not queued again.
    private var known: Set<String> = []
    /// Those of them that wait.
    private var waiting: Set<String> = []
    /// Nodes per second; zero: nobody may pass.
    private var rate: Double
    private var limiter: TokenBucket?

    init(rate: Double, at now: SimulatedTime) {
        self.rate = rate
        limiter = ZoneTaintQueue.limiter(rate, at: now)
    }

    private static func limiter(_ rate: Double, at now: SimulatedTime) -> TokenBucket? {
        rate > 0 ? TokenBucket(ClientLimit(queriesPerSecond: rate, burst: 1), at: now) : nil
    }

    mutating func add(_ node: String) {
        guard known.insert(node).inserted else { return }
        waiting.insert(node)
        nodes.append(node)
    }

    /// Lets a node be queued again that has had its turn and still, or again, lacks its taint.
    mutating func allowAgain(_ node: String) {
        if !waiting.contains(node) { known.remove(node) }
    }

    /// Drops a node that is healthy again.
    mutating func remove(_ node: String) {
        known.remove(node)
        if waiting.remove(node) != nil { nodes.removeAll { $0 == node } }
    }

    /// Another rate from now on. A new bucket is full, but if the old one was empty, so that somebody was being kept waiting,
    /// its first token is taken away. With the rate it has already the bucket stays as it is.
    mutating func setRate(_ rate: Double, at now: SimulatedTime) {
        guard rate != self.rate else { return }
        self.rate = rate
        let wasExhausted = !tryAccept(at: now)
        limiter = ZoneTaintQueue.limiter(rate, at: now)
        if wasExhausted { _ = tryAccept(at: now) }
    }

    /// The nodes that may be tainted now: as many as there are tokens.
    mutating func take(at now: SimulatedTime) -> [String] {
        var taken: [String] = []
        while !nodes.isEmpty, tryAccept(at: now), let node = nodes.popFirst() {
            waiting.remove(node)
            taken.append(node)
        }
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
