// EndpointSlices: the addresses behind each Service.
// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are Services. What is remembered: what selects which pods, the slices of each service as written and as seen, and the pods
/// that changed since a service was last looked at, so that a look costs what changed and not what there is.
///
/// Not built: a second address family (dual stack), and hints by the annotation `service.kubernetes.io/topology-mode`.
struct EndpointSliceReconciler: Reconciler {
    /// What is reported when the writes have ended.
    struct Conclusion: Sendable {
        let service: Shared<Service>
        let skipped: [String]
    }

    /// What is kept of a service.
    private struct Record: Sendable {
        /// Whether all pods have to be looked at, not only those that changed.
        var isWhole = true
        /// Pods that changed since the last look, and are or were endpoints.
        var changed: [(name: String, uid: UID)] = []
        /// The first reason for a change since the last look.
        var trigger: SimulatedTime?
        /// The state of the nodes that the last look saw.
        var nodesVersion = 0
        var isKnown = false

        mutating func noteTrigger(_ time: SimulatedTime) { trigger = trigger.map { min($0, time) } ?? time }
    }

    /// From an event of a slice that somebody else wrote to the next look at its service (fixed).
    private static let foreignChangeDelay = SimulatedDuration.seconds(1)
    /// Up to so many changed pods are looked for one by one, more in a set.
    private static let fewPods = 8

    private let maximum: Int
    private var selectors = ServiceSelectors()
    private var tracker = SliceTracker()
    private var records: [NamespacedName: Record] = [:]
    /// The names of the controller's slices, by service.
    private var slices: [NamespacedName: [String]] = [:]
    /// Counts the changes of nodes that slices show: which there are, and in which zones.
    private var nodesVersion = 0

    init(maximumEndpoints: Int = 100) { maximum = maximumEndpoints }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>,
        at now: SimulatedTime
    ) {
        switch event.object {
        case .pod(let pod):
            if selectors.isEmpty { return }
            observe(event.change, pod, previous: previous.flatMap(Pod.cast), &queue)
        case .service(let service):
            let key = service.value.metadata.key
            if event.change == .deleted {
                selectors.remove(key)
            } else {
                selectors.set(key, service.value.selector)
                records[key, default: Record()].isWhole = true
            }
            queue.add(key)
        case .endpointSlice(let slice): observe(event.change, slice, previous: previous.flatMap(EndpointSlice.cast), &queue, at: now)
        case .node(let node):
            if event.change != .modified
                || previous.flatMap(Node.cast)?.value.metadata.labels[Node.zoneLabel] != node.value.metadata.labels[Node.zoneLabel]
            {
                nodesVersion += 1
            }
        default: break
        }
    }

    private mutating func observe(
        _ change: WatchEvent.Change, _ pod: Shared<Pod>, previous: Shared<Pod>?, _ queue: inout WorkQueue<NamespacedName>
    ) {
        let namespace = pod.value.metadata.namespace
        guard change == .modified, let previous else {
            for service in selectors.services(selecting: pod.value.metadata.labels, in: namespace) {
                wake(service, pod, previous: nil, wasEndpoint: true, &queue)
            }
            return
        }
        let (isChanged, isMoved) = (EndpointRules.isChanged(previous, pod), EndpointRules.isMoved(previous, pod))
        let wasEndpoint = EndpointRules.isEndpoint(previous)
        guard isChanged || isMoved else {
            // A pod that was not ready and ends wakes nobody, but whoever looks next finds it gone.
            guard wasEndpoint != EndpointRules.isEndpoint(pod) else { return }
            for service in selectors.services(selecting: pod.value.metadata.labels, in: namespace) { note(pod, for: service) }
            return
        }
        let services = selectors.services(selecting: pod.value.metadata.labels, in: namespace)
        guard isMoved else {
            for service in services { wake(service, pod, previous: previous, wasEndpoint: wasEndpoint, &queue) }
            return
        }
        let before = selectors.services(selecting: previous.value.metadata.labels, in: namespace)
        for service in services where isChanged || !before.contains(service) {
            wake(service, pod, previous: previous, wasEndpoint: wasEndpoint, &queue)
        }
        for service in before where !services.contains(service) {
            wake(service, pod, previous: previous, wasEndpoint: wasEndpoint, &queue)
        }
    }

    private mutating func wake(
        _ service: NamespacedName, _ pod: Shared<Pod>, previous: Shared<Pod>?, wasEndpoint: Bool, _ queue: inout WorkQueue<NamespacedName>
    ) {
        let trigger = EndpointRules.triggerTime(of: pod)
        if previous.map({ trigger > EndpointRules.triggerTime(of: $0) }) ?? true { records[service]?.noteTrigger(trigger) }
        if wasEndpoint || EndpointRules.isEndpoint(pod) { note(pod, for: service) }
        queue.add(service)
    }

    /// The pod is to be looked at when the service is.
    private mutating func note(_ pod: Shared<Pod>, for service: NamespacedName) {
        let metadata = pod.value.metadata
        guard records[service]?.isWhole == false, records[service]?.changed.last?.uid != metadata.uid else { return }
        records[service]?.changed.append((metadata.name, metadata.uid))
    }

    private mutating func observe(
        _ change: WatchEvent.Change, _ slice: Shared<EndpointSlice>, previous: Shared<EndpointSlice>?,
        _ queue: inout WorkQueue<NamespacedName>, at now: SimulatedTime
    ) {
        let (old, new) = (previous.flatMap { service(of: $0.value) }, service(of: slice.value))
        let name = slice.value.metadata.name
        if change == .deleted {
            guard let new else { return }
            unfile(name, new)
            if tracker.sawDeletion(of: slice.value.metadata.uid, of: new) { wake(new, &queue, at: now) }
            return
        }
        if old != new {
            if let old { unfile(name, old) }
            if let new { slices[new, default: []].append(name) }
            if previous != nil, let old { wake(old, &queue, at: now) }
            if previous != nil, let new { wake(new, &queue, at: now) }
        }
        if let new, tracker.isNews(slice.value, of: new) { wake(new, &queue, at: now) }
    }

    /// Somebody else wrote a slice: all of the service is looked at again.
    private mutating func wake(_ service: NamespacedName, _ queue: inout WorkQueue<NamespacedName>, at now: SimulatedTime) {
        records[service]?.isWhole = true
        queue.add(service, at: now + EndpointSliceReconciler.foreignChangeDelay)
    }

    private mutating func unfile(_ name: String, _ service: NamespacedName) {
        slices[service]?.removeAll { $0 == name }
        if slices[service]?.isEmpty ?? false { slices[service] = nil }
    }

    /// The service whose slice this is; nil if it is not one of this controller's.
    private func service(of slice: EndpointSlice) -> NamespacedName? { slice.isManaged ? slice.service : nil }

    // MARK: Deciding

    mutating func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Conclusion> {
        guard let service = view.get(Service.self, key) else {
            records[key] = nil
            tracker.forget(key)
            return Plan()
        }
        guard service.value.type != .externalName, let selector = service.value.selector, !selector.isEmpty else { return Plan() }
        let present = (slices[key] ?? []).compactMap { view.get(EndpointSlice.self, NamespacedName(namespace: key.namespace, name: $0)) }
            .filter { !$0.value.metadata.isTerminating }
        var plan = Plan<Conclusion>()
        if tracker.isStale(present, of: key) {
            plan.retriesAnyway = true
            return plan
        }
        let record = take(key)
        let isWhole = record.isWhole || record.nodesVersion != nodesVersion
        let isSettled = isWhole ? present.map { _ in false } : EndpointSliceReconciler.untouched(present, by: record.changed)
        let pods =
            isWhole
            ? view.objects(inNamespace: key.namespace).filter { ServiceSelectors.matches(selector, $0.value.metadata.labels) }
            : EndpointSliceReconciler.pods(of: present, isSettled, record.changed, selector, view, in: key.namespace)
        let changes = SliceReconciliation(service.value, present, isSettled: isSettled, pods: pods, maximum: maximum) { view.node($0) }
        let trigger = record.isKnown ? record.trigger : service.value.metadata.creationTimestamp
        add(changes, to: &plan, isTerminating: service.value.metadata.isTerminating, trigger)
        if !plan.steps.isEmpty || !changes.skipped.isEmpty { plan.conclusion = Conclusion(service: service, skipped: changes.skipped) }
        return plan
    }

    /// What is known of a service; from here on changes count for the next look.
    private mutating func take(_ key: NamespacedName) -> Record {
        let record = records[key] ?? Record()
        var next = Record()
        next.isWhole = false
        next.isKnown = true
        next.nodesVersion = nodesVersion
        records[key] = next
        return record
    }

    /// Which slices hold none of the changed pods.
    private static func untouched(_ present: [Shared<EndpointSlice>], by changed: [(name: String, uid: UID)]) -> [Bool] {
        if changed.count <= fewPods {
            return present.map { slice in
                !slice.value.endpoints.contains { endpoint in changed.contains { $0.uid == endpoint.pod?.uid } }
            }
        }
        let uids = Set(changed.map(\.uid))
        return present.map { slice in !slice.value.endpoints.contains { $0.pod.map { uids.contains($0.uid) } ?? false } }
    }

    /// The pods of slices that are touched, and those that changed, each once.
    private static func pods(
        of slices: [Shared<EndpointSlice>], _ isSettled: [Bool], _ changed: [(name: String, uid: UID)], _ selector: Labels,
        _ view: SharedInformers, in namespace: String
    ) -> [Shared<Pod>] {
        var names: [String] = []
        for (slice, isSettled) in zip(slices, isSettled) where !isSettled {
            names += slice.value.endpoints.compactMap(\.pod?.key.name)
        }
        names += changed.map(\.name)
        var seen: Set<String> = []
        return names.compactMap { name in
            guard seen.insert(name).inserted, let pod = view.pod(NamespacedName(namespace: namespace, name: name)),
                ServiceSelectors.matches(selector, pod.value.metadata.labels)
            else { return nil }
            return pod
        }
    }

    /// The writes in the order of the real controller, one after the other.
    private func add(_ changes: SliceReconciliation, to plan: inout Plan<Conclusion>, isTerminating: Bool, _ trigger: SimulatedTime?) {
        func stamped(_ slice: EndpointSlice) -> APIObject {
            var slice = slice
            slice.metadata.annotations[SliceLabels.triggerTime] = trigger.map {
                RFC3339.text($0.nanoseconds)
            }
            return .endpointSlice(Shared(slice))
        }
        if !isTerminating { for slice in changes.created { plan.then(PlannedCall(.create(stamped(slice)))) } }
        for slice in changes.updated { plan.then(PlannedCall(.update(stamped(slice)))) }
        for slice in changes.deleted {
            plan.then(PlannedCall(.delete(ObjectKey(.endpointSlice, slice.value.metadata.key), DeleteOptions())))
        }
    }

    // MARK: What became of it

    mutating func succeeded(_ key: NamespacedName, _ request: APIRequest, _ object: APIObject?, _ view: SharedInformers) {
        if case .delete(let slice, _) = request {
            // The cache may have lost it already.
            if let seen = view[slice] { tracker.expectDeletion(of: seen.metadata.uid, of: key) }
        } else if case .endpointSlice(let slice)? = object {
            tracker.wrote(slice.value, of: key)
        }
    }

    mutating func conclude(
        _ key: NamespacedName, _ conclusion: Conclusion?, _ outcome: PlanOutcome, _ view: SharedInformers, at now: SimulatedTime
    ) -> Plan<Conclusion>? {
        guard let conclusion else { return nil }
        var messages = conclusion.skipped
        if let error = outcome.error {
            records[key]?.isWhole = true
            if let message = EndpointSliceReconciler.message(about: error, outcome.notDone.first, key) { messages.append(message) }
        }
        var next = Plan<Conclusion>()
        guard let first = messages.first else { return outcome.error == nil ? nil : next }
        records[key]?.isWhole = true
        let service = conclusion.service.value
        next.events = [
            KubernetesEvent(
                about: "Service", key, uid: service.metadata.uid, reason: "FailedToUpdateEndpointSlices",
                message: "Error updating Endpoint Slices for Service \(key): "
                    + (messages.count == 1 ? first : "[" + messages.joined(separator: ", ") + "]"),
                severity: .warning, source: ControllerName.endpointSlice.eventSource)
        ]
        next.retriesAnyway = true
        return next
    }

    /// The real controller's words about a refused write; nil if it takes the refusal as it is: nothing is made any more in a
    /// namespace that is being deleted.
    private static func message(about error: APIError, _ request: APIRequest?, _ service: NamespacedName) -> String? {
        switch request {
        case .create?:
            if error.isNamespaceTerminating { return nil }
            return "failed to create EndpointSlice for Service \(service): \(error)"
        case .update(let slice)?: return "failed to update \(slice.metadata.name) EndpointSlice for Service \(service): \(error)"
        case .delete(let slice, _)?: return "failed to delete \(slice.name.name) EndpointSlice for Service \(service): \(error)"
        default: return error.description
        }
    }
}
