// The ways in which something chooses one of several endpoints for a connection.

/// How a kube-proxy, an Ingress or a client chooses among endpoints.
public enum BalancingMethod: Hashable, Sendable {
    /// kube-proxy's iptables mode: a chain of rules, each taken with the probability written in it.
    case iptables
    /// kube-proxy's nftables mode: one random number modulo the number of endpoints (`numgen random mod n`).
    case nftables
    /// kube-proxy's IPVS mode, with one of the kernel's schedulers.
    case ipvs(IPVSScheduler)
    /// Every endpoint in turn.
    case roundRobin
    /// An endpoint with the fewest requests under way *through this balancer*; chance decides among equals.
    case leastConnections
    /// The less busy of two endpoints chosen at random (Mitzenmacher, "The power of two choices in randomized load balancing", 2001).
    case powerOfTwoChoices
    /// The faster of two endpoints chosen at random, by an exponentially weighted average of its response times that halves about every
    /// seven seconds, as Ingress-NGINX does (`load-balance: ewma`, decay time 10 s).
    case ewma

    var isIPVS: Bool { if case .ipvs = self { true } else { false } }
}

/// Schedulers of the Linux kernel's IP virtual server, by their names there.
///
/// <https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-ipvs>
public enum IPVSScheduler: String, Hashable, Sendable, CaseIterable {
    /// Round robin, kube-proxy's default.
    case roundRobin = "rr"
    /// In turn, heavier endpoints more often.
    case weightedRoundRobin = "wrr"
    /// The fewest connections, active ones counting 256 times as much as closed ones that are still remembered.
    case leastConnection = "lc"
    /// The same, divided by the weight.
    case weightedLeastConnection = "wlc"
    /// By the client's address.
    case sourceHashing = "sh"
    /// By the address asked for. A Service has one cluster IP, so all its traffic from a node goes to one endpoint.
    case destinationHashing = "dh"
    /// The shortest expected delay: (active connections + 1) / weight.
    case shortestExpectedDelay = "sed"
    /// An idle endpoint if there is one, else the shortest expected delay.
    case neverQueue = "nq"
}
