// Which GPUs of which node are in use, from the annotations of the pods there.

import KubernetesAPI
import Scheduling

/// The GPUs of all nodes. A pod that asks for GPUs and does not say which ones it has is not counted on any.
public struct GPULedger: NodeLedger {
    private let resource: ResourceReference
    private var nodes: [NodeGPUs] = []

    init(_ resource: ResourceReference) { self.resource = resource }

    public subscript(slot: NodeSlot) -> NodeGPUs { nodes.indices.contains(slot) ? nodes[slot] : NodeGPUs() }

    public mutating func appendNode() { nodes.append(NodeGPUs()) }

    public mutating func setNode(_ node: Node?, at slot: NodeSlot) {
        let milli = node?.status.allocatable[GPUResource.name]?.value ?? 0
        nodes[slot].setCount(Int(clamping: milli / GPUResource.whole))
    }

    public mutating func count(_ pod: PodInfo, on slot: NodeSlot, sign: Int) {
        guard let demand = GPUDemand(request: resource.amount(in: pod.shape.requests)), demand.count > 0,
            let devices = GPULedger.devices(of: pod.pod.value), devices.count == demand.count
        else { return }
        nodes[slot].count(demand, on: devices, sign: sign)
    }

    /// More than any machine has: what an annotation may claim.
    private static let mostDevices = 1024

    /// The numbers of the GPUs a pod has, by its annotation; nil if it has none, or one that makes no sense.
    public static func devices(of pod: Pod) -> [Int]? {
        guard let text = pod.metadata.annotations[GPUResource.indexAnnotation] else { return nil }
        var devices: [Int] = []
        for part in text.split(separator: "-", omittingEmptySubsequences: false) {
            guard let device = Int(part), (0..<mostDevices).contains(device), !devices.contains(device) else { return nil }
            devices.append(device)
        }
        return devices
    }

    /// The annotation that says so.
    static func annotations(_ devices: [Int]) -> Labels {
        Labels([(GPUResource.indexAnnotation, devices.map(String.init).joined(separator: "-"))])
    }
}
