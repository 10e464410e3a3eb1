// One change of one object as a watch shows it: the common form of recorded and simulated lines.

import ClusterSimulation
import Experiments
import KubernetesAPI

struct ObservedChange {
    enum Change: String {
        case initial = "INITIAL"
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }
    /// Milliseconds since the start.
    var time: Double
    var change: Change
    var kind: String
    var name: String
    /// Empty where the recording is of one namespace.
    var namespace: String
    /// All fields of a new object, else those that changed (null: removed).
    var fields: [JSONTree.Entry]
}
