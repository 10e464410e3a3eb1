// How disrupted a zone is, and how fast its nodes may be tainted.
// <https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction>

package enum ZoneState: String, Hashable, Sendable {
    case initial = "Initial"
    case normal = "Normal"
    case partialDisruption = "PartialDisruption"
    case fullDisruption = "FullDisruption"

    /// The state of a zone by its nodes' Ready conditions.
    package static func of(ready: Int, notReady: Int, threshold: Float) -> ZoneState {
        if ready == 0, notReady > 0 { return .fullDisruption }
        if notReady > 2, Float(notReady) / Float(notReady + ready) >= threshold { return .partialDisruption }
        return .normal
    }
}

/// `--node-eviction-rate` and its relatives.
package struct EvictionRates: Hashable, Sendable {
    /// Nodes per second in a healthy zone, and in one that is down altogether.
    package var normal = 0.1
    /// Nodes per second in a large zone that is partly down.
    package var secondary = 0.01
    /// Zones of more nodes than this are large; in smaller ones nothing is evicted while they are partly down.
    package var largeZoneThreshold = 50
    /// The share of nodes not ready from which a zone counts as partly down.
    package var unhealthyZoneThreshold: Float = 0.55

    package init() {}

    /// Nodes per second that may get a NoExecute taint.
    package func rate(_ state: ZoneState, zoneSize: Int) -> Double {
        switch state {
        case .initial, .normal, .fullDisruption: normal
        case .partialDisruption: zoneSize > largeZoneThreshold ? secondary : 0
        }
    }
}
