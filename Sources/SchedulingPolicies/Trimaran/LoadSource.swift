// What the Trimaran policies of the scheduler-plugins project have in common: where they hear of loads, and what is measured there.

import KubernetesAPI
import Scheduling

/// What load-watcher asks for loads (`metricProvider.type`).
///
/// metrics-server tells the latest figures and nothing else, so that loads have no deviation there; Prometheus and SignalFx tell means
/// and standard deviations over the last quarter of an hour. Addresses and credentials are read, for configurations of real clusters
/// have them, and mean nothing here.
/// <https://github.com/kubernetes-sigs/scheduler-plugins/tree/master/pkg/trimaran>
struct LoadSource: Sendable {
    private enum Provider: String, CaseIterable {
        case metricsServer = "KubernetesMetricsServer"
        case prometheus = "Prometheus"
        case signalFx = "SignalFx"
    }

    private let provider: Provider

    /// Reads the fields, and has loads measured.
    init(_ fields: inout PolicyArguments, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        _ = try fields.text("watcherAddress")
        var provider = Provider.metricsServer
        if var entry = try fields.object("metricProvider") {
            provider = try entry.constant("type") ?? provider
            _ = try entry.text("address")
            _ = try entry.text("token")
            _ = try entry.flag("insecureSkipVerify")
            try entry.finish()
        }
        self.provider = provider
        nodes.keep(LoadLedger())
    }

    /// What is known of a node; nil: nothing.
    func load(on node: NodeSlot, _ ledger: LoadLedger) -> MeasuredLoad? {
        provider == .metricsServer ? ledger.latest(on: node) : ledger.average(on: node)
    }
}

extension Node {
    /// Thousandths of a core that the machine has.
    var capacityMilliCPU: Double { Double((status.capacity[.cpu] ?? status.allocatable[.cpu])?.milliValue ?? 0) }
}
