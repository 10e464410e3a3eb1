// What a pod asks of GPUs that can be shared: a part of one, or several whole ones.

import KubernetesAPI
import Scheduling

/// The resource in which nodes offer and pods ask for GPUs, in thousandths of one.
public enum GPUResource {
    public static let name = ResourceName("alibabacloud.com/gpu-milli")
    /// The annotation that says which of its node's GPUs a pod has: their numbers, with `-` between them.
    public static let indexAnnotation = "alibabacloud.com/gpu-index"
    /// Thousandths of one GPU.
    public static let whole: Int64 = 1000
}

/// A pod's request: up to a whole GPU it is a share of one, beyond that it must be a number of whole ones.
public struct GPUDemand: Hashable, Sendable {
    public let count: Int
    /// Thousandths of each GPU.
    public let milli: Int64

    public init(count: Int, milli: Int64) {
        self.count = count
        self.milli = milli
    }

    /// nil for a request that is no share and no number of whole GPUs.
    public init?(request: Int64) {
        if request <= GPUResource.whole {
            self.init(count: request > 0 ? 1 : 0, milli: request)
        } else if request % GPUResource.whole == 0 {
            self.init(count: Int(request / GPUResource.whole), milli: GPUResource.whole)
        } else {
            return nil
        }
    }

    public static let none = GPUDemand(count: 0, milli: 0)

    /// Thousandths of all its GPUs together.
    public var total: Int64 { Int64(count) * milli }
    /// Whether other pods may use the same GPU.
    public var isShare: Bool { count == 1 && milli < GPUResource.whole }
}

/// Where GPUs stand in the accounts of one cluster: what each of the plugins about GPUs is made with.
struct GPUAccount: Sendable {
    private let resource: ResourceReference

    /// Has the GPUs of all nodes kept count of.
    init(_ nodes: inout NodeTable) {
        resource = nodes.reference(to: GPUResource.name)
        nodes.keep(GPULedger(resource))
    }

    /// A pod whose request cannot be read asks for nothing as far as scores go: GPUShare refuses it.
    func demand(of pod: PodInfo) -> GPUDemand { GPUDemand(request: request(of: pod)) ?? .none }

    func request(of pod: PodInfo) -> Int64 { resource.amount(in: pod.shape.requests) }

    func ledger(_ cluster: ClusterSnapshot) -> GPULedger { cluster.nodes.ledger(GPULedger.self) ?? GPULedger(resource) }
}

extension ResourceReference {
    /// The amount of a scalar resource; 0 for others.
    func amount(in amounts: ResourceAmounts) -> Int64 {
        if case .scalar(let number) = self { amounts.scalar(number) } else { 0 }
    }
}

extension NodeResources {
    /// Thousandths of cores that no pod asked for.
    var freeMilliCPU: Int64 { allocatableMilliCPU - requestedMilliCPU }
}
