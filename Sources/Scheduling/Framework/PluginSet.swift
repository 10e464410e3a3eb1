// A set of plugins of one profile.

/// A set of plugin numbers of one profile, as a bit mask: who rejected a pod.
public struct PluginSet: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public init(plugin: Int) { rawValue = 1 << UInt64(plugin) }

    public func has(_ plugin: Int) -> Bool { rawValue & (1 << UInt64(plugin)) != 0 }

    /// The numbers in ascending order.
    public var numbers: [Int] { (0..<64).filter { has($0) } }
}
