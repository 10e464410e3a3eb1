// Every event of the simulator, on one page.

import APIServer
import Controllers
import KubernetesAPI
import NodeAgent
import Scheduling

/// What the queue holds: small plain values, never closures, and nothing that is counted by reference.
enum ClusterEvent: Sendable {
    // The API server and its clients.
    /// A read that a client makes before a request is answered; the number is the request's.
    case readAnswered(UInt32)
    /// A request reaches the API server; the number is its place in the ``ClientGateway``.
    case requestArrives(UInt32)
    /// Its answer reaches the client.
    case answerArrives(UInt32)
    /// A watcher sees what was committed one watch latency ago.
    case watchDelivery(Watcher)

    // Components that asked to be woken.
    case controllerTimer(ControllerTimer)
    case schedulerTimer(SchedulerTimer)
    case kubeletTimer(KubeletTimer)

    // The world outside.
    /// A fault of the scenario strikes; the number is its place in the configuration.
    case faultStrikes(Int32)
    /// A fault that recurs strikes one node.
    case nodeFails(node: Int32, fault: Int32)
    /// A shock that is common to a group of nodes.
    case shockStrikes(group: Int32, fault: Int32)
    /// One cause of a node's failure is over; the number is the row of `recoveries`.
    case nodeReturns(node: Int32, failure: Int32, fault: Int32)
    /// A kubelet whose way to the API server is free again renews its lease; lists its pods.
    case kubeletReports(Int32)
    case kubeletRelists(Int32)
    /// A machine that its provider announced to take back shuts down; is gone.
    case machineShutsDown(Int32)
    case machineEnds(node: Int32, fault: Int32)
    /// The cloud controller deletes the node object of such a machine; a new machine joins in its place.
    case nodeObjectEnds(Int32)
    case replacementJoins(Int32)
    /// A fault of the API server begins; is over. The number is its place in the configuration.
    case apiServerFails(Int32)
    case apiServerRecovers(Int32)
    /// The image registry stops answering, or answers again.
    case registryFails
    case registryReturns
    case operatorActs(Int32)
    /// A machine that shuts down for maintenance may be down by now.
    case rebootWaits(node: Int32, maintenance: Int32)
    /// A node that was rebooted for maintenance is up again.
    case nodeRebooted(node: Int32, maintenance: Int32)
    /// A node is to be made schedulable again after its maintenance, which was refused before; the number is the operation's.
    case maintenanceUncordons(operation: Int32)
    /// `kubectl drain` looks after one of its pods again; the number is the drain's.
    case drainContinues(Int32, pod: Int32)
    case traceArrival(Int32)
    case traceDeparture(Int32)
    /// A pod of a trace that has no node yet is given up.
    case traceGivesUp(Int32)

    // Requests.
    /// A pod begins or ceases to answer requests; the number is its place in ``ServerBook``.
    case servingChanges(Int32)
    /// What requests want of processors, and get, is worked out anew.
    case requestsMeasured
    /// The health checks of a load balancer have told of a change.
    case loadBalancerDecides

    // Measurement.
    case sample
    /// load-watcher's next round.
    case loadsWatched
}
