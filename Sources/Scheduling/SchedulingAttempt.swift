// One row of scheduling.csv: what came of trying a pod once.

import DiscreteEvents
import KubernetesAPI

/// One attempt to schedule a pod.
public struct SchedulingAttempt: Hashable, Sendable {
    public enum Result: String, Hashable, Sendable {
        /// A node was chosen and the binding asked for.
        case scheduled
        /// No node fits.
        case unschedulable
        /// Something other than a plugin's refusal: no nodes at all, or the binding failed.
        case error
    }

    /// When the attempt began, and when its outcome stood.
    public var start: SimulatedTime
    public var end: SimulatedTime
    public var pod: NamespacedName
    /// From 1.
    public var number: Int
    public var result: Result
    /// Empty if none was chosen. What failed after that, in Reserve, Permit, PreBind or Bind, has one, too.
    public var node: String
    public var nodesEvaluated: Int
    public var nodesFeasible: Int
    /// The weighted sum of the chosen node's scores; 0 where it was the only feasible one.
    public var score: Int64
    /// The node preemption makes room on for a pod that found none; empty without a preemption.
    public var nominatedNode: String
    /// The pods preempted for it.
    public var victims: Int
    /// Why it failed; empty for success.
    public var message: String
    /// The plugin that took the node away again, and where: `Coscheduling (Permit)`; empty if none was chosen, or the pod kept it.
    public var vetoedBy = ""
}
