// What an Indexed Job knows of its indexes: which succeeded, which failed, which are to be tried next.
// <https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode>

import DiscreteEvents
import KubernetesAPI

/// The indexes of a Job at one sync.
struct IndexProgress: Sendable {
    /// Those the status names already.
    let previous: CompletedIndexes
    /// With those of pods that ended since.
    private(set) var succeeded: CompletedIndexes
    /// nil: the Job has no back-off limit per index.
    let failed: CompletedIndexes?
    /// By index: the failed pod whose failures its successor goes on counting; it is kept until then.
    private(set) var replaced: [Int: Shared<Pod>] = [:]
    private let spec: JobSpec
    private let completions: Int

    init(_ spec: JobSpec, _ status: JobStatus, pods: [Shared<Pod>], active: [Shared<Pod>], uncountedFailed: Set<UID>) {
        self.spec = spec
        completions = Int(spec.completions ?? 0)
        let completions = completions
        func indexes(where condition: (Shared<Pod>) -> Bool) -> CompletedIndexes {
            IndexProgress.indexes(of: pods.filter { $0.isTracked && ($0.completionIndex ?? completions) < completions && condition($0) })
        }
        previous = CompletedIndexes(text: status.completedIndexes, completions: completions)
        succeeded = previous.merging(indexes { $0.value.status.phase == .succeeded })
        guard spec.hasBackoffLimitPerIndex else {
            failed = nil
            return
        }
        let before = CompletedIndexes(text: status.failedIndexes ?? "", completions: completions)
        let failed = before.merging(indexes { IndexProgress.hasUsedUp($0, spec) })
        self.failed = failed
        let busy = IndexProgress.indexes(of: active)
        for pod in pods where pod.isTracked && !uncountedFailed.contains(pod.value.metadata.uid) && spec.isFailed(pod) {
            guard let index = pod.completionIndex, index < completions, !succeeded.contains(index), !failed.contains(index),
                !busy.contains(index)
            else { continue }
            if let other = replaced[index],
                IndexProgress.attempts(other) > IndexProgress.attempts(pod) || pod.finishTime < other.finishTime
            {
                continue
            }
            replaced[index] = pod
        }
    }

    /// Adds indexes whose pods are counted now, in ascending order.
    mutating func count(_ indexes: [Int]) { succeeded = succeeded.merging(CompletedIndexes(ascending: indexes)) }

    /// The lowest indexes that neither succeeded nor failed for good and have no pod.
    func pending(_ count: Int, pods: [Shared<Pod>], active: [Shared<Pod>]) -> [Int] {
        var taken = succeeded.merging(IndexProgress.indexes(of: active))
        if spec.replacesOnlyFailed { taken = taken.merging(IndexProgress.indexes(of: pods.filter { $0.isTerminating && !$0.isTerminal })) }
        if let failed { taken = taken.merging(failed) }
        var result: [Int] = []
        var candidate = 0
        for interval in taken.intervals {
            while candidate < min(completions, interval.first), result.count < count {
                result.append(candidate)
                candidate += 1
            }
            candidate = max(candidate, interval.last + 1)
        }
        while candidate < completions, result.count < count {
            result.append(candidate)
            candidate += 1
        }
        return result
    }

    /// How long an index waits after the failures of its last pod.
    func remaining(_ index: Int, at now: SimulatedTime) -> SimulatedDuration {
        guard let pod = replaced[index] else { return .zero }
        return PodBackoff.remaining(failures: IndexProgress.attempts(pod) &+ 1, since: pod.finishTime, at: now)
    }

    /// The failure counts a new pod of an index starts with.
    func failureCounts(_ index: Int) -> (counted: Int, ignored: Int) {
        guard let pod = replaced[index] else { return (0, 0) }
        let counts = IndexProgress.failureCounts(pod)
        return spec.verdict(on: pod).counts ? (counts.counted &+ 1, counts.ignored) : (counts.counted, counts.ignored &+ 1)
    }

    /// The indexes of pods.
    static func indexes(of pods: [Shared<Pod>]) -> CompletedIndexes {
        CompletedIndexes(ascending: pods.compactMap(\.completionIndex).sorted())
    }

    /// Whether the pod was the last its index had left.
    private static func hasUsedUp(_ pod: Shared<Pod>, _ spec: JobSpec) -> Bool {
        guard spec.isFailed(pod) else { return false }
        let verdict = spec.verdict(on: pod)
        if verdict.action == .failIndex { return true }
        return verdict.counts && failureCounts(pod).counted >= Int(spec.backoffLimitPerIndex ?? 0)
    }

    private static func failureCounts(_ pod: Shared<Pod>) -> (counted: Int, ignored: Int) {
        func number(_ key: String) -> Int { pod.value.metadata.annotations[key].flatMap { Int($0) } ?? 0 }
        return (number(JobLabels.indexFailureCount), number(JobLabels.indexIgnoredFailureCount))
    }

    private static func attempts(_ pod: Shared<Pod>) -> Int {
        let counts = failureCounts(pod)
        return counts.counted &+ counts.ignored
    }
}

extension JobSpec {
    /// The message of the first rule of the success policy that holds (KEP-3998).
    func metSuccessRule(_ succeeded: CompletedIndexes) -> String? {
        guard let successPolicy, succeeded.count > 0 else { return nil }
        for (index, rule) in successPolicy.enumerated() {
            let isMet: Bool
            if let text = rule.succeededIndexes {
                let required = CompletedIndexes(text: text, completions: Int(completions ?? 0))
                let common = required.countInCommon(with: succeeded)
                isMet = required.count > 0 && (common == required.count || rule.succeededCount.map { common >= Int($0) } ?? false)
            } else {
                isMet = rule.succeededCount.map { succeeded.count >= Int($0) } ?? false
            }
            if isMet { return "Matched rules at index \(index)" }
        }
        return nil
    }
}

extension CompletedIndexes {
    /// How many indexes are in both lists.
    fileprivate func countInCommon(with other: CompletedIndexes) -> Int {
        intervals.reduce(0) { sum, own in
            other.intervals.reduce(sum) { $0 + max(0, min(own.last, $1.last) - max(own.first, $1.first) + 1) }
        }
    }
}
