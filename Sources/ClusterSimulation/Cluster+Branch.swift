// What makes a fork of a cluster another one: a scheduler that takes over, faults that nobody foresaw.

import APIServer
import DiscreteEvents
import KubernetesAPI
import Scheduling

extension Cluster {
    /// Stops the scheduler and starts another in its place, which lists everything. Its client's rate limit stays what it was.
    ///
    /// - Throws: ``ClusterError`` if it refuses to start; the cluster is as before then.
    public mutating func replaceScheduler(by configuration: SchedulerConfiguration) throws(ClusterError) {
        var objects: [APIObject] = []
        for kind in Kind.allCases where kind != .pod && kind != .event { objects += api.objects[kind].objects }
        objects += api.objects[.pod].objects
        do {
            scheduler = try scheduler.successor(configuration, listing: objects, at: now, effects: &schedulerEffects)
        } catch {
            throw .invalidScheduler("\(error)")
        }
        // What was on its way to the old one is in the list.
        while api.watchLog.next(for: .scheduler, committedBy: now) != nil {}
        beginWatchingLoads()
        flush()
    }

    /// Adds a fault, which strikes at its time: not before now.
    public mutating func add(_ fault: Fault) {
        schedule(fault: faults.append(fault))
        flush()
    }
}
