// What each pod uses at any time: the scenario's loads, those set during the run, and how many pods share them.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// All loads on pods. It is told of pods that become ready or cease to be, and of nothing else.
package struct PodLoads: Sendable {
    /// A load set during the run: it stands before those of the scenario from its beginning on.
    private struct SetLoad: Sendable {
        let namespace: String?
        let selector: LabelSelector
        let resource: ResourceName
        var pieces: [(since: SimulatedTime, value: LoadChange.Value)]
        var ready = ReadyCount()

        func matches(_ pod: Pod) -> Bool {
            (namespace == nil || namespace == pod.metadata.namespace) && selector.matches(pod.metadata.labels)
        }
    }

    /// A part of time in which one load applies to a container.
    private struct Piece {
        let container: String
        let start: SimulatedTime
        let end: SimulatedTime
        let load: ResourceLoad
        let ready: ReadyCount
    }

    private let rules: [BehaviourRule]
    private let fallback: WorkloadBehaviour
    private let custom: [CustomMetric]
    /// By rule, and the fallback last: counted only where a load is shared.
    private var rulesReady: [ReadyCount]
    private let isRuleShared: [Bool]
    private var customReady: [ReadyCount]
    private var setLoads: [SetLoad] = []
    /// Whether anything is shared at all.
    private var isCounting: Bool

    init(_ rules: [BehaviourRule], fallback: WorkloadBehaviour, custom: [CustomMetric]) {
        self.rules = rules
        self.fallback = fallback
        self.custom = custom
        isRuleShared = (rules.map(\.behaviour) + [fallback]).map { $0.usage.contains(where: \.isShared) }
        rulesReady = isRuleShared.map { _ in ReadyCount() }
        customReady = custom.map { _ in ReadyCount() }
        isCounting = isRuleShared.contains(true) || custom.contains { $0.load.isShared }
    }

    // MARK: Changes

    /// A pod was written: if it became ready or ceased to be, shares change. Returns whether what pods use did.
    mutating func observe(_ pod: Shared<Pod>, _ event: WatchEvent) -> Bool {
        guard isCounting else { return false }
        let isReady = event.change != .deleted && PodLoads.serves(pod)
        var previous: Shared<Pod>?
        if case .pod(let old)? = event.previous { previous = old }
        let wasReady = previous.map(PodLoads.serves) ?? false
        guard isReady || wasReady else { return false }
        let keepsLabels = previous?.value.metadata.labels == pod.value.metadata.labels
        if isReady == wasReady, keepsLabels { return false }
        var changed = false
        if wasReady, let previous { changed = count(previous.value, by: -1, at: event.time) }
        if isReady, count(pod.value, by: 1, at: event.time) { changed = true }
        return changed
    }

    private mutating func count(_ pod: Pod, by step: Int, at now: SimulatedTime) -> Bool {
        var changed = false
        let rule = rule(of: pod)
        if isRuleShared[rule] {
            rulesReady[rule].add(step, at: now)
            changed = true
        }
        for index in custom.indices where custom[index].load.isShared && custom[index].concerns(pod) {
            customReady[index].add(step, at: now)
        }
        for index in setLoads.indices where setLoads[index].matches(pod) {
            setLoads[index].ready.add(step, at: now)
            if case .total? = setLoads[index].pieces.last?.value { changed = true }
        }
        return changed
    }

    /// Sets a load from now on. `pods`: all there are.
    mutating func set(_ change: LoadChange, pods: [Shared<Pod>], at now: SimulatedTime) {
        isCounting = true
        if let known = setLoads.firstIndex(where: {
            $0.namespace == change.namespace && $0.selector == change.selector && $0.resource == change.resource
        }) {
            setLoads[known].pieces.append((now, change.value))
            return
        }
        var load = SetLoad(
            namespace: change.namespace, selector: change.selector, resource: change.resource, pieces: [(now, change.value)])
        load.ready.add(pods.count { PodLoads.serves($0) && load.matches($0.value) }, at: now)
        setLoads.append(load)
    }

    /// Whether loads were set during the run.
    var hasSetLoads: Bool { !setLoads.isEmpty }

    /// Whether a pod gets its share of the work.
    package static func serves(_ pod: Shared<Pod>) -> Bool { pod.isReady && !pod.isTerminating }

    private func rule(of pod: Pod) -> Int { rules.firstIndex { $0.matches(pod) } ?? rules.count }

    // MARK: From now on

    /// What a container uses of a resource from now on if nothing changes; nil: nothing.
    ///
    /// - Parameters:
    ///   - usage: what its behaviour says of the container.
    ///   - since: when the container started.
    func part(
        _ resource: ResourceName, of pod: Shared<Pod>, container: String, _ usage: ResourceUsage?, since: SimulatedTime,
        at now: SimulatedTime
    ) -> LoadSum.Part? {
        if !setLoads.isEmpty, let set = setLoads.last(where: { $0.resource == resource && $0.matches(pod.value) }) {
            guard bearer(of: pod.value, resource) == container else { return nil }
            switch set.pieces.last?.value {
            case .total(let value): return part(.constant(value), origin: .zero, share: share(set.ready, pod, at: now))
            case .each(let value): return part(.constant(value), origin: .zero, share: 1)
            case .unknown, nil: return nil
            }
        }
        guard let load = usage?[resource] else { return nil }
        let share = load.isShared ? share(rulesReady[rule(of: pod.value)], pod, at: now) : 1
        return part(load.profile, origin: load.isSinceStart ? since : .zero, share: share)
    }

    private func part(_ profile: LoadProfile, origin: SimulatedTime, share: Double) -> LoadSum.Part? {
        share > 0 && profile.peak > 0 ? LoadSum.Part(profile: profile, origin: origin, share: share) : nil
    }

    private func share(_ ready: ReadyCount, _ pod: Shared<Pod>, at now: SimulatedTime) -> Double {
        let count = ready.value(at: now)
        return PodLoads.serves(pod) && count > 0 ? 1 / Double(count) : 0
    }

    /// The container that bears a load set on the whole pod.
    private func bearer(of pod: Pod, _ resource: ResourceName) -> String? {
        let usage = self.usage(of: pod)
        return (usage.first { $0[resource] != nil } ?? usage.first)?.container ?? pod.spec.value.containers.first?.name
    }

    private func usage(of pod: Pod) -> [ResourceUsage] {
        let rule = rule(of: pod)
        return (rule < rules.count ? rules[rule].behaviour : fallback).usage
    }

    // MARK: Figures of the past

    /// What a pod, or one of its containers, wanted at a time, in base units; nil if that is not known.
    ///
    /// - Parameter start: when a container began to run.
    func value(
        _ resource: ResourceName, of pod: Shared<Pod>, container: String? = nil, at time: SimulatedTime,
        startedAt start: (String) -> SimulatedTime?
    ) -> Double? {
        guard let pieces = pieces(resource, of: pod, from: time, to: time) else { return nil }
        var sum = 0.0
        for piece in pieces where container == nil || container == piece.container {
            guard let time = own(time, piece, start) else { continue }
            let value = piece.load.profile.value(at: time)
            sum += piece.load.isShared ? value * share(piece.ready, pod, at: piece.end) : value
        }
        return sum
    }

    /// The integral of what a pod, or one of its containers, wanted, in base units times seconds; nil if that is not known.
    func integral(
        _ resource: ResourceName, of pod: Shared<Pod>, container: String? = nil, from begin: SimulatedTime, to end: SimulatedTime,
        startedAt start: (String) -> SimulatedTime?
    ) -> Double? {
        guard let pieces = pieces(resource, of: pod, from: begin, to: end) else { return nil }
        var sum = 0.0
        for piece in pieces where container == nil || container == piece.container {
            guard let from = own(piece.start, piece, start), let to = own(piece.end, piece, start) else { continue }
            if !piece.load.isShared {
                sum += piece.load.profile.integral(from: from, to: to)
            } else if PodLoads.serves(pod), let since = pod.value.status.readySince {
                sum += piece.ready.share(of: piece.load.profile, from: max(piece.start, since), to: piece.end)
            }
        }
        return sum
    }

    /// A time on the clock of a load's profile; nil if the container does not run.
    private func own(_ time: SimulatedTime, _ piece: Piece, _ start: (String) -> SimulatedTime?) -> SimulatedTime? {
        guard piece.load.isSinceStart else { return time }
        return start(piece.container).map { .zero + max(.zero, time - $0) }
    }

    private func pieces(
        _ resource: ResourceName, of pod: Shared<Pod>, from start: SimulatedTime, to end: SimulatedTime
    ) -> [Piece]? {
        let rule = rule(of: pod.value)
        let usage = (rule < rules.count ? rules[rule].behaviour : fallback).usage
        func usual(until end: SimulatedTime) -> [Piece] {
            usage.compactMap { entry in
                guard let load = entry[resource], let container = entry.container ?? pod.value.spec.value.containers.first?.name else {
                    return nil
                }
                return Piece(container: container, start: start, end: end, load: load, ready: rulesReady[rule])
            }
        }
        guard let set = setLoads.last(where: { $0.resource == resource && $0.matches(pod.value) && $0.pieces[0].since <= end }) else {
            return usual(until: end)
        }
        let bearer = bearer(of: pod.value, resource) ?? ""
        var pieces: [Piece] = []
        if start < set.pieces[0].since { pieces = usual(until: set.pieces[0].since) }
        for (index, piece) in set.pieces.enumerated() where piece.since <= end {
            let next = index + 1 < set.pieces.count ? set.pieces[index + 1].since : end
            guard next >= start, index + 1 == set.pieces.count || next > start else { continue }
            let load: ResourceLoad
            switch piece.value {
            case .total(let value): load = ResourceLoad(.constant(value), isShared: true)
            case .each(let value): load = ResourceLoad(.constant(value))
            case .unknown: return nil
            }
            pieces.append(
                Piece(container: bearer, start: max(start, piece.since), end: min(next, end), load: load, ready: set.ready))
        }
        return pieces
    }

    /// The value of one of the custom metrics for a pod (or, with nil, at all), in base units.
    package func value(ofCustom index: Int, _ pod: Shared<Pod>?, at time: SimulatedTime) -> Double {
        let load = custom[index].load
        let value = load.profile.value(at: time)
        guard load.isShared, let pod else { return value }
        return value * share(customReady[index], pod, at: time)
    }
}

extension CustomMetric {
    /// Whether it is one of this pod.
    package func concerns(_ pod: Pod) -> Bool {
        guard case .pods(let namespace, let selector) = subject else { return false }
        return (namespace == nil || namespace == pod.metadata.namespace) && selector.matches(pod.metadata.labels)
    }
}
