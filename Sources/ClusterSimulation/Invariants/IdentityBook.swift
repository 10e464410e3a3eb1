// Which pods have borne each name of a StatefulSet: the books of the invariant about identities.
// <https://kubernetes.io/docs/tasks/run-application/force-delete-stateful-set-pod/>

import APIServer
import KubernetesAPI

/// Kept from commits. A pod stays in the book until it is gone from the API server and from its node - whatever phase it is in - or until
/// somebody takes it away by force, who answers for it himself.
struct IdentityBook: Sendable {
    private var pods: [NamespacedName: [UID]] = [:]
    /// Names that more than one pod has borne: to be looked at.
    private(set) var contested: [NamespacedName] = []

    mutating func observe(_ pod: Shared<Pod>, _ event: WatchEvent, byForce isForced: Bool) {
        let metadata = pod.value.metadata
        guard metadata.controllerReference?.kind == "StatefulSet" else { return }
        // One without any time to stop goes at once, by its own wish. What pod garbage collection has called failed is made anew, though
        // it may run on where nobody hears of it: that is taking away by force, and so meant.
        if isForced || pod.value.isGarbageCollected || (event.change == .deleted && pod.value.spec.value.terminationGracePeriodSeconds <= 0)
        {
            keep(metadata.key) { $0 != metadata.uid }
        } else if event.change == .added {
            pods[metadata.key, default: []].append(metadata.uid)
            if pods[metadata.key]?.count == 2 { contested.append(metadata.key) }
        }
    }

    func bearers(of name: NamespacedName) -> [UID] { pods[name] ?? [] }

    /// Forgets the pods of a name for which `isThere` is false.
    mutating func keep(_ name: NamespacedName, where isThere: (UID) -> Bool) {
        guard var known = pods[name] else { return }
        known.removeAll { !isThere($0) }
        pods[name] = known.isEmpty ? nil : known
        if known.count < 2 { contested.removeAll { $0 == name } }
    }
}
