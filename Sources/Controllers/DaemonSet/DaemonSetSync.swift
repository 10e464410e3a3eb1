// What a DaemonSet's controller does in one sync: first every node gets the pods it should have; if that is so already, pods of an old
// revision are replaced. Pure decisions on nodes and pods.
// <https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/>

import DiscreteEvents
import KubernetesAPI

/// The present revision of a DaemonSet's template, by which its pods are told from old ones.
struct DaemonRevision: Hashable, Sendable {
    let hash: String
    /// The template's generation, counted by the API server; pods of releases before revisions existed are told by it.
    let generation: Int64?

    func made(_ pod: Shared<Pod>) -> Bool {
        let labels = pod.value.metadata.labels
        if labels[RevisionLabels.pod] == hash { return true }
        guard let generation else { return false }
        return labels[DaemonLabels.templateGeneration] == String(generation)
    }
}

enum DaemonLabels {
    /// On pods: the generation of the template they were made from.
    static let templateGeneration = "pod-template-generation"
}

/// The pods to make and to delete.
struct DaemonChanges {
    /// Names of nodes, one for each pod to make.
    var creations: [String] = []
    var deletions: [Shared<Pod>] = []
    /// Pods that ended by themselves, with their nodes: worth an event each.
    var ended: [(pod: Shared<Pod>, node: String)] = []
    /// Failed pods that must wait: until when at the earliest.
    var again: SimulatedTime?

    var isEmpty: Bool { creations.isEmpty && deletions.isEmpty }
}

struct DaemonSetSync {
    let set: DaemonSet
    let revision: DaemonRevision
    let nodes: DaemonNodes
    let now: SimulatedTime

    private func isAvailable(_ pod: Shared<Pod>) -> Bool { pod.isAvailable(minReadySeconds: set.spec.minReadySeconds, at: now) }

    // MARK: One pod on each node

    /// What makes the pods stand where they should, whatever their revision.
    func placing(_ backoff: inout FailedPodBackoff) -> DaemonChanges {
        var changes = DaemonChanges()
        for node in nodes.nodes { place(on: node, &changes, &backoff) }
        // A pod that waits for a node that is gone would wait for ever.
        for node in nodes.nodes where node.placement == nil { changes.deletions += node.pods.filter { $0.value.nodeName == nil } }
        return changes
    }

    private func place(on node: DaemonNode, _ changes: inout DaemonChanges, _ backoff: inout FailedPodBackoff) {
        guard let placement = node.placement else { return }
        if placement.shouldRun, node.pods.isEmpty {
            changes.creations.append(node.name)
        } else if !placement.shouldContinueRunning {
            changes.deletions += node.pods.filter { !$0.isTerminating }
        } else {
            var running: [Shared<Pod>] = []
            for pod in node.pods where !pod.isTerminating {
                switch pod.value.status.phase {
                case .failed:
                    let key = FailedPodBackoff.Key(
                        daemonSet: set.metadata.uid, generation: set.status.observedGeneration, node: node.name)
                    if let wait = backoff.wait(for: key, at: now) {
                        changes.again = min(changes.again ?? now + wait, now + wait)
                    } else {
                        changes.ended.append((pod, node.name))
                        changes.deletions.append(pod)
                    }
                case .succeeded:
                    changes.ended.append((pod, node.name))
                    changes.deletions.append(pod)
                default: running.append(pod)
                }
            }
            thinOut(running, node, &changes)
        }
    }

    /// One running pod a node is enough: the oldest stays. With surge there may be an old one and a new one.
    private func thinOut(_ running: [Shared<Pod>], _ node: DaemonNode, _ changes: inout DaemonChanges) {
        guard allowsSurge else {
            changes.deletions += running.dropFirst()
            return
        }
        if running.count <= 1 {
            if running.isEmpty, node.shouldRun { changes.creations.append(node.name) }
            return
        }
        let isNew = { (pod: Shared<Pod>) in pod.value.metadata.labels[RevisionLabels.pod] == revision.hash }
        let newPod = running.first(where: isNew)
        let oldPod = running.first { !isNew($0) }
        changes.deletions += running.filter { $0 !== newPod && $0 !== oldPod }
        // The old one may go as soon as it is of no use, or the new one is.
        if let newPod, let oldPod, !oldPod.isReady || isAvailable(newPod) { changes.deletions.append(oldPod) }
    }

    // MARK: Rolling update

    /// Whether the strategy asks for surge at all, whatever the number of nodes.
    private var allowsSurge: Bool {
        guard case .rollingUpdate(let surge, _) = set.spec.updateStrategy else { return false }
        return ((try? surge.scaled(total: 1, roundUp: true)) ?? 0) > 0
    }

    /// How many pods may be too many, and how many nodes without an available one: both shares of the desired number round up.
    private var limits: (surge: Int, unavailable: Int) {
        guard case .rollingUpdate(let surge, let unavailable) = set.spec.updateStrategy else { return (0, 0) }
        let extra = (try? surge.scaled(total: nodes.desired, roundUp: true)) ?? 0
        let missing = (try? unavailable.scaled(total: nodes.desired, roundUp: true)) ?? 0
        return (extra, extra == 0 && missing == 0 && nodes.desired > 0 ? 1 : missing)
    }

    /// What brings the pods nearer to the present revision.
    func updating() -> DaemonChanges {
        guard case .rollingUpdate = set.spec.updateStrategy else { return DaemonChanges() }
        let (surge, unavailable) = limits
        return surge == 0 ? replacing(upTo: unavailable) : surging(upTo: surge)
    }

    /// The pods of a node, of the present revision and of an old one; nil: there are two of a sort.
    private func revisions(on node: DaemonNode) -> (new: Shared<Pod>?, old: Shared<Pod>?)? {
        var result: (new: Shared<Pod>?, old: Shared<Pod>?) = (nil, nil)
        for pod in node.pods where !pod.isTerminating {
            if revision.made(pod) {
                guard result.new == nil else { return nil }
                result.new = pod
            } else {
                guard result.old == nil else { return nil }
                result.old = pod
            }
        }
        return result
    }

    /// Deletes old pods so that at most `limit` nodes are without an available one; ``placing(_:)`` makes the new ones.
    private func replacing(upTo limit: Int) -> DaemonChanges {
        var changes = DaemonChanges()
        var unavailable = 0
        var candidates: [Shared<Pod>] = []
        for node in nodes.nodes where node.shouldRun || !node.pods.isEmpty {
            switch revisions(on: node) {
            case (let new?, nil)?: if !isAvailable(new) { unavailable += 1 }
            case (nil, let old?)?:
                if isAvailable(old) {
                    candidates.append(old)
                } else {
                    // It is of no use anyway.
                    changes.deletions.append(old)
                    unavailable += 1
                }
            // None, one of each, or two of a sort.
            default: unavailable += 1
            }
        }
        changes.deletions += candidates.prefix(max(0, limit - unavailable))
        return changes
    }

    /// Makes up to `limit` new pods beside old ones that are available, and deletes old ones whose successor is.
    private func surging(upTo limit: Int) -> DaemonChanges {
        var changes = DaemonChanges()
        var surging = 0
        var available = 0
        var candidates: [String] = []
        var unwanted: [Shared<Pod>] = []
        for node in nodes.nodes where node.shouldRun || !node.pods.isEmpty {
            guard let (new, old) = revisions(on: node) else {
                surging += 1
                continue
            }
            if let pod = old ?? new, isAvailable(pod) { available += 1 }
            guard let old else { continue }
            if let new {
                if isAvailable(new) { changes.deletions.append(old) } else { surging += 1 }
            } else if !node.shouldRun {
                if isAvailable(old) { unwanted.append(old) } else { changes.deletions.append(old) }
            } else if isAvailable(old) {
                candidates.append(node.name)
            } else {
                changes.creations.append(node.name)
            }
        }
        // On nodes that should run none any more, pods go as others take their place.
        changes.deletions += unwanted.prefix(max(0, available - nodes.desired))
        changes.creations += candidates.prefix(max(0, limit - surging))
        return changes
    }

    // MARK: Status

    /// The counts over all nodes. On a node with several pods the oldest is the one that counts.
    ///
    /// - Parameter observes: whether the present generation was acted on.
    func status(observes: Bool) -> DaemonSetStatus {
        var status = set.status
        status.desiredNumberScheduled = Int32(nodes.desired)
        status.currentNumberScheduled = 0
        status.numberMisscheduled = 0
        status.numberReady = 0
        status.numberAvailable = 0
        status.updatedNumberScheduled = 0
        for node in nodes.nodes {
            guard node.placement != nil, let pod = node.pods.first else { continue }
            guard node.shouldRun else {
                status.numberMisscheduled += 1
                continue
            }
            status.currentNumberScheduled += 1
            if pod.isReady { status.numberReady += 1 }
            if isAvailable(pod) { status.numberAvailable += 1 }
            if revision.made(pod) { status.updatedNumberScheduled += 1 }
        }
        status.numberUnavailable = status.desiredNumberScheduled - status.numberAvailable
        if observes { status.observedGeneration = set.metadata.generation }
        return status
    }
}
