// The arithmetic of a rollout: how many pods each ReplicaSet of a Deployment should have next. Numbers in, numbers out.
// <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment>

import KubernetesAPI

/// A ReplicaSet as far as sizing looks at it.
package struct ReplicaSetSize: Hashable, Sendable {
    package var name: String
    /// Any increasing measure of the creation time.
    package var created: Int64
    /// `spec.replicas`.
    package var replicas: Int32
    package var available: Int32
    /// The Deployment's size when this ReplicaSet was last sized (annotation); nil if absent.
    package var desiredAnnotation: Int32?
    /// The same for size plus surge.
    package var maximumAnnotation: Int32?

    package init(
        name: String, created: Int64, replicas: Int32, available: Int32, desiredAnnotation: Int32? = nil,
        maximumAnnotation: Int32? = nil
    ) {
        self.name = name
        self.created = created
        self.replicas = replicas
        self.available = available
        self.desiredAnnotation = desiredAnnotation
        self.maximumAnnotation = maximumAnnotation
    }

    static func isOlder(_ left: ReplicaSetSize, _ right: ReplicaSetSize) -> Bool {
        (left.created, left.name) < (right.created, right.name)
    }
}

/// A ReplicaSet's size set by one write.
package struct Resize: Hashable, Sendable {
    package var name: String
    package var from: Int32
    package var to: Int32
}

/// The sizes of a Deployment and its ReplicaSets, and the rules that move them.
package struct RolloutSizes: Hashable, Sendable {
    /// `spec.replicas` of the Deployment.
    package let replicas: Int32
    /// `status.replicas` of the Deployment.
    package let statusReplicas: Int32
    package let isRolling: Bool
    /// Pods allowed above `replicas`; 0 unless rolling.
    package let surge: Int32
    /// Pods allowed to be missing; at most `replicas`, 0 unless rolling.
    package let maxUnavailable: Int32
    package let newSet: ReplicaSetSize?
    package let oldSets: [ReplicaSetSize]

    package init(
        replicas: Int32, strategy: DeploymentStrategy, statusReplicas: Int32, newSet: ReplicaSetSize?, oldSets: [ReplicaSetSize]
    ) {
        self.replicas = replicas
        self.statusReplicas = statusReplicas
        self.newSet = newSet
        self.oldSets = oldSets
        (surge, maxUnavailable) = RolloutSizes.limits(strategy, replicas: replicas)
        isRolling = strategy != .recreate
    }

    /// maxSurge (rounded up) and maxUnavailable (rounded down, at most `replicas`) in pods. A rollout that may do neither
    /// could never move: then one pod may be unavailable.
    package static func limits(_ strategy: DeploymentStrategy, replicas: Int32) -> (surge: Int32, unavailable: Int32) {
        guard case .rollingUpdate(let maxSurge, let maxUnavailable) = strategy else { return (0, 0) }
        // Values that do not parse were refused by validation; they count as 0 here.
        let surge = (try? maxSurge.scaled(total: Int(replicas), roundUp: true)) ?? 0
        var unavailable = (try? maxUnavailable.scaled(total: Int(replicas), roundUp: false)) ?? 0
        if surge == 0, unavailable == 0 { unavailable = 1 }
        return (Int32(clamping: surge), min(Int32(clamping: unavailable), replicas))
    }

    /// Pods there may be in all. As in the real controller it wraps around in 32 bits: a surge beyond all bounds allows no pods.
    package var maximum: Int32 { replicas &+ surge }

    private var allSets: [ReplicaSetSize] { oldSets + (newSet.map { [$0] } ?? []) }

    private static func total(_ sets: [ReplicaSetSize]) -> Int32 { sets.reduce(0) { $0 &+ $1.replicas } }

    // MARK: Rolling update

    /// The size a new ReplicaSet of `current` pods may have now.
    package func newSetSize(current: Int32) -> Int32 {
        guard isRolling else { return replicas }
        let total = RolloutSizes.total(oldSets) + current
        let most = maximum
        return total >= most ? current : current + min(most - total, replicas - current)
    }

    /// Grows (or, after the Deployment shrank, shrinks) the new ReplicaSet.
    package func resizeNew() -> Resize? {
        guard let newSet, newSet.replicas != replicas else { return nil }
        let size = newSet.replicas > replicas ? replicas : newSetSize(current: newSet.replicas)
        return size == newSet.replicas ? nil : Resize(name: newSet.name, from: newSet.replicas, to: size)
    }

    /// Shrinks old ReplicaSets as far as availability allows: first pods that are not available anyway, then, oldest set
    /// first, as many as are available beyond the minimum. One set may be written twice.
    package func shrinkOld() -> Shrinking {
        var old = oldSets.filter { $0.replicas != 0 }.sorted(by: ReplicaSetSize.isOlder)
        guard let newSet, !old.isEmpty else { return Shrinking(resizes: [], isDecided: true) }
        let minimum = replicas - maxUnavailable
        let budget = RolloutSizes.total(old) &+ newSet.replicas &- minimum &- (newSet.replicas &- newSet.available)
        guard budget > 0 else { return Shrinking(resizes: [], isDecided: true) }
        var resizes: [Resize] = []
        let available = old.reduce(newSet.available) { $0 &+ $1.available }

        var removed: Int32 = 0
        for index in old.indices where removed < budget && old[index].replicas != old[index].available {
            let count = min(budget &- removed, old[index].replicas &- old[index].available)
            // More available than wanted: the set is just being shrunk, and this is no time to decide.
            if count < 0 { return Shrinking(resizes: resizes, isDecided: false) }
            resizes.append(Resize(name: old[index].name, from: old[index].replicas, to: old[index].replicas - count))
            old[index].replicas -= count
            removed += count
        }

        var surplus = available &- minimum
        for set in old where surplus > 0 && set.replicas > 0 {
            let count = min(set.replicas, surplus)
            resizes.append(Resize(name: set.name, from: set.replicas, to: set.replicas - count))
            surplus -= count
        }
        return Shrinking(resizes: resizes, isDecided: true)
    }

    package struct Shrinking: Hashable, Sendable {
        package var resizes: [Resize]
        /// False if the ReplicaSets' numbers made no sense half way: what was resized until then stays.
        package var isDecided: Bool
        /// Whether the sync counts as having scaled down.
        package var isScaled: Bool { isDecided && !resizes.isEmpty }
    }

    // MARK: Scaling

    /// Whether the Deployment's size changed since its ReplicaSets were last sized.
    package var isScalingEvent: Bool {
        func isOfAnotherSize(_ set: ReplicaSetSize) -> Bool {
            set.replicas > 0 && set.desiredAnnotation.map { $0 != replicas } ?? false
        }
        return newSet.map(isOfAnotherSize) ?? false || oldSets.contains(where: isOfAnotherSize)
    }

    /// One write of a scaling: the size (perhaps the same as before), and with it the annotations.
    package struct Scaling: Hashable, Sendable {
        package var resizes: [Resize]
        /// Proportional scaling rewrites the annotations even of sets that keep their size.
        package var rewritesAnnotations: Bool
    }

    /// Follows a change of the Deployment's size: a single active ReplicaSet takes it all; several (a rollout under way) share
    /// it in proportion to their sizes, the remainder going to the largest.
    package func scale() -> Scaling {
        let active = allSets.filter { $0.replicas > 0 }
        let newestOld = oldSets.max(by: ReplicaSetSize.isOlder)
        if active.count <= 1 {
            guard let only = active.first ?? newSet ?? newestOld, only.replicas != replicas else { return none }
            return Scaling(resizes: [Resize(name: only.name, from: only.replicas, to: replicas)], rewritesAnnotations: false)
        }
        if let newSet, newSet.replicas == replicas, newSet.desiredAnnotation == replicas, newSet.available == replicas {
            return Scaling(
                resizes: oldSets.filter { $0.replicas > 0 }.map { Resize(name: $0.name, from: $0.replicas, to: 0) },
                rewritesAnnotations: false)
        }
        return isRolling ? scaleProportionally(active) : none
    }

    private var none: Scaling { Scaling(resizes: [], rewritesAnnotations: false) }

    private func scaleProportionally(_ active: [ReplicaSetSize]) -> Scaling {
        let allowed = replicas > 0 ? maximum : 0
        let add = allowed &- RolloutSizes.total(active)
        var sets = active
        if add != 0 {
            sets.sort {
                if $0.replicas != $1.replicas { return $0.replicas > $1.replicas }
                return add > 0 ? ReplicaSetSize.isOlder($1, $0) : ReplicaSetSize.isOlder($0, $1)
            }
        }
        var added: Int32 = 0
        var sizes: [Int32] = []
        for set in sets {
            let share = proportion(of: set, add: add, added: added)
            sizes.append(set.replicas &+ share)
            added &+= share
        }
        if add != 0, !sizes.isEmpty { sizes[0] = max(0, sizes[0] &+ (add &- added)) }
        return Scaling(
            resizes: zip(sets, sizes).map { Resize(name: $0.name, from: $0.replicas, to: $1) }, rewritesAnnotations: true)
    }

    private func proportion(of set: ReplicaSetSize, add: Int32, added: Int32) -> Int32 {
        if set.replicas == 0 || add == 0 || add == added { return 0 }
        let share = fraction(of: set)
        return add > 0 ? min(share, add &- added) : max(share, add &- added)
    }

    private func fraction(of set: ReplicaSetSize) -> Int32 {
        if replicas == 0 { return -set.replicas }
        var before = set.maximumAnnotation ?? 0
        if before == 0 { before = statusReplicas }
        if before == 0 { return 0 }
        let size = Double(set.replicas) * Double(maximum) / Double(before)
        return Int32(clamping: Int(size < 0 ? size - 0.5 : size + 0.5)) &- set.replicas
    }
}
