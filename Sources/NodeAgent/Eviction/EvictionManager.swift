// What one kubelet remembers of pressure, and what follows from what it sees: pure state over observations.
// <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/>

import DiscreteEvents
import KubernetesAPI

/// What a kubelet sees of one signal.
package struct SignalObservation: Hashable, Sendable {
    package var available: Int64
    package var capacity: Int64

    package init(available: Int64, capacity: Int64) {
        self.available = available
        self.capacity = capacity
    }
}

/// The kubelet's eviction manager. Its passes come on a grid; those that would find what the last one found are left out, so a pass
/// is told when the one before it would have been.
package struct EvictionManager: Sendable {
    /// Thresholds that are met, and since when: places in the settings.
    private var firstMet: [(threshold: Int, since: SimulatedTime)] = []
    /// Thresholds whose grace period is over too: they stay met until enough was reclaimed.
    private var unresolved: [Int] = []
    /// When the node was last seen under each condition of pressure.
    private var lastSeen: [(condition: ConditionType, time: SimulatedTime)] = []
    /// The conditions that hold at present.
    package private(set) var conditions: [ConditionType] = []

    package init() {}

    /// One pass.
    ///
    /// - Returns: the thresholds to act upon, by their place in the settings: memory first.
    package mutating func synchronize(
        _ observed: (EvictionSignal) -> SignalObservation?, _ settings: EvictionSettings, at now: SimulatedTime
    ) -> [Int] {
        let previous = firstMet
        let met = settings.thresholds.indices.filter { index in
            let threshold = settings.thresholds[index]
            return isMet(threshold, observed(threshold.signal), reclaiming: unresolved.contains(index))
        }
        firstMet = met.map { index in (index, previous.first { $0.threshold == index }?.since ?? now) }
        for index in met { see(settings.thresholds[index].signal.condition, at: now) }
        lastSeen.removeAll { now - $0.time >= settings.pressureTransitionPeriod }
        conditions = lastSeen.map(\.condition)
        unresolved = firstMet.filter { now - $0.since >= settings.thresholds[$0.threshold].gracePeriod }.map(\.threshold)
        return unresolved.filter { settings.thresholds[$0].signal == .memoryAvailable }
            + unresolved.filter { settings.thresholds[$0].signal != .memoryAvailable }
    }

    /// Whether a threshold is met; `reclaiming`: it was, and is until the minimum is reclaimed.
    private func isMet(_ threshold: EvictionThreshold, _ observed: SignalObservation?, reclaiming: Bool) -> Bool {
        guard let observed else { return false }
        var line = threshold.value.of(observed.capacity)
        if reclaiming, let more = threshold.minimumReclaim { line += more.of(observed.capacity) }
        return line > observed.available
    }

    private mutating func see(_ condition: ConditionType, at now: SimulatedTime) {
        if let known = lastSeen.firstIndex(where: { $0.condition == condition }) {
            lastSeen[known].time = now
        } else {
            lastSeen.append((condition, now))
            lastSeen.sort { EvictionManager.rank($0.condition) < EvictionManager.rank($1.condition) }
        }
    }

    /// The order in which conditions are told.
    private static func rank(_ condition: ConditionType) -> Int {
        [ConditionType.memoryPressure, .diskPressure, .pidPressure].firstIndex(of: condition) ?? 3
    }

    /// Whether nothing is short any more, as seen after unused things were removed. Minima to reclaim do not count here.
    func isRelieved(_ observed: (EvictionSignal) -> SignalObservation?, _ settings: EvictionSettings) -> Bool {
        !settings.thresholds.contains { isMet($0, observed($0.signal), reclaiming: false) }
    }

    /// Whether any threshold is met: every pass counts then.
    package var isPressed: Bool { !firstMet.isEmpty }

    /// When the first condition may be over, if nothing is pressed any more.
    package func relief(_ settings: EvictionSettings) -> SimulatedTime {
        lastSeen.reduce(.distantFuture) { min($0, $1.time + settings.pressureTransitionPeriod) }
    }

    /// Why a pod is refused under the present conditions; nil: it is not. Critical pods never are; under MemoryPressure alone only
    /// BestEffort pods are that do not tolerate it.
    func rejection(of shared: Shared<PodSpec>) -> PodRejection? {
        guard !conditions.isEmpty, case let spec = shared.value, (spec.priority ?? 0) < criticalPriority else { return nil }
        if conditions == [.memoryPressure] {
            if spec.qualityOfService != .bestEffort { return nil }
            if spec.tolerations.tolerate(Taint(key: Taint.memoryPressure, effect: .noSchedule)) { return nil }
        }
        let names = conditions.map(\.rawValue).joined(separator: " ")
        return PodRejection(reason: Kubelet.evictedReason, message: "The node had condition: [\(names)]. ")
    }
}
