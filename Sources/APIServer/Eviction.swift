// The Eviction API: a deletion that asks the pod's PodDisruptionBudget first.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/>

import DiscreteEvents
import KubernetesAPI

/// What is left to do about an eviction that was granted. The real API server writes three objects one after another, and watchers
/// see each on its own.
public enum EvictionStep: Hashable, Sendable {
    /// Say on the pod why it goes: the condition DisruptionTarget.
    case markPod
    case deletePod
}

/// How far a request has come after one write.
package enum RequestProgress: Sendable {
    case answered(APIResult)
    /// There is more to write; the request to be carried out next stands for the rest.
    case goesOn(APIRequest)

    package var isRefusal: Bool { if case .answered(.failure) = self { true } else { false } }
}

extension APIServer {
    /// Carries out the next write of a request. Only evictions take several.
    package mutating func advance(_ request: APIRequest, at now: SimulatedTime) -> RequestProgress {
        do throws(APIError) {
            switch request {
            case .evict(let name, let options): return try beginEviction(of: name, options, at: now)
            case .finishEviction(let name, let uid, let options, .markPod):
                return .goesOn(try markEvicted(name, uid, options, at: now))
            case .finishEviction(let name, let uid, let options, .deletePod):
                return .answered(.success(try delete(ObjectKey(.pod, name), options.deletion(of: uid), at: now)))
            default: return .answered(execute(request, at: now))
            }
        } catch { return .answered(.failure(error)) }
    }

    /// Carries out all writes of an eviction at one instant.
    mutating func evict(_ request: APIRequest, at now: SimulatedTime) throws(APIError) -> APIObject? {
        var request = request
        while true {
            switch advance(request, at: now) {
            case .answered(let result): return try result.get()
            case .goesOn(let rest): request = rest
            }
        }
    }

    private mutating func beginEviction(
        of name: NamespacedName, _ options: EvictionOptions, at now: SimulatedTime
    ) throws(APIError) -> RequestProgress {
        let key = ObjectKey(.pod, name)
        let pod = try existing(Pod.self, key, uid: nil)
        // A pod that does not run yet, or no longer, disrupts nobody: no budget is asked.
        if pod.isTerminating || pod.isTerminal || pod.value.status.phase == .pending {
            return .answered(.success(try delete(key, options.deletion(of: pod.value.metadata.uid), at: now)))
        }
        let budgets = budgets(of: pod.value)
        guard budgets.count <= 1 else { throw .severalBudgets(key) }
        if let budget = budgets.first, !budget.value.letsUnreadyPodGo(pod) {
            let granted = try budget.value.granting(name.name, to: key, at: now)
            _ = commit(.podDisruptionBudget(Shared(granted)), over: .podDisruptionBudget(budget), countsGeneration: false, at: now)
            return .goesOn(.finishEviction(name, pod.value.metadata.uid, options, .markPod))
        }
        return .goesOn(try markEvicted(name, pod.value.metadata.uid, options, at: now))
    }

    private mutating func markEvicted(
        _ name: NamespacedName, _ uid: UID, _ options: EvictionOptions, at now: SimulatedTime
    ) throws(APIError) -> APIRequest {
        let pod = try existing(Pod.self, ObjectKey(.pod, name), uid: uid)
        let condition = Condition(
            .disruptionTarget, .true, reason: "EvictionByEvictionAPI", message: "Eviction API: evicting",
            lastTransitionTime: now.truncatedToSeconds)
        let marked = pod.with { _ = $0.status.conditions.set(condition) }
        _ = commit(.pod(marked), over: .pod(pod), at: now)
        return .finishEviction(name, uid, options, .deletePod)
    }

    /// The budgets that select a pod. Clusters have few, so they are looked through.
    private func budgets(of pod: Pod) -> [Shared<PodDisruptionBudget>] {
        guard objects[.podDisruptionBudget].count > 0 else { return [] }
        return objects.all(PodDisruptionBudget.self).filter {
            $0.value.metadata.namespace == pod.metadata.namespace && $0.value.spec.selector?.matches(pod.metadata.labels) == true
        }
    }
}

extension APIRequest {
    /// Whether the request is carried out by ``APIServer/advance(_:at:)``, one write after another.
    package var takesSeveralWrites: Bool {
        switch self {
        case .evict, .finishEviction: true
        default: false
        }
    }
}

extension EvictionOptions {
    /// The deletion of the pod that was judged, and not of a namesake that took its place meanwhile.
    fileprivate func deletion(of uid: UID) -> DeleteOptions { DeleteOptions(gracePeriodSeconds: gracePeriodSeconds, uid: uid) }
}

extension PodDisruptionBudget {
    /// Disrupted pods the controller has not confirmed yet, at most.
    private static let maximumDisruptedPods = 2000

    /// Whether a pod may go without being counted because it serves nobody anyway (KEP-3017).
    fileprivate func letsUnreadyPodGo(_ pod: Shared<Pod>) -> Bool {
        guard !pod.isReady else { return false }
        if spec.unhealthyPodEvictionPolicy == .alwaysAllow { return true }
        return status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0
    }

    /// This budget after it let one more pod go, or its refusal.
    fileprivate func granting(_ pod: String, to key: ObjectKey, at now: SimulatedTime) throws(APIError) -> PodDisruptionBudget {
        let name = metadata.name
        guard status.observedGeneration >= metadata.generation else {
            throw .tooManyRequests(key, cause: "The disruption budget \(name) is still being processed by the server.", retryAfter: 10)
        }
        guard status.disruptedPods.count <= PodDisruptionBudget.maximumDisruptedPods else {
            throw .forbidden(
                ObjectKey(.podDisruptionBudget, metadata.key),
                "DisruptedPods map too big - too many evictions not confirmed by PDB controller")
        }
        guard status.disruptionsAllowed > 0 else { throw .tooManyRequests(key, cause: refusal, retryAfter: 0) }
        var budget = self
        budget.status.disruptionsAllowed -= 1
        if budget.status.disruptionsAllowed == 0 { budget.status.noteAllowance(at: now) }
        budget.status.disruptedPods.removeAll { $0.name == pod }
        budget.status.disruptedPods.append(.init(name: pod, since: now.truncatedToSeconds))
        return budget
    }

    /// Why no pod may go.
    private var refusal: String {
        let name = metadata.name
        let condition = status.conditions[.disruptionAllowed]
        let why = condition.map { $0.status == .false ? $0.message : "" } ?? ""
        let subject = "The disruption budget \(name) does not allow evicting pods currently"
        // The numbers say nothing after a sync that failed.
        if !why.isEmpty, condition?.reason == "SyncFailed" { return "\(subject) because it failed sync: \(why)" }
        if status.currentHealthy <= status.desiredHealthy {
            return "The disruption budget \(name) needs \(status.desiredHealthy) healthy pods and has \(status.currentHealthy) currently"
        }
        return why.isEmpty ? subject : "\(subject) (\(condition?.reason ?? "")): \(why)"
    }
}

extension PodDisruptionBudgetStatus {
    /// Makes the condition DisruptionAllowed agree with the number of disruptions allowed.
    package mutating func noteAllowance(at now: SimulatedTime) {
        let isAllowed = disruptionsAllowed > 0
        conditions.set(
            Condition(
                .disruptionAllowed, isAllowed ? .true : .false, reason: isAllowed ? "SufficientPods" : "InsufficientPods",
                lastTransitionTime: now.truncatedToSeconds))
    }
}
