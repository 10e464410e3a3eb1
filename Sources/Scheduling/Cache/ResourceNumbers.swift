// Names of resources become small numbers once, so that accounting is array arithmetic.

import KubernetesAPI

/// Numbers for scalar resources: all that is counted but cpu, memory, ephemeral storage and pods, which have fields of their
/// own. Numbers are given in the order of first appearance and never taken back.
public struct ScalarResources: Sendable {
    public private(set) var names: [ResourceName] = []
    private var numbers: [ResourceName: Int] = [:]

    public var count: Int { names.count }

    /// The number of a resource, given on the spot if it is new.
    mutating func number(of name: ResourceName) -> Int {
        if let known = numbers[name] { return known }
        let number = names.count
        numbers[name] = number
        names.append(name)
        return number
    }

    /// Whether the scheduler counts a resource of this name at all (beside those with fields of their own): extended
    /// resources, huge pages, `kubernetes.io/` ones and attachable volumes.
    static func counts(_ name: ResourceName) -> Bool {
        let isPrefixedNative = name.isNative && name.rawValue.utf8.contains(UInt8(ascii: "/"))
        return name.isHugePages || name.isAttachableVolume || isPrefixedNative || name.isExtended
    }
}

/// An amount of one scalar resource.
public struct ScalarAmount: Hashable, Sendable {
    public var resource: Int
    public var amount: Int64
}

/// Amounts of all resources: cpu in thousandths of a core, the others in base units, fractions rounded up.
///
/// No amount is negative (the API server refuses those), and what exceeds 64 bits counts as `Int64.max`: where the real scheduler's
/// arithmetic would wrap around and take the largest request for none, this one says that it does not fit.
public struct ResourceAmounts: Hashable, Sendable {
    public var milliCPU: Int64 = 0
    public var memory: Int64 = 0
    public var ephemeralStorage: Int64 = 0
    /// Ordered by name, so that messages list them so.
    public var scalars: [ScalarAmount] = []

    public init() {}

    init(_ list: ResourceList, _ resources: inout ScalarResources) {
        // A ResourceList is ordered by name already.
        for (name, quantity) in list {
            switch name {
            case .cpu: milliCPU = ResourceAmounts.thousandths(quantity)
            case .memory: memory = ResourceAmounts.units(quantity)
            case .ephemeralStorage: ephemeralStorage = ResourceAmounts.units(quantity)
            case .pods: break
            default:
                guard ScalarResources.counts(name) else { continue }
                scalars.append(ScalarAmount(resource: resources.number(of: name), amount: ResourceAmounts.units(quantity)))
            }
        }
    }

    private static let mostUnits = Quantity(Int64.max)
    private static let mostThousandths = Quantity(milli: Int64.max)

    /// The amount of a quantity in whole units; absent is 0.
    static func units(_ quantity: Quantity?) -> Int64 {
        guard let quantity, quantity.sign > 0 else { return 0 }
        return quantity >= mostUnits ? .max : quantity.value
    }

    /// The amount of a quantity in thousandths; absent is 0.
    static func thousandths(_ quantity: Quantity?) -> Int64 {
        guard let quantity, quantity.sign > 0 else { return 0 }
        return quantity >= mostThousandths ? .max : quantity.milliValue
    }

    /// The sum of two amounts.
    @inline(__always)
    static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    /// The amount of a scalar resource, 0 if absent.
    public func scalar(_ resource: Int) -> Int64 {
        for entry in scalars where entry.resource == resource { return entry.amount }
        return 0
    }
}

/// A resource as plugins' arguments name it.
public enum ResourceReference: Hashable, Sendable {
    case cpu, memory, ephemeralStorage
    case scalar(Int)
    /// A name the scheduler does not count: never allocatable.
    case uncounted

    init(_ name: ResourceName, _ resources: inout ScalarResources) {
        switch name {
        case .cpu: self = .cpu
        case .memory: self = .memory
        case .ephemeralStorage: self = .ephemeralStorage
        default: self = ScalarResources.counts(name) ? .scalar(resources.number(of: name)) : .uncounted
        }
    }
}
