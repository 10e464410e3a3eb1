// Which pods went lately, and which evictions were granted: what it takes to judge an eviction without believing the budget's status.
//
// The API server lets pods go by a status that the disruption controller writes a little later than the pods change. So a pod that was
// lost a moment ago may still be counted on; one whose eviction was granted may not, and neither may one that has been gone for long.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Kept from commits and from granted evictions alone.
struct EvictionBook: Sendable {
    private struct Loss: Sendable {
        let time: SimulatedTime
        let pod: Shared<Pod>
    }

    /// How old the controller's count may be, while the API server does as it is asked.
    private static let mostLag = SimulatedDuration.minutes(1)
    /// The longest back-off of the controller's work queue, which it may be in after a time of errors.
    private static let recovery = SimulatedDuration.seconds(1000)
    /// How long a pod whose eviction was granted may stay before the controller counts it again.
    private static let deletionTimeout = SimulatedDuration.minutes(2)

    /// Pods that were healthy and are not any more, but for those that were evicted; the oldest first.
    private var losses: [Loss] = []
    private var granted: [(time: SimulatedTime, pod: UID)] = []
    /// When each workload was scaled last, and when a pod of each controller changed last in a way that budgets count.
    private var scaled: [UID: SimulatedTime] = [:]
    private var changed: [UID: SimulatedTime] = [:]
    private var disturbed: SimulatedTime?

    /// The API server fails at times, or answers late.
    mutating func noteDisturbance(at now: SimulatedTime) { disturbed = now }

    mutating func observe(_ event: WatchEvent) {
        if case .pod(let pod) = event.object { return observe(pod, event) }
        guard let replicas = event.object.replicas, event.change != .modified || event.previous?.replicas != replicas else { return }
        scaled[event.object.metadata.uid] = event.time
    }

    private mutating func observe(_ pod: Shared<Pod>, _ event: WatchEvent) {
        let before = event.previous.flatMap(Pod.cast) ?? (event.change == .deleted ? pod : nil)
        let isHealthy = event.change != .deleted && EvictionBook.isHealthy(pod)
        let wasHealthy = before.map(EvictionBook.isHealthy) ?? false
        if let owner = pod.value.metadata.controllerUID, event.change != .modified || isHealthy != wasHealthy {
            changed[owner] = event.time
        }
        guard let before, wasHealthy, !isHealthy, !granted.contains(where: { $0.pod == pod.value.metadata.uid }) else { return }
        losses.removeAll { $0.time + EvictionBook.mostLag < event.time }
        losses.append(Loss(time: event.time, pod: before))
    }

    /// Whether a workload was scaled and none of its pods has changed since: the controller, which hears of pods alone, does not know.
    func isUnnoticed(_ count: BudgetCount) -> Bool {
        let latest = count.owners.compactMap { changed[$0] }.max() ?? .zero
        return count.workloads.contains { scaled[$0].map { $0 >= latest } ?? false }
    }

    /// The API server granted the eviction of a pod that counts.
    mutating func grant(_ pod: UID, at now: SimulatedTime) {
        granted.removeAll { $0.time + EvictionBook.deletionTimeout < now }
        granted.append((now, pod))
    }

    /// Why a pod may not go by its budget, whatever the budget's status says; nil if it may.
    func objection(to pod: Shared<Pod>, _ budget: PodDisruptionBudget, in objects: ObjectTables, at now: SimulatedTime) -> String? {
        guard disturbed.map({ $0 + EvictionBook.recovery < now }) ?? true, let selector = try? budget.spec.selector?.selector(),
            let count = BudgetCount(of: budget, in: objects), !isUnnoticed(count),
            !count.workloads.contains(where: { scaled[$0].map { $0 + EvictionBook.mostLag > now } ?? false })
        else { return nil }
        let isCountedOut = granted.filter { $0.time + EvictionBook.deletionTimeout > now }.map(\.pod)
        let healthy = count.pods.count { EvictionBook.isHealthy($0) && !isCountedOut.contains($0.value.metadata.uid) }
        let lost = losses.count {
            let metadata = $0.pod.value.metadata
            return $0.time + EvictionBook.mostLag > now && metadata.namespace == budget.metadata.namespace
                && selector.matches(metadata.labels)
        }
        // One that is not ready takes nothing away from a budget that is kept.
        let needed = pod.isReady || count.desired == 0 ? count.desired + 1 : count.desired
        guard healthy + lost < needed else { return nil }
        return "budget \(budget.metadata.name) needs \(count.desired) healthy pods, and of its pods \(healthy) are"
    }

    private static func isHealthy(_ pod: Shared<Pod>) -> Bool { pod.isReady && !pod.isTerminating }
}

extension APIObject {
    /// How many pods a workload wants whose number budgets go by.
    fileprivate var replicas: Int32? {
        switch self {
        case .deployment(let deployment): deployment.value.spec.replicas
        // That of a Deployment grows and shrinks as the Deployment rolls.
        case .replicaSet(let set): set.value.metadata.controllerReference == nil ? set.value.spec.replicas : nil
        case .replicationController(let controller): controller.value.replicas
        case .statefulSet(let set): set.value.spec.replicas
        default: nil
        }
    }
}
