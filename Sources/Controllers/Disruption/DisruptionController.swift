// PodDisruptionBudgets: how many pods may be taken away now.
// <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keeps the status of every budget true, and takes back the mark on pods that were to be disrupted and were not.
///
/// Woken by: budgets; pods that a budget selects; two minutes after a granted eviction, to see whether the pod went.
struct DisruptionReconciler: Reconciler {
    typealias Conclusion = Never

    enum Key: Hashable, Sendable {
        case budget(NamespacedName)
        /// A pod that carries DisruptionTarget=True and is not being deleted.
        case markedPod(NamespacedName)
    }

    /// How long the mark on a pod is believed.
    private static let staleMarkTimeout = SimulatedDuration.minutes(2)

    /// Budgets whose last sync found pods without a controller: every sync reports them, so none may be left out.
    private var reporting: Set<NamespacedName> = []
    /// What was noticed while watching, reported with the next sync of the budget.
    private var notices: [NamespacedName: [KubernetesEvent]] = [:]
    /// By budget with a valid selector: what it counts of its pods, as of the last event seen.
    private var tallies: [NamespacedName: (selector: Selector, tally: BudgetTally)] = [:]

    // MARK: Deciding

    mutating func reconcile(_ key: Key, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        switch key {
        case .budget(let name): sync(name, view, at: now)
        case .markedPod(let name): takeBackMark(name, view, at: now)
        }
    }

    private mutating func sync(_ name: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        var plan = Plan<Never>()
        plan.events = notices.removeValue(forKey: name) ?? []
        guard let budget = view.get(PodDisruptionBudget.self, name) else {
            reporting.remove(name)
            return plan
        }
        var status: PodDisruptionBudgetStatus
        do throws(ExpectedPodsError) {
            let tally = try self.tally(of: budget.value, &plan)
            let expected = try expectedPods(budget.value, tally, view, &plan)
            if expected.hasUnmanagedPods {
                reporting.insert(name)
                plan.events.append(event(about: budget.value, .warning, "UnmanagedPods", unmanagedText(budget.value)))
            } else {
                reporting.remove(name)
            }
            let result = BudgetStatus(of: budget.value, tally, disrupted: disruptedPods(of: budget.value, view), expected, at: now)
            for pod in result.notDeleted {
                plan.events.append(
                    event(
                        about: pod.value, .warning, "NotDeleted",
                        "Pod was expected by PDB \(name.namespace)/\(name.name) to be deleted but it wasn't"))
            }
            status = result.status
            // The pod counts again right after its time, not at it.
            plan.again = result.recheck.map { $0 + .milliseconds(1) }
        } catch {
            status = BudgetStatus.failed(budget.value.status, error.description, at: now)
        }
        if status != budget.value.status {
            plan.then(PlannedCall(.updateStatus(.podDisruptionBudget(budget.with { $0.status = status }))))
        }
        return plan
    }

    /// The count of a budget's pods, whatever their phase.
    private func tally(of budget: PodDisruptionBudget, _ plan: inout Plan<Never>) throws(ExpectedPodsError) -> BudgetTally {
        var tally = BudgetTally()
        if let given = budget.spec.selector {
            do { _ = try given.selector() } catch {
                plan.events.append(event(about: budget, .warning, "NoPods", "Failed to get pods: \(error)"))
                throw ExpectedPodsError(description: "\(error)")
            }
            tally = tallies[budget.metadata.key]?.tally ?? tally
        }
        if tally.total == 0 { plan.events.append(event(about: budget, .normal, "NoPods", "No matching pods found")) }
        return tally
    }

    /// The budget's pods whose eviction was granted and that are not being deleted.
    private func disruptedPods(of budget: PodDisruptionBudget, _ view: SharedInformers) -> [Shared<Pod>] {
        guard !budget.status.disruptedPods.isEmpty, let selector = tallies[budget.metadata.key]?.selector else { return [] }
        return budget.status.disruptedPods.compactMap { entry in
            guard let pod = view.pod(NamespacedName(namespace: budget.metadata.namespace, name: entry.name)), !pod.isTerminating,
                selector.matches(pod.value.metadata.labels)
            else { return nil }
            return pod
        }
    }

    private func expectedPods(
        _ budget: PodDisruptionBudget, _ tally: BudgetTally, _ view: SharedInformers, _ plan: inout Plan<Never>
    ) throws(ExpectedPodsError) -> ExpectedPods {
        do throws(ExpectedPodsError) {
            return try ExpectedPods(budget.spec, tally, view)
        } catch {
            plan.events.append(
                event(
                    about: budget, .warning, "CalculateExpectedPodCountFailed", "Failed to calculate the number of expected pods: \(error)")
            )
            throw error
        }
    }

    private func unmanagedText(_ budget: PodDisruptionBudget) -> String {
        "Pods selected by this PodDisruptionBudget (selector: \(budget.spec.selector?.goText ?? "nil")) were found to be unmanaged. As a "
            + "result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these "
            + "pods please set \".spec.minAvailable\" field of the PDB to an integer value."
    }

    private func takeBackMark(_ name: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        var plan = Plan<Never>()
        guard let pod = view.pod(name), let stale = DisruptionReconciler.markGoesStale(pod) else { return plan }
        if stale > now {
            plan.again = stale
        } else if var mark = pod.value.status.conditions[.disruptionTarget] {
            // Reason and message belong to whoever set the mark, and stay.
            mark.status = .false
            mark.lastTransitionTime = now.truncatedToSeconds
            plan.then(PlannedCall(.patchPod(name, uid: pod.value.metadata.uid, .conditions([mark]))))
        }
        return plan
    }

    /// When the mark of a pod that is not going will no longer be believed; nil if there is nothing to believe.
    private static func markGoesStale(_ pod: Shared<Pod>) -> SimulatedTime? {
        guard !pod.isTerminating, !pod.isTerminal, let index = pod.value.status.conditions.index(of: .disruptionTarget) else { return nil }
        let mark = pod.value.status.conditions[index]
        // A kubelet that ends a pod may take as long as it likes.
        guard mark.status == .true, mark.reason != "TerminationByKubelet" else { return nil }
        return mark.lastTransitionTime + staleMarkTimeout
    }

    private func event<Object: KubernetesObject>(
        about object: Object, _ severity: KubernetesEvent.Severity, _ reason: String, _ message: String
    ) -> KubernetesEvent {
        KubernetesEvent(
            about: Object.kind.description, object.metadata.key, uid: object.metadata.uid, reason: reason, message: message,
            severity: severity, source: ControllerName.disruption.eventSource)
    }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<Key>, at now: SimulatedTime
    ) {
        switch event.object {
        case .podDisruptionBudget(let budget):
            recount(event.change, budget.value, previous: previous.flatMap(PodDisruptionBudget.cast)?.value, view)
            queue.add(.budget(budget.value.metadata.key))
        case .pod(let pod):
            if event.change != .deleted, let stale = DisruptionReconciler.markGoesStale(pod) {
                queue.add(.markedPod(pod.value.metadata.key), at: max(stale, now))
            }
            guard view.hasAny(.podDisruptionBudget) else { return }
            observe(event.change, pod, previous: previous.flatMap(Pod.cast), view, &queue)
        default: return
        }
    }

    /// Counts the pods of a budget that is new, or that selects others than it did.
    private mutating func recount(
        _ change: WatchEvent.Change, _ budget: PodDisruptionBudget, previous: PodDisruptionBudget?, _ view: SharedInformers
    ) {
        let name = budget.metadata.key
        if change == .modified, let previous, previous.spec.selector == budget.spec.selector { return }
        guard change != .deleted, let selector = try? budget.spec.selector?.selector() else {
            tallies[name] = nil
            return
        }
        let pods: [Shared<Pod>] = view.objects(inNamespace: name.namespace)
        tallies[name] = (selector, BudgetTally(pods.filter { selector.matches($0.value.metadata.labels) }))
    }

    /// Takes a change of a pod into the count of a budget.
    private mutating func count(
        _ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, for budget: NamespacedName
    ) {
        guard let selector = tallies[budget]?.selector else { return }
        if let previous, selector.matches(previous.value.metadata.labels) { tallies[budget]?.tally.count(previous, by: -1) }
        if change != .deleted, selector.matches(pod.value.metadata.labels) { tallies[budget]?.tally.count(pod, by: 1) }
    }

    private mutating func observe(
        _ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, _ view: SharedInformers, _ queue: inout WorkQueue<Key>
    ) {
        let budgets: [Shared<PodDisruptionBudget>] = view.objects(inNamespace: pod.value.metadata.namespace)
        for budget in budgets { count(change, pod, previous: previous, for: budget.value.metadata.key) }
        let selecting = budgets.filter { $0.value.spec.selector?.matches(pod.value.metadata.labels) == true }
        guard let chosen = selecting.first?.value.metadata.key else { return }
        if selecting.count > 1 {
            let metadata = pod.value.metadata
            notices[chosen, default: []].append(
                self.event(
                    about: pod.value, .warning, "MultiplePodDisruptionBudgets",
                    "Pod \(GoText.quoted(metadata.namespace))/\(GoText.quoted(metadata.name)) matches multiple PodDisruptionBudgets.  Chose "
                        + "\(GoText.quoted(chosen.name)) arbitrarily."))
        } else if change == .modified, let previous, !reporting.contains(chosen), DisruptionReconciler.countsTheSame(previous, pod) {
            return
        }
        queue.add(.budget(chosen))
    }

    /// Whether a sync sees no difference between two versions of a pod: most updates change nothing a budget counts.
    private static func countsTheSame(_ old: Shared<Pod>, _ new: Shared<Pod>) -> Bool {
        old.isReady == new.isReady && old.isTerminating == new.isTerminating
            && old.value.metadata.labels == new.value.metadata.labels
            && old.value.metadata.controllerReference?.uid == new.value.metadata.controllerReference?.uid
    }
}
