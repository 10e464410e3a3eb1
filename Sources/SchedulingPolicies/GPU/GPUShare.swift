// GPUShare: pods share the GPUs of a node.

import DiscreteEvents
import KubernetesAPI
import Scheduling

/// A pod goes where its GPUs are: a share fits where one GPU has so much left, whole GPUs where so many are wholly free. (That the node
/// has enough of the resource in all, NodeResourcesFit sees to.) The pod's GPUs are written on it with its binding
/// (``GPUResource/indexAnnotation``).
///
/// Which GPU: whole ones by their numbers; a share is part of the GPU with the least left in which it fits. `deviceChoice: Random`
/// takes any one that fits. A policy may choose for itself, see ``FragmentationPlugin``.
///
/// Sharing by such annotations is what Alibaba's GPU Share extender does, <https://github.com/AliyunContainerService/gpushare-scheduler-extender>.
struct GPUSharePlugin: FilterPlugin, ReservePlugin, EventListeningPlugin {
    static let name = "GPUShare"
    var name: String { GPUSharePlugin.name }
    func scope(for pod: PodInfo) -> AnswerScope { account.request(of: pod) == 0 ? .nothing : .node }

    enum DeviceChoice: String, CaseIterable {
        case leastLeft = "LeastLeft"
        case random = "Random"
    }

    private let account: GPUAccount
    private let choice: DeviceChoice

    init(_ arguments: PluginArguments?, _ nodes: inout NodeTable) throws(PolicyArgumentError) {
        var fields = try PolicyArguments(arguments, of: Self.name)
        choice = try fields.constant("deviceChoice") ?? .leastLeft
        try fields.finish()
        account = GPUAccount(&nodes)
    }

    private enum Reason {
        static let noRoom = 0
        static let noShare = 1
    }

    func reason(_ number: Int, for pod: PodInfo, in cluster: ClusterSnapshot) -> String {
        number == Reason.noRoom
            ? "node(s) had no GPU with enough left" : "node(s) share GPUs: \(GPUResource.name) above 1000 must be a multiple of 1000"
    }

    func filter(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot, state: PluginState?) -> NodeRefusal? {
        refusal(account.request(of: pod), account.ledger(cluster)[node])
    }

    func filter(_ pod: PodInfo, batch: inout FilterBatch, in cluster: ClusterSnapshot, state: PluginState?) {
        let request = account.request(of: pod)
        guard request > 0 else { return }
        let ledger = account.ledger(cluster)
        for index in batch.indices where batch.isOpen(index) {
            if let refusal = refusal(request, ledger[batch.nodes[index]]) {
                batch.reject(index, reasons: refusal.reasons, refusal.rejection)
            }
        }
    }

    private func refusal(_ request: Int64, _ gpus: NodeGPUs) -> NodeRefusal? {
        guard let demand = GPUDemand(request: request) else { return NodeRefusal(reason: Reason.noShare, .unschedulableAndUnresolvable) }
        return gpus.fits(demand) ? nil : NodeRefusal(reason: Reason.noRoom, .unschedulable)
    }

    func reserve(_ pod: PodInfo, on node: NodeSlot, in cluster: ClusterSnapshot) -> ReserveOutcome {
        let demand = account.demand(of: pod)
        guard demand.count > 0 else { return .proceed() }
        let gpus = account.ledger(cluster)[node]
        guard var devices = gpus.choice(for: demand) else { return .error("the GPUs found for the pod are taken") }
        if choice == .random, demand.isShare {
            let candidates = gpus.candidates(for: demand)
            var stream = RandomStream(seed: cluster.seed, purpose: .gpuOfShare, owner: pod.pod.value.metadata.key.description)
            devices = [candidates[stream.uniform(below: candidates.count)]]
        }
        return .proceed(annotations: GPULedger.annotations(devices))
    }

    // MARK: Hints

    let events: ClusterEventKinds = [.assignedPodDelete, .nodeAdd, .nodeAllocatable]

    /// The end of a pod that had GPUs, or a node with more of them.
    func isWoken(_ pod: PodInfo, by event: ClusterEvent, in cluster: ClusterSnapshot) -> Bool {
        if event.kind == .assignedPodDelete { return event.oldPod.flatMap(GPULedger.devices) != nil }
        return event.node?.status.allocatable[GPUResource.name] != nil
    }
}

extension RandomPurpose {
    static let gpuOfShare = RandomPurpose("GPU of a share")
}
