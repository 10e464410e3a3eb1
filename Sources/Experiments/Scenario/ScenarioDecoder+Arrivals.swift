// Reads how the pods of a trace arrive, and the measure of what a cluster holds of them.

import ClusterSimulation
import KubernetesAPI

extension ScenarioDecoder {
    /// - Parameter configuration: its nodes and trace have been read.
    mutating func arrivals(_ node: YAMLNode, into configuration: inout ClusterConfiguration) {
        guard let fields = open(node, ScenarioFormat.traceArrivals) else { return }
        if configuration.trace.isEmpty { context.error(node, "there is no trace whose pods could arrive") }
        let interval = duration(fields, "interval")
        if interval == .zero, let value = fields["interval"] { context.error(value, "must be longer than 0") }
        let order = string(fields, "order")
        let clones = field(fields, "clones").flatMap { self.clones($0, configuration) }
        let patience = duration(fields, "patience")
        guard let interval else { return }
        configuration.arrivals = ArrivalPlan(interval: interval, isShuffled: order == "random", clones: clones, patience: patience)
    }

    private mutating func clones(_ node: YAMLNode, _ configuration: ClusterConfiguration) -> ArrivalPlan.Clones? {
        guard let fields = open(node, ScenarioFormat.clones) else { return nil }
        let resource = string(fields, "resource").map { ResourceName($0) }
        let factor = field(fields, "upTo").flatMap { number($0, in: 0...1000) }
        guard let resource, let factor else { return nil }
        let capacity = configuration.capacity(of: resource)
        let asked = configuration.trace.map { entry -> Double in
            if case .pod(let pod) = entry.object { pod.value.spec.value.effectiveRequests.amount(of: resource) } else { 0 }
        }
        let total = asked.reduce(0, +)
        if capacity == 0 { context.error(node, "no node of the start offers \(resource)") }
        if total == 0 {
            context.error(node, "no pod of the trace asks for \(resource)")
        } else if factor * capacity / total * Double(asked.count) > Double(ScenarioFormat.maximumPods) {
            context.error(node, "would make more than \(ScenarioFormat.maximumPods) pods, the most a scenario may have")
        }
        return ArrivalPlan.Clones(resource: resource, upTo: factor)
    }

    mutating func allocation(_ node: YAMLNode) -> AllocationMeasure? {
        guard let fields = open(node, ScenarioFormat.allocation) else { return nil }
        let resource = string(fields, "resource")
        let points = list(fields, "at").compactMap { integer($0, in: 1...100_000) }
        if points.isEmpty, let list = fields["at"] { context.error(list, "names no demand") }
        guard let resource else { return nil }
        return AllocationMeasure(resource: ResourceName(resource), points: points)
    }
}
