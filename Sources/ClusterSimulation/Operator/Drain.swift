// `kubectl drain`: cordons nodes and evicts their pods, one node after another, all pods of a node at once.
// <https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// The options of `kubectl drain`, as it names them. DaemonSets' pods are always ignored (`--ignore-daemonsets`), and data in
/// emptyDir volumes is given up (`--delete-emptydir-data`).
public struct DrainOptions: Hashable, Sendable {
    /// Deletes pods instead of evicting them: budgets are not asked.
    public var disableEviction = false
    /// Also takes pods that no controller will replace.
    public var force = false
    /// Seconds each pod gets to stop; nil: what its spec says.
    public var gracePeriod: Int64?
    /// How long to try before giving up; nil: for ever.
    public var timeout: SimulatedDuration?

    public init() {}
}

/// One run of `kubectl drain`: a state machine that is told of answers and the passing of time, and says what to do next.
struct Drain: Sendable {
    /// What kubectl waits before it tries a refused eviction again, and between looks whether a pod is gone.
    static let retryDelay = SimulatedDuration.seconds(5)
    static let pollInterval = SimulatedDuration.seconds(1)

    enum Action: Sendable {
        /// Send the request; its answer comes back under the number of the pod (or the node).
        case send(APIRequest, about: Int)
        /// Come back about a pod.
        case wake(SimulatedDuration, pod: Int)
        /// Look up the pods of a node and call ``begin(pods:at:)``.
        case list(node: String)
        case print(String)
        /// All is done, or nothing more will be; `error` says what went wrong.
        case end(error: String?)
    }

    private struct Victim: Sendable {
        let name: NamespacedName
        let uid: UID
        /// Whether it was being deleted when it was looked at last.
        var isTerminating: Bool
        var state: State

        enum State: Sendable, Equatable {
            case evicting
            /// A budget refused; it is tried again.
            case waitingToRetry
            case waitingToBeGone
            case gone
            case failed
        }
    }

    let operation: Int
    private let options: DrainOptions
    private let nodes: [String]
    /// Nodes whose cordon was not answered yet.
    private var uncordoned: Int
    /// The node that is being drained.
    private var current = -1
    private var victims: [Victim] = []
    /// The first of the victims of the current node: their numbers go on from node to node.
    private var firstVictim = 0
    private var began = SimulatedTime.zero
    private var problems: [String] = []
    private var failure: String?

    init(_ nodes: [String], _ options: DrainOptions, operation: Int) {
        self.nodes = nodes
        self.options = options
        self.operation = operation
        uncordoned = nodes.count
    }

    func podName(_ number: Int) -> NamespacedName { victims[number].name }

    /// First all nodes are cordoned, so that no pod moves from one to the next.
    mutating func start(isCordoned: (String) -> Bool) -> [Action] {
        var actions: [Action] = []
        for (number, node) in nodes.enumerated() {
            if isCordoned(node) {
                uncordoned -= 1
                actions.append(.print("node/\(node) already cordoned"))
            } else {
                actions.append(.send(.patchNode(node, .unschedulable(true)), about: number))
            }
        }
        return uncordoned == 0 ? actions + next() : actions
    }

    /// The answer to a request: about a node while nodes are cordoned, about a pod afterwards.
    mutating func answered(_ result: APIResult, about number: Int, at now: SimulatedTime) -> [Action] {
        guard current >= 0 else { return cordoned(nodes[number], result) }
        guard victims[number].state == .evicting else { return [] }
        let name = victims[number].name
        switch result {
        case .success:
            victims[number].state = .waitingToBeGone
            return [.wake(.zero, pod: number)]
        case .failure(let error) where error.isNotFound: return gone(number)
        case .failure(let error):
            if case .tooManyRequests = error {
                victims[number].state = .waitingToRetry
                return [
                    .print("error when evicting pods/\"\(name.name)\" -n \"\(name.namespace)\" (will retry after 5s): \(error)"),
                    .wake(Drain.retryDelay, pod: number),
                ]
            }
            if error.isNamespaceTerminating {
                // Its namespace deletes it, now or soon.
                if victims[number].isTerminating {
                    victims[number].state = .waitingToBeGone
                    return [.wake(.zero, pod: number)]
                }
                victims[number].state = .waitingToRetry
                return [
                    .print(
                        "error when evicting pod \"\(name.name)\" from terminating namespace \"\(name.namespace)\" (will retry after 5s): "
                            + "\(error)"),
                    .wake(Drain.retryDelay, pod: number),
                ]
            }
            return fail(number, "error when evicting pods/\"\(name.name)\" -n \"\(name.namespace)\": \(error)")
        }
    }

    private mutating func cordoned(_ node: String, _ result: APIResult) -> [Action] {
        uncordoned -= 1
        var actions: [Action] = []
        switch result {
        case .success: actions.append(.print("node/\(node) cordoned"))
        case .failure(let error): actions.append(.print("error: unable to cordon node \"\(node)\": \(error)"))
        }
        return uncordoned == 0 ? actions + next() : actions
    }

    /// On to the next node, or the end.
    private mutating func next() -> [Action] {
        current += 1
        return current < nodes.count ? [.list(node: nodes[current])] : [.end(error: failure)]
    }

    /// The pods of the current node are known.
    mutating func begin(pods: [Shared<Pod>], at now: SimulatedTime) -> [Action] {
        began = now
        problems = []
        firstVictim = victims.count
        var actions: [Action] = []
        let ignored = pods.filter { !$0.isTerminal && $0.value.metadata.controllerReference?.kind == "DaemonSet" }
        if !ignored.isEmpty {
            actions.append(.print("Warning: ignoring DaemonSet-managed Pods: " + Drain.list(ignored)))
        }
        let chosen = pods.filter { pod in !ignored.contains { $0 === pod } }
        let unmanaged = chosen.filter { !$0.isTerminal && $0.value.metadata.controllerReference == nil }
        if !unmanaged.isEmpty {
            if !options.force {
                let why = "cannot delete cannot delete Pods that declare no controller (use --force to override): " + Drain.list(unmanaged)
                return actions + giveUpNode(why)
            }
            actions.append(.print("Warning: deleting Pods that declare no controller: " + Drain.list(unmanaged)))
        }
        for pod in chosen {
            let metadata = pod.value.metadata
            victims.append(Victim(name: metadata.key, uid: metadata.uid, isTerminating: pod.isTerminating, state: .evicting))
            actions += evict(victims.count - 1)
        }
        return chosen.isEmpty ? actions + endNode() : actions
    }

    private func evict(_ number: Int) -> [Action] {
        let name = victims[number].name
        let key = ObjectKey(.pod, name)
        guard !options.disableEviction else {
            return [.send(.delete(key, DeleteOptions(gracePeriodSeconds: options.gracePeriod)), about: number)]
        }
        return [
            .print("evicting pod \(name)"),
            .send(.evict(name, EvictionOptions(gracePeriodSeconds: options.gracePeriod)), about: number),
        ]
    }

    /// Time has come to look after a pod; `present`: the pod that has its name now.
    mutating func wake(pod number: Int, present: Shared<Pod>?, at now: SimulatedTime) -> [Action] {
        let name = victims[number].name
        let isThere = present?.value.metadata.uid == victims[number].uid
        if isThere, let present { victims[number].isTerminating = present.isTerminating }
        let isLate = options.timeout.map { now - began >= $0 } ?? false
        switch victims[number].state {
        case .waitingToRetry:
            if isLate {
                return fail(
                    number, "error when evicting pods/\"\(name.name)\" -n \"\(name.namespace)\": global timeout reached: \(timeoutText)")
            }
            if !isThere { return gone(number) }
            victims[number].state = .evicting
            return evict(number)
        case .waitingToBeGone:
            if !isThere { return gone(number) }
            if isLate {
                return fail(
                    number,
                    "error when waiting for pod \"\(name.name)\" in namespace \"\(name.namespace)\" to terminate: "
                        + "global timeout reached: \(timeoutText)")
            }
            return [.wake(Drain.pollInterval, pod: number)]
        case .evicting, .gone, .failed: return []
        }
    }

    private mutating func gone(_ number: Int) -> [Action] {
        victims[number].state = .gone
        let verb = options.disableEviction ? "deleted" : "evicted"
        return [.print("pod/\(victims[number].name.name) \(verb)")] + endNodeIfDone()
    }

    private mutating func fail(_ number: Int, _ why: String) -> [Action] {
        victims[number].state = .failed
        problems.append(why)
        return endNodeIfDone()
    }

    private mutating func endNodeIfDone() -> [Action] {
        victims[firstVictim...].allSatisfy { $0.state == .gone || $0.state == .failed } ? endNode() : []
    }

    private mutating func endNode() -> [Action] {
        if let first = problems.first { return giveUpNode(problems.count == 1 ? first : "[" + problems.joined(separator: ", ") + "]") }
        return [.print("node/\(nodes[current]) drained")] + next()
    }

    private mutating func giveUpNode(_ why: String) -> [Action] {
        let text = "unable to drain node \"\(nodes[current])\" due to error: \(why)"
        failure = failure ?? text
        return [.print("error: \(text), continuing command...")] + next()
    }

    private var timeoutText: String { options.timeout?.description ?? "" }

    private static func list(_ pods: [Shared<Pod>]) -> String { pods.map { "\($0.value.metadata.key)" }.joined(separator: ", ") }
}
