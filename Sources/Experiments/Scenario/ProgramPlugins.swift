// The scheduler plugins that scenario files may name in this program.

import Scheduling
import SchedulingPolicies
import Synchronization

/// Kubernetes' own plugins and this package's policies, unless the program brings more.
public enum ProgramPlugins {
    public static var registry: PluginRegistry { table.withLock { $0 } }

    /// Adds plugins of a program's own to those that every scenario it reads from now on may name. To be called before any is read.
    public static func register(_ add: (inout PluginRegistry) -> Void) { table.withLock { add(&$0) } }

    private static let table = Mutex(PluginRegistry.withPolicies)
}
