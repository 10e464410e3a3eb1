// What a scenario says about requests: who sends them, what the pods behind a Service do with them, and the network between.

import DiscreteEvents
import KubernetesAPI
import ServiceNetwork

/// The port of a Service that requests are for.
public struct TrafficTarget: Hashable, Sendable, CustomStringConvertible {
    public var service: NamespacedName
    /// The port's name; nil: the Service's first. Of a Service's first port it is always nil, so that equal ports are equal targets.
    public var port: String?
    /// The number that clients dial, whether the Service has such a port at the time or not; nil: they go with the port, whatever number that has.
    public var number: Int32?
    /// The name of one of the pods behind a headless Service; nil: all of them.
    public var pod: String?

    public init(service: NamespacedName, port: String? = nil, pod: String? = nil) {
        self.service = service
        self.port = port
        self.pod = pod
    }

    fileprivate var ofAnyPort: TrafficTarget { TrafficTarget(service: service) }

    public var description: String { (pod.map { $0 + " of " } ?? "") + "\(service)" + (portText.map { ":" + $0 } ?? "") }

    /// The port as users name it; nil: the first.
    public var portText: String? { number.map { String($0) } ?? port }
}

/// What requests ask an Ingress' controller for.
public struct IngressAddress: Hashable, Sendable, CustomStringConvertible {
    public var host: String
    public var path: String

    public init(host: String, path: String = "/") {
        self.host = host
        self.path = path
    }

    public var description: String { host + path }
}

/// The controller of the cluster's Ingresses.
public struct IngressConfiguration: Hashable, Sendable {
    /// The Service through which its pods are reached; nil: it is somewhere in the cluster, takes no time and never fails.
    public var controller: TrafficTarget?
    /// The Ingresses that it serves, by their class; nil: all.
    public var className: String?
    /// How it chooses among the endpoints of a Service.
    public var balancing = BalancingMethod.roundRobin
    /// Time-outs and retries of its own.
    public var policy = RequestPolicy()

    /// The settings that Ingress-NGINX has by default: `proxy-connect-timeout` 5 s, `proxy-read-timeout` 60 s, `proxy-next-upstream`
    /// `error timeout`, `proxy-next-upstream-tries` 3 (<https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/>).
    public init() {
        policy.connectionTimeout = .seconds(5)
        policy.timeout = .seconds(60)
        policy.maximumAttempts = 3
        policy.retriesBadAnswers = false
    }
}

/// Somebody who sends requests.
public struct TrafficSource: Hashable, Sendable {
    public enum Origin: Hashable, Sendable {
        /// Clients on these nodes, as long as they are up: pods, or processes of the node.
        case nodes(NodeSelection)
        /// Pods with these labels in a namespace, while they are ready and their machine runs.
        case pods(namespace: String, LabelSelector)
        /// Clients outside of the cluster: they come in at any node that the load balancer believes to be healthy.
        case outside
    }

    public var name: String
    /// The Service that is asked; with ``ingress`` the controller's.
    public var target: TrafficTarget
    /// What is asked for through an Ingress; nil: the target itself is asked.
    public var ingress: IngressAddress?
    public var arrivals: ArrivalProcess
    public var origin = Origin.nodes(.all)
    public var policy = RequestPolicy()
    public var connections = RequestSource.ConnectionReuse.none
    public var start = SimulatedTime.zero
    /// How many clients outside there are, each with an address of its own, of whom any may send the next request of an open loop.
    public var clientCount = 1000
    /// The first of the IPv4 addresses that clients outside have, one after the other: by default in a range that is nobody's (RFC 5737).
    public var firstAddress = TrafficSource.defaultFirstAddress
    /// Of recorded arrivals: seconds of service of each; empty: as the Service's behaviour says.
    public var serviceTimes: [Double] = []

    public init(name: String, target: TrafficTarget, arrivals: ArrivalProcess) {
        self.name = name
        self.target = target
        self.arrivals = arrivals
    }

    /// 203.0.113.1.
    public static let defaultFirstAddress: UInt32 = 203 << 24 | 113 << 8 | 1

    /// Clients outside, and the users of a closed loop that are no pods, have addresses of their own.
    public var population: RequestSource.Population? {
        var population = RequestSource.Population(count: clientCount, firstAddress: firstAddress)
        if case .closed(let users, _) = arrivals { population.count = users }
        switch origin {
        case .outside: return population
        case .nodes: if case .closed = arrivals { return population } else { return nil }
        case .pods: return nil
        }
    }
}

/// What the pods behind a port do with a request.
public struct ServiceBehaviour: Hashable, Sendable {
    /// What a server does from SIGTERM to its end.
    public enum StopManner: String, Hashable, Sendable, CaseIterable {
        /// It refuses new connections and finishes what it has: what most frameworks do.
        case finish
        /// It goes on as before until it is gone.
        case ignore
    }

    /// A call that a pod makes to another Service while it serves a request.
    public struct Call: Hashable, Sendable {
        public var target: TrafficTarget
        public var policy = RequestPolicy()
        public var connections = RequestSource.ConnectionReuse.none

        public init(_ target: TrafficTarget) { self.target = target }
    }

    /// Its ports' numbers do not matter.
    public var target: TrafficTarget
    /// Seconds of service at full speed.
    public var serviceTime: Distribution
    /// Thousandths of cores that a worker uses while it serves, at full speed: 1000 if it computes all the time, less if it also waits for disks or for what
    /// the scenario does not simulate; 0: none worth mentioning.
    public var milliCPU: Int32 = 0
    public var capacity = PodCapacity(concurrency: 1)
    public var onTermination = StopManner.finish
    /// From the moment in which a pod would answer a probe until it takes requests: before that it refuses them.
    public var listensAfter = SimulatedDuration.zero
    /// Groups of calls, one after the other; the calls of a group go side by side.
    public var calls: [[Call]] = []

    public init(_ target: TrafficTarget, serviceTime: Distribution) {
        self.target = target
        self.serviceTime = serviceTime
    }
}

/// All traffic of a run.
public struct TrafficConfiguration: Hashable, Sendable {
    public var sources: [TrafficSource] = []
    public var services: [ServiceBehaviour] = []
    public var latencies = PodNetwork.Latencies()
    public var proxyTiming = ProxyTiming()
    /// How kube-proxies choose among endpoints.
    public var proxyMode = BalancingMethod.iptables
    /// How long clients keep what the DNS says of headless Services: the `ttl` that kubeadm sets for CoreDNS, whose own default is 5 s.
    public var recordLifetime = SimulatedDuration.seconds(30)
    /// How long it takes to ask the DNS; nil: no time.
    public var lookupTime: Distribution?
    public var ingress = IngressConfiguration()
    /// How load balancers notice which nodes can take clients from outside.
    public var healthChecks = HealthCheckConfiguration()

    public init() {
        latencies.sameNode = .microseconds(50)
        latencies.sameZone = .microseconds(250)
        latencies.crossZone = .microseconds(750)
        latencies.fromOutside = .milliseconds(10)
    }
}

extension TrafficConfiguration {
    /// The entry of ``services`` that says what the pods behind a target do: its own, or that of a Service to which its name leads; nil: none does.
    /// - Parameter way: the Services on the way from the target's name to its destination, the target's own first.
    public func entry(of target: TrafficTarget, on way: [NamespacedName]) -> Int? {
        for name in way {
            let named = TrafficTarget(service: name, port: target.port)
            if let place = services.firstIndex(where: { $0.target == named }) { return place }
            // Names of ports have a letter in them. A number is a port of a host outside, and an entry without a port is for all of those.
            if target.port.flatMap({ Int32($0) }) != nil, let place = services.firstIndex(where: { $0.target == named.ofAnyPort }) {
                return place
            }
        }
        return nil
    }
}
