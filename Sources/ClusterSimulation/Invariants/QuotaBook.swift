// What each ResourceQuota has let in, counted object by object: the books of the invariant about quotas.
// <https://kubernetes.io/docs/concepts/policy/resource-quotas/>

import APIServer
import DiscreteEvents
import KubernetesAPI

/// Kept from commits alone, whatever the quotas say of themselves. What was there before a quota, or came while its status said nothing
/// yet, was not let in by it and is not counted.
struct QuotaBook: Sendable {
    fileprivate struct Account: Sendable {
        var quota: ResourceQuota
        /// What came under the quota and is there still.
        var objects: [(uid: UID, object: APIObject)] = []
    }
    /// In the order in which the quotas came.
    private var accounts: [Account] = []
    /// When a quota of each namespace let go of something last, or let more in.
    private var relief: [String: SimulatedTime] = [:]

    func lastRelief(in namespace: String) -> SimulatedTime? { relief[namespace] }

    /// Takes in a commit. Returns what it breaks.
    mutating func observe(_ event: WatchEvent) -> String? {
        if case .resourceQuota(let quota) = event.object {
            observe(quota.value, isGone: event.change == .deleted)
            if event.change == .deleted || quota.value.hasMoreRoom(than: event.previous.flatMap(ResourceQuota.cast)?.value) {
                relief[quota.value.metadata.namespace] = event.time
            }
            return nil
        }
        guard !accounts.isEmpty else { return nil }
        let (namespace, uid) = event.object.readMetadata { ($0.namespace, $0.uid) }
        for index in accounts.indices where accounts[index].quota.metadata.namespace == namespace {
            let known = accounts[index].objects.firstIndex { $0.uid == uid }
            switch (event.change, known) {
            case (.added, nil):
                guard event.time > .zero, accounts[index].counts(event.object) else { break }
                accounts[index].objects.append((uid, event.object))
                if let problem = accounts[index].excess(of: event.object, at: event.time) { return problem }
            case (.deleted, let known?): accounts[index].objects.remove(at: known)
            case (_, let known?): accounts[index].objects[known].object = event.object
            case (_, nil): break
            }
        }
        return nil
    }

    private mutating func observe(_ quota: ResourceQuota, isGone: Bool) {
        let index = accounts.firstIndex { $0.quota.metadata.uid == quota.metadata.uid }
        switch (index, isGone) {
        case (let index?, true): accounts.remove(at: index)
        case (let index?, false): accounts[index].quota = quota
        case (nil, true): break
        case (nil, false): accounts.append(Account(quota: quota))
        }
    }
}

extension QuotaBook.Account {
    /// Whether the quota, as far as its status says what it bounds, bounds objects like this one.
    fileprivate func counts(_ object: APIObject) -> Bool {
        QuotaUsage.matches(quota.spec.scopes, object) && quota.status.hard.names.contains { amount(of: $0, in: object, at: .zero) != .zero }
    }

    /// What is too much now that `object` came.
    fileprivate func excess(of object: APIObject, at now: SimulatedTime) -> String? {
        for (name, limit) in quota.status.hard where amount(of: name, in: object, at: now) != .zero {
            let sum = objects.reduce(Quantity.zero) { $0 + amount(of: name, in: $1.object, at: now) }
            guard sum > limit else { continue }
            return "quota \(quota.metadata.key): with \(object.key), what was let in comes to \(sum) of \(limit) \(name)"
        }
        return nil
    }

    /// What an object takes of what a quota calls `name`.
    private func amount(of name: ResourceName, in object: APIObject, at now: SimulatedTime) -> Quantity {
        let text = name.rawValue
        let resource = QuotaUsage.resource(of: object)
        if text == "count/" + resource || (text == resource && resource != "pods") { return Quantity(1) }
        guard case .pod(let pod) = object else { return .zero }
        // One that is over, or should have been gone for a whole grace period, is not charged any more.
        if pod.isTerminal { return .zero }
        if let deletion = pod.value.metadata.deletionTimestamp, let grace = pod.value.metadata.deletionGracePeriodSeconds,
            deletion + .seconds(Int(grace)) < now
        {
            return .zero
        }
        if text == "pods" { return Quantity(1) }
        let spec = pod.value.spec.value
        if text.hasPrefix("limits.") { return spec.effectiveLimits[ResourceName(String(text.dropFirst("limits.".count)))] ?? .zero }
        let asked = text.hasPrefix("requests.") ? String(text.dropFirst("requests.".count)) : text
        return spec.effectiveRequests[ResourceName(asked)] ?? .zero
    }
}

extension ResourceQuota {
    /// Whether something was let go, or a limit was raised.
    fileprivate func hasMoreRoom(than old: ResourceQuota?) -> Bool {
        guard let old else { return false }
        return status.used.contains { name, used in old.status.used[name].map { used < $0 } ?? false }
            || old.status.hard.contains { name, limit in status.hard[name].map { $0 > limit } ?? true }
    }
}
