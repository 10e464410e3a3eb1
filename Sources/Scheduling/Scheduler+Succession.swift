// A scheduler process that takes over from another: it knows nothing but what it lists.

import APIServer
import DiscreteEvents
import KubernetesAPI

extension Scheduler {
    /// A scheduler with another configuration, started in this one's place.
    ///
    /// What this one had under way is nobody's any more: answers to its calls and its timers, which are still to come, mean nothing to the
    /// successor. Pods that wait are new to it, with their first attempts and without back-off.
    /// - Parameter objects: what there is, for the successor to list; pods last.
    /// - Throws: ``SchedulerConfigurationError`` if it refuses to start.
    package func successor(
        _ configuration: SchedulerConfiguration, listing objects: [APIObject], at now: SimulatedTime,
        effects: inout Effects<SchedulerTimer>
    ) throws -> Scheduler {
        var successor = try Scheduler(configuration, like: self)
        for object in objects { successor.observe(WatchEvent(.added, object, time: now), at: now) }
        successor.goOn(at: now, &effects)
        return successor
    }
}
