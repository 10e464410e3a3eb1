// EndpointSlice mirroring: kube-proxies read EndpointSlices only, so the Endpoints that people write for Services without a selector are copied into some.
// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#endpointslice-mirroring>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Keys are Services and the Endpoints of their name. What is remembered: the slices as written.
struct EndpointSliceMirroringReconciler: Reconciler {
    typealias Conclusion = Never

    private let maximum: Int
    private var tracker = SliceTracker()
    /// The names of the mirrors of each Service's Endpoints; looked up, never iterated.
    private var mirrors: [NamespacedName: [String]] = [:]
    /// Services that are gone, until their Endpoints are, too; looked up, never iterated.
    private var deletedServices: Set<NamespacedName> = []

    /// - Parameter maximumAddresses: addresses of a subset that are mirrored at most.
    init(maximumAddresses: Int = 1000) { maximum = maximumAddresses }

    // MARK: What wakes it

    mutating func observe(
        _ event: WatchEvent, previous: APIObject?, _ view: SharedInformers, _ queue: inout WorkQueue<NamespacedName>,
        at now: SimulatedTime
    ) {
        switch event.object {
        case .endpoints(let endpoints):
            let old = event.change == .modified ? previous.flatMap(Endpoints.cast) : nil
            if endpoints.value.wantsMirrors || old?.value.wantsMirrors ?? false { queue.add(endpoints.value.metadata.key) }
        case .service(let service):
            let old = event.change == .modified ? previous.flatMap(Service.cast) : nil
            let isHandMade = service.value.hasNoSelector
            if event.change == .deleted, isHandMade { deletedServices.insert(service.value.metadata.key) }
            if event.change == .added { deletedServices.remove(service.value.metadata.key) }
            if old.map({ $0.value.hasNoSelector != isHandMade }) ?? isHandMade { queue.add(service.value.metadata.key) }
        case .endpointSlice(let slice): observe(event.change, slice.value, previous: previous.flatMap(EndpointSlice.cast), &queue)
        default: break
        }
    }

    /// Slices that somebody else changed are looked at again.
    private mutating func observe(
        _ change: WatchEvent.Change, _ slice: EndpointSlice, previous: Shared<EndpointSlice>?,
        _ queue: inout WorkQueue<NamespacedName>
    ) {
        guard let service = slice.service else { return }
        note(slice, of: service, isGone: change == .deleted || !slice.isMirror)
        if change == .deleted {
            if slice.isMirror, tracker.sawDeletion(of: slice.metadata.uid, of: service) { queue.add(service) }
        } else if let previous, previous.value.isMirror != slice.isMirror {
            queue.add(service)
        } else if slice.isMirror, tracker.isNews(slice, of: service) {
            queue.add(service)
        }
    }

    private mutating func note(_ slice: EndpointSlice, of service: NamespacedName, isGone: Bool) {
        var names = mirrors[service] ?? []
        let place = names.firstIndex(of: slice.metadata.name)
        if isGone, let place {
            names.remove(at: place)
        } else if !isGone, place == nil {
            names.append(slice.metadata.name)
        } else {
            return
        }
        mirrors[service] = names.isEmpty ? nil : names
    }

    // MARK: Deciding

    mutating func reconcile(_ key: NamespacedName, _ view: SharedInformers, at now: SimulatedTime) -> Plan<Never> {
        let slices = (mirrors[key] ?? []).compactMap { view.get(EndpointSlice.self, NamespacedName(namespace: key.namespace, name: $0)) }
            .filter { $0.value.isMirror && $0.value.service == key && !$0.value.metadata.isTerminating }
        var plan = Plan<Never>()
        // The Endpoints controller deletes what was a Service's, whoever wrote it.
        if deletedServices.contains(key), view.get(Service.self, key) == nil {
            if view.get(Endpoints.self, key) == nil {
                deletedServices.remove(key)
            } else {
                plan.then(PlannedCall(.delete(ObjectKey(.endpoints, key), DeleteOptions())))
            }
        }
        guard let endpoints = view.get(Endpoints.self, key)?.value, endpoints.wantsMirrors,
            view.get(Service.self, key)?.value.hasNoSelector ?? false
        else {
            tracker.forget(key)
            add(deletions: slices, to: &plan)
            return plan
        }
        if tracker.isStale(slices, of: key) {
            plan.retriesAnyway = true
            return plan
        }
        let changes = SliceMirroring(endpoints, slices, maximum: maximum)
        report(changes, endpoints, to: &plan)
        for slice in changes.created {
            var call = PlannedCall(.create(APIObject(slice)))
            call.forgives = .namespaceTerminating
            plan.then(call)
        }
        for slice in changes.updated { plan.then(PlannedCall(.update(APIObject(slice)))) }
        add(deletions: changes.deleted, to: &plan)
        return plan
    }

    private func add(deletions slices: [Shared<EndpointSlice>], to plan: inout Plan<Never>) {
        for slice in slices {
            plan.then(PlannedCall(.delete(ObjectKey(.endpointSlice, slice.value.metadata.key), DeleteOptions())))
        }
    }

    /// What is left out is told of.
    private func report(_ changes: SliceMirroring, _ endpoints: Endpoints, to plan: inout Plan<Never>) {
        func event(_ reason: String, _ message: String) -> KubernetesEvent {
            KubernetesEvent(
                about: "Endpoints", endpoints.metadata.key, uid: endpoints.metadata.uid, reason: reason, message: message,
                severity: .warning, source: ControllerName.endpointSliceMirroring.eventSource)
        }
        if changes.invalidAddresses > 0 {
            plan.events.append(
                event(
                    "InvalidIPAddress", "Skipped \(changes.invalidAddresses) invalid IP addresses when mirroring to EndpointSlices"))
        }
        if changes.skippedAddresses > changes.invalidAddresses {
            plan.events.append(
                event(
                    "TooManyAddressesToMirror",
                    "A max of \(maximum) addresses can be mirrored to EndpointSlices per Endpoints subset. "
                        + "\(changes.skippedAddresses) addresses were skipped"))
        }
    }

    // MARK: What became of it

    mutating func succeeded(_ key: NamespacedName, _ request: APIRequest, _ object: APIObject?, _ view: SharedInformers) {
        if case .delete(let slice, _) = request, slice.kind == .endpointSlice {
            // The cache may have lost it already.
            if let seen = view[slice] { tracker.expectDeletion(of: seen.metadata.uid, of: key) }
        } else if case .endpointSlice(let slice)? = object {
            tracker.wrote(slice.value, of: key)
        }
    }
}

extension Service {
    fileprivate var hasNoSelector: Bool { selector?.isEmpty ?? true }
}
