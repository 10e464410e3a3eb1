// How much of a node's GPUs is lost to fragmentation, for a workload of which the typical pods are known.
// Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent", USENIX ATC 2023.

import KubernetesAPI

/// A kind of pod and how often it comes.
public struct TypicalPod: Hashable, Sendable {
    /// Thousandths of cores.
    public var cpuMilli: Int64
    public var demand: GPUDemand
    /// Pods of this kind, of those the workload was made from.
    public var pods: Int64

    public init(cpuMilli: Int64, demand: GPUDemand, pods: Int64) {
        self.cpuMilli = cpuMilli
        self.demand = demand
        self.pods = pods
    }
}

/// The typical pods of a workload, and what they make of the state of a node.
public struct Fragmentation: Hashable, Sendable {
    private struct Kind: Hashable, Sendable {
        let cpuMilli: Int64
        let demand: Int
        let frequency: Double
    }
    private var kinds: [Kind] = []
    /// The distinct demands of the kinds.
    private var demands: [GPUDemand] = []

    /// - Parameters:
    ///   - typicalPods: the kinds, with how many pods there are of each.
    ///   - allPods: of how many pods they were taken; in the end only proportions among the kinds matter.
    public init(_ typicalPods: [TypicalPod], of allPods: Int64? = nil) {
        let typical = typicalPods.reduce(0) { $0 + $1.pods }
        // In two steps, as in the published computation: the last bits of frequencies decide between nodes that are equal in theory.
        let all = Double(allPods ?? typical)
        let covered = Double(typical) / all
        for pod in typicalPods {
            let known = demands.firstIndex(of: pod.demand)
            if known == nil { demands.append(pod.demand) }
            kinds.append(
                Kind(cpuMilli: pod.cpuMilli, demand: known ?? demands.count - 1, frequency: Double(pod.pods) / all / covered))
        }
    }

    /// The kinds of pods of a list in order of their number, until they are at least `share` of it. Of equally frequent ones the one
    /// that comes first in the list.
    public static func typicalPods(of pods: [(cpuMilli: Int64, demand: GPUDemand)], covering share: Double = 0.95) -> [TypicalPod] {
        var kinds: [TypicalPod] = []
        var numbers: [TypicalPod: Int] = [:]
        for pod in pods {
            let kind = TypicalPod(cpuMilli: pod.cpuMilli, demand: pod.demand, pods: 0)
            if let number = numbers[kind] {
                kinds[number].pods += 1
            } else {
                numbers[kind] = kinds.count
                kinds.append(TypicalPod(cpuMilli: pod.cpuMilli, demand: pod.demand, pods: 1))
            }
        }
        let sorted = kinds.enumerated().sorted { (-$0.element.pods, $0.offset) < (-$1.element.pods, $1.offset) }.map(\.element)
        var result: [TypicalPod] = []
        var covered: Int64 = 0
        for kind in sorted where Double(covered) < share * Double(pods.count) {
            result.append(kind)
            covered += kind.pods
        }
        return result
    }

    /// The expected GPU thousandths that the next pod could not use, though they are free: all of them if it does not fit on the node
    /// or wants no GPU, else those of GPUs with less left than it asks of one.
    /// - Parameter left: of each GPU.
    public func amount(cpuFree: Int64, left: [Int64]) -> Double {
        var total: Int64 = 0
        for milli in left { total += milli }
        // Summed up by what pods lack, and these sums added in the end: the published simulator does it so, and which of two sums
        // that are equal in theory is larger in floating point follows from it.
        var (lacksBoth, lacksGPU, lacksCPU, wantsNoGPU, wantsNoGPULacksCPU) = (0.0, 0.0, 0.0, 0.0, 0.0)
        withUnsafeTemporaryAllocation(of: Offer.self, capacity: demands.count) { offers in
            for (number, demand) in demands.enumerated() { offers.initializeElement(at: number, to: Offer(demand, left)) }
            for kind in kinds {
                let (offer, hasCPU) = (offers[kind.demand], cpuFree >= kind.cpuMilli)
                let all = kind.frequency * Double(total)
                if offer.isWanted {
                    switch (offer.fits, hasCPU) {
                    case (true, true): lacksGPU += kind.frequency * Double(offer.tooSmall)
                    case (false, true): lacksGPU += all
                    case (true, false): lacksCPU += all
                    case (false, false): lacksBoth += all
                    }
                } else if hasCPU {
                    wantsNoGPU += all
                } else {
                    wantsNoGPULacksCPU += all
                }
            }
        }
        return lacksBoth + lacksGPU + lacksCPU + wantsNoGPU + wantsNoGPULacksCPU
    }

    /// What GPUs are to one demand.
    private struct Offer: BitwiseCopyable {
        let isWanted: Bool
        let fits: Bool
        /// Thousandths left on GPUs that have less than is asked of one.
        let tooSmall: Int64

        @inline(__always)
        init(_ demand: GPUDemand, _ left: [Int64]) {
            var (enough, tooSmall) = (0, Int64(0))
            for milli in left { if milli >= demand.milli { enough += 1 } else { tooSmall += milli } }
            isWanted = demand.count > 0
            fits = enough >= demand.count
            self.tooSmall = tooSmall
        }
    }
}
