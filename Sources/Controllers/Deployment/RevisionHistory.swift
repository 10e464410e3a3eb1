// Revisions: which number a ReplicaSet has, which it had before, and which old ones may go.

import APIServer
import KubernetesAPI

extension Shared<ReplicaSet> {
    /// `deployment.kubernetes.io/revision` as a number; 0 if there is none.
    var revision: Int64 { value.metadata.annotations[DeploymentAnnotations.revision].flatMap { Int64($0) } ?? 0 }

}

enum RevisionHistory {
    /// A revision-history annotation does not grow beyond this many bytes.
    static let maximumLength = 2000
    static let lastAppliedConfiguration = "kubectl.kubernetes.io/last-applied-configuration"
    private static let deprecatedRollback = "deprecated.deployment.rollback.to"

    /// Annotations a Deployment does not pass on to its ReplicaSets.
    private static let notCopied = [
        lastAppliedConfiguration, DeploymentAnnotations.revision, DeploymentAnnotations.revisionHistory,
        DeploymentAnnotations.desiredReplicas, DeploymentAnnotations.maxReplicas, deprecatedRollback,
    ]

    /// The annotations of a new (or again new) ReplicaSet.
    static func annotations(of replicaSet: Labels, deployment: Labels, revision: Int64) -> Labels {
        var result = replicaSet
        for (key, value) in deployment where !notCopied.contains(key) && result[key] != value { result[key] = value }
        let oldText = result[DeploymentAnnotations.revision]
        let old = oldText.flatMap { Int64($0) } ?? 0
        guard old < revision else { return result }
        result[DeploymentAnnotations.revision] = String(revision)
        // It had a number before, so this is a roll-back: remember the old number.
        if let oldText {
            if let history = extended(result[DeploymentAnnotations.revisionHistory] ?? "", by: oldText) {
                result[DeploymentAnnotations.revisionHistory] = history
            }
        }
        return result
    }

    /// The comma-separated history with one more revision, the oldest dropped as the length demands.
    private static func extended(_ history: String, by revision: String) -> String? {
        if history.isEmpty { return revision }
        var kept = history.split(separator: ",", omittingEmptySubsequences: false)[...]
        var length = history.utf8.count + revision.utf8.count + 1
        while length > maximumLength, let first = kept.first {
            length -= first.utf8.count + 1
            kept.removeFirst()
        }
        return length <= maximumLength ? (kept + [revision[...]]).joined(separator: ",") : nil
    }

    /// The old ReplicaSets beyond the limit that can be deleted: empty, and known to be so by their controller.
    static func surplus(_ oldSets: [Shared<ReplicaSet>], limit: Int32) -> [Shared<ReplicaSet>] {
        if limit == Int32.max { return [] }
        let alive = oldSets.filter { !$0.value.metadata.isTerminating }
        let count = alive.count - Int(limit)
        guard count > 0 else { return [] }
        let ordered = alive.sorted {
            ($0.revision, $0.value.metadata.creationTimestamp, $0.value.metadata.name)
                < ($1.revision, $1.value.metadata.creationTimestamp, $1.value.metadata.name)
        }
        return ordered.prefix(count).filter {
            $0.value.status.replicas == 0 && $0.value.spec.replicas == 0
                && $0.value.metadata.generation <= $0.value.status.observedGeneration
        }
    }
}
