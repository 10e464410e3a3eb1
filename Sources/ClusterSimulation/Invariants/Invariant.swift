// What must hold at every moment of every run, by name, and the report of one that did not.

import DiscreteEvents
import KubernetesAPI

/// A rule of the cluster that no fault, no operator and no order of events may break.
public enum Invariant: String, Hashable, Sendable, CaseIterable {
    /// Bound pods that are not over ask for no more than their node has.
    case nodeOverAllocatable = "no node over its allocatable"
    /// A pod, known by its UID, never moves.
    case boundOnce = "no pod on two nodes"
    /// Nobody but a forced deletion takes a pod away whose containers run: a StatefulSet's identity runs once at most.
    case removedWhileRunning = "no pod removed while it runs, unless by force"
    /// Of one name of a StatefulSet, the containers of one pod at most run, unless force was used.
    case identityOnce = "no identity of a StatefulSet twice"
    /// The Eviction API lets a pod go only within its budget.
    case budgetRespected = "no eviction beyond a disruption budget"
    /// What is being deleted is held by a finalizer or by a kubelet, and nothing goes while a finalizer holds it.
    case deletionsHeld = "deletions and finalizers agree"
    /// What is admitted under a quota stays within it, by its own status and as counted.
    case quotaRespected = "no quota exceeded"
    /// A volume that one node alone may have is attached to one at a time.
    case volumeOnOneNode = "no exclusive volume on two nodes"
    /// A pod starts where its volumes are attached.
    case volumesAttached = "no pod started without its volumes"
    /// When no request and no watch event is under way, every cache holds what the store holds.
    case cachesCurrent = "watch caches equal to the store when idle"
    /// Only so many events at one instant.
    case timeAdvances = "virtual time advances"
    /// An owner that is gone takes its dependents with it.
    case ownersExist = "no object outlives its owner"
    /// With all faults over, what is being deleted goes.
    case deletionsEnd = "deletions come to an end"
    /// With all faults over, workloads have the pods they want, as far as there is room.
    case workloadsWhole = "workloads become whole again"
    /// With all faults over, every counter in a status is true.
    case statusTrue = "status tells the truth"
    /// With all faults over, nodes that run are ready, free of the taints of lost nodes, and not cordoned for maintenance.
    case nodesRecover = "nodes recover"
    /// With all faults over, pods wait for a node only if none has room.
    case podsPlaced = "pods that fit are placed"
    /// With all faults over, controllers rest.
    case controllersRest = "controllers come to rest"
}

/// The first invariant that was broken in a run.
public struct InvariantViolation: Hashable, Sendable, CustomStringConvertible {
    public var time: SimulatedTime
    public var invariant: Invariant
    /// What broke it, in words.
    public var detail: String
    /// What it is about, if it is about one object.
    public var object: ObjectKey?

    public var description: String { "\(invariant.rawValue): \(detail)" }
}
