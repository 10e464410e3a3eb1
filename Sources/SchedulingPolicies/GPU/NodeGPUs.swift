// The GPUs of one node: how much of each is left, and for which pods there is room.

/// How much of each GPU of a node is left, in thousandths, and which kinds of pods have them.
public struct NodeGPUs: Sendable {
    /// By the GPU's number.
    public private(set) var left: [Int64] = []
    /// The sum of ``left``.
    public private(set) var total: Int64 = 0
    /// How many GPUs nobody uses.
    public private(set) var freeCount = 0
    /// The kinds of pods on the node, in order of their arrival, with the number of each.
    public private(set) var kinds: [(kind: Kind, pods: Int)] = []
    /// Also of GPUs that the node does not have (any more).
    private var used: [Int64] = []
    private var count = 0

    /// What GpuClustering tells pods apart by.
    public enum Kind: Hashable, Sendable {
        case share
        /// So many whole GPUs.
        case whole(Int)

        init(_ demand: GPUDemand) { self = demand.isShare ? .share : .whole(demand.count) }
    }

    public init(count: Int = 0) { setCount(count) }

    mutating func setCount(_ count: Int) {
        self.count = count
        refresh()
    }

    /// A pod takes (`sign` 1) or gives back (-1) its part of some GPUs.
    mutating func count(_ demand: GPUDemand, on devices: [Int], sign: Int) {
        for device in devices {
            while used.count <= device { used.append(0) }
            used[device] += Int64(sign) * demand.milli
        }
        let kind = Kind(demand)
        if let index = kinds.firstIndex(where: { $0.kind == kind }) {
            kinds[index].pods += sign
            if kinds[index].pods == 0 { kinds.remove(at: index) }
        } else {
            kinds.append((kind, sign))
        }
        refresh()
    }

    private mutating func refresh() {
        left.removeAll(keepingCapacity: true)
        for device in 0..<count { left.append(max(0, GPUResource.whole - (device < used.count ? used[device] : 0))) }
        total = left.reduce(0, +)
        freeCount = left.count { $0 == GPUResource.whole }
    }

    /// Whether a pod finds its GPUs here.
    public func fits(_ demand: GPUDemand) -> Bool {
        switch demand.count {
        case 0: return true
        case 1:
            for milli in left where milli >= demand.milli { return true }
            return false
        default: return freeCount >= demand.count
        }
    }

    /// The GPUs one of which a pod that asks for part of one could have.
    public func candidates(for demand: GPUDemand) -> [Int] { left.indices.filter { left[$0] >= demand.milli } }

    /// The GPUs a pod gets: whole ones by their numbers; a share is part of the one with the least left; nil if there is no room.
    public func choice(for demand: GPUDemand) -> [Int]? {
        guard fits(demand) else { return nil }
        guard demand.isShare else { return Array(left.indices.filter { left[$0] == GPUResource.whole }.prefix(demand.count)) }
        return candidates(for: demand).min { (left[$0], $0) < (left[$1], $1) }.map { [$0] }
    }

    /// What would be left of each GPU without the pod's part of one of them.
    func left(without milli: Int64, of device: Int) -> [Int64] {
        var rest = left
        rest[device] -= milli
        return rest
    }
}
