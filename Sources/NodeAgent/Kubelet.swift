// One node's kubelet: the pods it takes care of, the node's images and resources, and whether it runs.

import APIServer
import DiscreteEvents
import KubernetesAPI

/// When a kubelet wants to be woken, and about what.
package struct KubeletTimer: Sendable, Hashable {
    package enum Kind: UInt8, Sendable, Hashable {
        /// A container's next step is due: pulled, started, ready, ended, back-off over, stopped.
        case step
        /// The node reports Ready after its registration.
        case registered
        /// What did not arrive at the API server is said again.
        case resend
        /// A kubelet that started knows its node's pods and containers.
        case listed
        /// The node shuts down: the ordinary pods had their time, critical ones are next.
        case shutdown
        /// A node's image should be complete; of all nodes alike.
        case pulled
        /// A pass of image garbage collection has something to do.
        case imageCollection
        /// Something a node's containers use crosses a line, or the kubelet would see it.
        case usage
        /// Shares of a load that many pods bear have changed.
        case shares
        /// The node's status says which volumes are in use.
        case volumes
        /// The kubelet lists its images, or its node's status says which there are.
        case images
    }
    package var node: Int32
    var pod: Int32
    var kind: Kind
    /// Timers of a pod that was replaced in its slot mean nothing any more.
    var generation: UInt32
}

/// The state of one kubelet. A pod keeps its slot while the node knows it.
struct Kubelet: Sendable {
    enum Power: Equatable, Sendable {
        case running, crashed, kubeletStopped
        /// The kubelet is back, and does not look at its pods yet.
        case starting(afterCrash: Bool)
    }

    let number: Int32
    let name: String
    /// The node as the kubelet registers it: its machine, without what controllers and operators added.
    let registration: Shared<Node>
    var power = Power.running
    var lease: LeaseRenewals
    var link = KubeletLink()
    /// Pods bound to the node, while the kubelet is starting.
    var listed: [Shared<Pod>] = []
    /// How often the kubelet started; timers of an earlier life mean nothing any more.
    var starts: UInt32 = 0
    /// When it started last.
    var startedAt = SimulatedTime.distantPast
    /// The machine is about to shut down, at this time at the latest: pods are ended in order, new ones refused. nil: it is not.
    var shutsDownBy: SimulatedTime?
    var isShuttingDown: Bool { shutsDownBy != nil }
    var images: ImageStore
    /// What pods left that it is done with, where that matters.
    var dead: [DeadContainers] = []
    var resources: NodeResources
    var addresses = PodAddresses()
    var usage: NodeUsage
    var volumes = NodeVolumes()
    private var pods: [PodWorker?] = []
    /// Slots without a pod, reused last in, first out.
    private var free: [Int32] = []
    private var generation: UInt32 = 0

    init(number: Int32, node: Node, lease: LeaseRenewals, eviction: EvictionSettings, imageDisk: Int64?) {
        self.number = number
        name = node.metadata.name
        self.lease = lease
        registration = Shared(Kubelet.registration(of: node))
        resources = NodeResources(node.status.allocatable)
        usage = NodeUsage(node.status, eviction, imageDisk: imageDisk)
        addresses.setRange(node.spec.podRange)
        volumes.reported = node.status.volumesInUse
        images = ImageStore(node.status.images)
    }

    private static func registration(of node: Node) -> Node {
        var node = node
        node.metadata.uid = UID("")
        node.metadata.resourceVersion = 0
        node.spec.unschedulable = false
        node.spec.podCIDR = ""
        node.spec.podCIDRs = []
        node.spec.taints.removeAll { $0.key.hasPrefix("node.kubernetes.io/") }
        node.status.conditions = []
        node.status.volumesAttached = []
        node.status.volumesInUse = []
        return node
    }

    var start: KubeletStart { KubeletStart(time: startedAt, number: starts) }

    @inline(__always)
    var client: APIClientID { .kubelet(number) }

    /// All slots, with and without a pod.
    var slotRange: Range<Int> { pods.indices }

    /// Takes a pod's state out of its slot, to work on the only copy; ``put(_:into:)`` brings it back.
    mutating func take(_ slot: Int) -> PodWorker? {
        guard slot < pods.count else { return nil }
        var taken: PodWorker?
        swap(&taken, &pods[slot])
        return taken
    }

    /// A look at the state of the pod in a slot.
    func worker(in slot: Int) -> PodWorker? { pods[slot] }
    /// Whether the pod in a slot waits for a service, or has done so.
    func waits(for service: NamespacedName, _ slot: Int) -> Bool { pods[slot]?.behaviour.value.waitsFor == service }

    /// The images of the pod in a slot, and what its containers wrote beside them.
    func images(of slot: Int) -> [String] { pods[slot]?.images ?? [] }
    func layerBytes(_ slot: Int) -> Int64 { pods[slot]?.layerBytes ?? 0 }

    mutating func put(_ worker: PodWorker, into slot: Int) { pods[slot] = worker }

    /// Looks at the pod in a slot without taking it out.
    func withPod<Answer>(_ slot: Int, _ look: (PodWorker) -> Answer) -> Answer? {
        slot < pods.count ? pods[slot].map { look($0) } : nil
    }

    /// Sets what the requests to the pod in a slot want, cores, without taking it out.
    mutating func setRequestCPU(_ cores: Double, of slot: Int) { pods[slot]?.requestCPU = Float(cores) }

    /// Looks at all pods, in the order of their slots.
    func forEachPod(_ look: (Int, PodWorker) -> Void) {
        for slot in pods.indices { if let worker = pods[slot] { look(slot, worker) } }
    }

    /// A slot for a pod that is new here; its state must be put into it. Returns the slot and the generation of its timers.
    mutating func reserve() -> (slot: Int, generation: UInt32) {
        generation &+= 1
        let slot: Int
        if let reused = free.popLast() {
            slot = Int(reused)
        } else {
            slot = pods.count
            pods.append(nil)
        }
        return (slot, generation)
    }

    /// Forgets the pod whose state was taken out of the slot.
    mutating func drop(_ worker: PodWorker, from slot: Int) {
        free.append(Int32(slot))
        if let charge = worker.charge { resources.remove(charge.value) }
        if let address = worker.address { addresses.release(address) }
    }

    /// How many pods the kubelet takes care of.
    var podCount: Int { pods.count - free.count }
}
