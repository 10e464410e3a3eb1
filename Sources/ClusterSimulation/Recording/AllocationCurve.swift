// How much of a resource is allocated when how much of it was asked for: what a policy makes of a growing demand.

import KubernetesAPI

/// A resource whose allocation is followed from arrival to arrival.
public struct AllocationMeasure: Hashable, Sendable {
    public var resource: ResourceName
    /// Per cent of what the nodes offer that arrived pods ask for: the points that the summary tells of.
    public var points: [Int]

    public init(resource: ResourceName, points: [Int]) {
        self.resource = resource
        self.points = points
    }
}

/// Demand and allocation of one resource after each arrival of a pod, in the resource's base unit.
public struct AllocationCurve: Sendable {
    public struct Point: Hashable, Sendable {
        /// What all pods so far asked for, those included that are gone.
        public var arrived: Double
        /// What the pods on nodes ask for.
        public var allocated: Double
        /// What the nodes offer.
        public var capacity: Double
    }

    public let measure: AllocationMeasure
    /// One for each arrival: the state just before the next one, or at the end.
    public private(set) var points: [Point] = []
    private var now = Point(arrived: 0, allocated: 0, capacity: 0)
    private var hasArrivals = false

    init(_ measure: AllocationMeasure) { self.measure = measure }

    private func amount(of pod: Pod) -> Double { pod.spec.value.effectiveRequests.amount(of: measure.resource) }

    mutating func arrive(_ pod: Pod) {
        settle()
        now.arrived += amount(of: pod)
        hasArrivals = true
    }

    mutating func allocate(_ pod: Pod, sign: Double) { now.allocated += sign * amount(of: pod) }

    mutating func setCapacity(_ node: Node, sign: Double) { now.capacity += sign * node.status.allocatable.amount(of: measure.resource) }

    /// Takes down the state after the latest arrival.
    mutating func settle() {
        if hasArrivals { points.append(now) }
        hasArrivals = false
    }

    /// The largest share of what there was that arrived pods asked for, in per cent.
    public var reached: Double { points.filter { $0.capacity > 0 }.map { 100 * $0.arrived / $0.capacity }.max() ?? 0 }

    /// Mean of the allocated share, in per cent rounded to two digits, over the arrivals at which the arrived share rounds to so many
    /// per cent (halves to even); nil if it never does.
    public func allocated(atPercent percent: Int) -> Double? {
        var (sum, count) = (0.0, 0)
        for point in points where point.capacity > 0 {
            let arrived = 100 * point.arrived / point.capacity
            guard arrived.rounded(.toNearestOrEven) == Double(percent) else { continue }
            sum += (100 * (100 * point.allocated / point.capacity)).rounded(.toNearestOrEven) / 100
            count += 1
        }
        return count > 0 ? sum / Double(count) : nil
    }
}
