// The admission plugin ResourceQuota: what a pod would add to the quotas of its namespace, and whether they allow it.
// <https://kubernetes.io/docs/concepts/policy/resource-quotas/>

import DiscreteEvents
import KubernetesAPI

/// Why quotas refuse an object: what follows "is forbidden: " in the API server's message (code 403).
package struct QuotaRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// Charges objects to quotas.
package enum QuotaCheck {
    /// Adds a new object to `status.used` of every quota that counts it; all quotas or none. Of a changed object (`old`: what it
    /// was) only what it uses more than before is added; what it uses less the controller finds out.
    ///
    /// The status of the quotas must be the stored one: the real plugin writes the sum with compare-and-swap.
    package static func charge(
        _ quotas: inout [ResourceQuota], for object: APIObject, replacing old: APIObject? = nil, at now: SimulatedTime
    ) throws(QuotaRefusal) {
        let resource = QuotaUsage.resource(of: object)
        var counting: [Int] = []
        for index in quotas.indices where QuotaUsage.matches(quotas[index].spec.scopes, object) {
            let quota = quotas[index]
            let counted = quota.status.hard.names.filter { QuotaUsage.resource(countedAs: $0) == resource }
            guard !counted.isEmpty else { continue }
            if case .pod(let pod) = object, let missing = missing(from: pod.value.spec.value, requiredBy: quota.status.hard) {
                throw QuotaRefusal(description: "failed quota: \(quota.metadata.name): must specify \(missing)")
            }
            guard counted.allSatisfy({ quota.status.used[$0] != nil }) else {
                throw QuotaRefusal(
                    description: "status unknown for quota: \(quota.metadata.name), resources: "
                        + counted.map(\.rawValue).joined(separator: ","))
            }
            counting.append(index)
        }
        guard !counting.isEmpty else { return }
        let before = old.map { QuotaUsage.of($0, at: now) } ?? ResourceList()
        let usage = ResourceList(
            QuotaUsage.of(object, at: now).map { ($0.name, $0.quantity - (before[$0.name] ?? .zero)) }.filter { $0.1.sign > 0 })
        guard !usage.isEmpty else { return }
        var charged = quotas
        for index in counting { try add(usage, to: &charged[index]) }
        quotas = charged
    }

    /// Adds usage to one quota, as far as it bounds it.
    package static func add(_ usage: ResourceList, to quota: inout ResourceQuota) throws(QuotaRefusal) {
        let (hard, used) = (quota.status.hard, quota.status.used)
        let requested = ResourceList(usage.filter { hard[$0.name] != nil }.map { ($0.name, $0.quantity) })
        let sum = used + requested
        let exceeded = requested.names.filter { name in
            guard let total = sum[name], let bound = hard[name] else { return false }
            return total > bound
        }
        guard exceeded.isEmpty else {
            func text(_ list: ResourceList) -> String {
                exceeded.compactMap { name in list[name].map { "\(name)=\($0)" } }.joined(separator: ",")
            }
            throw QuotaRefusal(
                description: "exceeded quota: \(quota.metadata.name), requested: \(text(requested)), used: \(text(used)), "
                    + "limited: \(text(hard))")
        }
        quota.status.used = sum
    }

    /// Who bounds cpu or memory demands that every container says how much it wants: the resources containers do not name, with
    /// those containers.
    private static func missing(from spec: PodSpec, requiredBy hard: ResourceList) -> String? {
        let required = hard.names.filter(demanded.contains)
        let texts = required.compactMap { name -> String? in
            let silent = (spec.containers + spec.initContainers).filter { !$0.names(name) }.map(\.name)
            return silent.isEmpty ? nil : "\(name) for: " + silent.sorted().joined(separator: ",")
        }
        return texts.isEmpty ? nil : texts.joined(separator: "; ")
    }

    private static let demanded: [ResourceName] = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]
}

extension Container {
    /// Whether the container says how much it wants of what a quota calls `name`.
    fileprivate func names(_ name: ResourceName) -> Bool {
        switch name {
        case "cpu", "requests.cpu": resources.requests[.cpu] != nil
        case "memory", "requests.memory": resources.requests[.memory] != nil
        case "limits.cpu": resources.limits[.cpu] != nil
        case "limits.memory": resources.limits[.memory] != nil
        default: true
        }
    }
}
