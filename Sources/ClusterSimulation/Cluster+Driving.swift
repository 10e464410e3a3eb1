// Driving a cluster from outside, step by step: what a replay of a recording does, where what comes next depends on what the
// cluster answered.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent
import Scheduling

extension Cluster {
    // MARK: Requests

    /// Sends a request as the operator. Returns the number of the operation, under which ``RunRecord/operations`` tells of it.
    @discardableResult
    package mutating func request(_ request: APIRequest, _ description: String) -> Int {
        let operation = recorder.operated(description, at: now)
        send(APICall(.clusterOperator, request, token: UInt64(operation)))
        return operation
    }

    /// What became of an operation: the refusal, nil if there was none (yet).
    package func refusal(of operation: Int) -> (status: Int, message: String)? {
        let operation = recorder.record.operations[operation]
        guard let message = operation.refusal else { return nil }
        return (operation.refusalStatus ?? 0, message)
    }

    /// An object as the API server holds it.
    package func stored(_ key: ObjectKey) -> APIObject? { api.objects[key] }

    // MARK: What happened

    /// How many watch events were recorded so far (``RecordingOptions/watchLog``).
    package var watchEventCount: Int { recorder.record.watchLog.count }

    package func watchEvent(_ index: Int) -> WatchEvent { recorder.record.watchLog[index] }

    // MARK: The operator's commands

    /// Starts `kubectl drain`. Returns the number of the operation, whose output and end are recorded as they come.
    package mutating func startDrain(of node: String, _ options: DrainOptions = DrainOptions()) -> Int { drain([node], options) }

    /// The load on some pods is another from now on.
    package mutating func setLoad(_ change: LoadChange) { operate(.setLoad(change)) }

    // MARK: Machines

    /// The kubelets of these nodes stop; the containers run on. Returns the number of the failure, for ``start(_:after:)``.
    package mutating func stopKubelets(of nodes: [String]) -> Int {
        let failure = fail(nodes.compactMap { nodeAgent.number(of: $0) }, subject: "kubelets", effect: .kubeletStop)
        flush()
        return failure
    }

    /// The machines stop, and their containers with them.
    package mutating func crash(_ nodes: [String]) -> Int {
        let failure = fail(nodes.compactMap { nodeAgent.number(of: $0) }, subject: "machines", effect: .crash)
        flush()
        return failure
    }

    /// A node that stopped in that failure is back.
    package mutating func start(_ node: String, after failure: Int) {
        guard let number = nodeAgent.number(of: node) else { return }
        relieve(number, recorder.record.recoveries[failure].effect)
        flush()
    }

    /// A machine joins; its kubelet registers the node.
    package mutating func join(_ node: Node) {
        add(node)
        flush()
    }

    /// A machine is taken away for good. Its node object stays until somebody deletes it.
    package mutating func takeAway(_ node: String) {
        guard let number = nodeAgent.number(of: node) else { return }
        if nodeAgent.isRunning(number) { _ = fail([number], subject: "node/" + node, effect: .crash) }
        nodeAgent.forget(number)
        flush()
    }

    /// The node's kubelet renewed its lease at `time`: sets the phase of its renewals, which is drawn otherwise.
    package mutating func renewedLease(of node: String, at time: SimulatedTime) {
        guard let number = nodeAgent.number(of: node) else { return }
        nodeAgent.renewed(number, at: time)
    }

    /// Changes the behaviour of one pod that no kubelet has seen yet: a recording tells when its kubelet really did what.
    package mutating func setBehaviour(of pod: Pod, _ change: (inout WorkloadBehaviour) -> Void) {
        var behaviour = nodeAgent.behaviour(of: pod).value
        change(&behaviour)
        nodeAgent.setBehaviour(behaviour, of: pod.metadata.uid)
    }

    // MARK: Decisions

    /// From now on the scheduler's decisions about these pods are taken down whole.
    package mutating func noteDecisions(about subject: DecisionNotes.Subject) { scheduler.notes.subject = subject }

    /// The decisions taken down so far, in the order in which they were made.
    package var notedDecisions: [NotedDecision] { scheduler.notes.decisions }

    /// The scheduler is to place a pod on this node, if it fits there: its choice among equal nodes is random.
    package mutating func prefer(_ node: String, for pod: UID) { scheduler.prefer(node, for: pod) }
}
