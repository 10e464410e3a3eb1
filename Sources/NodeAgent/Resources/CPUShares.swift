// How the kernel divides a node's processors among containers that want more than there is.
// <https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#how-pods-with-resource-limits-are-run>

/// A claim on processors: what is wanted, and with what weight against others.
struct CPUClaim: Sendable {
    /// Cores; what a limit (quota) takes away is taken away already.
    var wanted: Double
    /// `cpu.shares`.
    var weight: Double
}

/// The completely fair scheduler, seen from far: over any time longer than its periods, everybody has what he wants or as much per
/// share as those who have not.
///
/// The control groups are those of the kubelet: Guaranteed pods stand beside one group of all Burstable and one of all BestEffort
/// pods; each pod is a group of its containers. What one does not use goes to its siblings first.
enum CPUShares {
    /// `cpu.shares` of a request, 1024 for a core, 2 at least.
    static func weight(milliCPU: Int64) -> Double { Double(min(262_144, max(2, milliCPU * 1024 / 1000))) }

    /// What each gets, in cores.
    static func divide(_ capacity: Double, among claims: [CPUClaim]) -> [Double] {
        var granted = claims.map { max(0, $0.wanted) }
        guard granted.reduce(0, +) > capacity else { return granted }
        // Whoever wants least for his weight is served first; when somebody cannot be, nobody after him can.
        let order = claims.indices.sorted { first, second in
            let (one, other) = (granted[first] * claims[second].weight, granted[second] * claims[first].weight)
            return one == other ? first < second : one < other
        }
        var left = max(0, capacity)
        var weights = claims.reduce(0) { $0 + $1.weight }
        for index in order {
            granted[index] = min(granted[index], left * claims[index].weight / weights)
            left -= granted[index]
            weights -= claims[index].weight
        }
        return granted
    }

    /// The same for groups of groups.
    indirect enum Group: Sendable {
        /// One container; the number says which.
        case container(Int, CPUClaim)
        /// A pod, or a class of pods. `quota`: what all of it together may take.
        case group([Group], weight: Double, quota: Double = .infinity)

        var claim: CPUClaim {
            switch self {
            case .container(_, let claim): claim
            case .group(let members, let weight, let quota):
                CPUClaim(wanted: min(quota, members.reduce(0) { $0 + $1.claim.wanted }), weight: weight)
            }
        }
    }

    /// What each container gets, by its number.
    static func divide(_ capacity: Double, among groups: [Group], into granted: inout [Double]) {
        let parts = divide(capacity, among: groups.map(\.claim))
        for (group, part) in zip(groups, parts) {
            switch group {
            case .container(let number, _): granted[number] = part
            case .group(let members, _, _): divide(part, among: members, into: &granted)
            }
        }
    }
}
