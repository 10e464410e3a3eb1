// Points of demand at which an allocation is to be measured, and to which the arrivals of a trace never come.

import ClusterSimulation
import KubernetesAPI

/// Whether the demand comes as far as `measure.allocation` asks, where that is known before a run: from how many pods arrive.
struct AllocationWarning {
    private let configuration: ClusterConfiguration

    init(_ configuration: ClusterConfiguration) { self.configuration = configuration }

    /// A sentence for each resource with points out of reach.
    var texts: [String] { configuration.recording.allocations.compactMap(text) }

    private func text(_ measure: AllocationMeasure) -> String? {
        guard let reach = reach(of: measure.resource) else { return nil }
        // A demand belongs to the point that it rounds to.
        let missed = measure.points.filter { Double($0) - 0.5 > reach }
        if missed.isEmpty { return nil }
        return
            "measure.allocation: what arrives asks for \(Presentation.number(reach)) % of the nodes' \(measure.resource) at most, so there is nothing to "
            + "measure at \(missed.map(String.init).joined(separator: ", ")) %"
    }

    /// Per cent of what the nodes of the start offer that all arrivals together ask for at most; nil: nobody can say.
    private func reach(of resource: ResourceName) -> Double? {
        let capacity = configuration.capacity(of: resource)
        guard let arrivals = configuration.arrivals, capacity > 0 else { return nil }
        let asked = configuration.trace.map { entry -> Double in
            if case .pod(let pod) = entry.object { pod.value.spec.value.effectiveRequests.amount(of: resource) } else { 0 }
        }
        let all = asked.reduce(0, +)
        guard let clones = arrivals.clones else { return 100 * all / capacity }
        // The last clone is the one that goes beyond. How much others ask for of another resource depends on which are drawn.
        guard clones.resource == resource else { return nil }
        return 100 * max(all, clones.upTo * capacity + (asked.max() ?? 0)) / capacity
    }
}
