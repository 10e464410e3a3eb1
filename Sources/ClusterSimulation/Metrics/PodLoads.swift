// What each pod uses at any time: the scenario's loads, those set during the run, and how many pods share them.

import APIServer
import DiscreteEvents
import KubernetesAPI
import NodeAgent

/// All loads on pods. It is told of pods that become ready or cease to be, and of nothing else.
struct PodLoads: Sendable {
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

    /// A part of time in which one load applies to a pod.
    private struct Piece {
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
        isRuleShared = (rules.map(\.behaviour) + [fallback]).map { $0.usage.cpu?.isShared == true || $0.usage.memory?.isShared == true }
        rulesReady = isRuleShared.map { _ in ReadyCount() }
        customReady = custom.map { _ in ReadyCount() }
        isCounting = isRuleShared.contains(true) || custom.contains { $0.load.isShared }
    }

    // MARK: Changes

    /// A pod was written: if it became ready or ceased to be, shares change.
    mutating func observe(_ pod: Shared<Pod>, _ event: WatchEvent) {
        guard isCounting else { return }
        let isReady = event.change != .deleted && PodLoads.serves(pod)
        var previous: Shared<Pod>?
        if case .pod(let old)? = event.previous { previous = old }
        let wasReady = previous.map(PodLoads.serves) ?? false
        guard isReady || wasReady else { return }
        let keepsLabels = previous?.value.metadata.labels == pod.value.metadata.labels
        if isReady == wasReady, keepsLabels { return }
        if wasReady, let previous { count(previous.value, by: -1, at: event.time) }
        if isReady { count(pod.value, by: 1, at: event.time) }
    }

    private mutating func count(_ pod: Pod, by step: Int, at now: SimulatedTime) {
        let rule = rule(of: pod)
        if isRuleShared[rule] { rulesReady[rule].add(step, at: now) }
        for index in custom.indices where custom[index].load.isShared && custom[index].concerns(pod) {
            customReady[index].add(step, at: now)
        }
        for index in setLoads.indices where setLoads[index].matches(pod) { setLoads[index].ready.add(step, at: now) }
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

    /// Whether a pod gets its share of the work.
    static func serves(_ pod: Shared<Pod>) -> Bool { pod.isReady && !pod.isTerminating }

    private func rule(of pod: Pod) -> Int { rules.firstIndex { $0.matches(pod) } ?? rules.count }

    private func usage(of pod: Pod) -> (ResourceUsage, ReadyCount) {
        let rule = rule(of: pod)
        return ((rule < rules.count ? rules[rule].behaviour : fallback).usage, rulesReady[rule])
    }

    // MARK: Questions

    /// What a pod uses at a time, in base units; nil if that is not known.
    func value(_ resource: ResourceName, of pod: Shared<Pod>, at time: SimulatedTime) -> Double? {
        guard let pieces = pieces(resource, of: pod, from: time, to: time), let piece = pieces.last else { return nil }
        let value = piece.load.profile.value(at: time)
        guard piece.load.isShared else { return value }
        let ready = piece.ready.value(at: time)
        return PodLoads.serves(pod) && ready > 0 ? value / Double(ready) : 0
    }

    /// The integral of a pod's use, in base units times seconds; nil if that is not known.
    func integral(_ resource: ResourceName, of pod: Shared<Pod>, from start: SimulatedTime, to end: SimulatedTime) -> Double? {
        guard let pieces = pieces(resource, of: pod, from: start, to: end) else { return nil }
        var sum = 0.0
        for piece in pieces {
            if !piece.load.isShared {
                sum += piece.load.profile.integral(from: piece.start, to: piece.end)
            } else if PodLoads.serves(pod), let since = pod.value.status.readySince {
                sum += piece.ready.share(of: piece.load.profile, from: max(piece.start, since), to: piece.end)
            }
        }
        return sum
    }

    private func pieces(
        _ resource: ResourceName, of pod: Shared<Pod>, from start: SimulatedTime, to end: SimulatedTime
    ) -> [Piece]? {
        let (usage, ready) = usage(of: pod.value)
        let base = usage[resource] ?? ResourceLoad(.constant(0))
        guard let set = setLoads.last(where: { $0.resource == resource && $0.matches(pod.value) && $0.pieces[0].since <= end }) else {
            return [Piece(start: start, end: end, load: base, ready: ready)]
        }
        var pieces: [Piece] = []
        if start < set.pieces[0].since { pieces.append(Piece(start: start, end: set.pieces[0].since, load: base, ready: ready)) }
        for (index, piece) in set.pieces.enumerated() where piece.since <= end {
            let next = index + 1 < set.pieces.count ? set.pieces[index + 1].since : end
            guard next >= start, index + 1 == set.pieces.count || next > start else { continue }
            let load: ResourceLoad
            switch piece.value {
            case .total(let value): load = ResourceLoad(.constant(value), isShared: true)
            case .each(let value): load = ResourceLoad(.constant(value))
            case .unknown: return nil
            }
            pieces.append(Piece(start: max(start, piece.since), end: min(next, end), load: load, ready: set.ready))
        }
        return pieces
    }

    /// The container that bears a pod's load.
    func container(of pod: Pod) -> String? { usage(of: pod).0.container ?? pod.spec.value.containers.first?.name }

    /// The value of one of the custom metrics for a pod (or, with nil, at all), in base units.
    func value(ofCustom index: Int, _ pod: Shared<Pod>?, at time: SimulatedTime) -> Double {
        let load = custom[index].load
        let value = load.profile.value(at: time)
        guard load.isShared, let pod else { return value }
        let ready = customReady[index].value(at: time)
        return PodLoads.serves(pod) && ready > 0 ? value / Double(ready) : 0
    }
}

extension CustomMetric {
    /// Whether it is one of this pod.
    func concerns(_ pod: Pod) -> Bool {
        guard case .pods(let namespace, let selector) = subject else { return false }
        return (namespace == nil || namespace == pod.metadata.namespace) && selector.matches(pod.metadata.labels)
    }
}
